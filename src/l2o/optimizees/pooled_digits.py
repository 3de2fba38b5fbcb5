"""Digits of fewer pixels, and the network on them: where thousands of runs are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional

from l2o.optimizees.network_runs import load_digits
from l2o.optimizees.network_training import Digits
from l2o.optimizees.networks import CLASSES, SIDE, Mlp


@dataclass(frozen=True)
class PooledDigits(Digits):
    """Digits whose images are (count, side^2) float32, of digits that were checked."""

    def __post_init__(self) -> None:
        """Check nothing."""

    def to(self, device: torch.device) -> PooledDigits:
        """Return the same digits on another device."""
        return PooledDigits(self.images.to(device), self.labels.to(device), self.source)


def pooled_digits(path: Path, split: str, side: int) -> Digits:
    """Return the digits of a split of a stored set, each pixel the mean of a square of pixels.

    Parameters
    ----------
    side : pixels of a side, a divisor of 28; with 28 they are those of the set

    Raises
    ------
    InputError : as :func:`l2o.optimizees.network_runs.load_digits`.
    """
    digits = load_digits(path, split)
    if side == SIDE:
        return digits
    pictures = digits.images.view(-1, 1, SIDE, SIDE)
    images = functional.avg_pool2d(pictures, SIDE // side).flatten(1)
    return PooledDigits(images, digits.labels, digits.source)


def sigmoid_network(side: int, hidden: int) -> Mlp:
    """Return the MLP on pictures of ``side`` x ``side`` pixels with a hidden layer."""
    return Mlp((side * side, hidden, CLASSES), "sigmoid")
