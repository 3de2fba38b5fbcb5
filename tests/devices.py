"""Trainings on one device beside the same ones on another: how far apart they are."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from torch.nn.functional import normalize

from l2o.optimizers.registry import methods
from l2o.training.stages import Stage
from real_pipeline import copy_repository, run, snakemake_command

# Allowed beside the CPU: a validation before much is learned, and the last one, as decibels and as
# shares. Sums in another order differ by 1e-6; a training magnifies it.
FIRST, LAST = (0.05, 0.01), (0.5, 0.05)
SMALL = 1e-3  # below it, what is no decibel is compared with this


class Deviation(NamedTuple):
    """How far the validation losses of one training are apart, and what is allowed."""

    training: str
    first: float
    last: float
    allowed: tuple[float, float]

    @property
    def near(self) -> bool:
        """Whether both are within what is allowed; not a number is not."""
        return self.first <= self.allowed[0] and self.last <= self.allowed[1]


def graph_on(device: str, folder: Path) -> Path:
    """Return a copy of the repository whose trainings run on a device."""
    copy_repository(folder)
    for path in (folder / "params").glob("*.yaml"):
        text = path.read_text("utf-8")
        path.write_text(re.sub(r"^device: cpu", f"device: {device}", text, flags=re.M), "utf-8")
    return folder


def build(folder: Path, cores: int, *targets: str) -> str:
    """Build the smoke graph of a copy, or some files of it; return what went wrong."""
    ended = run(folder, snakemake_command("--cores", str(cores), "--keep-going", "--", *targets))
    return ended.stderr[-3000:] if ended.returncode else ""


def trained(folder: Path, part: str = "checkpoints") -> dict[str, Path]:
    """Return the files of one kind that trainings wrote, by their place in the results."""
    results = folder / "results/smoke"
    return {str(p.relative_to(results)): p for p in sorted(results.glob(f"*/{part}/*/[!.]*"))}


def devices_of(folder: Path) -> set[str]:
    """Return the devices that trainings ran on."""
    found = trained(folder, "training_seconds").values()
    return {json.loads(path.read_text("utf-8"))["device"] for path in found}


def different(one: Path, other: Path) -> list[str]:
    """Return the checkpoints and histories whose bytes differ between two copies, or are absent."""
    files = [{**trained(copy), **trained(copy, "histories")} for copy in (one, other)]
    return [
        name
        for name in sorted(files[0].keys() | files[1].keys())
        if not all(name in known for known in files)
        or files[0][name].read_bytes() != files[1][name].read_bytes()
    ]


def deviations(one: Path, other: Path) -> list[Deviation]:
    """Return how far validation losses are apart, the last ones that are furthest in front."""
    found = []
    for name, path in trained(one, "histories").items():
        tables = [pd.read_csv(each) for each in (path, other / path.relative_to(one))]
        columns = [c for c in tables[0].columns if "validation" in c]
        for column in columns[:1]:
            decibel = column.endswith("_db")
            there, here = (table[column].dropna() for table in tables)  # not every row has one
            apart = [0.0, 0.0]
            if len(there) != len(here):
                apart = [math.inf, math.inf]
            elif len(here):
                ends = [(float(there.iloc[at]), float(here.iloc[at])) for at in (0, -1)]
                units = [1.0 if decibel else max(abs(b), SMALL) for _, b in ends]
                pairs = zip(ends, units, strict=True)
                apart = [0.0 if a == b else abs(a - b) / unit for (a, b), unit in pairs]
            allowed = (FIRST[not decibel], LAST[not decibel])
            found.append(Deviation(name, *apart, allowed))
    return sorted(found, key=lambda one: -one.last / one.allowed[1])


def step_times(
    device: str, measure: Callable[[Callable[[], None], str], float]
) -> dict[str, float]:
    """Return the seconds of a training step of ALISTA and of LISTA-CPSS at the paper's sizes."""
    found = {}
    generator = torch.Generator().manual_seed(0)
    A = normalize(torch.randn(256, 512, generator=generator), dim=0)
    x = torch.randn(128, 512, generator=generator)
    x = (x * (torch.rand(x.shape, generator=generator) < 0.1)).to(device)
    for name in ("alista", "lista_cpss"):
        net = methods("unrolled")[name].load()(A, 16, {}).to(device)
        adam = torch.optim.Adam(net.parameters(), Stage("final", 0, 15, 1, 1e-4, 1.0).rate)
        b = x @ net.A.T

        def step(net=net, adam=adam, b=b) -> None:
            adam.zero_grad()
            (net(b)[-1] - x).square().sum().log().backward()
            adam.step()

        found[name] = measure(step, device)
    return found
