"""Trainings through the command line that are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path


def trained_files(folder: Path) -> dict[str, Path]:
    """Where a training writes, by role."""
    names = {"checkpoint": "net.safetensors", "history": "h.csv", "training_seconds": "s.json"}
    return {role: folder / name for role, name in names.items()}


def kill_once_it_has_saved(
    figure: str, setting: str, method: str, data: Path, outputs: dict[str, Path], state: Path
) -> None:
    """Run a training of the smoke preset as a process, and kill it when its state is on disk."""
    command = [sys.executable, "-m", "l2o.cli", figure, "train", setting, method, str(data)]
    command += [str(outputs["checkpoint"]), "--history", str(outputs["history"])]
    command += ["--timing", str(outputs["training_seconds"]), "--state", str(state)]
    with subprocess.Popen([*command, "--preset", "smoke"], stdout=subprocess.DEVNULL) as child:
        deadline = time.monotonic() + 60
        while not state.exists() and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        assert state.exists(), "the training ended, or saved nothing"
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
