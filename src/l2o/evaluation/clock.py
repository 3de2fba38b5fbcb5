"""Seconds of runs that are compared: they take turns, and the fastest turn of each counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

ROUNDS = 3


class Timed(NamedTuple):
    """What a run returned, and its seconds."""

    found: Any
    seconds: float


@torch.no_grad()
def timed(run: Callable[[], Any]) -> Timed:
    """Run once on the clock."""
    began = time.perf_counter()
    found = run()
    return Timed(found, time.perf_counter() - began)


def fastest(runs: Sequence[Callable[[], Any]], rounds: int = ROUNDS) -> list[Timed]:
    """Return the fastest of each run's turns, one in every round, lest a busy moment be one's."""
    best = [timed(run) for run in runs]
    for _ in range(rounds - 1):
        best = [min(one, timed(run), key=_seconds) for one, run in zip(best, runs, strict=True)]
    return best


def _seconds(one: Timed) -> float:
    return one.seconds
