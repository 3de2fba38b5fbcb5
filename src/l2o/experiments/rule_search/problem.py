"""The work on update rules: searches, rates of other methods, runs on networks none has seen."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

from l2o.artifacts.job import Given
from l2o.storage.tables import read_rows, write_table


def train(given: Given) -> None:
    """Search for a rule, or go on with the search."""
    from l2o.training.rule_search import train_rules

    train_rules(given)


def tune(given: Given) -> None:
    """Try all rates of a method where the best rules of a search are judged; write the losses.

    The ``loss`` is what rates are chosen by, ``validation_loss`` what is told of them: on other
    starts, as of the rules.
    """
    from l2o.compute import prepare_device
    from l2o.config.rule_training import RuleTraining
    from l2o.evaluation.grid_search import grid_search
    from l2o.optimizers.registry import methods
    from l2o.optimizers.schedules import lasting
    from l2o.training.rule_proxy import ProxyTraining
    from l2o.training.rule_search import CHECK, FINAL

    p = given.parameters
    device, budget = prepare_device(p["device"], p["compute_threads"]), p["training"]
    budget = RuleTraining.model_validate(budget)
    size, made = (budget.steps, budget.final_starts), methods(p["kind"])[p["method"]].load()
    judging, telling = (
        ProxyTraining.drawn(p["proxy"], size, p["seed"], part, device) for part in (FINAL, CHECK)
    )

    def loss(proxy: ProxyTraining, hyper: dict[str, float]) -> float:
        return proxy.median(lasting(made(hyper), budget.steps))

    about = {"setting": p["setting"], "method": p["method"]}
    rows = grid_search(p["hyperparameters"], {"rate": p["rates"]}, partial(loss, judging))
    for row in rows:
        row["validation_loss"] = loss(telling, json.loads(row["hyperparameters"]))
    write_table(given.outputs["tuned"], [about | row for row in rows])


def evaluate(given: Given) -> None:
    """Train a network by a method from all starts; write curves, ends, runs and seconds."""
    import torch

    from l2o.compute import prepare_device
    from l2o.evaluation.family import Runs, final_row
    from l2o.evaluation.networks import curve_rows, followed, recorded_iterations, seconds_per_step
    from l2o.evaluation.runs import run_rows
    from l2o.optimizees.network_runs import load_digits
    from l2o.optimizees.network_training import NetworkTrainingFamily
    from l2o.optimizees.networks import CLASSES, Mlp, initial
    from l2o.optimizees.small_digits import small_digits
    from l2o.seeds import named_seed

    p = given.parameters
    prepare_device("cpu", p["compute_threads"])
    mnist = p["images"] == "mnist"
    digits = load_digits(given.inputs["digits"], "train") if mnist else small_digits("test")
    network = Mlp((digits.images.shape[1], *p["hidden"], CLASSES), "relu")
    streams = p["runs"], p["seed"], "rule test", p["minibatch"]
    family = NetworkTrainingFamily(network, digits, *streams)
    starts = initial(network, p["runs"], named_seed(p["seed"], "rule test", p["setting"]))
    first = slice(p["monitored"])
    seen = replace(digits, images=digits.images[first], labels=digits.labels[first])
    recorded, (who, optimizer, about) = recorded_iterations(p["iterations"]), _contestant(given)
    training = family.batch(torch.arange(p["runs"]))
    runs = followed(optimizer, training, starts, recorded, seen)
    losses, head = runs.losses[:, None], {"setting": p["setting"], "method": p["method"]}
    step, adam = seconds_per_step(optimizer, family, starts)
    taken = {"iteration": recorded[-1], "batch": p["runs"], "seconds": runs.seconds}
    taken |= {"seconds_per_step": step, "step_over_adam": step / adam}
    tables = {
        "curves": curve_rows(who, recorded, runs.losses),
        "finals": [final_row(who, Runs(losses, losses, runs.seconds)) | about],
        "runs": run_rows(losses, recorded, p["targets"]),
        "seconds": [taken],
    }
    for name, rows in tables.items():
        write_table(given.outputs[name], [head | row for row in rows])


def _contestant(given: Given):
    """Return a method for the tables, ready to run, and what a search came to.

    The latter is the ``formula`` ("" for a method by hand), ``rate``, ``validation_loss`` (nats,
    median over starts that nothing was chosen on) and ``evaluations``, rules or rates that were
    tried.
    """
    from l2o.evaluation.networks import entries
    from l2o.evaluation.runs import Contestant, learned_values
    from l2o.optimizers.schedules import lasting
    from l2o.optimizers.update_rules import KIND, load_rule
    from l2o.storage.checkpoints import load_tensors

    p, told = given.parameters, ("formula", "validation_loss", "evaluations")
    if p["kind"] == KIND:
        optimizer = load_rule(given.inputs["checkpoint"], p["iterations"])
        _, record = load_tensors(given.inputs["checkpoint"])
        learned = learned_values(optimizer)
        who = Contestant(p["method"], p["kind"], optimizer.label, learned=learned)
        about = {name: record[name] for name in told}
        return who, optimizer, about | {"rate": optimizer.hyper["rate"]}
    (entry,), tried = entries(p, given.inputs), read_rows(given.inputs["tuned"])
    (best,) = (row["validation_loss"] for row in tried if row["chosen"])
    found = dict(zip(told, ("", best, len(tried)), strict=True))
    optimizer = lasting(entry.optimizer, p["iterations"])
    return entry.contestant, optimizer, found | {"rate": optimizer.hyper["rate"]}


def searches(given: Given) -> None:
    """Join what all searches tried, rule by rule."""
    rows = []
    for method, path in given.inputs.items():
        about = {"method": method, "label": given.parameters["labels"][method]}
        rows += [about | row for row in read_rows(path)]
    write_table(given.outputs["table"], rows)
