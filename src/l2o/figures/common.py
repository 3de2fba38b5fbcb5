"""What the figures share beside their look: checks of tables, notes, tables as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd

from l2o.errors import InputError
from l2o.storage.atomic import written_aside

VARIANTS = ("main", "as_drawn")  # settings of the paper's text; those that give its curves


def check_columns(name: str, table: pd.DataFrame, columns: Iterable[str]) -> None:
    """Check that ``table``, called ``name`` in errors, has all ``columns``.

    Raises
    ------
    InputError : a column is missing.
    """
    for column in columns:
        if column not in table.columns:
            found = f"no such column (found: {', '.join(map(str, table.columns))})"
            raise InputError(name, column, found, "write the table again with this version")


def check_words(name: str, table: pd.DataFrame, allowed: Mapping[str, Iterable[str]]) -> None:
    """Check that each column in ``allowed`` holds no words but those given for it.

    Raises
    ------
    InputError : a column holds another word.
    """
    for column, words in allowed.items():
        for word in sorted(set(map(str, table[column])) - set(words)):
            problem = f"found {word}, allowed: {', '.join(words)}"
            raise InputError(name, column, problem, "write the table again with this version")


def check_published(
    names: tuple[str, str], curves: pd.DataFrame, reference: pd.DataFrame, settings: Iterable[str]
) -> None:
    """Check that ``curves`` have every method that ``reference`` shows in each setting.

    Parameters
    ----------
    names : what errors call the two tables
    curves, reference : tables with ``method`` and ``setting``, or ``method`` and ``panel``
    settings : the settings to look at

    Raises
    ------
    InputError : a setting is not in ``reference``, or a published method is not in ``curves``.
    """
    for setting in settings:
        published = set(reference.loc[reference["panel"] == setting, "method"])
        if not published:
            raise InputError(names[1], setting, "no such panel", "add it or drop the setting")
        missing = published - set(curves.loc[curves["setting"] == setting, "method"])
        if missing:
            problem = f"no rows of {', '.join(sorted(missing))}"
            raise InputError(names[0], setting, problem, "train and evaluate what is missing")


def check_once(name: str, curves: pd.DataFrame, x: str, others: Iterable[str] = ()) -> None:
    """Check that every curve has one row for each value of ``x``, such as ``layer``.

    A curve is told by its setting, its method and what columns ``others`` hold.

    Raises
    ------
    InputError : a value of ``x`` occurs twice.
    """
    double = curves[curves.duplicated(["setting", "method", *others, x])]
    if len(double):
        setting, method, value = double.iloc[0][["setting", "method", x]]
        problem = f"{x} {value} of {method} occurs twice"
        raise InputError(name, setting, problem, "give every run its own method name")


def shifts(curves: pd.DataFrame) -> pd.Series:
    """Return by how many iterations each row is to be counted later (0 without column ``shift``).

    The sum of ``iteration`` and shift is what published iterations are compared with.
    """
    if "shift" not in curves:
        return pd.Series(0, index=curves.index)
    return curves["shift"].fillna(0).astype(int)


def published_iterations(
    name: str, ours: pd.DataFrame, paper: pd.Series, column: str
) -> tuple[pd.Series, pd.Series]:
    """Return the iterations of one curve of ours, and its ``column``, keyed as the paper counts.

    Parameters
    ----------
    name : what errors call the table
    ours : one curve: one setting, method and variant
    paper : the published curve, keyed by iteration
    column : name of the losses

    Raises
    ------
    InputError : our curve lacks a published iteration.
    """
    setting, method, variant = ours.iloc[0][["setting", "method", "variant"]]
    keyed = ours.set_index(ours["iteration"] + shifts(ours))
    if absent := sorted(set(paper.index) - set(keyed.index)):
        problem = f"{method} ({variant}) has no iteration {', '.join(map(str, absent))}"
        raise InputError(name, setting, problem, "evaluate at the published iterations")
    return keyed["iteration"], keyed[column].astype(float)


def compared_iterations(table: pd.DataFrame) -> str:
    """Return e.g. "iteration 1,000": the published iterations that a table compares."""
    compared = sorted(table["paper_iteration"].dropna().astype(int).unique())
    return f"iteration {' or '.join(f'{i:,}' for i in compared)}"


def preset_note(preset: str, budget_note: str) -> str:
    """Return the sentence that names the preset and, unless it is ``paper``, its budget note."""
    note = budget_note if preset != "paper" else ""
    if preset in note:
        return f"{note[0].upper()}{note[1:].rstrip('.')}."
    return f"Preset: {preset}{f' ({note})' if note else ''}."


def settings_of_classical(rows: pd.DataFrame) -> str:
    """Return e.g. "ISTA, FISTA: λ = 0.1; AMP: α = 1.1" for one setting.

    ``rows`` have ``label`` and ``base``, the label without the settings that end it.
    """
    names: dict[str, list[str]] = {}
    for _, row in rows.drop_duplicates("label").iterrows():
        if settings := row["label"].removeprefix(row["base"]).strip(" ()"):
            names.setdefault(settings, []).append(row["base"])
    return "; ".join(f"{', '.join(methods)}: {text}" for text, methods in names.items())


def names_by_reason(rows: pd.DataFrame, reasons: Mapping[str, pd.Series]) -> str:
    """Return a line for each reason: the names (column ``base``) of the rows that it holds for.

    ``reasons`` maps a text to one boolean per row; a reason that holds nowhere gives no line.
    """
    names = {reason: rows.loc[mask, "base"].unique() for reason, mask in reasons.items()}
    return "\n".join(f"{reason}: {', '.join(who)}" for reason, who in names.items() if len(who))


def markdown_grid(
    table: pd.DataFrame, titles: Mapping[str, str], cell: Callable[[pd.Series], str]
) -> list[str]:
    """Return the lines of a Markdown table: a row for each method, a column for each setting.

    Parameters
    ----------
    table : rows with ``setting``, ``method``, ``label`` and what ``cell`` reads
    titles : heads of the columns, keyed by setting
    cell : gives the text of one row of ``table``
    """
    settings = list(table["setting"].unique())
    lines = [
        "| method | " + " | ".join(titles.get(setting, setting) for setting in settings) + " |",
        "| --- |" + " ---: |" * len(settings),
    ]
    for _, rows in table.groupby("method", sort=False):
        cells = {row["setting"]: cell(row) for _, row in rows.iterrows()}
        inner = " | ".join(cells.get(setting, "") for setting in settings)
        lines.append(f"| {rows['label'].iloc[0]} | {inner} |")
    return lines


def write_texts(texts: Mapping[str | Path, str]) -> None:
    """Write each text to its path, as UTF-8 with line feeds.

    Raises
    ------
    InputError : a file cannot be written.
    """
    for path, text in texts.items():
        with written_aside(path) as aside:
            aside.write_text(text, encoding="utf-8", newline="\n")
