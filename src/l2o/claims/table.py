"""The paper's claims about its figures, tested on our own curves, as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from l2o.claims.common import (
    CLAIMS,
    NOT_REPRODUCED,
    NOT_TESTED,
    REPRODUCED,
    VERDICTS,
    Claim,
    Curves,
    UntestedError,
)
from l2o.figures.budget import stated_budget
from l2o.figures.common import check_columns, check_words, write_texts
from l2o.variants import MAIN, PUBLISHED

COLUMNS = ("number", "figure", "claim", "criterion", "verdict", "numbers")
COLUMNS += ("verdict_published_recipe", "numbers_published_recipe", "holds")
ONE = "one recipe"  # nothing that the claim is about has a second one
HOLDS = {  # by the verdicts under our recipe and the published one
    (REPRODUCED, REPRODUCED): "under both",
    (NOT_REPRODUCED, NOT_REPRODUCED): "under neither",
    (REPRODUCED, NOT_REPRODUCED): "depends on the recipe: under ours only",
    (NOT_REPRODUCED, REPRODUCED): "depends on the recipe: under the published one only",
}
Readers = Mapping[str, Callable[[Mapping[str, pd.DataFrame]], Curves]]


def claims_table(
    readers: Readers, tables: Mapping[str, Mapping[str, pd.DataFrame]]
) -> pd.DataFrame:
    """Test every claim of the paper about some figures on tables of our own.

    Parameters
    ----------
    readers : for each figure the function that reads its tables, such as
        :func:`l2o.experiments.lasso.claims.read`; its module registers the claims
    tables : for each figure that is there, its tables by name; the main variant of a method counts

    Returns
    -------
    One row per claim, by number: ``number``, ``figure``, ``claim`` and ``criterion`` (words),
    ``verdict`` (``reproduced``, ``not reproduced``; ``not tested`` where a table, a setting, a
    method or its last iteration is missing) and ``numbers``, the text that shows why; both again
    with learned optimizers trained by the published recipe, where there are such curves; and
    ``holds``, under which of the two (``one recipe``: the figure has no other).

    Raises
    ------
    InputError : a table lacks a column, has a point twice, an unknown status or words instead of
        numbers.
    """
    given = {name: of for name, of in tables.items() if "curves" in of}
    curves = {name: readers[name](of) for name, of in given.items()}
    others = {name: as_published(of["curves"]) for name, of in given.items()}
    others = {
        name: readers[name]({**given[name], "curves": table})
        for name, table in others.items()
        if table is not None
    }
    rows = []
    for _, one in sorted(CLAIMS.items()):
        if one.figure in readers:
            first = _decided(one, curves)
            second = _decided(one, others) if one.figure in others else ("", "")
            holds = HOLDS.get((first[0], second[0]), "" if second[0] else ONE)
            rows.append((one.number, one.figure, one.text, one.criterion, *first, *second, holds))
    return pd.DataFrame(rows, columns=COLUMNS)


def as_published(curves: pd.DataFrame) -> pd.DataFrame | None:
    """Return curves with what was trained by the published recipe in place of ours.

    None if nothing was.
    """
    if "variant" not in curves or not (recipe := curves["variant"] == PUBLISHED).any():
        return None
    trained = set(zip(curves[recipe]["setting"], curves[recipe]["method"], strict=True))
    pairs = zip(curves["setting"], curves["method"], strict=True)
    replaced = pd.Series([pair in trained for pair in pairs], curves.index) & ~recipe
    return curves.assign(variant=curves["variant"].replace(PUBLISHED, MAIN))[~replaced]


def _decided(claim: Claim, curves: Mapping[str, Curves]) -> tuple[str, str]:
    """Return the verdict on a claim, and the numbers that show why."""
    try:
        if claim.figure not in curves:
            raise UntestedError("no table")
        holds, numbers = claim.decide(curves[claim.figure])
        return REPRODUCED if holds else NOT_REPRODUCED, numbers
    except UntestedError as reason:
        return NOT_TESTED, str(reason)


def counted(rows: pd.DataFrame) -> str:
    """Return e.g. "7 of 10 reproduced, 3 not reproduced"; what counts 0 is left out."""
    counts = {verdict: int((rows["verdict"] == verdict).sum()) for verdict in VERDICTS}
    text = f"{counts[REPRODUCED]} of {len(rows)} reproduced"
    others = [f"{n} {verdict}" for verdict, n in counts.items() if n and verdict != REPRODUCED]
    return ", ".join([text, *others])


def recipes(rows: pd.DataFrame) -> str:
    """Return how many claims hold under which recipe; "" where there is one recipe alone."""
    counts = [(word, int((rows["holds"] == word).sum())) for word in HOLDS.values()]
    return "; ".join(f"{count} {word}" for word, count in counts if count)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _markdown(
    table: pd.DataFrame, headings: Mapping[str, str], preset: str, budget_note: str
) -> str:
    lines = [f"What the paper says of its figures, tested on ours: {counted(table)}."]
    if both := recipes(table):
        lines.append(
            "Learned optimizers were trained twice, by our recipe and as published (in italics). "
            f"Claims that both test: {both}."
        )
    lines.append("")
    for figure, rows in table.groupby("figure", sort=False):
        lines += [f"**{headings.get(figure, figure)}: {counted(rows)}**", ""]
        lines += ["| | claim | verdict | numbers | criterion |", "| ---: | --- | --- | --- | --- |"]
        for row in rows.itertuples():
            verdict = f"**{row.verdict}**" if row.verdict == REPRODUCED else row.verdict
            numbers = row.numbers
            if row.verdict_published_recipe:
                verdict += f"<br>*{row.verdict_published_recipe}*"
                if row.numbers_published_recipe != row.numbers:
                    numbers += f"<br>*{row.numbers_published_recipe}*"
            cells = map(_cell, (row.claim, verdict, numbers, row.criterion))
            lines.append(f"| {row.number} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join([*lines, stated_budget(preset, budget_note), ""])


def write_claims(
    csv_path: str | Path,
    md_path: str | Path,
    table: pd.DataFrame,
    headings: Mapping[str, str],
    preset: str,
    budget_note: str,
) -> None:
    """Write the table of :func:`claims_table` as CSV and as Markdown; equal tables, equal bytes.

    Parameters
    ----------
    csv_path, md_path : files to write, UTF-8
    table : what :func:`claims_table` returned
    headings : of the parts of the Markdown table, by figure
    preset, budget_note : named under the Markdown tables

    Raises
    ------
    InputError : a column is missing, a verdict is unknown, or a file cannot be written.
    """
    check_columns("claims", table, COLUMNS)
    check_words("claims", table, {"verdict": VERDICTS})
    csv = table[list(COLUMNS)].to_csv(index=False, lineterminator="\n")
    write_texts({csv_path: csv, md_path: _markdown(table, headings, preset, budget_note)})
