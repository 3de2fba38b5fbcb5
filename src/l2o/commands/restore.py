"""The command that restores a user's own picture: from known pixels, or from measured blocks."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from l2o.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from l2o.optimizers.registry import Head

PRESETS = ("paper", "laptop", "smoke")  # whose results are taken, the first that has them
RIDGE, TV, NET = "pnp_admm_ridge", "admm_tv", "ista_net_whole"
ITERATIONS = 60


def restore(
    picture: Path,
    out: Path,
    mask: Path | None,
    ratio: float | None,
    original: Path | None,
    method: str | None,
    trained: Path | None,
    iterations: int | None,
    threads: int,
) -> str:
    """Restore a grey picture, and write it with 8 bits a pixel; return a summary.

    With ``mask`` the pixels that are black there are filled in; with ``ratio``, in percent, the
    picture is measured by blocks as in the room of compressive sensing, and recovered from that.
    PSNR is to ``original``; with ``ratio`` that is the picture itself.

    Raises
    ------
    InputError : bad files or options, or nothing trained is there; ``out`` is then as it was.
    """
    from l2o.compute import prepare_device
    from l2o.storage.picture_files import check_ending, check_shape, read_picture, write_picture

    if (mask is None) == (ratio is None):
        problem = "and --ratio were both given" if mask else "is missing, and so is --ratio"
        raise InputError("--mask", "", problem, "give one of them")
    if ratio is not None and original is not None:
        problem = "was given, and with --ratio the picture is the original"
        raise InputError("--original", "", problem, "drop it")
    for path in (picture, mask, original, trained):
        if path is not None and path.resolve() == out.resolve():
            raise InputError(out, "", "is an input as well", "write to another file")
    check_ending(out)
    prepare_device("cpu", threads)
    values = read_picture(picture)
    truth = None if original is None else read_picture(original)
    if truth is not None:
        check_shape(original, truth, values.shape)
    began = time.perf_counter()
    if mask is None:
        truth = values
        label, start, found = _recovered(values, ratio, method or NET, trained, iterations)
    else:
        label, start, found = _filled(values, mask, method or RIDGE, trained, iterations)
    seconds = time.perf_counter() - began
    write_picture(out, found)
    size = f"{values.shape[1]} x {values.shape[0]} pixels"
    return ", ".join((f"{label}: {size}", *_quality(truth, start, found), f"{seconds:.3g} s")) + (
        f"; {out}"
    )


def _quality(truth: np.ndarray | None, start: np.ndarray, found: np.ndarray) -> Iterable[str]:
    from l2o.evaluation.picture_quality import psnr

    if truth is not None:
        yield f"PSNR {psnr(truth, found):.2f} dB (at first {psnr(truth, start):.2f})"


def _filled(
    values: np.ndarray, mask: Path, method: str, trained: Path | None, iterations: int | None
) -> tuple[str, np.ndarray, np.ndarray]:
    """Return the label, the start and the end of inpainting; errors as :func:`restore`."""
    import torch

    from l2o.evaluation.restorations import load_denoiser
    from l2o.optimizees.imaging import PixelProblem
    from l2o.storage.picture_files import read_mask

    room = "plug_and_play"
    head = _head(method, room)
    known = torch.from_numpy(read_mask(mask, values.shape)).float()[None]
    pixels = torch.from_numpy(values).float()[None] * known
    f = PixelProblem(torch.zeros_like(pixels), known, pixels)
    learned = None
    if head.denoiser:
        place = f"checkpoints/denoising/{head.denoiser}.safetensors"
        learned = load_denoiser(trained or _built(room, place, "pnp"))
        if learned.name != head.denoiser:
            problem = f"holds {learned.label}, and {method} runs with {head.denoiser}"
            raise InputError(trained, "", problem, "give its file, or another --method")
    elif trained is not None:
        raise InputError("--trained", "", f"{method} learns nothing", "drop it")
    hyper = _searched(room, "inpainting", method)
    solver = head.load()(hyper) if learned is None else head.load()(hyper, learned)
    state = solver.init(f, f.adjoint_start())
    start = state[0]
    with torch.no_grad():
        for _ in range(iterations or ITERATIONS):
            state = solver.step(f, state)
    return solver.label, start[0].numpy(), state[0][0].numpy()


def _recovered(
    values: np.ndarray, ratio: float, method: str, trained: Path | None, iterations: int | None
) -> tuple[str, np.ndarray, np.ndarray]:
    """Return the label, the linear start and the end of sensing by blocks; errors likewise."""
    import torch

    from l2o.evaluation.sensing import length_of, ready, recovered, sensed
    from l2o.storage.sensing_sets import read_sensing

    room, setting = "block_sensing", f"ratio_{ratio:02g}"
    head = _head(method, "sensing_nets", "sensing")
    known = sorted({place.stem for preset in PRESETS for place in _sets(preset, room)})
    if setting not in known:
        told = f"ratios are {', '.join(one.removeprefix('ratio_') for one in known)}"
        remedy = told if known else "build it first: `make cs`"
        raise InputError("--ratio", "", f"no measuring of {ratio:g} % is built here", remedy)
    sensing = read_sensing(_found(room, f"sets/{setting}.h5"))
    if head.kind == "sensing_nets":
        place = f"checkpoints/{setting}/{method}.safetensors"
        trained = trained or _built(room, place, "cs")
    elif trained is not None:
        raise InputError("--trained", "", f"{method} learns nothing", "drop it")
    who = {"method": method, "kind": head.kind}
    entry, solver = ready(who, _searched(room, setting, method), trained)
    f = sensed(sensing, torch.from_numpy(values).float()[None])
    steps = length_of(solver, iterations or ITERATIONS)
    *_, (_, end, _) = recovered(solver, f, [steps])
    return entry.label, f.start()[0].numpy(), end[0].numpy()


def _searched(room: str, setting: str, method: str) -> dict[str, float]:
    """Return the hyperparameters that a search in this clone chose, if there is one."""
    from l2o.evaluation.grid_search import chosen_hyperparameters

    searched = _found(room, f"tuned/{setting}/{method}.csv")
    return {} if searched is None else chosen_hyperparameters(searched)


def _head(method: str, *kinds: str) -> Head:
    """Return the head of a method of some kinds.

    Raises
    ------
    InputError : there is none of that name.
    """
    from l2o.config.nearest import unknown_key
    from l2o.optimizers.registry import methods

    known = {name: head for kind in kinds for name, head in methods(kind).items()}
    if method not in known:
        raise unknown_key("--method", method, list(known))
    return known[method]


def _sets(preset: str, room: str) -> list[Path]:
    return sorted(Path(f"results/{preset}/{room}/sets").glob("ratio_*.h5"))


def _found(room: str, place: str) -> Path | None:
    """Return a result of this clone, of the first preset that has it; None: of none."""
    paths = (Path(f"results/{preset}/{room}/{place}") for preset in PRESETS)
    return next((path for path in paths if path.is_file()), None)


def _built(room: str, place: str, report: str) -> Path:
    """Return a trained result of this clone.

    Raises
    ------
    InputError : it is not built.
    """
    path = _found(room, place)
    if path is None:
        problem = f"is not trained in this folder (no results/*/{room}/{place})"
        remedy = f"run `make {report}`, give its file by --trained, or another --method"
        raise InputError("restore", Path(place).stem, problem, remedy)
    return path
