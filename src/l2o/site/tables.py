"""Tables of the site: CSV files as HTML that a browser sorts and searches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from l2o.figures.compared import WORDS
from l2o.figures.numbers import significant
from l2o.site.curves import Curves
from l2o.storage.tables import read_table

_DROPPED = ("kind", "panel")
_SHORT = 36  # characters: text that is not broken into lines


def html_table(rows: pd.DataFrame, records: Sequence[tuple[str, str]] = ()) -> str:
    """Return rows as a table with a field to search in; ``records``: edition and path of each row.

    Columns without any value are left out. Words wrap, numbers are short; the whole number is
    what a column is sorted by, and shown when the pointer rests on it.
    """
    rows = rows.apply(_as_numbers).dropna(axis="columns", how="all")
    heads = "".join(_head(name, rows[name]) for name in rows)
    heads += '<th scope="col" class="plain">made by</th>' * bool(records)
    lines = []
    for at, (_, row) in enumerate(rows.iterrows()):
        cells = "".join(map(_cell, rows.columns, row))
        lines.append(f"<tr>{cells}{_button(*records[at]) if records else ''}</tr>")
    body = "\n".join(lines)
    return (
        '<div class="l2o-table" data-search-exclude>\n'
        '<label>Search <input type="search" placeholder="such as: alista noiseless"></label> '
        f'<output>{len(rows)} rows</output>\n<div class="l2o-scroll"><table class="l2o-rows">\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div></div>\n"
    )


def union(parts: Iterable[tuple[Curves, str]]) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Return a table of all editions, the edition first, and the artifact behind each row.

    Parameters
    ----------
    parts : curves of each edition, and what its table is called: "table" is the comparison
    """
    frames, made = [], []
    for curves, name in parts:
        rows = comparison(curves) if name == "table" else curves.tables.get(name)
        if rows is None or "setting" not in rows:
            continue
        for _, row in rows.iterrows():
            path = _made(curves, row)
            made.append((curves.edition.name, path if path in curves.edition.proven else ""))
        titles = rows["setting"].map(dict(curves.about.titles)).fillna(rows["setting"])
        told = "label" if "label" in rows else ""  # a name that also says what a method is
        named = rows.drop(columns=[n for n in (*_DROPPED, told and "method") if n in rows])
        frames.append(named.assign(setting=titles.str.replace("\n", ", ")))
        frames[-1].insert(0, "edition", curves.edition.title)
    return (pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()), made


def comparison(curves: Curves) -> pd.DataFrame | None:
    """Return the table that sets an experiment against what is published, if it is there."""
    path = curves.edition.place(curves.experiment.table()["csv"])
    return read_table(path) if path.is_file() else None


def _made(curves: Curves, row: Mapping[str, Any]) -> str:
    method = row.get("method", next(iter(curves.experiment.contestants)))
    known = row["setting"] in curves.experiment.settings
    if not known or method not in curves.experiment.contestants:
        return ""
    return curves.record(row["setting"], method)


def _as_numbers(values: pd.Series) -> pd.Series:
    """Return a column as numbers where nothing but "nan" is text in it."""
    numbers = pd.to_numeric(values, errors="coerce")
    return numbers if values[numbers.isna()].isin(["nan", math.nan]).all() else values


def _head(column: str, values: pd.Series) -> str:
    kind = ' class="number"' if pd.api.types.is_numeric_dtype(values) else ""
    words = escape(column.replace("_", " "))
    return f'<th scope="col"{kind}><button type="button">{words}</button></th>'


def _cell(column: str, value: Any) -> str:
    """Return a cell: a number as people write it, a verdict as a word, other text as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        text = WORDS.get(str(value), str(value)) if column == "verdict" else str(value)
        kinds = [str(value)] * (column == "verdict") + ["short"] * (len(text) <= _SHORT)
        return f'<td class="{escape(" ".join(kinds))}">{escape(text)}</td>'
    if math.isnan(value):
        return '<td class="number"></td>'
    text = f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e9 else ""
    text = text.replace("-", "−") or significant(value, 4)
    return f'<td class="number" data-value="{value!r}" title="{value!r}">{text}</td>'


def _button(edition: str, path: str) -> str:
    if not path:
        return "<td></td>"
    data = f'data-edition="{escape(edition)}" data-record="{escape(path)}"'
    return f'<td><button class="l2o-made" {data}>proof</button></td>'
