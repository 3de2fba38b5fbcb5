"""Comparisons in words, for any experiment: paragraphs, and tables of "ours / published"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from l2o.figures.about import About
from l2o.figures.common import base_label
from l2o.figures.compared import Cell, Grid, Text
from l2o.figures.comparison import Rule
from l2o.figures.intake import KEYS
from l2o.figures.measure import Measure
from l2o.figures.numbers import NOTHING, percent, times_apart
from l2o.kinds import LEARNED
from l2o.variants import AS_DRAWN, MAIN, PUBLISHED

FAILED = "ended not finite or not below the start"  # what ``failed`` of the finals counts


def rule_text(rule: Rule, unit: str = "") -> str:
    """Return the sentences that say what :func:`l2o.figures.comparison.verdict` holds."""
    errors = [f"{100 * rule.tolerance:g} %"] if rule.tolerance else []
    errors += [f"{rule.margin:g}{unit}"] if rule.margin else []
    within = (
        f" Within the reading: the two are at most {', '.join(errors)} apart." if errors else ""
    )
    return (
        "Bold, or “reached”: ours is at or below the published value, the curve did not "
        "diverge (its end is finite and below its start), and fewer than half of what it "
        f"pools failed ({FAILED}).{within}"
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
    main = rows[rows["variant"] == MAIN]
    judged = main[main["verdict"] != ""]
    if judged.empty:
        return "Nothing is published at the end of our curves: no verdict."
    others = main[~main["method"].isin(judged["method"])].groupby("method", sort=False)
    names = ", ".join(row_name(group) for _, group in others)
    also = f" Not published, and not judged: {names}." if names else ""
    met, within = (int((judged["verdict"] == word).sum()) for word in ("met", "within"))
    close = f", {within} are within the reading" if within else ""
    return f"{met} of {len(judged)} cells reach the published value{close}.{also}"


def failures(rows: pd.DataFrame, about: About) -> list[Text]:
    """Return a paragraph that tells where some of what a main curve pools failed; none: nothing."""
    some, told = rows[(rows["variant"] == MAIN) & (rows["failed"] > 0)], []
    for _, row in some.drop_duplicates(["setting", "method"], keep="last").iterrows():
        where = about.titles[row["setting"]]
        told.append(f"{row['label']}, {where}: {row['failed']:,.0f} of {row['runs']:,.0f}")
    return [Text(f"Failed ({FAILED}), of {about.pooled}: {'; '.join(told)}.")] if told else []


def best_learned(
    rows: pd.DataFrame,
    finals: pd.DataFrame,
    about: About,
    measure: Measure,
    second: tuple[str, Sequence[str]],
) -> str:
    """Return which learned method ends lowest in each setting, by both measures; "" if none does.

    Parameters
    ----------
    rows : of :func:`l2o.figures.comparison.compare`: what converged
    second : column of the finals with the other measure, and what both are called
    """
    column, words = second
    ends = rows[rows["variant"] == MAIN].drop_duplicates(["setting", "method"], keep="last")
    ends = ends[ends["kind"].isin(LEARNED) & (ends["status"] == "converged")]
    ends = ends.drop(columns=column, errors="ignore")
    ends = ends.merge(finals[[*KEYS, column]], on=KEYS)
    told = []
    for setting, here in ends.groupby("setting", sort=False):
        best = [
            f"by {word} {row['label']} ({measure.number(row[of])})"
            for word, of in zip(words, (measure.value, column), strict=True)
            for row in [here.loc[here[of].idxmin()]]
        ]
        told.append(f"{about.titles[setting]}: {', '.join(best)}")
    return f"Lowest learned method at the end: {'; '.join(told)}." if told else ""


def tails_blocks(
    finals: pd.DataFrame, about: About, tails: Mapping[str, str], measure: Measure
) -> list[Text | Grid]:
    """Return a table of what a mean hides: other measures of the ends, and the part that failed.

    Parameters
    ----------
    tails : columns of the finals, with what they are called
    """
    main = finals[(finals["variant"] == MAIN) & (finals["kind"] != "oracle")]
    if not tails:
        return []

    def cell(row: pd.Series) -> Cell:
        parts = [measure.text(row[column]) for column in tails]
        return Cell(" / ".join([*parts, percent(row["failed"] / row["runs"])]))

    never = main[main["never_started"] > 0]
    names = "; ".join(
        f"{row['label']}, {about.titles[row['setting']]}: {row['never_started']:,.0f}"
        for _, row in never.iterrows()
    )
    lines = [
        Text(
            f"What a mean hides, over {about.pooled}: {' / '.join(tails.values())} / part that "
            f"failed ({FAILED})." + (f" Never a tenth below the start: {names}." if names else "")
        ),
        by_setting(main, about.titles, cell),
    ]
    return lines


def comparison_blocks(
    rows: pd.DataFrame, about: About, measure: Measure, rule: Rule, reading: str = ""
) -> list[Text | Grid]:
    """Return the texts and tables of :func:`compare`; ``reading`` says how good the readings are.

    The as_drawn curves have a table of their own, with the ratio of the two curves.
    """
    main = rows[rows["variant"] == MAIN]
    at, titles = compared_at(main, measure.x), about.titles
    return [
        Text(f"{measure.label}, mean: ours / published, at {at}. {measure.what} Lower is better."),
        by_setting(main, titles, lambda row: Cell(pair(row, measure), row["verdict"])),
        Text(" ".join(filter(None, (counted(rows), rule_text(rule, measure.unit), reading)))),
        *failures(rows, about),
        *as_drawn_blocks(rows, about, lambda row: pair(row, measure)),
        *recipe_blocks(rows, about, lambda row: pair(row, measure)),
    ]


def as_drawn_blocks(
    rows: pd.DataFrame, about: About, text: Callable[[pd.Series], str]
) -> list[Text | Grid]:
    """Return heading and table of the as_drawn rows; nothing without any."""
    drawn = rows[rows["variant"] == AS_DRAWN]
    heading = (
        "With the settings that reproduce the published curves, where the paper's text gives "
        "others: ours / published, and the largest ratio of the two curves, either way up, over "
        "the places that were read."
    )
    cells = by_setting(
        drawn, about.titles, lambda row: Cell(text(row), small=times_apart(row["curve_ratio"]))
    )
    return [] if drawn.empty else [Text(heading), cells]


def recipe_blocks(
    rows: pd.DataFrame, about: About, text: Callable[[pd.Series], str]
) -> list[Text | Grid]:
    """Return heading and table of what was trained as published; nothing without any."""
    ends = rows.drop_duplicates([*KEYS], keep="last")
    recipe = ends[ends["variant"] == PUBLISHED]
    ours = ends[ends["variant"] == MAIN].set_index(["setting", "method"])
    heading = (
        "Trained by the published recipe (the paper and the methods' own papers; see the parameter "
        "file) / published; in small print by ours. Thin lines in the figure."
    )

    def cell(row: pd.Series) -> Cell:
        other = text(ours.loc[(row["setting"], row["method"])]).partition(" / ")[0]
        return Cell(text(row), row["verdict"], small=f"ours {other}")

    return [] if recipe.empty else [Text(heading), by_setting(recipe, about.titles, cell)]
