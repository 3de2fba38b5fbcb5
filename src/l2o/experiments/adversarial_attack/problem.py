"""The work on adversarial attacks: classifiers, searches, learned attacks, what all reach."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from l2o.artifacts.job import Given
from l2o.config.classifier import VICTIM
from l2o.storage.tables import write_table

if TYPE_CHECKING:
    from l2o.optimizers.projected import Projected


def train(given: Given) -> None:
    """Train a classifier, or a learned attack on one."""
    (_train_victim if given.parameters["method"] == VICTIM else _train_attack)(given)


def _train_victim(given: Given) -> None:
    from l2o.compute import prepare_device
    from l2o.config.classifier import ClassifierTraining
    from l2o.evaluation.attacks import digits_of
    from l2o.storage.checkpoints import save_tensors
    from l2o.storage.json_files import write_json
    from l2o.training.classifier import accuracy, train_classifier

    p, outputs, began = given.parameters, given.outputs, time.monotonic()
    device = prepare_device(p["device"], p["compute_threads"])
    budget = ClassifierTraining.model_validate(p["training"])
    digits = {part: digits_of(given.inputs["digits"], p["samples"], part).to(device)
              for part in (VICTIM, "test")}  # fmt: skip
    victim, history = train_classifier(digits[VICTIM], budget, p["eps"], p["seed"])
    head = {name: p[name] for name in ("setting", "method", "victim")}
    write_table(outputs["history"], history)
    seconds = {"device": device.type, "training_seconds": time.monotonic() - began}
    write_json(outputs["training_seconds"], head | seconds)
    head |= {"test_accuracy": accuracy(victim, digits["test"]), "provenance": given.record}
    save_tensors(outputs["checkpoint"], victim.state_dict(), head)


def _train_attack(given: Given) -> None:
    """Meta-train an attack, or go on with it."""
    from l2o.compute import prepare_device
    from l2o.config.meta_training import MetaTraining
    from l2o.evaluation.attacks import attack_on
    from l2o.training.recurrent import HISTORY, meta_train
    from l2o.training.results import store_training
    from l2o.training.state import MetaState

    p, inputs = given.parameters, given.inputs
    device = prepare_device(p["device"], p["compute_threads"])
    optimizer, start = begun(p, p, inputs.get("start"), p["seed"])
    optimizer.to(device)
    budget = MetaTraining.model_validate(p["meta_training"] | {"start": start})
    where = inputs["digits"], inputs[VICTIM], p
    families = tuple(attack_on(*where, part, device) for part in ("train", "validation"))
    state = MetaState(given.state, given.key, optimizer)
    meta_train(optimizer, families, budget, p["seed"], state, p["setting"])
    store_training(given, optimizer, state, device, HISTORY, {})


def begun(
    who: Mapping[str, Any], told: Mapping[str, Any], search: Path | None, seed: int
) -> tuple[Projected, dict[str, float] | None]:
    """Return a learned attack as its training begins, and the start that it was given, or None.

    Parameters
    ----------
    who : ``method``, ``kind``, ``hyperparameters``
    told : of the setting: ``iterations``
    search : table of a search for PGD's steps: with the best ones it begins
    """
    from l2o.evaluation.grid_search import chosen_hyperparameters
    from l2o.optimizers.projected import Projected
    from l2o.optimizers.registry import methods
    from l2o.training.recurrent import weights_generator

    kind = methods(who["kind"])[who["method"]].load()
    steps = {"steps": told["iterations"]} if "steps" in kind.hyperparameters else {}
    hyper, start = {**who["hyperparameters"], **steps}, None
    if search is not None:
        best = chosen_hyperparameters(search)
        hyper["rate"] = best["rate"]
        start = {"memory": max(2, told["iterations"]), "fall": best.get("fall", 0.0)}
    optimizer = Projected(kind(hyper, weights_generator(seed)))
    if start is not None:
        from l2o.config.meta_training import AnalyticStart

        optimizer.begin(AnalyticStart.model_validate(start))
    return optimizer, start


def tune(given: Given) -> None:
    """Try all hyperparameters of the grid on the validation images; write their losses."""
    from l2o.compute import prepare_device
    from l2o.evaluation.attacks import attack_on, followed, starts
    from l2o.evaluation.grid_search import grid_search
    from l2o.optimizers.projected import Projected
    from l2o.optimizers.registry import methods
    from l2o.optimizers.schedules import lasting

    p, inputs = given.parameters, given.inputs
    prepare_device("cpu", p["compute_threads"])
    f = attack_on(inputs["digits"], inputs[VICTIM], p, "validation")
    made, last = methods(p["kind"])[p.get("searched", p["method"])].load(), p["iterations"]

    def loss(hyper: Mapping[str, float]) -> float:
        runs, _ = followed(Projected(lasting(made(hyper), last)), f, starts(p, f), [0, last])
        return float(runs.values[-1].mean())

    about = {"setting": p["setting"], "method": p["method"]}
    rows = grid_search(p["hyperparameters"], p["grid"], loss)
    write_table(given.outputs["tuned"], [about | row for row in rows])


def evaluate(given: Given) -> None:
    """Follow an attack on the test images; write curves, ends, losses of all images, seconds."""
    from l2o.compute import prepare_device
    from l2o.evaluation.attacks import attack_on, followed, lasted, starts
    from l2o.evaluation.family import curve_rows, entries, final_row
    from l2o.evaluation.grid_search import tuned_hyperparameters
    from l2o.evaluation.runs import recorded_iterations, run_rows

    p, inputs = given.parameters, given.inputs
    prepare_device("cpu", p["compute_threads"])
    f = attack_on(inputs["digits"], inputs[VICTIM], p, "test")
    recorded = recorded_iterations(p["iterations"])
    hyper = tuned_hyperparameters(p, inputs.get("tuned"))
    (entry,) = entries({**p, "published_shift": 0}, hyper, inputs.get("checkpoint"))
    runs, right = followed(lasted(entry.optimizer, recorded[-1]), f, starts(p, f), recorded)
    curves = map(as_losses, curve_rows(entry.contestant, recorded, runs))
    curves = [row | {"accuracy": a} for row, a in zip(curves, right, strict=True)]
    finals = [as_losses(final_row(entry.contestant, runs)) | {"accuracy": right[-1]}]
    taken = {"iteration": recorded[-1], "batch": len(f), "seconds": runs.seconds}
    each = run_rows(-runs.values, recorded, ())
    about = {"setting": p["setting"], "method": p["method"]}
    tables = {"curves": curves, "finals": finals, "seconds": [taken], "runs": each}
    for name, rows in tables.items():
        write_table(given.outputs[name], [about | row for row in rows])


def as_losses(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of minus cross-entropies as one of cross-entropies, which attacks want high."""
    turned = {"loss_q25": "loss_q75", "loss_q75": "loss_q25", "loss_low": "loss_high"}
    turned |= {"loss_high": "loss_low", "loss_p99": "loss_p1"}
    losses = {turned.get(name, name): -value for name, value in row.items() if "loss" in name}
    return {name: value for name, value in row.items() if "loss" not in name} | losses


def measure_untrained(given: Given) -> None:
    """Follow learned attacks with the weights that their trainings begin with."""
    from l2o.compute import prepare_device
    from l2o.evaluation.attacks import attack_on, followed, starts

    p, inputs, rows = given.parameters, given.inputs, []
    prepare_device("cpu", p["compute_threads"])
    for setting, told in p["settings"].items():
        where = inputs[f"digits {setting}"], inputs[f"{VICTIM} {setting}"]
        f = attack_on(*where, told, "test")
        for name, who in p["methods"].items():
            attack, _ = begun(who, told, inputs.get(f"start {name} {setting}"), p["seed"])
            how = starts(told | {"seed": p["seed"]}, f), [0, told["iterations"]]
            runs, right = followed(attack.requires_grad_(False), f, *how)
            row = {"setting": setting, "method": name, "kind": who["kind"], "label": attack.label}
            loss = float(runs.values[-1].mean())
            rows.append({**row, "loss": -loss, "accuracy": float(right[-1])})
    write_table(given.outputs["table"], rows)
