"""Peak memory of meta-gradients with and without checkpointing, and a training that needs it.

Measured for L2O-DM on the training of MLPs by minibatches (:mod:`l2o.evaluation.memory_probe`).
A measurement that would need more than is allowed is not made: memory is linear in unroll and in
the number of coordinates n, so that two small measurements tell.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l2o.compute import prepare_device
from l2o.config.meta_training import MetaTraining
from l2o.errors import InputError
from l2o.evaluation.memory_probe import peak_mib, resident_mib, restart_peak
from l2o.optimizees.network_training import MINIBATCH, Digits, NetworkTrainingFamily
from l2o.optimizees.networks import START_SCALE, Mlp, dimension
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.optimizers.recurrent.l2o_dm import L2oDm
from l2o.training.checkpointing import Checkpointed
from l2o.training.recurrent import meta_train, weights_generator
from l2o.training.state import MetaState

Widths = tuple[int, ...]

LIMIT_MIB = 16 * 1024.0
# 1,033,510 coordinates. One hidden layer: sigmoid nets with more leave the plateau at their start
# (log 10 nats) long after 20 steps.
LARGE: Widths = (784, 1300, 10)
MEASURED, OVER = "measured", "over limit"
REFERENCE: Widths = (784, 100, 10)  # what estimates are extrapolated from
REFERENCE_UNROLLS = 2, 8
# A process of its own finds modules where this one does.
PROBE = (
    "import sys; sys.path[:] = {path}; "
    "from l2o.evaluation.memory_probe import main; main(sys.argv[1])"
)


@dataclass(frozen=True)
class MemoryModel:
    """What an unroll needs: n (per_step unroll + once), bytes.

    Parameters
    ----------
    per_step : of each coordinate and step: what is kept for the backward pass
    once : of each coordinate: what one step works in, and the gradients
    """

    per_step: float
    once: float

    @classmethod
    def through(cls, rows: Sequence[dict[str, Any]]) -> MemoryModel:
        """Return the model through two measured rows of one network and two unrolls."""
        (u, first), (v, second) = (
            (row["unroll"], 2**20 * row["peak_mib"] / row["n"]) for row in rows
        )
        per_step = (second - first) / (v - u)
        return cls(per_step, first - per_step * u)

    def mib(self, n: int, unroll: int) -> float:
        """Return the estimated peak, MiB, over what is there before."""
        return n * (self.per_step * unroll + self.once) / 2**20


def measure_memory(
    cases: Iterable[tuple[Widths, int]],
    threads: int,
    limit_mib: float = LIMIT_MIB,
    minibatch: int = MINIBATCH,
    reference: Widths = REFERENCE,
) -> list[dict[str, Any]]:
    """Measure each case with and without checkpointing, each in a process of its own.

    Parameters
    ----------
    cases : widths of an MLP (784 first, 10 last) and an unroll (inner steps)
    threads : CPU threads of a measurement
    limit_mib : what a process may take; a case that is estimated to need more is not measured
    minibatch : images
    reference : widths of the MLP from which the estimates are extrapolated

    Returns
    -------
    rows ``network`` (widths as text), ``n`` (coordinates), ``unroll``, ``checkpointing``,
    ``peak_mib`` (peak of the resident memory less that before), ``rss_before_mib``,
    ``peak_rss_mib`` (of the whole process, libraries included), ``estimate_mib`` (of
    ``peak_mib``), ``seconds`` (of the unroll) and ``status``: ``measured``, or ``over limit``,
    where ``peak_mib`` is the estimate and ``rss_before_mib`` that of the reference

    Raises
    ------
    InputError : the process of a measurement failed.
    """
    cases, rows = list(cases), []  # read twice
    for checkpointing in (False, True):
        given = checkpointing, minibatch, threads
        small = {(reference, u): _measured(reference, u, *given) for u in REFERENCE_UNROLLS}
        model = MemoryModel.through([*small.values()])
        before = [*small.values()][-1]["rss_before_mib"]
        for widths, unroll in cases:
            estimate = model.mib(dimension(Mlp(widths, "sigmoid")), unroll)
            if before + estimate > limit_mib:
                row = _over_limit(widths, unroll, checkpointing, estimate, before)
            else:
                row = small.get((widths, unroll)) or _measured(widths, unroll, *given)
            rows.append(row | {"estimate_mib": estimate})
    return rows


def _head(widths: Widths, unroll: int, checkpointing: bool) -> dict[str, Any]:
    n = dimension(Mlp(widths, "sigmoid"))
    network = "-".join(map(str, widths))
    return {"network": network, "n": n, "unroll": unroll, "checkpointing": checkpointing}


def _over_limit(
    widths: Widths, unroll: int, checkpointing: bool, estimate: float, before: float
) -> dict[str, Any]:
    memory = {"peak_mib": estimate, "rss_before_mib": before, "peak_rss_mib": before + estimate}
    head = _head(widths, unroll, checkpointing)
    return head | memory | {"seconds": math.nan, "status": OVER}


def _measured(
    widths: Widths, unroll: int, checkpointing: bool, minibatch: int, threads: int
) -> dict[str, Any]:
    given = {
        "widths": widths,
        "unroll": unroll,
        "checkpointing": checkpointing,
        "minibatch": minibatch,
        "threads": threads,
    }
    command = [sys.executable, "-c", PROBE.format(path=sys.path), json.dumps(given)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    head = _head(widths, unroll, checkpointing)
    if done.returncode:
        told = (done.stderr.strip().splitlines() or [f"ended by {done.returncode}"])[-1]
        problem = f"unroll {unroll} was not measured: {told}"
        raise InputError("memory measurement", head["network"], problem, "lower the memory limit")
    found = json.loads(done.stdout)
    increase = found["peak_rss_mib"] - found["rss_before_mib"]
    return head | {"peak_mib": increase} | found | {"status": MEASURED}


@dataclass(frozen=True)
class LargeTraining:
    """A meta-training through a large optimizee.

    Parameters
    ----------
    rows : ``network``, ``n``, ``unroll``, ``meta_step`` (from 1), ``meta_loss`` (mean over the
        unroll, nats) and ``status`` (ok, diverged), of each meta-step
    peak_mib : peak of the resident memory less that before, in this process
    peak_rss_mib : the same of the whole process
    seconds : of the meta-steps, also of those before an interruption
    optimizer : as trained
    """

    rows: list[dict[str, Any]]
    peak_mib: float
    peak_rss_mib: float
    seconds: float
    optimizer: RecurrentOptimizer


def train_large(
    digits: Digits,
    meta_steps: int,
    seed: int,
    threads: int,
    state: Path,
    key: str,
    widths: Widths = LARGE,
    unroll: int = 20,
    rate: float = 5e-3,
    minibatch: int = MINIBATCH,
) -> LargeTraining:
    """Meta-train a fresh L2O-DM through an MLP by checkpointed, truncated backpropagation.

    Every meta-step is one of :class:`l2o.training.meta.MetaTrainer` on a run of its own, from a
    fresh start; runs are cut after their first unroll, so that all meta-losses are of the same
    steps. The peak is that of this process: nothing else should run in it.

    Parameters
    ----------
    digits : that minibatches are drawn from
    meta_steps : how many; each draws one run
    seed : root of the named random streams
    threads : CPU threads
    state : file that keeps an unfinished training
    key : the state of another key is ignored
    widths, unroll, minibatch : of the optimizee, inner steps, images
    rate : of Adam, falling as a cosine

    Raises
    ------
    InputError : there are fewer images than a minibatch has, or every meta-step diverged.
    """
    network = Mlp(widths, "sigmoid")
    budget = _budget(meta_steps, unroll, rate)

    def family(stream: str, runs: int) -> NetworkTrainingFamily:
        return NetworkTrainingFamily(network, digits, runs, seed, stream, minibatch)

    head = {"network": "-".join(map(str, widths)), "n": dimension(network), "unroll": unroll}
    families = family("train", meta_steps), family("validation", 1)
    restart_peak()
    before = resident_mib()
    prepare_device("cpu", threads)
    optimizer = Checkpointed(L2oDm({}, weights_generator(seed)))
    done = MetaState(state, key, optimizer)
    meta_train(optimizer, families, budget, seed, done, f"memory {head['network']}")
    rows = [
        head | {"meta_step": row["epoch"], "meta_loss": row["meta_loss"], "status": row["status"]}
        for row in done.history
    ]
    peak = peak_mib()
    return LargeTraining(rows, peak - before, peak, done.seconds, optimizer)


def _budget(meta_steps: int, unroll: int, rate: float) -> MetaTraining:
    """Return a budget of one unroll an epoch, without augmentations, validated at its end."""
    return MetaTraining(
        epochs=meta_steps,
        batch_size=1,
        unroll=unroll,
        horizons=(unroll,),
        rate=rate,
        clip=1.0,
        start_scale=START_SCALE,
        scaling=0.0,
        convex=0.0,
        imitation=0.0,
        imitation_share=0.0,
        validate_every=meta_steps,
        validation_samples=1,
        validation_steps=unroll,
    )
