"""The work on meta-gradients: trainings, runs of what was trained, bias and variance, cost."""

from __future__ import annotations

from dataclasses import replace

from l2o.artifacts.job import Given
from l2o.storage.tables import read_rows, write_table

RUNS = 1_000_000  # there are to train on; more than any budget takes


def _family(given: Given, stream: str, runs: int = RUNS):
    """Return the training of the network as a family of runs."""
    from l2o.optimizees.network_training import NetworkTrainingFamily
    from l2o.optimizees.pooled_digits import pooled_digits, sigmoid_network

    p = given.parameters
    digits = pooled_digits(given.inputs["digits"], "train", p["side"])
    network = sigmoid_network(p["side"], p["units"])
    return NetworkTrainingFamily(network, digits, runs, p["seed"], stream, p["minibatch"])


def train(given: Given) -> None:
    """Meta-train with an estimator, or go on with what is kept."""
    from l2o.training.recurrent import train_recurrent

    families = {split: _family(given, f"meta-{split}") for split in ("train", "validation")}
    train_recurrent(given, lambda split, device: families[split], {})


def evaluate(given: Given) -> None:
    """Follow an optimizer on new runs; write curves, final losses and seconds."""
    import torch

    from l2o.compute import prepare_device
    from l2o.evaluation.networks import curve_rows, entries, followed, recorded_iterations
    from l2o.evaluation.runs import failures, run_rows
    from l2o.optimizees.networks import initial
    from l2o.seeds import named_seed

    p = given.parameters
    prepare_device("cpu", p["compute_threads"])
    family = _family(given, "test", p["runs"])
    starts = initial(family.network, p["runs"], named_seed(p["seed"], "test"))
    (entry,) = entries(p, given.inputs)
    recorded, who = recorded_iterations(p["iterations"]), entry.contestant
    training, count = family.batch(torch.arange(p["runs"])), p["monitored"]
    first = {name: getattr(family.digits, name)[:count] for name in ("images", "labels")}
    seen = replace(family.digits, **first)
    runs = followed(entry.optimizer, training, starts, recorded, seen)
    final = {**who.about(), **failures(runs.losses), "learned": who.learned}
    taken = {"iteration": recorded[-1], "batch": p["runs"], "seconds": runs.seconds}
    tables = {
        "curves": curve_rows(who, recorded, runs.losses),
        "finals": [final | {"loss": float(runs.losses[-1].mean())}],
        "seconds": [taken],
        "runs": run_rows(runs.losses[:, None], recorded, p["targets"]),
    }
    about = {"setting": p["setting"], "method": p["method"]}
    for name, rows in tables.items():
        write_table(given.outputs[name], [about | row for row in rows])


def learning(given: Given) -> None:
    """Set the validations of all trainings against the inner gradients taken until then."""
    rows = []
    for setting, path in given.inputs.items():
        each, history = given.parameters["costs"][setting], read_rows(path)
        for row in history:
            if row["validation_loss"] == row["validation_loss"]:
                at = {"setting": setting, "epoch": row["epoch"], "epochs": len(history)}
                told = {name: row[name] for name in ("validation_loss", "meta_loss")}
                rows.append({**at, "inner_gradients": each * row["epoch"], **told})
    write_table(given.outputs["table"], rows)


def measure_points(given: Given) -> None:
    """Measure bias and variance of all estimators at drawn or trained weights."""
    from l2o.compute import prepare_device
    from l2o.evaluation.meta_gradients import Plan, measured
    from l2o.optimizers.recurrent.l2o_dm import L2oDm
    from l2o.optimizers.trained import load_recurrent
    from l2o.training.recurrent import weights_generator

    p = given.parameters
    prepare_device("cpu", p["compute_threads"])
    if p["point"] == "trained":
        optimizer = load_recurrent(given.inputs["checkpoint"])
    else:
        optimizer = L2oDm(p["hyperparameters"], weights_generator(p["seed"]))
    how = (p["unrolls"], p["horizon"], p["sigma"], p["pairs"], p["estimates"], p["episodes"])
    plan = Plan(*how, p["seed"], p["point"])
    family, kept = _family(given, "meta-gradients"), (given.state, given.key)
    rows = measured(optimizer, family, p["estimators"], plan, *kept)
    write_table(given.outputs["table"], [{"point": p["point"], **row} for row in rows])
    given.state.unlink(missing_ok=True)


def measure_cost(given: Given) -> None:
    """Measure seconds and memory of one meta-gradient of each estimator at each length."""
    from l2o.evaluation.estimator_cost import measure_cost

    p = given.parameters
    network = {name: p[name] for name in ("side", "units", "minibatch")}
    how = {"sigma": p["sigma"], "pairs": p["pairs"], "threads": p["compute_threads"]}
    how |= {"hyperparameters": dict(p["hyperparameters"]), "unrolls": list(p["unrolls"])}
    write_table(given.outputs["table"], measure_cost(p["estimators"], network | how))
