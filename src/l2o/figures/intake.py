"""The tables that figures and tables are made from, checked and put in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from l2o.errors import InputError
from l2o.figures.about import About
from l2o.figures.common import ALLOWED, CURVE, base_label, check_columns, check_once, check_words
from l2o.figures.measure import Limit, Measure

Tables = Mapping[str, pd.DataFrame]
KEYS = ["setting", "method", "variant"]


def whole_table(tables: Tables, about: About, name: str, columns: Iterable[str]) -> pd.DataFrame:
    """Return the table called ``name`` of an experiment.

    Raises
    ------
    InputError : there is none, it has no rows, or lacks one of ``columns``.
    """
    table, remedy = tables.get(name), "join the tables of the experiment again"
    if table is None or table.empty:
        problem = "not given" if table is None else "no rows"
        raise InputError(f"{about.report} {name}", "", problem, remedy)
    check_columns(f"{about.report} {name}", table, columns)
    return table


def named_table(tables: Tables, about: About, name: str, columns: Iterable[str]) -> pd.DataFrame:
    """Return the rows of one table that belong to the settings of ``about``.

    Raises
    ------
    InputError : there is no such table, it lacks a column, or a setting has no rows.
    """
    table = whole_table(tables, about, name, ("setting", *columns))
    for setting in about.titles:
        if not (table["setting"] == setting).any():
            remedy = "evaluate it or drop the setting"
            raise InputError(f"{about.report} {name}", setting, "no rows", remedy)
    return table[table["setting"].isin(about.titles)]


def our_curves(tables: Tables, about: About, *measures: Measure) -> pd.DataFrame:
    """Return the curves, each in ascending order of its places, with ``base``.

    ``base`` is the label without settings.

    Raises
    ------
    InputError : a column or a setting is missing, a word is not one of those allowed, or a place
        occurs twice in a curve.
    """
    x, columns = measures[0].x, [column for measure in measures for column in measure.columns]
    curves = named_table(tables, about, "curves", (*CURVE, *columns))
    check_words(f"{about.report} curves", curves, ALLOWED)
    check_once(f"{about.report} curves", curves, x, ["variant"])
    base = [base_label(*pair) for pair in curves[["label", "kind"]].to_numpy()]
    order = list(curves["method"].unique())
    curves = curves.assign(base=base).sort_values(x, kind="stable")
    return curves.sort_values("method", key=lambda names: names.map(order.index), kind="stable")


def our_finals(tables: Tables, about: About, curves: pd.DataFrame) -> pd.DataFrame:
    """Return the finals, keyed by setting, method and variant: one for each of ``curves``.

    Raises
    ------
    InputError : a column is missing, or a curve has not one row.
    """
    finals = named_table(tables, about, "finals", ("method", "variant", "runs", "failed"))
    counts = finals.groupby(KEYS).size()
    for key in curves[KEYS].drop_duplicates().itertuples(index=False, name=None):
        if (found := int(counts.get(key, 0))) != 1:
            problem = f"{found} rows of {key[1]} ({key[2]})"
            raise InputError(f"{about.report} finals", key[0], problem, "write one for each curve")
    return finals.set_index(KEYS)


def readings(published: pd.DataFrame | None, about: About, x: str, value: str) -> pd.DataFrame:
    """Return the published rows of the settings that take part; no rows without any.

    Raises
    ------
    InputError : a column is missing.
    """
    columns = ["panel", "method", x, value]
    if published is None:
        return pd.DataFrame(columns=columns)
    check_columns(f"{about.report} published values", published, columns)
    return published[published["panel"].isin(about.titles)]


def methods_in_order(curves: pd.DataFrame, published: pd.DataFrame) -> list[str]:
    """Return the methods of ``curves``: those with published values first, in their order."""
    ours = list(dict.fromkeys(curves["method"]))
    first = [method for method in dict.fromkeys(published["method"]) if method in ours]
    return [*first, *(method for method in ours if method not in first)]


def up_to_finals(tables: Tables, x: str) -> dict[str, pd.DataFrame]:
    """Return the tables with curves that end at the place ``x`` of the finals, if these have one.

    Opponents that are followed beyond are compared there.
    """
    curves, finals = tables["curves"], tables["finals"]
    if x in finals:
        curves = curves[curves[x] <= finals[x].max()]
    return {**tables, "curves": curves}


def limits(
    tables: Tables, about: About, measure: Measure, looks: Mapping[str, tuple[str, str]]
) -> dict[str, list[Limit]]:
    """Return the curves of the table ``optima``, by setting; a setting without any is left out.

    ``looks`` are names and colours by what stands in the column ``limit``.

    Raises
    ------
    InputError : a column is missing, or a limit that has no look.
    """
    if "optima" not in tables:
        return {}
    columns, found = ("setting", "limit", measure.x, measure.value), {}
    known = whole_table(tables, about, "optima", columns)
    check_words(f"{about.report} optima", known, {"limit": looks})
    for (setting, limit), rows in known.groupby(["setting", "limit"], sort=False):
        points, (name, colour) = rows[[measure.x, measure.value]].to_numpy(float).T, looks[limit]
        found.setdefault(setting, []).append(Limit(name, *points, colour))
    return found
