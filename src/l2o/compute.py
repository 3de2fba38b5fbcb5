"""The computing environment of a step: device, threads, determinism."""

from __future__ import annotations

import ctypes
import os

import torch
from threadpoolctl import threadpool_limits

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
    threadpool_limits(threads, user_api="blas")  # NumPy's products
    _keep_freed_memory()
    # What use_deterministic_algorithms(True) does, less the settings of torch.compile, which is not
    # used here and whose import takes half a second.
    torch.set_deterministic_debug_mode("error")
    # Late layers meet gradients near 1e-38; denormal numbers would slow the CPU many times.
    torch.set_flush_denormal(True)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("params", "device", "no CUDA device is available", "use `cpu` or `auto`")
    return torch.device(device)


def _keep_freed_memory() -> None:
    """Let glibc reuse freed blocks instead of returning each to the system.

    Large tensors are else mapped and unmapped on every use, and the page faults cost a quarter of a
    training step of an unrolled net and two thirds of a restored picture. Only what lies free above
    1 GiB at the end of the heap is returned.
    """
    trim_threshold, mmap_max = -1, -4
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:  # another C library: only slower
        return
    libc.mallopt(mmap_max, 0)
    libc.mallopt(trim_threshold, 1 << 30)
