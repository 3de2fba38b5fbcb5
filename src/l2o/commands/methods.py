"""The command that lists all methods by kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from l2o.kinds import KINDS
from l2o.optimizers.registry import Head, methods

M, N, LAYERS = 256, 512, 16  # of the nets whose numbers are counted: the size of Figure 5


def listed(count: bool) -> str:
    """Return a line for each method under one for its kind; with ``count`` what it learns.

    The year is the first one that its reference names.
    """
    return "\n".join(_lines(count))


def _lines(count: bool) -> Iterator[str]:
    for kind, about in KINDS.items():
        size = f", at {M} x {N} and {LAYERS} layers" if kind == "unrolled" else ""
        learns = f"; numbers learned{size}" if count and about.trained else ""
        yield f"{about.heading} ({kind}): {about.asks}{learns}"
        counted = counts(kind) if count and about.trained else {}
        for head in methods(kind).values():
            number = f"{counted[head.name]:>10,} " if counted else ""
            yield f"  {head.name:22} {head.label:24} {year(head):4} {number}{head.reference}"


def year(head: Head) -> str:
    """Return the first year of a method's reference; empty: it names none."""
    found = re.search(r"\b(1[89]|20)\d\d\b", head.reference)
    return found[0] if found else ""


def counts(kind: str) -> dict[str, int]:
    """Return how many numbers each method of a trained kind learns, at its default size."""
    import torch

    from l2o.evaluation.runs import learned_values

    generator = torch.Generator().manual_seed(0)
    first: tuple[Any, ...] = ({}, generator)
    if kind == "unrolled":
        A = torch.randn(M, N, generator=generator, dtype=torch.float64).float()
        first = (A / A.norm(dim=0), LAYERS, {})
    return {name: learned_values(head.load()(*first)) for name, head in methods(kind).items()}
