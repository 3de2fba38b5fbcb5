"""The work on sensed patches: matrices, trainings, searches, pictures restored from patches."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from l2o.artifacts.job import Given
from l2o.errors import InputError
from l2o.storage.tables import write_table


def sample(given: Given) -> None:
    """Draw the sensing matrix, and compute what solvers know of it."""
    from l2o.optimizees.patch_sensing import second_moments, sense, sensing_matrix
    from l2o.seeds import named_generator
    from l2o.storage.hdf5 import provenance_attributes, read_dictionary
    from l2o.storage.patch_sets import MATRICES, write_sensing

    p, size = given.parameters, given.parameters["patch_size"]
    dictionary = read_dictionary(released := given.inputs["released"])
    if len(dictionary) != size**2:
        problem = f"has {len(dictionary)} rows, a patch of {size} x {size} has {size**2} pixels"
        raise InputError(released, "A", problem, "change `patch_size` or the dictionary")
    random = named_generator(p["seed"], "patches", "phi", p["setting"])
    phi = sensing_matrix(p["m"], size**2, p["mean_sensed"], random)
    patches = cut_patches(given, "train", p["moments"], "moments")
    found = sense(phi, dictionary, p["mean_sensed"], second_moments(patches))
    attributes = {"setting": p["setting"], "model": "y = Phi f, f = D x"}
    attributes |= {"mean_sensed": p["mean_sensed"], **provenance_attributes(given.record)}
    matrices = {name: getattr(found, name) for name in MATRICES}
    write_sensing(given.outputs["set"], matrices, attributes)


def cut_patches(given: Given, part: str, count: int, purpose: str) -> np.ndarray:
    """Return patches of the pictures of a part in random order, (count, pixels) float64.

    All settings get the same ones; another ``purpose`` gets others.
    """
    from l2o.datasets.pictures import cut
    from l2o.seeds import named_generator
    from l2o.storage.picture_sets import read_pictures

    p = given.parameters
    random = named_generator(p["seed"], "patches", part, purpose)
    found = cut(read_pictures(given.inputs["pictures"], part), p["patch_size"], count, random)
    return found.reshape(count, -1)[random.permutation(count)].astype(np.float64)


def train(given: Given) -> None:
    """Train an unrolled net, or go on with the training that is kept."""
    import torch

    from l2o.evaluation.patches import load_sensing
    from l2o.training.patch_loss import PatchLoss
    from l2o.training.unrolled import train_unrolled

    p = given.parameters
    sensing = load_sensing(given.inputs["set"], p["mean_sensed"])
    decoder = torch.from_numpy(sensing.decoder)

    def split(part: str, count: int) -> tuple[np.ndarray, np.ndarray]:
        patches = cut_patches(given, part, count, "nets")
        b, mean = sensing.measured(patches)
        return b, patches - mean

    used = split("train", p["samples"]["train"])
    used = tuple(array[: p["training"]["samples"]] for array in used)
    held = split("validation", p["samples"]["validation"])

    def loss(A: torch.Tensor) -> PatchLoss:
        return PatchLoss(decoder.to(A), p["lasso_weight"])

    train_unrolled(given, sensing.A, used, held, loss, {})


def tune(given: Given) -> None:
    """Try all hyperparameters of the grid on validation patches; write their errors."""
    from l2o.compute import prepare_device
    from l2o.evaluation.grid_search import grid_search
    from l2o.evaluation.patches import load_sensing, patch_error, solver_codes
    from l2o.optimizers.registry import methods

    p = given.parameters
    prepare_device("cpu", p["compute_threads"])
    sensing = load_sensing(given.inputs["set"], p["mean_sensed"])
    patches = cut_patches(given, "validation", p["validation"], "nets")
    made = methods(p["kind"])[p["method"]].load()

    def loss(hyper: Mapping[str, float]) -> float:
        return patch_error(solver_codes(made, hyper, sensing.A, p["depth"]), sensing, patches)

    about = {"setting": p["setting"], "method": p["method"]}
    rows = grid_search(p["hyperparameters"], p["grid"], loss)
    write_table(given.outputs["tuned"], [about | row for row in rows])


def evaluate(given: Given) -> None:
    """Follow a method over its layers on the test pictures, cut into patches side by side."""
    from l2o.compute import prepare_device
    from l2o.evaluation.patches import curve_rows, final_row, follow, load_sensing, picture_rows

    p, inputs = given.parameters, given.inputs
    prepare_device("cpu", p["compute_threads"])
    sensing = load_sensing(inputs["set"], p["mean_sensed"])
    found = follow(p, inputs, sensing, p["patch_size"])
    about = {"setting": p["setting"], "method": p["method"]}
    last = len(next(iter(found.psnr.values()))) - 1
    taken = {"layer": last, "batch": len(found.psnr), "seconds": found.seconds}
    tables = {"curves": curve_rows(found), "finals": [final_row(found)]}
    tables |= {"runs": picture_rows(found), "seconds": [taken]}
    for name, rows in tables.items():
        write_table(given.outputs[name], [about | row for row in rows])
