"""Seconds and memory of one meta-gradient, each estimator in a process of its own.

:func:`main` takes the arguments of :func:`probed` as JSON and prints its result as JSON; why it is
a process of its own, and what its memory is, says :mod:`l2o.evaluation.memory_probe`. Lengths
ascend: what an allocator has kept of a shorter unroll, a longer one needs.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from l2o.compute import prepare_device
from l2o.errors import InputError
from l2o.evaluation.memory_probe import SEED, peak_mib, resident_mib, restart_peak
from l2o.optimizees.network_training import NetworkTrainingFamily
from l2o.optimizees.networks import CLASSES, initial
from l2o.optimizees.pooled_digits import PooledDigits, sigmoid_network
from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import State
from l2o.optimizers.recurrent.l2o_dm import L2oDm
from l2o.training.episodes import ModuleEpisode
from l2o.training.estimators import KINDS

REPEATS = 5  # of each measurement; the median of the seconds counts
# A process of its own finds modules where this one does.
PROBE = (
    "import sys; sys.path[:] = {path}; "
    "from l2o.evaluation.estimator_cost import main; main(sys.argv[1])"
)


def measure_cost(estimators: Sequence[str], given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return rows ``estimator``, ``unroll``, ``gradients`` (inner ones), ``seconds``, ``peak_mib``.

    Parameters
    ----------
    given : the other arguments of :func:`probed`

    Raises
    ------
    InputError : the process of a measurement failed.
    """
    rows: list[dict[str, Any]] = []
    for name in estimators:
        text = json.dumps({"estimator": name, **given})
        command = [sys.executable, "-c", PROBE.format(path=sys.path), text]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            told = (done.stderr.strip().splitlines() or [f"ended by {done.returncode}"])[-1]
            raise InputError("cost", name, f"was not measured: {told}", "take shorter unrolls")
        rows += json.loads(done.stdout)
    return rows


def probed(
    estimator: str,
    unrolls: Sequence[int],
    side: int,
    units: int,
    minibatch: int,
    hyperparameters: Mapping[str, float],
    sigma: float,
    pairs: int,
    threads: int,
) -> list[dict[str, Any]]:
    """Measure one meta-gradient at each unroll length; call once in a process.

    The first truncation of an episode on random images; memory is the peak less what was resident
    before the first length.
    """
    prepare_device("cpu", threads)
    random = torch.Generator().manual_seed(SEED)
    optimizer = L2oDm(hyperparameters, random)
    images = torch.rand(4 * minibatch, side * side, generator=random)
    labels = torch.randint(CLASSES, (4 * minibatch,), generator=random)
    network = sigmoid_network(side, units)
    family = NetworkTrainingFamily(
        network, PooledDigits(images, labels), 1, SEED, "cost", minibatch
    )

    def taken(unroll: int) -> tuple[float, int]:
        """Take a meta-gradient; return the seconds and the inner gradients."""
        asked = [0]

        def window(optimizee: Optimizee, state: State) -> tuple[torch.Tensor, State]:
            loss = torch.zeros(())
            for _ in range(unroll):
                state = optimizer.step(optimizee, state)
                loss = loss + optimizer.meta_loss(optimizee, state)
            asked[0] += unroll
            return loss / unroll, state

        def draw() -> tuple[Optimizee, torch.Tensor]:
            return family.batch(torch.zeros(1, dtype=torch.int64)), initial(network, 1, SEED)

        episode = ModuleEpisode(optimizer, draw, optimizer.init, window)
        began = time.perf_counter()
        KINDS[estimator](sigma, pairs).estimate(episode, random)
        return time.perf_counter() - began, asked[0]

    taken(1)  # what libraries allocate once and for all
    restart_peak()
    before, rows = resident_mib(), []
    for unroll in sorted(unrolls):
        found = [taken(unroll) for _ in range(REPEATS)]
        head = {"estimator": estimator, "unroll": unroll, "gradients": found[0][1]}
        seconds = statistics.median(spent for spent, _ in found)
        rows.append(head | {"seconds": seconds, "peak_mib": max(peak_mib() - before, 0.0)})
    return rows


def main(arguments: str) -> None:
    """Print what :func:`probed` returns for the arguments in JSON, as JSON."""
    print(json.dumps(probed(**json.loads(arguments))))
