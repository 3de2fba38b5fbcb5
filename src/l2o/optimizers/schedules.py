"""Rates that follow a schedule, and how long it is."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor


def cosine(rate: float, t: Tensor, steps: float) -> Tensor:
    """Return rate (1 + cos(pi t / steps)) / 2, and 0 from t = ``steps`` on; t, (), counts from 0.

    It is written as a squared sine, of which no digits cancel towards the end.

    Source: Loshchilov & Hutter 2017, eq. (5), without restarts.
    """
    left = (1 - t / steps).clamp_min(0)
    return rate * (0.5 * math.pi * left).sin().square()


def lasting(optimizer: Any, iterations: int) -> Any:
    """Return an optimizer whose schedule, ``steps``, lasts as long as a run.

    One without a schedule, or without hyperparameters, is returned as it is.
    """
    hyper = getattr(optimizer, "hyper", {})
    return type(optimizer)({**hyper, "steps": iterations}) if "steps" in hyper else optimizer


def linear(t: Tensor, steps: float) -> Tensor:
    """Return 1 - t / steps, and 0 from t = ``steps`` on; t, (), counts from 0."""
    return (1 - t / steps).clamp_min(0)
