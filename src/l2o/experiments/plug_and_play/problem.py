"""The work on plug-and-play restoration: sets, denoisers, searches, evaluations, certificates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from l2o.artifacts.job import Given
from l2o.storage.tables import read_rows, write_table


def sample(given: Given) -> None:
    """Cut the pictures, draw mask and noise for each split, and store all."""
    import numpy as np

    from l2o.optimizees.imaging_draws import draw, middles
    from l2o.seeds import named_generator
    from l2o.storage.array_sets import write_arrays
    from l2o.storage.hdf5 import provenance_attributes
    from l2o.storage.picture_sets import read_pictures

    p, splits, names = given.parameters, {}, {}
    for split, told in p["splits"].items():
        pictures = read_pictures(given.inputs["pictures"], split)
        originals = middles(pictures, told["side"], told["count"])
        random = named_generator(p["seed"], "imaging", p["setting"], split)
        splits[split] = draw(random, np.stack([*originals.values()]), p["law"])
        names[split] = [*originals]
    attributes = {"setting": p["setting"], "names": json.dumps(names)}
    attributes |= provenance_attributes(given.record)
    write_arrays(given.outputs["set"], splits, attributes)


def train(given: Given) -> None:
    """Train a denoiser, or go on with it."""
    import torch

    from l2o.compute import prepare_device
    from l2o.config.denoising import DenoiserTraining
    from l2o.datasets.pictures import cut
    from l2o.optimizers.registry import methods
    from l2o.seeds import named_seed
    from l2o.storage.picture_sets import read_pictures
    from l2o.training.denoising import HISTORY, DenoiserTrainer, about
    from l2o.training.results import store_training
    from l2o.training.state import MetaState

    p = given.parameters
    device = prepare_device(p["device"], p["compute_threads"])
    generator = torch.Generator().manual_seed(named_seed(p["seed"], "denoiser", p["method"]))
    denoiser = methods("denoisers")[p["method"]].load()(p["hyperparameters"], generator).to(device)
    parts = [read_pictures(given.inputs["pictures"], part) for part in ("train", "validation")]
    budget = DenoiserTraining.model_validate(p["training"])
    state = MetaState(given.state, given.key, denoiser)
    DenoiserTrainer(denoiser, *parts, cut, budget, p["seed"], state).run()
    store_training(given, denoiser, state, device, HISTORY, about(denoiser))


def tune(given: Given) -> None:
    """Try all hyperparameters of the grid on the validation pictures; write minus their PSNR."""
    from l2o.compute import prepare_device
    from l2o.evaluation.grid_search import grid_search
    from l2o.evaluation.restorations import followed, problem_of, restorer

    p, inputs = given.parameters, given.inputs
    prepare_device("cpu", p["compute_threads"])
    f, _ = problem_of(inputs["set"], "validation")

    def loss(hyper: Mapping[str, float]) -> float:
        method = restorer(p, hyper, inputs.get("checkpoint"))
        return -float(followed(method, f, p["iterations"]).psnr[-1].mean())

    about = {"setting": p["setting"], "method": p["method"]}
    rows = grid_search(p["hyperparameters"], p["grid"], loss)
    write_table(given.outputs["tuned"], [about | row for row in rows])


def evaluate(given: Given) -> None:
    """Follow a method on the test pictures; write curves, ends, each picture's end, seconds."""
    from l2o.compute import prepare_device
    from l2o.evaluation.grid_search import tuned_hyperparameters
    from l2o.evaluation.restorations import (
        curve_rows,
        final_row,
        followed,
        problem_of,
        restorer,
        run_rows,
    )

    p, inputs = given.parameters, given.inputs
    prepare_device("cpu", p["compute_threads"])
    f, names = problem_of(inputs["set"], "test")
    hyper = tuned_hyperparameters(p, inputs.get("tuned"))
    method = restorer(p, hyper, inputs.get("checkpoint"))
    runs = followed(method, f, p["iterations"])
    about = _about(p["method"], method)
    each = run_rows(f, names, runs)
    taken = {"iteration": p["iterations"], "batch": len(f), "seconds": runs.seconds}
    tables = {
        "curves": curve_rows(about, runs),
        "finals": [final_row(about, method, runs, each)],
        "runs": [{"method": p["method"]} | row for row in each],
        "seconds": [{"method": p["method"]} | taken],
    }
    for name, rows in tables.items():
        write_table(given.outputs[name], [{"setting": p["setting"]} | row for row in rows])


def _about(name: str, method: Any) -> dict[str, Any]:
    """Return whose rows they are; figures tell those without a denoiser as classical ones."""
    kind = "classical" if method.learned is None else "plug_and_play"
    return {"method": name, "variant": "main", "kind": kind, "label": method.label}


def measure_certificates(given: Given) -> None:
    """Certify the layers of every denoiser, and measure how far H - I stretches pictures."""
    from l2o.compute import prepare_device
    from l2o.evaluation.certificates import certificate_rows
    from l2o.evaluation.restorations import load_denoiser, problem_of

    p, rows = given.parameters, []
    prepare_device("cpu", p["compute_threads"])
    f, _ = problem_of(given.inputs["set"], "test")
    for name in p["used"]:
        denoiser = load_denoiser(given.inputs[f"denoiser {name}"])
        rows += certificate_rows(denoiser, f.originals, p["seed"])
    write_table(given.outputs["table"], rows)


def measure_gallery(given: Given) -> None:
    """Restore the first test picture of every setting: the start, TV, and one with a net."""
    from l2o.compute import prepare_device
    from l2o.evaluation.grid_search import tuned_hyperparameters
    from l2o.evaluation.picture_quality import psnr
    from l2o.evaluation.restorations import followed, problem_of, restorer
    from l2o.storage.pixels import pixel_rows

    p, inputs, rows = given.parameters, given.inputs, []
    prepare_device("cpu", p["compute_threads"])
    for setting in p["settings"]:
        f, names = problem_of(inputs[f"set {setting}"], "test")
        one = f.batch(slice(0, 1))
        original = one.originals[0].numpy()
        about = {"setting": setting, "name": names[0]}
        rows += pixel_rows(original, **about, label="Original", psnr=None)
        for name in _shown(given, setting):
            who = p["methods"][name]
            hyper = tuned_hyperparameters(who, inputs.get(f"tuned {setting}/{name}"))
            method = restorer(who, hyper, inputs.get(f"denoiser {who['denoiser']}"))
            end = followed(method, one, p["iterations"]).pictures[0].numpy()
            rows += pixel_rows(end, **about, label=method.label, psnr=psnr(original, end))
    write_table(given.outputs["table"], rows)


def _shown(given: Given, setting: str) -> list[str]:
    """Return the methods of the gallery: some by name, and one with a denoiser.

    It is the one whose search ended lowest, on validation pictures.
    """
    p, losses = given.parameters, {}
    for name, who in p["methods"].items():
        if who["denoiser"] and (table := given.inputs.get(f"tuned {setting}/{name}")):
            losses[name] = next(row["loss"] for row in read_rows(table) if row["chosen"])
    best = [min(losses, key=losses.__getitem__)] if losses else []
    named = [name for name in p["shown"] if name in p["methods"]]
    return [*named, *best] or [*p["methods"]][:1]
