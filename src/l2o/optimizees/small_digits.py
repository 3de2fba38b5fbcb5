"""The 1,797 digits of 8 x 8 pixels that scikit-learn brings along, in parts that never mix."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import torch

from l2o.optimizees.network_training import Digits
from l2o.seeds import named_generator

PARTS = {"train": 900, "validation": 397, "test": 500}  # images
INK = 16.0  # of a pixel that is full


class SmallDigits(Digits):
    """As :class:`Digits`, but of 64 pixels; a package's own, and so not checked again."""

    def __post_init__(self) -> None:
        """Check nothing."""

    def to(self, device: torch.device) -> SmallDigits:
        """Return the same digits on another device."""
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))


@cache
def small_digits(part: str) -> SmallDigits:
    """Return one of :data:`PARTS`, whose images are drawn once and for all.

    Source: the test set of the optical recognition of handwritten digits (Alpaydin & Kaynak 1998,
    UCI), as ``sklearn.datasets.load_digits`` has it.
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = named_generator(0, "small digits").permutation(len(images))
    first = 0
    for name, count in PARTS.items():
        if name == part:
            chosen = order[first : first + count]
            break
        first += count
    pixels = torch.from_numpy((images[chosen] / INK).astype(np.float32))
    source = f"the {part} part of scikit-learn's digits"
    return SmallDigits(pixels, torch.from_numpy(labels[chosen].astype(np.int64)), source)
