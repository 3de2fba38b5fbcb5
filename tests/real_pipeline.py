"""The real pipeline, run by Snakemake at the smoke preset in a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import warm_python
from l2o.storage.fetching import MIRROR_VARIABLE
from small_digits import TRAINABLE, idx_files, make_mirror, sums_of

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "workflow", "params", "profiles", "src", "data")
RESULTS = Path("results/smoke/sparse_recovery")
REPORTS = Path("reports/smoke")
# The published recipe is followed for one optimizer in each experiment.
ONE_RECIPE = [
    r"(?<=^published_recipe:\n  l2o_dm: {}\n)(  .*\n)+",
    r"^    published_overrides:.*\n(      .*\n)*",
]
# Settings that the tests do not build: what holds for one holds for all, and the contract tests
# look at the graph of all of them.
LEFT_OUT = {
    "fig2": [r", snr20"],
    "fig3": [r"^  unroll(20|50|100|200): .*\n"],
    "fig5": [r"^  (snr20|large): \{title.*\n", r"^      (snr20|large)/.*\n"],
    "fig6": [
        *ONE_RECIPE,
        *(r"^  m25_n50: \{title.*\n", r", m25_n50: \[\d+, \d+\]", r"^      m25_n50/.*\n"),
    ],
    "fig7": [
        *ONE_RECIPE,
        *(r"^  n10: \{title.*\n", r", n10: \d+", r"^      n10: \{radius.*\n"),
        r"^      n10/.*\n(        .*\n)?",
    ],
    "fig8": [*ONE_RECIPE, r"^  convnet: \{title.*\n"],
    "minimax": [
        r"^  (saddle|rotated|game1|seesaw[2-7]): \{title.*\n",
        r"^  (game50|\w+_shifted|game5_singular):\n(    .*\n)+",
        *(r"game1, (?=game5)", r", game50, game5_singular", r"^    sizes: \{game50: \d+\}\n"),
    ],
    "attack": [r"^  standard_10: \{title.*\n", r"^  standard_40:\n(    .*\n)+"],
    "meta_gradients": [r"^  (reparameterisation|evolution|merged): \{title.*\n"],
    "shifts": [r"^          (snr20|large|m25_n50|n10): .*\n"],
}
# Work that would be more of the same: inner steps of a training, points of a grid, and settings
# that the preset leaves out besides.
SHORTER = {
    "black_box": [(r"left_out: \[(?=rastrigin2)", "left_out: [branin, hartmann3, ")],
    "small_regression": [(r'(note: "smoke .*\n)', r"\1    left_out: [logistic, robust]\n")],
    "pnp": [(r"left_out: \[(?=fourier_random)", "left_out: [fourier_radial, ")],
    "cs": [
        (r"left_out: \[(?=ratio_01)", "left_out: [ratio_10, "),
        (r"(followed|  settings): \[ratio_10, ", r"\1: ["),
        (r"^    net_overrides:\n      ratio_10.*\n(?=  laptop)", ""),
    ],
    "fig3": [(r"horizons: \[200\]", "horizons: [20]")],
    "attack": [
        (r"pgd: {rate: \[0\.01, .*\]}", "pgd: {rate: [0.02, 0.1]}"),
        (r"{rate: .*fall: .*\]}", "{rate: [0.1, 0.3], fall: [2]}"),
        (r"{rate: \[0\.02, .*, memory: .*\]}", "{rate: [0.05], memory: [0.5]}"),
    ],
    "cs_patches": [
        (r"{lam: \[0\.01, .*\]}", "{lam: [0.003, 0.0003]}"),
        (r"\[ratio_30, (?=ratio_40)", "[ratio_20_known, ratio_30, "),
    ],
    "minimax": [(r"{rate: \[0\.001, .*\]}", "{rate: [0.1, 0.3]}")],
    "fig7": [
        (r"beta1: .*\]}", "beta1: [0.5, 0.9], beta2: [0.9, 0.999]}"),
        (r"decay: \[.*\]}", "decay: [0.9, 0.99]}"),
        (r"{shrink: .*\]}", "{shrink: [0.5, 0.8]}"),
        (r"population: \[8, 64\], sigma: .*\]", "sigma: [1, 2]"),
        (r"spread: \[.*\]", "spread: [0.5, 2]"),
        (r"jump: \[.*\]}", "jump: [0.6, 1]}"),
    ],
}
MIRROR = "mirror"  # of a copy: the network is never used
# As root, a program gives up root's right to read and write everything: it meets modes of files as
# those of ordinary users do.
ORDINARY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
if os.geteuid() or not shutil.which("setpriv") or subprocess.call([*ORDINARY, "true"]):
    ORDINARY = []


def copy_repository(folder: Path) -> Path:
    """Copy the repository, with a few random digits for MNIST and one or two settings each."""
    for part in PARTS:
        source, target = ROOT / part, folder / part
        if source.is_dir():
            skip = shutil.ignore_patterns("__pycache__", "*.egg-info", "bsds500", "mnist", "set11")
            shutil.copytree(source, target, ignore=skip)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    digits = idx_files(TRAINABLE)
    make_mirror(folder / MIRROR, digits, packed=False)
    (folder / "data/mnist.sha256").write_text(sums_of(digits))
    for name in LEFT_OUT.keys() | SHORTER.keys():
        params = folder / f"params/{name}.yaml"
        text = params.read_text()
        without = [(line, "") for line in LEFT_OUT.get(name, [])]
        for pattern, new in [*without, *SHORTER.get(name, [])]:
            text, count = re.subn(pattern, new, text, flags=re.M)
            assert count, f"{params}: nothing is like {pattern}"
        params.write_text(text)
    return folder


def environment_of(folder: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment in which the copy's code and this Python's programs are used."""
    searched = f"{warm_python.FOLDER}{os.pathsep}{folder / 'src'}"
    environment = {**os.environ, "PYTHONPATH": searched, **warm_python.served(ORDINARY)}
    environment.pop("L2O_CACHE", None)
    environment |= {MIRROR_VARIABLE: str(folder / MIRROR), **(extra or {})}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return environment


def snakemake_command(*arguments: str, preset: str = "smoke") -> list[str]:
    program = Path(sys.executable).parent / "snakemake"
    return [str(program), "--config", f"preset={preset}", *arguments]


def run(
    folder: Path, command: list[str], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess:
    """Run a program in a copy, whatever its exit code; return what it printed."""
    return subprocess.run(
        [*ORDINARY, *command],
        cwd=folder,
        env=environment_of(folder, environment),
        text=True,
        capture_output=True,
        check=False,
    )


def l2o(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return run(folder, [sys.executable, str(folder / "src/l2o"), *arguments])


def planned(folder: Path, *arguments: str, preset: str = "smoke") -> dict[str, int]:
    """Return how many jobs of each rule a dry run lists."""
    dry = snakemake(folder, "--cores", "1", "--dry-run", *arguments, preset=preset)
    assert dry.returncode == 0, dry.stderr
    table = dry.stdout.split("Job stats:")[1] if "Job stats:" in dry.stdout else ""
    jobs = {rule: int(n) for rule, n in re.findall(r"^(\w+)\s+(\d+)$", table, re.M)}
    return {rule: n for rule, n in jobs.items() if rule not in ("all", "total")}


def snakemake(
    folder: Path,
    *arguments: str,
    preset: str = "smoke",
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess:
    return run(folder, snakemake_command(*arguments, preset=preset), environment)


def drop_settings(params: Path, *names: str) -> None:
    """Leave some settings of sparse recovery out of its parameter file."""
    some = "|".join(names)
    text = re.sub(rf"^  ({some}): \{{title.*\n", "", params.read_text(), flags=re.M)
    params.write_text(re.sub(rf"^      ({some})/.*\n", "", text, flags=re.M))
