"""What figures and tables share: checks of tables, words of methods, texts as files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from l2o.errors import InputError
from l2o.kinds import ANALYTIC, LEARNED
from l2o.storage.atomic import written_aside
from l2o.variants import VARIANTS

ALLOWED = {
    "variant": VARIANTS,
    "kind": (*ANALYTIC, *LEARNED, "oracle"),
    "status": ("converged", "diverged"),
}
CURVE = ("setting", "method", "variant", "kind", "label", "status")  # columns of every table
_REMEDY = "write the table again with this version"


def check_columns(name: str, table: pd.DataFrame, columns: Iterable[str]) -> None:
    """Check that ``table``, called ``name`` in errors, has all ``columns``.

    Raises
    ------
    InputError : a column is missing.
    """
    for column in columns:
        if column not in table.columns:
            found = f"no such column (found: {', '.join(map(str, table.columns))})"
            raise InputError(name, column, found, _REMEDY)


def check_words(name: str, table: pd.DataFrame, allowed: Mapping[str, Iterable[str]]) -> None:
    """Check that each column in ``allowed`` holds no words but those given for it.

    Raises
    ------
    InputError : a column holds another word.
    """
    for column, words in allowed.items():
        for word in sorted(set(map(str, table[column])) - set(words)):
            problem = f"found {word}, allowed: {', '.join(words)}"
            raise InputError(name, column, problem, _REMEDY)


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


def base_label(label: str, kind: str) -> str:
    """Return a label without the settings in brackets that may end one of no learned kind."""
    return re.sub(r"\s*\(.*\)$", "", label) if kind in ANALYTIC else label


def settings_of_methods(curves: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """Return e.g. " Settings: ISTA, FISTA: λ = 0.1; AMP: α = 1.1." from labels; "" without any.

    ``curves`` have ``setting``, ``label`` and ``base`` (see :func:`base_label`). Settings that are
    not alike everywhere are told for each of ``titles``.
    """
    told = {}
    for setting, title in titles.items():
        names: dict[str, list[str]] = {}
        for _, row in curves[curves["setting"] == setting].drop_duplicates("label").iterrows():
            if words := row["label"].removeprefix(row["base"]).strip(" ()"):
                names.setdefault(words, []).append(row["base"])
        if names:
            each = (f"{', '.join(methods)}: {words}" for words, methods in names.items())
            told[title] = "; ".join(each)
    alike = len(set(told.values())) == 1
    texts = [*told.values()][:1] if alike else [f"{title}: {told[title]}" for title in told]
    return f" Settings: {'. '.join(texts)}." if texts else ""


def write_texts(texts: Mapping[str | Path, str]) -> None:
    """Write each text to its path, as UTF-8 with line feeds.

    Raises
    ------
    InputError : a file cannot be written.
    """
    for path, text in texts.items():
        with written_aside(path) as aside:
            aside.write_text(text, encoding="utf-8", newline="\n")
