"""The work of compressive sensing by blocks: matrices, searches, trainings, recovered pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from l2o.artifacts.job import Given
from l2o.storage.tables import write_table


def sample(given: Given) -> None:
    """Draw Phi; fit the linear start, and scales of coefficients, to training pictures."""
    from l2o.datasets.pictures import cut
    from l2o.optimizees import block_sensing as sensing
    from l2o.optimizees.picture_scales import dct_scale, wavelet_scale
    from l2o.seeds import named_generator
    from l2o.storage.hdf5 import provenance_attributes
    from l2o.storage.picture_sets import read_pictures
    from l2o.storage.sensing_sets import Sensing, write_sensing

    p = given.parameters
    pictures = read_pictures(given.inputs["pictures"], "train")
    phi = sensing.sensing_matrix(p["rows"], named_generator(p["seed"], "phi", p["setting"]))
    # The same blocks for all ratios.
    blocks = cut(pictures, sensing.BLOCK, p["blocks"], named_generator(p["seed"], "blocks"))
    moment = sensing.second_moment(blocks)
    scales = {"dct": dct_scale(moment), "wavelet": wavelet_scale(pictures.values())}
    inverse = sensing.linear_start(phi, moment)
    attributes = {"setting": p["setting"], **provenance_attributes(given.record)}
    write_sensing(given.outputs["set"], Sensing(phi, inverse, scales), attributes)


def train(given: Given) -> None:
    """Train a net on crops of training pictures."""
    from functools import partial

    from l2o.evaluation.sensing import held_out_pictures, sensed
    from l2o.optimizees.block_sensing import as_tensor
    from l2o.storage.picture_sets import read_pictures
    from l2o.storage.sensing_sets import read_sensing
    from l2o.training.sensing import crops_of_step, train_sensing

    p, inputs = given.parameters, given.inputs
    budget, sensing = p["training"], read_sensing(inputs["set"])
    pictures = read_pictures(inputs["pictures"], "train")
    draw = partial(crops_of_step, pictures, budget["batch_size"], budget["side"], p["seed"])
    held_out = held_out_pictures(inputs["pictures"], p["validation"], p["search_side"])
    train_sensing(given, partial(sensed, sensing), (draw, as_tensor(held_out.values())))


def tune(given: Given) -> None:
    """Try all hyperparameters of the grid on validation pictures; write minus their PSNR."""
    from l2o.compute import prepare_device
    from l2o.evaluation.grid_search import grid_search
    from l2o.evaluation.sensing import held_out_pictures, mean_error, sensed
    from l2o.optimizees.block_sensing import as_tensor
    from l2o.optimizers.registry import methods
    from l2o.storage.sensing_sets import read_sensing

    p, inputs = given.parameters, given.inputs
    prepare_device("cpu", p["compute_threads"])
    held_out = held_out_pictures(inputs["pictures"], p["validation"], p["search_side"])
    pictures = as_tensor(held_out.values())
    f = sensed(read_sensing(inputs["set"]), pictures)
    made = methods(p["kind"])[p["method"]].load()

    def loss(hyper: Mapping[str, float]) -> float:
        return mean_error(made(hyper), [(f, pictures)], p["iterations"])

    about = {"setting": p["setting"], "method": p["method"]}
    rows = grid_search(p["hyperparameters"], p["grid"], loss)
    write_table(given.outputs["tuned"], [about | row for row in rows])


def evaluate(given: Given) -> None:
    """Recover the test pictures; write curves, ends, a row for each picture, and seconds."""
    import numpy as np

    from l2o.compute import prepare_device
    from l2o.evaluation.grid_search import tuned_hyperparameters
    from l2o.evaluation.runs import recorded_iterations
    from l2o.evaluation.sensing import (
        curve_rows,
        final_pictures,
        final_row,
        followed,
        length_of,
        ready,
    )
    from l2o.storage.sensing_sets import read_sensing

    p, inputs = given.parameters, given.inputs
    prepare_device("cpu", p["compute_threads"])
    pictures = final_pictures(inputs["pictures"], p["test"], p["test_side"])
    hyper = tuned_hyperparameters(p, inputs.get("tuned"))
    who, optimizer = ready(p, hyper, inputs.get("checkpoint"))
    recorded = recorded_iterations(length_of(optimizer, p["iterations"]))
    found, similar, taken = followed(optimizer, read_sensing(inputs["set"]), pictures, recorded)
    psnrs = np.stack([*found.values()])
    seconds = [
        {**who.about(), "iteration": k, "seconds": one / len(pictures), "batch": 1}
        for k, one in zip(recorded, taken, strict=True)
    ]
    each = [
        {**who.about(), "picture": name, "start": of[0], "end": of[-1], "ssim": similar[name]}
        for name, of in found.items()
    ]
    tables = {"curves": curve_rows(who, recorded, psnrs), "seconds": seconds, "runs": each}
    tables["finals"] = [final_row(who, psnrs, [*similar.values()])]
    about = {"setting": p["setting"], "method": p["method"]}
    for name, rows in tables.items():
        write_table(given.outputs[name], [about | row for row in rows])


def measure_gallery(given: Given) -> None:
    """Recover one picture by some methods; write all pixels, the original's first."""
    from l2o.compute import prepare_device
    from l2o.evaluation.grid_search import tuned_hyperparameters
    from l2o.evaluation.picture_quality import psnr
    from l2o.evaluation.sensing import final_pictures, length_of, ready, recovered, sensed
    from l2o.optimizees.block_sensing import as_tensor
    from l2o.storage.pixels import pixel_rows
    from l2o.storage.sensing_sets import read_sensing

    p, inputs, rows = given.parameters, given.inputs, []
    prepare_device("cpu", p["compute_threads"])
    for setting in p["settings"]:
        path = inputs[f"pictures {setting}"]
        pictures = final_pictures(path, p["test"], p["test_side"])
        name = [*pictures][min(p["picture"], len(pictures)) - 1]
        original = as_tensor([pictures[name]])
        f = sensed(read_sensing(inputs[f"set {setting}"]), original)
        head: dict[str, Any] = {"setting": setting, "name": name}
        words = {"method": "original", "label": "Original", "psnr": None}
        rows += pixel_rows(original[0].numpy(), **head, **words)
        for method, who in p["methods"].items():
            hyper = tuned_hyperparameters(who, inputs.get(f"tuned {method} {setting}"))
            entry, optimizer = ready(who, hyper, inputs.get(f"checkpoint {method} {setting}"))
            last = length_of(optimizer, p["iterations"])
            ((_, x, _),) = recovered(optimizer, f, [last])
            words = {"method": method, "label": entry.label}
            words["psnr"] = psnr(original[0].numpy(), x[0].numpy())
            rows += pixel_rows(x[0].numpy(), **head, **words)
    write_table(given.outputs["table"], rows)
