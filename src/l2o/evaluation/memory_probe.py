"""The memory of one meta-gradient, measured in a process of its own.

:func:`main` takes the arguments of :func:`probed` as JSON and prints its result as JSON. A process
of its own, because memory that an allocator has kept from an earlier measurement would be used
again without being seen.

What is measured is the resident set (RSS). Its peak is read from Linux' VmHWM, which begins anew
with the program: the peak of ``getrusage`` is inherited from the process that started this one.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from l2o.compute import prepare_device
from l2o.optimizees.network_training import Digits, NetworkTrainingFamily
from l2o.optimizees.networks import CLASSES, SIDE, Mlp, dimension, initial
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.optimizers.recurrent.l2o_dm import L2oDm
from l2o.seeds import named_generator
from l2o.training.checkpointing import Checkpointed

MIB = 1024.0  # KiB
SEED = 0  # of images, weights and starts, on which memory does not depend
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def restart_peak() -> None:
    """Let the peak begin at what is resident now, where the system can do so (Linux)."""
    with contextlib.suppress(OSError):
        _CLEAR.write_text("5", encoding="ascii")


def resident_mib() -> float:
    """Return this process's resident memory, MiB."""
    return _status("VmRSS")


def peak_mib() -> float:
    """Return the peak of this process's resident memory, MiB, since :func:`restart_peak`."""
    return _status("VmHWM")


def _status(name: str) -> float:
    """Return a line of Linux' account of the process, MiB; elsewhere the peak that there is."""
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        unit = MIB**2 if sys.platform == "darwin" else MIB
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return float(line.split()[1]) / MIB


def probed(
    widths: Sequence[int], unroll: int, checkpointing: bool, minibatch: int, threads: int
) -> dict[str, float]:
    """Measure one meta-gradient of L2O-DM that trains an MLP (sigmoid); call once in a process.

    An unroll of truncated backpropagation: ``unroll`` steps from a start, with the meta-loss after
    each, and the backward pass.

    Parameters
    ----------
    widths : pixels (784), units of each hidden layer, classes (10)
    unroll : inner steps
    checkpointing : see :mod:`l2o.training.checkpointing`
    minibatch : images, random ones
    threads : of the CPU

    Returns
    -------
    ``n`` (coordinates), ``rss_before_mib``, ``peak_rss_mib`` (both of the whole process) and
    ``seconds`` of the unroll
    """
    prepare_device("cpu", threads)
    optimizer = L2oDm({}, torch.Generator().manual_seed(SEED))
    optimizer = Checkpointed(optimizer) if checkpointing else optimizer
    # What libraries allocate once and for all is there before the measurement.
    _meta_gradient(optimizer, Mlp((SIDE * SIDE, 1, CLASSES), "sigmoid"), 2, minibatch)
    network = Mlp(tuple(widths), "sigmoid")
    restart_peak()
    before = resident_mib()
    seconds = _meta_gradient(optimizer, network, unroll, minibatch)
    return {
        "n": dimension(network),
        "rss_before_mib": before,
        "peak_rss_mib": peak_mib(),
        "seconds": seconds,
    }


def random_digits(count: int) -> Digits:
    """Return ``count`` random images with random labels."""
    generator = named_generator(SEED, "memory", "digits")
    images = generator.random((count, SIDE * SIDE), "float32")
    return Digits(
        torch.from_numpy(images), torch.from_numpy(generator.integers(CLASSES, size=count))
    )


def _meta_gradient(
    optimizer: RecurrentOptimizer, network: Mlp, unroll: int, minibatch: int
) -> float:
    """Compute one meta-gradient; return the seconds that it took."""
    digits = random_digits(4 * minibatch)
    runs = NetworkTrainingFamily(network, digits, 1, SEED, "memory", minibatch)
    optimizee = runs.batch(torch.zeros(1, dtype=torch.int64))
    state, loss = optimizer.init(optimizee, initial(network, 1, SEED)), torch.zeros(())
    started = time.perf_counter()
    for _ in range(unroll):
        state = optimizer.step(optimizee, state)
        loss = loss + optimizer.meta_loss(optimizee, state)
    (loss / unroll).backward()
    return time.perf_counter() - started


def main(arguments: str) -> None:
    """Print what :func:`probed` returns for the arguments in JSON, as JSON."""
    print(json.dumps(probed(**json.loads(arguments))))
