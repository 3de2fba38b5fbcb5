"""Comparisons in words, for any experiment: paragraphs, and tables of "ours / published"."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from l2o.figures.about import About
from l2o.figures.common import LEARNED, VARIANTS, base_label
from l2o.figures.compared import Cell, Grid, Text
from l2o.figures.measure import Measure
from l2o.figures.numbers import NOTHING, times_apart

FAILED = "ended not finite or not below the start"  # what ``failed`` of the finals counts


def rule_text(tolerance: float = 0.0) -> str:
    """Return the sentence that says what :func:`l2o.figures.comparison.verdict` holds."""
    above = f" ({100 * tolerance:g} %, the error of the reading, is allowed)" if tolerance else ""
    return (
        f"Bold, or “reached”: ours is at or below the published value{above}, the curve did not "
        "diverge (its end is finite and below its start), and fewer than half of what it "
        f"pools failed ({FAILED})."
    )


def ours_text(row: pd.Series, value: float, text: Callable[[float], str]) -> str:
    """Return our value as text; a curve that diverged is called so."""
    if row["status"] != "diverged":
        return text(value)
    return f"{text(value)} (diverged)" if np.isfinite(value) else "diverged"


def pair(row: pd.Series, measure: Measure) -> str:
    """Return "ours / published" of one row of :func:`l2o.figures.comparison.compare`."""
    paper = row[f"paper_{measure.value}"]
    published = NOTHING if np.isnan(paper) else measure.text(paper)
    return f"{ours_text(row, row[measure.value], measure.text)} / {published}"


def row_name(rows: pd.DataFrame) -> str:
    """Return the label of a method, without its settings where they are not alike everywhere."""
    label, kind = rows.iloc[0][["label", "kind"]]
    return label if rows["label"].nunique() == 1 else base_label(label, kind)


def by_setting(
    rows: pd.DataFrame, titles: Mapping[str, str], cell: Callable[[pd.Series], Cell]
) -> Grid:
    """Return a table with a row for each method and a column for each setting."""
    lines = []
    for _, group in rows.groupby("method", sort=False):
        cells = {row["setting"]: cell(row) for _, row in group.iterrows()}
        lines.append((row_name(group), [cells.get(setting, Cell("")) for setting in titles]))
    return Grid(("method", *titles.values()), lines)


def compared_at(rows: pd.DataFrame, x: str) -> str:
    """Return e.g. "iteration 1,000", or "layer 4 / layer 16" where ours and theirs differ."""
    read = rows[f"paper_{x}"].notna()
    sides = [rows.loc[read, x] if x != "iteration" else [], rows.loc[read, f"paper_{x}"]]
    texts = [", ".join(f"{int(at):,}" for at in sorted(set(side))) for side in sides]
    texts = [*filter(None, texts)] or [", ".join(f"{int(at):,}" for at in sorted(set(rows[x])))]
    return " / ".join(dict.fromkeys(f"{x} {text}" for text in texts))


def counted(rows: pd.DataFrame) -> str:
    """Return how many cells of the main curves are met, and which methods are not judged."""
    main = rows[rows["variant"] == "main"]
    judged = main[main["verdict"] != ""]
    if judged.empty:
        return "Nothing is published at the end of our curves: no verdict."
    others = main[~main["method"].isin(judged["method"])].groupby("method", sort=False)
    names = ", ".join(row_name(group) for _, group in others)
    also = f" Not published, and not judged: {names}." if names else ""
    met = int((judged["verdict"] == "met").sum())
    return f"{met} of {len(judged)} cells reach the published value.{also}"


def failures(rows: pd.DataFrame, about: About) -> list[Text]:
    """Return a paragraph that tells where some of what a main curve pools failed; none: nothing."""
    some, told = rows[(rows["variant"] == "main") & (rows["failed"] > 0)], []
    for _, row in some.drop_duplicates(["setting", "method"], keep="last").iterrows():
        where = about.titles[row["setting"]]
        told.append(f"{row['label']}, {where}: {row['failed']:,.0f} of {row['runs']:,.0f}")
    return [Text(f"Failed ({FAILED}), of {about.pooled}: {'; '.join(told)}.")] if told else []


def best_learned(rows: pd.DataFrame, about: About, measure: Measure) -> str:
    """Return which learned method ends lowest in each setting; "" if none converged."""
    ends = rows[rows["variant"] == "main"].drop_duplicates(["setting", "method"], keep="last")
    ends = ends[ends["kind"].isin(LEARNED) & (ends["status"] == "converged")]
    lowest = ends.loc[ends.groupby("setting", sort=False)[measure.value].idxmin()]
    names = [
        f"{about.titles[row['setting']]}: {row['label']} ({measure.number(row[measure.value])})"
        for _, row in lowest.iterrows()
    ]
    return f"Lowest learned method at the end: {'; '.join(names)}." if names else ""


def comparison_blocks(
    rows: pd.DataFrame, about: About, measure: Measure, tolerance: float = 0.0, reading: str = ""
) -> list[Text | Grid]:
    """Return the texts and tables of :func:`compare`; ``reading`` says how good the readings are.

    The as_drawn curves have a table of their own, with the ratio of the two curves.
    """
    main = rows[rows["variant"] == "main"]
    at, titles = compared_at(main, measure.x), about.titles
    return [
        Text(f"{measure.label}, mean: ours / published, at {at}. {measure.what} Lower is better."),
        by_setting(main, titles, lambda row: Cell(pair(row, measure), row["verdict"])),
        Text(" ".join(filter(None, (counted(rows), rule_text(tolerance), reading)))),
        *failures(rows, about),
        *as_drawn_blocks(rows, about, lambda row: pair(row, measure)),
    ]


def as_drawn_blocks(
    rows: pd.DataFrame, about: About, text: Callable[[pd.Series], str]
) -> list[Text | Grid]:
    """Return heading and table of the as_drawn rows; nothing without any."""
    drawn = rows[rows["variant"] == VARIANTS[1]]
    heading = (
        "With the settings that reproduce the published curves, where the paper's text gives "
        "others: ours / published, and the largest ratio of the two curves, either way up, over "
        "the places that were read."
    )
    cells = by_setting(
        drawn, about.titles, lambda row: Cell(text(row), small=times_apart(row["curve_ratio"]))
    )
    return [] if drawn.empty else [Text(heading), cells]
