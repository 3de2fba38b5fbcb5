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

COLUMNS = ("number", "figure", "claim", "criterion", "verdict", "numbers")
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
    method or its last iteration is missing) and ``numbers``, the text that shows why.

    Raises
    ------
    InputError : a table lacks a column, has a point twice, an unknown status or words instead of
        numbers.
    """
    curves = {name: readers[name](given) for name, given in tables.items() if "curves" in given}
    rows = [_row(one, curves) for _, one in sorted(CLAIMS.items()) if one.figure in readers]
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(claim: Claim, curves: Mapping[str, Curves]) -> tuple[int, str, str, str, str, str]:
    try:
        if claim.figure not in curves:
            raise UntestedError("no table")
        holds, numbers = claim.decide(curves[claim.figure])
        verdict = REPRODUCED if holds else NOT_REPRODUCED
    except UntestedError as reason:
        verdict, numbers = NOT_TESTED, str(reason)
    return claim.number, claim.figure, claim.text, claim.criterion, verdict, numbers


def counted(rows: pd.DataFrame) -> str:
    """Return e.g. "7 of 10 reproduced, 3 not reproduced"; what counts 0 is left out."""
    counts = {verdict: int((rows["verdict"] == verdict).sum()) for verdict in VERDICTS}
    text = f"{counts[REPRODUCED]} of {len(rows)} reproduced"
    others = [f"{n} {verdict}" for verdict, n in counts.items() if n and verdict != REPRODUCED]
    return ", ".join([text, *others])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _markdown(
    table: pd.DataFrame, headings: Mapping[str, str], preset: str, budget_note: str
) -> str:
    lines = [f"What the paper says of its figures, tested on ours: {counted(table)}.", ""]
    for figure, rows in table.groupby("figure", sort=False):
        lines += [f"**{headings.get(figure, figure)}: {counted(rows)}**", ""]
        lines += ["| | claim | verdict | numbers | criterion |", "| ---: | --- | --- | --- | --- |"]
        for row in rows.itertuples():
            verdict = f"**{row.verdict}**" if row.verdict == REPRODUCED else row.verdict
            cells = map(_cell, (row.claim, verdict, row.numbers, row.criterion))
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
