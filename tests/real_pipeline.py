"""The real pipeline, run by Snakemake at the smoke preset in a copy of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "workflow", "params", "profiles", "src", "data")
RESULTS = Path("results/smoke/fig5")
REPORTS = Path("reports/smoke")


def copy_repository(folder: Path) -> Path:
    for part in PARTS:
        source, target = ROOT / part, folder / part
        if source.is_dir():
            skip = shutil.ignore_patterns("__pycache__", "*.egg-info", "bsds500")
            shutil.copytree(source, target, ignore=skip)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return folder


def environment_of(folder: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment in which the copy's code and this Python's programs are used."""
    environment = {**os.environ, **(extra or {}), "PYTHONPATH": str(folder / "src")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return environment


def snakemake_command(*arguments: str, preset: str = "smoke") -> list[str]:
    program = Path(sys.executable).parent / "snakemake"
    return [str(program), "--config", f"preset={preset}", *arguments]


def snakemake(
    folder: Path,
    *arguments: str,
    preset: str = "smoke",
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess:
    return subprocess.run(
        snakemake_command(*arguments, preset=preset),
        cwd=folder,
        env=environment_of(folder, environment),
        text=True,
        capture_output=True,
        check=False,
    )
