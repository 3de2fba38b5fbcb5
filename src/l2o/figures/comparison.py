"""Ours against published values, for any experiment: the one verdict, and the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from l2o.figures.about import About
from l2o.figures.common import VARIANTS
from l2o.figures.intake import KEYS, Tables, methods_in_order, our_curves, our_finals, readings
from l2o.figures.measure import Measure
from l2o.figures.numbers import curve_ratio, rounded
from l2o.variants import AS_DRAWN, MAIN


@dataclass(frozen=True)
class Rule:
    """At which places curves are compared, and how strictly.

    Parameters
    ----------
    tolerance, margin : see :func:`verdict`
    ends : the last places of both curves, be they the same or not (layers of nets); else the last
        place that was read off, or before it the last one that ours has
    shown : all places of the published curves that ours has, and its last, are compared; texts
        show these and the last
    until : methods whose published curve can be held against ours only up to a place
    """

    tolerance: float = 0.0
    margin: float = 0.0
    ends: bool = False
    shown: Sequence[int] = ()
    until: Mapping[str, int] = field(default_factory=dict)


def verdict(
    ours: float,
    published: float,
    *,
    lost: bool = False,
    failed: float = 0,
    runs: float = 1,
    tolerance: float = 0.0,
    margin: float = 0.0,
) -> str:
    """Return ``met``, ``within`` or ``missed``, or "" where nothing is published.

    ``within`` says that the two are no further apart than the reading is uncertain.

    Parameters
    ----------
    ours, published : values, lower is better; rounded as they are shown
    lost : our curve diverged
    failed, runs : how many of the runs (samples, ...) that it pools failed
    tolerance, margin : how uncertain the reading is: as a part of the published value, and in its
        unit
    """
    if np.isnan(published):
        return ""
    if lost or (runs > 0 and 2 * failed >= runs):
        return "missed"
    uncertain = max(margin, tolerance * abs(published))
    if uncertain and abs(ours - published) <= uncertain * (1 + 1e-9):
        return "within"
    return "met" if ours <= published else "missed"


def compare(
    tables: Tables,
    published: pd.DataFrame | None,
    about: About,
    measure: Measure,
    rule: Rule = Rule(),
) -> pd.DataFrame:
    """Compare every method that takes part with its published curve, if it has one.

    Parameters
    ----------
    tables, published, about : as an experiment's ``table`` gets them
    measure, rule : what is compared, and how

    Returns
    -------
    A row per setting, method, variant and place, published methods first: ``setting``, ``method``,
    ``variant``, ``kind``, ``label``, the place and the value of ours, called as in the measure, the
    same of the published curve with ``paper_`` before (NaN: not published), ``ratio`` (ours /
    published; NaN where that is not positive), ``verdict`` (at the last published place; else ""),
    ``runs``, ``failed``, ``curve_ratio`` (as_drawn only: the largest ratio of both curves, either
    way up) and ``status`` (diverged: the value is not finite, or it is the last of a curve that
    diverged).

    Raises
    ------
    InputError : see :mod:`l2o.figures.intake`.
    """
    curves = our_curves(tables, about, measure)
    finals = our_finals(tables, about, curves)
    paper = readings(published, about, measure.x, measure.value)
    paper = paper.sort_values(measure.x, kind="stable")
    by_curve = dict(iter(curves.groupby(KEYS, sort=False)))
    order, rows = methods_in_order(curves, readings(published, about, measure.x, measure.value)), []
    for setting in about.titles:
        panel = paper[paper["panel"] == setting].set_index(measure.x)
        for method in order:
            read = panel.loc[panel["method"] == method, measure.value].dropna().astype(float)
            for key in [(setting, method, variant) for variant in VARIANTS]:
                if key in by_curve:
                    ours, counts = by_curve[key], finals.loc[key, ["runs", "failed"]].to_dict()
                    ours = ours.set_index(measure.places(ours))
                    at = _places(ours.index, read, set(panel.index), rule)
                    rows += _rows(ours, read, at, counts, measure, rule)
    return pd.DataFrame(rows)


def _places(
    have: pd.Index, read: pd.Series, panel: set[float], rule: Rule
) -> list[tuple[float, float]]:
    """Return pairs of places to compare: of ours as the paper counts, and of the paper (or NaN)."""
    if rule.ends:
        return [(have[-1], read.index[-1] if len(read) else np.nan)]
    if rule.shown:
        chosen = sorted({*(panel & set(have)), have[-1]})
    else:
        wanted = set(read.index) if len(read) else panel
        chosen = sorted(wanted & set(have))[-1:] or [have[-1]]
    return [(place, place if place in read.index else np.nan) for place in chosen]


def _rows(
    ours: pd.DataFrame,
    read: pd.Series,
    at: Sequence[tuple[float, float]],
    counts: Mapping[str, float],
    measure: Measure,
    rule: Rule,
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one curve; ours and ``read`` are keyed by place, in ascending order."""
    x, value, (end, _) = measure.x, measure.value, at[-1]
    first, lost = ours.iloc[0], (ours["status"] != "converged").any() or _lost(ours[value][end])
    until = rule.until.get(first["method"], np.inf)
    uncertain = {"tolerance": rule.tolerance, "margin": rule.margin}
    both = [place for place in read.index if place in ours.index and place <= until]
    drawn = first["variant"] == AS_DRAWN and len(both)
    for place, other in at:
        exact, paper = float(ours[value][place]), float(read.get(other, np.nan))
        shown, published = measure.rounding(exact), measure.rounding(paper)
        judged = published if len(read) and other == read.index[-1] else np.nan
        ended = place == end
        yield {word: first[word] for word in (*KEYS, "kind", "label")} | {
            x: ours[x][place],
            value: shown,
            f"paper_{x}": other,
            f"paper_{value}": published,
            "ratio": rounded(exact / paper) if paper > 0 else np.nan,
            "verdict": verdict(shown, judged, lost=lost, **uncertain, **counts),
            **counts,
            "curve_ratio": curve_ratio(ours[value], read[both]) if drawn and ended else np.nan,
            "status": "diverged" if (lost and ended) or _lost(exact) else "converged",
        }


def _lost(value: float) -> bool:
    return bool(np.isnan(value) or np.isposinf(value))


def metrics(rows: pd.DataFrame, *values: str) -> dict[str, Any]:
    """Return the main curves as nested numbers: ``cells``, how many are met and how many within
    the reading, then by setting.

    Of each curve the last row gives ``<method>_<value>``; what is not finite is left out.
    """
    main = rows[rows["variant"] == MAIN]
    words = {"cells_met": "met", "cells_within_reading": "within"}
    numbers: dict[str, Any] = {n: int((main["verdict"] == w).sum()) for n, w in words.items()}
    numbers["cells"] = int((main["verdict"] != "").sum())
    for setting, here in main.groupby("setting", sort=False):
        last = here.drop_duplicates("method", keep="last").set_index("method")
        named = {f"{m}_{value}": float(v) for value in values for m, v in last[value].items()}
        numbers[setting] = {name: number for name, number in named.items() if np.isfinite(number)}
    return numbers
