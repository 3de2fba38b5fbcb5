"""Restorations of pictures, followed: what each iteration is worth, and how far it still moves."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.errors import InputError
from l2o.evaluation.picture_quality import ssim
from l2o.evaluation.runs import learned_values, quartiles
from l2o.optimizees.imaging import FourierProblem, ImagingProblem, PixelProblem
from l2o.optimizers.denoiser import Denoiser
from l2o.optimizers.protocol import State
from l2o.optimizers.registry import methods
from l2o.optimizers.splitting import Splitting
from l2o.storage.array_sets import read_arrays
from l2o.storage.checkpoints import load_into, load_tensors
from l2o.storage.hdf5 import opened

GREW = 0.05  # part of a residual by which it grows beyond what inner solvers leave open
SETTLED = 1e-5  # of pixels from 0 to 1: residuals below are rounding
Problem = FourierProblem | PixelProblem


def problem_of(path: Path, split: str) -> tuple[Problem, list[str]]:
    """Return the pictures of a split of a set, float32, and their names; errors as of its reader.

    Raises
    ------
    InputError : the set does not say what its pictures are called.
    """
    arrays = read_arrays(path, split)
    tensors = {name: torch.from_numpy(array).float() for name, array in arrays.items()}
    with opened(path) as file:
        names = json.loads(file.attrs.get("names", "{}")).get(split, [])
    f = (PixelProblem if "mask" in tensors else FourierProblem)(**tensors)
    if len(names) != len(f):
        raise InputError(path, "names", f"{len(names)} for {len(f)} pictures", "build it again")
    return f, names


def load_denoiser(path: Path) -> Denoiser:
    """Return the trained denoiser of a checkpoint, on the CPU; errors as of its readers.

    Raises
    ------
    InputError : it is no checkpoint of a denoiser.
    """
    tensors, record = load_tensors(path)
    head = methods("denoisers").get(record.get("method"))
    if head is None:
        remedy = "give a checkpoint that the training wrote"
        raise InputError(path, "method", "is not that of a denoiser", remedy)
    denoiser = head.load()(record["hyperparameters"], torch.Generator().manual_seed(0))
    load_into(denoiser, tensors, path)
    return denoiser.requires_grad_(False)


def restorer(
    who: Mapping[str, Any], hyper: Mapping[str, float], checkpoint: Path | None
) -> Splitting:
    """Return a method ready to run; ``who`` says ``kind`` and ``method``."""
    kind = methods(who["kind"])[who["method"]].load()
    return kind(hyper, None if checkpoint is None else load_denoiser(checkpoint))


@dataclass(frozen=True)
class Followed:
    """All pictures, followed by a method.

    Parameters
    ----------
    mse : mean square errors of the clipped pictures, (iterations + 1, pictures)
    residual : root mean square of what a step of T moves, (iterations, pictures)
    seconds : of the whole, with the recording
    state : at the end
    """

    mse: np.ndarray
    residual: np.ndarray
    seconds: float
    state: State

    @property
    def psnr(self) -> np.ndarray:
        """PSNR with a peak of 1, dB, (iterations + 1, pictures)."""
        return -10 * np.log10(np.maximum(self.mse, 1e-30))

    @property
    def pictures(self) -> Tensor:
        """The pictures at the end, clipped, (pictures, height, width)."""
        return self.state[0].clamp(0, 1)

    def grew(self) -> np.ndarray:
        """Return how often each picture's residual grew, (pictures,).

        Only by more than what tolerances of inner solvers explain.
        """
        before, after = self.residual[:-1], self.residual[1:]
        return (after > before * (1 + GREW) + SETTLED).sum(axis=0)


@torch.no_grad()
def followed(method: Splitting, f: ImagingProblem, iterations: int) -> Followed:
    """Run a method on all pictures from their common start."""
    began = time.perf_counter()
    state = method.init(f, f.adjoint_start())
    errors, residuals = [_mse(f, state)], []
    for _ in range(iterations):
        state = method.step(f, state)
        errors.append(_mse(f, state))
        residuals.append(state[4].double().numpy())
    seconds = time.perf_counter() - began
    return Followed(np.stack(errors), np.stack(residuals), seconds, state)


def _mse(f: ImagingProblem, state: State) -> np.ndarray:
    error = state[0].double().clamp(0, 1) - f.originals.double()
    found = error.square().mean((1, 2)).numpy()
    return np.nan_to_num(found, nan=np.inf)


def curve_rows(about: Mapping[str, Any], runs: Followed) -> list[dict[str, Any]]:
    """Return a row for each iteration: mean and quartiles of PSNR and residual over pictures.

    The residual of the start is not known. A method has ``diverged`` where its last mean is not
    finite or below its first.
    """
    psnr = runs.psnr
    nothing = np.full((1, psnr.shape[1]), np.nan)
    moved = np.concatenate([nothing, runs.residual])
    status = "converged" if psnr[-1].mean() >= psnr[0].mean() else "diverged"
    names = [f"psnr_{name}" for name in ("q25", "median", "q75")]
    spread = quartiles(-psnr, [*reversed(names)])  # higher is better
    rows = []
    for k, row in enumerate(spread):
        known = {"residual": None, "residual_q25": None, "residual_median": None}
        known["residual_q75"] = None
        if k:
            low, middle, high = np.quantile(moved[k], [0.25, 0.5, 0.75])
            known = {"residual": moved[k].mean(), "residual_q25": low}
            known |= {"residual_median": middle, "residual_q75": high}
        turned = {name: -value for name, value in row.items()}
        rows.append(
            {**about, "iteration": k, "psnr": psnr[k].mean(), **turned, **known, "status": status}
        )
    return rows


def run_rows(f: ImagingProblem, names: Sequence[str], runs: Followed) -> list[dict[str, Any]]:
    """Return what the end of each picture is worth.

    ``snr`` is 10 log10(||x*||^2 / ||x - x*||^2), which the authors of plug-and-play call PSNR.
    ``halvings`` are those of the guard, ``grew`` counts the iterations in which the residual grew.
    """
    originals, ends = f.originals.double().numpy(), runs.pictures.double().numpy()
    energy = 10 * np.log10(np.maximum((originals**2).mean((1, 2)), 1e-30))
    halvings = -runs.state[3].double().log2().numpy()
    return [
        {
            "instance": i,
            "start": 0,
            "picture": name,
            "end": runs.psnr[-1, i],
            "psnr": runs.psnr[-1, i],
            "snr": energy[i] + runs.psnr[-1, i],
            "ssim": ssim(originals[i], ends[i]),
            "residual": runs.residual[-1, i],
            "grew": int(runs.grew()[i]),
            "halvings": round(float(halvings[i])),
        }
        for i, name in enumerate(names)
    ]


def final_row(
    about: Mapping[str, Any], method: Splitting, runs: Followed, each: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the ends of all pictures together; a run fails that ends below its start."""
    columns = {name: np.array([row[name] for row in each], float) for name in each[0]
               if name not in ("picture", "instance", "start", "end")}  # fmt: skip
    low, middle, high = np.quantile(columns["psnr"], [0.25, 0.5, 0.75])
    start = runs.psnr[0]
    learned = 0 if method.learned is None else learned_values(method.learned)
    return {
        **about,
        "learned": learned,
        "runs": len(each),
        "failed": int((columns["psnr"] < start).sum()),
        "never_started": int((runs.psnr.max(axis=0) <= start).sum()) if len(start) else 0,
        "psnr": columns["psnr"].mean(),
        "psnr_q25": low,
        "psnr_median": middle,
        "psnr_q75": high,
        "gain": (columns["psnr"] - start).mean(),
        "snr": columns["snr"].mean(),
        "ssim": columns["ssim"].mean(),
        "residual": columns["residual"].mean(),
        "grew": int(columns["grew"].sum()),
        "monotone": int((columns["grew"] == 0).sum()),
        "halvings": int(columns["halvings"].max()),
        "guarded": int(method.guarded),
    }
