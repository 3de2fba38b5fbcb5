"""The computing environment of a step: device, threads, determinism."""

from __future__ import annotations

import os

import torch

from l2o.errors import InputError


def prepare_device(device: str, threads: int) -> torch.device:
    """Set up deterministic computation and return the device.

    The number of threads changes the order of sums and so the last bits of a result: it comes from
    the parameters, never from the scheduler or the machine.

    Parameters
    ----------
    device : ``cpu``, ``cuda``, or ``auto`` for CUDA where there is one
    threads : CPU threads of one process

    Raises
    ------
    InputError : CUDA is asked for and absent.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    # Late layers meet gradients near 1e-38; denormal numbers would slow the CPU many times.
    torch.set_flush_denormal(True)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("params", "device", "no CUDA device is available", "use `cpu` or `auto`")
    return torch.device(device)
