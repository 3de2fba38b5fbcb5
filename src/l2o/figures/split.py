"""A figure of more methods than one page can name: the paper's nets first, the others apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from l2o.figures.about import About
from l2o.figures.intake import Tables
from l2o.figures.standard import Standard
from l2o.kinds import LEARNED

_LAST = "Nets that the paper does not draw, beside methods to hold them against."


def split_figure(
    report: Standard,
    tables: Tables,
    published: pd.DataFrame | None,
    about: About,
    yardsticks: Iterable[str],
    foot: str,
    **given: Any,
) -> list[Figure]:
    """Return the pages of a report, and one more with the nets that the paper does not draw.

    Parameters
    ----------
    report, tables, published, about : as :meth:`Standard.figure` takes them; so is what is
        ``given`` besides
    yardsticks : methods that stand on both pages
    foot : ends that of each page
    """
    who = tables["curves"].drop_duplicates("method").set_index("method")["kind"]
    drawn = set() if published is None else {*published["method"]}
    others = {name for name, kind in who.items() if kind in LEARNED and name not in drawn}
    if not others or not drawn & {*who.index}:  # too few for two pages
        return report.figure(tables, published, about, foot=foot, **given)
    first, last = {*who.index} - others, others | {*yardsticks, *who.index[who == "oracle"]}
    short = {name: title.partition("\n")[0] for name, title in about.titles.items()}
    told = replace(about, titles=short)
    return [
        *report.figure(_of(tables, first), published, about, foot=foot, **given),
        *report.figure(_of(tables, last), None, told, foot=f"{_LAST} {foot}", **given),
    ]


def _of(tables: Tables, methods: set[str]) -> Tables:
    """Return the tables with the curves and ends of some methods."""
    rows = {name: tables[name] for name in ("curves", "finals")}
    return {**tables} | {name: of[of["method"].isin(methods)] for name, of in rows.items()}
