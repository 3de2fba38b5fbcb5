"""Pictures that are sensed by blocks, recovered: how near and how fast, iteration by iteration."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.evaluation.picture_quality import psnr, ssim
from l2o.evaluation.runs import Contestant, learned_values
from l2o.optimizees.block_sensing import BLOCK, BlockSensing, as_tensor
from l2o.optimizers.protocol import Optimizer
from l2o.optimizers.registry import methods
from l2o.optimizers.trained import read_checkpoint
from l2o.storage.picture_sets import read_pictures
from l2o.storage.sensing_sets import Sensing

LOST = 1e-3  # dB: a picture that ends lower than it starts by more has failed
Pictures = Mapping[str, np.ndarray]


def final_pictures(path: Path, count: int, side: int) -> dict[str, np.ndarray]:
    """Return the first ``count`` test pictures; their middle where ``side`` is not 0, in pixels."""
    whole = read_pictures(path, "test")
    found = {name: whole[name] for name in [*whole][:count]}
    return {name: middle(picture, side) for name, picture in found.items()} if side else found


def held_out_pictures(path: Path, count: int, side: int) -> dict[str, np.ndarray]:
    """Return the middle of the first ``count`` validation pictures, ``side`` blocks on a side."""
    whole = read_pictures(path, "validation")
    return {name: middle(whole[name], side * BLOCK) for name in [*whole][:count]}


def middle(picture: np.ndarray, side: int) -> np.ndarray:
    """Return the middle of a picture, ``side`` pixels on a side where it has as many."""
    top, left = (max(0, (edge - side) // 2) for edge in picture.shape)
    return picture[top : top + side, left : left + side]


def sensed(sensing: Sensing, pictures: Tensor) -> BlockSensing:
    """Return the problem of pictures, (pictures, height, width), in their precision and place."""
    phi, inverse = (torch.from_numpy(part).to(pictures) for part in sensing[:2])
    return BlockSensing.of(phi, inverse, pictures, sensing.scales)


def of_one_size(pictures: Pictures) -> Iterator[list[str]]:
    """Yield the names of pictures that have one size, and so are recovered together."""
    sizes: dict[tuple[int, ...], list[str]] = {}
    for name, picture in pictures.items():
        sizes.setdefault(picture.shape, []).append(name)
    yield from sizes.values()


def ready(
    who: Mapping[str, Any], hyper: Mapping[str, float], checkpoint: Path | None
) -> tuple[Contestant, Optimizer]:
    """Return a method ready to run, with what tables say of it.

    Raises
    ------
    InputError : see :func:`l2o.optimizers.trained.read_checkpoint`.
    """
    name, kind = who["method"], who["kind"]
    if checkpoint is None:
        head = methods(kind)[name]
        return Contestant(name, kind, head.label), head.load()(hyper)
    net = read_checkpoint(checkpoint, kind).optimizer().requires_grad_(False)
    return Contestant(name, kind, net.label, learned=learned_values(net)), net


def length_of(optimizer: Optimizer, iterations: int) -> int:
    """Return how many steps a method takes: a net as many as it has phases."""
    return getattr(optimizer, "depth", iterations)


@torch.no_grad()
def recovered(
    optimizer: Optimizer, f: BlockSensing, recorded: Sequence[int]
) -> Iterator[tuple[int, Tensor, float]]:
    """Yield the pictures at the recorded iterations, 0 the linear start, and the seconds so far."""
    began = time.perf_counter()
    state = optimizer.init(f, f.start())
    seconds = time.perf_counter() - began
    for k in range(recorded[-1] + 1):
        if k in recorded:
            yield k, state[0], seconds
        if k < recorded[-1]:
            began = time.perf_counter()
            state = optimizer.step(f, state)
            seconds += time.perf_counter() - began


def mean_error(optimizer: Optimizer, problems: Sequence[tuple[BlockSensing, Tensor]], steps: int):
    """Return minus the mean PSNR of pictures after some steps, in dB; lower is better."""
    values = []
    for f, pictures in problems:
        for _, x, _ in recovered(optimizer, f, [steps]):
            values += map(psnr, pictures.numpy(), x.numpy())
    return -float(np.mean(values))


def followed(
    optimizer: Optimizer, sensing: Sensing, pictures: Pictures, recorded: Sequence[int]
) -> tuple[dict[str, np.ndarray], dict[str, float], np.ndarray]:
    """Recover pictures, in float32.

    Returns
    -------
    psnrs : of each picture, (recorded,), dB
    ssims : of each picture at the end
    seconds : at the recorded iterations, of all pictures together, (recorded,)
    """
    psnrs = {name: np.empty(len(recorded)) for name in pictures}
    ssims, seconds = {}, np.zeros(len(recorded))
    place = {k: i for i, k in enumerate(recorded)}
    for names in of_one_size(pictures):
        originals = as_tensor(pictures[name] for name in names)
        for k, x, taken in recovered(optimizer, sensed(sensing, originals), recorded):
            seconds[place[k]] += taken
            pairs = zip(names, originals.numpy(), x.numpy(), strict=True)
            for name, original, found in pairs:
                psnrs[name][place[k]] = psnr(original, found)
                if k == recorded[-1]:
                    ssims[name] = ssim(original, found)
    return psnrs, ssims, seconds


def curve_rows(who: Contestant, recorded: Sequence[int], psnrs: np.ndarray) -> list[dict[str, Any]]:
    """Return a row for each recorded iteration.

    Parameters
    ----------
    psnrs : (pictures, recorded), dB; ``psnr`` is their mean, as papers give it
    """
    quarters = np.quantile(psnrs, [0.25, 0.5, 0.75], axis=0)
    mean = psnrs.mean(axis=0)
    sound = np.isfinite(psnrs).all() and mean[-1] >= mean[0] - LOST
    return [
        {
            **who.about(),
            "iteration": k,
            "psnr": mean[i],
            **dict(zip(("psnr_q25", "psnr_median", "psnr_q75"), quarters[:, i], strict=True)),
            "status": "converged" if sound else "diverged",
        }
        for i, k in enumerate(recorded)
    ]


def final_row(who: Contestant, psnrs: np.ndarray, ssims: Sequence[float]) -> dict[str, Any]:
    """Return what the ends are worth; ``psnrs`` are (pictures, recorded)."""
    ends = psnrs[:, -1]
    failed = ~np.isfinite(ends) | (ends < psnrs[:, 0] - LOST)
    told = {"runs": len(ends), "failed": int(failed.sum()), "learned": who.learned}
    return who.about() | told | {
        "psnr": float(ends.mean()),
        "start_psnr": float(psnrs[:, 0].mean()),
        "psnr_lowest": float(ends.min()),
        "ssim": float(np.mean(ssims)),
    }  # fmt: skip
