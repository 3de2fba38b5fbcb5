"""The command `l2o solve` in this process, on small input in the current folder."""

from __future__ import annotations

import contextlib
import io
import socket
import sys
from pathlib import Path
from unittest import mock

import pytest
import torch

from l2o.cli import main
from solve_cases import A, B, write_array, write_checkpoint

GOOD = {"optimizer": "lista.safetensors", "dictionary": "A.h5", "measurements": "b.h5"}


def fill(folder: Path) -> None:
    """Write good input, and the checkpoint of a recurrent optimizer."""
    for name in ("lista", "l2o_dm"):
        write_checkpoint(folder / f"{name}.safetensors", name)
    write_array(folder / "A.h5", "A", A)
    write_array(folder / "b.h5", "b", B)


def a_socket(path: Path) -> None:
    """Put a socket into the current folder."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


def ended(*words: str) -> tuple[int, str, str]:
    """Return the exit code, the output and the errors of ``l2o``; any other end is an error."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
    err.reconfigure(errors="backslashreplace")
    try:
        with (
            mock.patch.object(sys, "argv", ["l2o", *words]),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as end,
        ):
            main()
    finally:
        torch.set_flush_denormal(False)  # the command has switched it on
    said = (stream.detach().getvalue().decode() for stream in (out, err))
    return int(end.value.code or 0), *said


def solve(**changes: str) -> tuple[int, str, str]:
    """Run ``l2o solve`` with good options, or changed ones."""
    options = GOOD | {"out": "x.h5"} | {k.replace("_", "-"): v for k, v in changes.items()}
    return ended("solve", *(f"--{option}={value}" for option, value in options.items()))


def refused(result: tuple[int, str, str], *parts: str) -> None:
    """It ended with exit code 2 and one line on standard error, which says these parts."""
    code, out, err = result
    assert (code, out) == (2, "") and err.startswith("error: ") and "; " in err
    assert len(err.splitlines()) == 1 and all(part in err for part in parts), err
