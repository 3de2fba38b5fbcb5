"""Rows in the order of drawing, and legends that group the methods under headings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from l2o.figures import style
from l2o.figures.style import MethodStyle


def prepared(
    curves: pd.DataFrame, settings: Iterable[str], group: Callable[[str, str], str]
) -> pd.DataFrame:
    """Return the rows of ``settings`` in the order of drawing, with ``base`` and ``group``.

    ``base`` is the label without settings; ``group(method, kind)`` gives the heading under which
    the legend has a method.
    """
    curves = curves[curves["setting"].isin(settings)].sort_values("iteration", kind="stable")
    rows = curves[["method", "label", "kind"]].to_numpy()
    return curves.assign(
        base=[style.base_label(label, kind) for _, label, kind in rows],
        group=[group(method, kind) for method, _, kind in rows],
    )


def legend_entries(
    curves: pd.DataFrame, styles: Mapping[str, MethodStyle], groups: Sequence[str]
) -> dict[str, list[Artist]]:
    """Return the entries of the methods of ``curves`` (see :func:`prepared`), by heading.

    Every heading of ``groups`` is there, in their order, be it with or without entries.
    """
    entries: dict[str, list[Artist]] = {name: [] for name in groups}
    for _, row in curves.drop_duplicates("method").iterrows():
        look = styles[row["method"]]
        entries[row["group"]].append(Line2D([], [], label=row["base"], **look.line()))
    return entries


def place_legend(
    page: Figure, legend: Mapping[str, Sequence[Artist]], left: float, top: float
) -> None:
    """Put the groups of a legend beside each other, from ``left`` to the right edge of the page.

    ``left`` and ``top`` are parts of the page's width and height.
    """
    for number, (name, handles) in enumerate(legend.items()):
        at = (left + number * (0.99 - left) / len(legend), top)
        style.plain_legend(page, handles, name, at, 1)
