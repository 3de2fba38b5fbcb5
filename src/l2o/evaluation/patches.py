"""Evaluation on sensed patches: pictures cut into patches, every layer decoded, PSNR and SSIM."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.evaluation.grid_search import tuned_hyperparameters
from l2o.evaluation.picture_quality import psnr, ssim
from l2o.evaluation.runs import learned_values, quartiles
from l2o.optimizees.patch_sensing import PatchSensing, grey, patches_of, picture_of
from l2o.optimizees.protocol import Measurements
from l2o.optimizers.protocol import iterates
from l2o.optimizers.registry import methods
from l2o.optimizers.trained import load_net
from l2o.storage.patch_sets import read_sensing
from l2o.storage.picture_sets import read_pictures
from l2o.variants import MAIN

LINEAR = "linear"  # the method that is no iteration: the linear estimate of least mean square error
CHUNK = 1024  # patches at once; fixed, so that results do not depend on it
Codes = Callable[[Tensor], Iterator[Tensor]]  # of b, (batch, rows): the codes after each layer


@dataclass
class Followed:
    """A method on all test pictures.

    Parameters
    ----------
    kind, label : for the tables
    psnr : in dB by picture: one for each layer, that of x = 0 (the means alone) first
    ssim : by picture, at the depth
    floor : PSNR in dB of the linear estimate, by picture
    depth : the layer that finals, status and runs are about
    seconds : of all pictures, without the scoring
    learned : numbers that it learned
    lam : weight of the 1-norm of a classical solver; NaN without
    """

    kind: str
    label: str
    depth: int
    psnr: dict[str, list[float]] = field(default_factory=dict)
    ssim: dict[str, float] = field(default_factory=dict)
    floor: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    learned: int = 0
    lam: float = math.nan


def load_sensing(path: Path, mean_sensed: bool) -> PatchSensing:
    """Return how patches are sensed; errors as of :func:`l2o.storage.patch_sets.read_sensing`."""
    return PatchSensing(**read_sensing(path), mean_sensed=mean_sensed)


@torch.no_grad()
def follow(
    who: Mapping[str, Any], inputs: Mapping[str, Path], sensing: PatchSensing, size: int
) -> Followed:
    """Follow a net, a classical solver or the linear estimate over its layers.

    Parameters
    ----------
    who : ``kind``, ``method``, ``hyperparameters``, ``depth``; of a solver its ``iterations``
    inputs : ``pictures``; ``checkpoint`` of a net; perhaps ``tuned``, the search of a solver
    sensing : of the setting
    size : side of a patch in pixels

    Raises
    ------
    InputError : a file is missing or damaged.
    """
    found, codes = _solver(who, inputs, sensing)
    for name, picture in grey(read_pictures(inputs["pictures"], "test")).items():
        b, mean = sensing.measured(patches_of(picture, size))

        def scored(patches: np.ndarray, picture=picture, mean=mean) -> np.ndarray:
            return picture_of(patches + mean, picture.shape, size)

        linear = scored(b @ sensing.linear.T)
        found.floor[name] = psnr(picture, linear)
        if who["method"] == LINEAR:
            found.psnr[name] = [found.floor[name]] * (found.depth + 1)
            found.ssim[name] = ssim(picture, linear)
            continue
        found.psnr[name] = [psnr(picture, scored(np.zeros_like(b @ sensing.linear.T)))]
        began, spent = time.perf_counter(), 0.0
        for layer, patches in enumerate(_decoded(codes, b, sensing), start=1):
            spent += time.perf_counter() - began
            restored = scored(patches)
            found.psnr[name].append(psnr(picture, restored))
            if layer == found.depth:
                found.ssim[name] = ssim(picture, restored)
            began = time.perf_counter()
        found.seconds += spent
    return found


def _solver(
    who: Mapping[str, Any], inputs: Mapping[str, Path], sensing: PatchSensing
) -> tuple[Followed, Codes]:
    """Return what is told of a method, and what runs it."""
    depth, kind, name = who["depth"], who["kind"], who["method"]
    if name == LINEAR:
        return Followed(kind, "Linear", depth, learned=sensing.linear.size), iter
    if kind == "unrolled":
        net = load_net(inputs["checkpoint"], sensing.A).double().requires_grad_(False)
        return Followed(kind, net.label, depth, learned=learned_values(net)), lambda b: _layers(
            net, b
        )
    hyper = tuned_hyperparameters(who, inputs.get("tuned"))
    codes = solver_codes(methods(kind)[name].load(), hyper, sensing.A, who["iterations"])
    label = f"{methods(kind)[name].label} (λ = {hyper['lam']:g})"
    return Followed(kind, label, depth, lam=hyper["lam"]), codes


def _layers(net: Any, b: Tensor) -> Iterator[Tensor]:
    """Yield the iterates of an unrolled net, without keeping them."""
    state = net.start(b)
    for k in range(net.depth):
        state = net.layer(k, state, b)
        yield state[0]


def solver_codes(made: type, hyper: Mapping[str, float], A: np.ndarray, iterations: int) -> Codes:
    """Return what yields the iterates of a classical solver on b, from x = 0."""
    solver = made(torch.from_numpy(A), hyper)

    def codes(b: Tensor) -> Iterator[Tensor]:
        start = b.new_zeros(len(b), A.shape[1])
        return islice(iterates(solver, Measurements(b), start), iterations)

    return codes


def _decoded(codes: Codes, b: np.ndarray, sensing: PatchSensing) -> Iterator[np.ndarray]:
    """Yield the patches without means after each layer, (count, pixels); chunks go side by side."""
    parts = [torch.from_numpy(b[at : at + CHUNK]) for at in range(0, len(b), CHUNK)]
    for found in zip(*map(codes, parts), strict=True):
        yield np.concatenate([x.numpy() @ sensing.decoder.T for x in found])


@torch.no_grad()
def patch_error(codes: Codes, sensing: PatchSensing, patches: np.ndarray) -> float:
    """Return the mean square error after the last iteration, in dB, what a search goes by.

    Parameters
    ----------
    patches : (count, pixels) float64 from 0 to 1
    """
    b, mean = sensing.measured(patches)
    *_, last = _decoded(codes, b, sensing)
    error = float(np.mean((last + mean - patches) ** 2))
    return 10 * math.log10(error) if error > 0 else -math.inf


def curve_rows(found: Followed) -> list[dict[str, Any]]:
    """Return one row of the tidy table for each layer, layer 0 (the means alone) included.

    ``psnr`` is the mean over pictures, which is what is published. The status is ``diverged`` where
    it is not finite at the depth, or not above that of the means alone.
    """
    values = np.array([*found.psnr.values()]).T  # (layers, pictures)
    names = ("psnr_q25", "psnr_median", "psnr_q75")
    spread, means = quartiles(values, names), values.mean(axis=1)
    end = means[found.depth]
    lost = found.label != "Linear" and not (np.isfinite(end) and end > means[0])
    about = {"variant": MAIN, "kind": found.kind, "label": found.label}
    same = {"lam": found.lam, "parameters": found.learned}
    same["status"] = "diverged" if lost else "converged"
    return [
        about | {"layer": layer, "psnr": float(mean)} | of | same
        for layer, (mean, of) in enumerate(zip(means, spread, strict=True))
    ]


def final_row(found: Followed) -> dict[str, Any]:
    """Return what the layer at the depth is worth; ``failed`` pictures are below the linear one.

    ``psnr_last`` is the mean after the last iteration of a solver that is followed beyond.
    """
    runs = picture_rows(found)
    row = {"variant": MAIN, "kind": found.kind, "label": found.label, "layer": found.depth}
    row |= {"runs": len(runs), "failed": sum(run["psnr"] < run["linear_psnr"] for run in runs)}
    row["learned"] = found.learned
    for name in ("psnr", "ssim"):
        row[name] = float(np.mean([run[name] for run in runs]))
    ends = [values[-1] for values in found.psnr.values()]
    return row | {
        "layer_last": len(next(iter(found.psnr.values()))) - 1,
        "psnr_last": np.mean(ends),
    }


def picture_rows(found: Followed) -> list[dict[str, Any]]:
    """Return a row for each picture, at the depth."""
    return [
        {
            "picture": name,
            "psnr": values[found.depth],
            "ssim": found.ssim[name],
            "linear_psnr": found.floor[name],
        }
        for name, values in found.psnr.items()
    ]
