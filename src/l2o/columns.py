"""Texts in columns, for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def aligned(rows: Iterable[Sequence[str]], left: int | None = None) -> str:
    """Return rows of cells as lines with columns of equal width.

    Parameters
    ----------
    left : columns whose cells stand on the left, those of the others on the right; None: all
    """
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    places = [str.ljust if left is None or i < left else str.rjust for i in range(len(widths))]
    lines = (
        "  ".join(place(*cell) for place, *cell in zip(places, row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
