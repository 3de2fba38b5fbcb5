"""Methods against each other on the same instances, with standard errors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from l2o.figures.about import About
from l2o.figures.compared import Cell, Grid, Text
from l2o.figures.numbers import percent, signed, significant
from l2o.figures.wording import by_setting
from l2o.kinds import LEARNED

COLUMNS = ("above", "above_error", "below")


def strongest(rows: pd.DataFrame, value: str) -> dict[str, str]:
    """Return, by setting, the method by hand with the highest mean ``value``."""
    hand = rows[~rows["kind"].isin(LEARNED) & rows[value].notna()].sort_values(value)
    return hand.groupby("setting")["method"].last().to_dict()


def paired(
    runs: pd.DataFrame,
    rows: pd.DataFrame,
    opponents: Mapping[str, str],
    instance: str = "instance",
    same: float = 0.0,
) -> pd.DataFrame:
    """Return, for each row, how far the ends of its runs are above an opponent's.

    Parameters
    ----------
    runs : a row for each run: ``setting``, ``method``, ``instance`` (or as it is called), ``end``
    rows : the rows to hold against opponents, with ``setting`` and ``method``
    opponents : by setting
    same : an end that is lower by as much counts as the same

    Returns
    -------
    With the index of ``rows``: ``above``, the mean difference on the same instances;
    ``above_error``, its standard error; ``below``, the part of instances with a lower end. NaN
    where one of the two has no runs, and for the opponent itself.
    """
    ends = runs.set_index(["setting", "method", instance])["end"].sort_index()
    present, found = set(ends.index.droplevel(2)), []
    for setting, method in rows[["setting", "method"]].itertuples(index=False, name=None):
        opponent = opponents.get(setting)
        absent = {(setting, opponent), (setting, method)} - present
        if absent or method == opponent:
            found.append((np.nan,) * 3)
            continue
        more = ends.loc[setting, method] - ends.loc[setting, opponent]
        found.append((more.mean(), more.std() / len(more) ** 0.5, (more < -same).mean()))
    return pd.DataFrame(found, columns=COLUMNS, index=rows.index)


def is_above(rows, ending: str = ""):
    """Return whether rows of :func:`paired` are above the opponent, by two standard errors."""
    return rows[f"above{ending}"] > 2 * rows[f"above_error{ending}"]


def difference(row: pd.Series, ending: str = "") -> tuple[str, str]:
    """Return a mean difference with its standard error, and how many are below, in words."""
    text = f"{signed(row[f'above{ending}'])} ± {significant(row[f'above_error{ending}'], 2)}"
    return text, f"{percent(row[f'below{ending}'])} below"


def contests(rows: pd.DataFrame, ending: str = "") -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the rows of learned methods that have an opponent, and how many there are and win."""
    learned = rows[rows["kind"].isin(LEARNED) & rows[f"above{ending}"].notna()]
    met = is_above(learned, ending).sum()
    return learned, {"contests": len(learned), "contests_won": int(met)}


def above_strongest(rows: pd.DataFrame, about: About, measure: str) -> list[Text | Grid]:
    """Return learned methods against the strongest one by hand, instance by instance, in blocks."""
    learned, _ = contests(rows)
    if learned.empty:
        return []

    def cell(row: pd.Series) -> Cell:
        text, below = difference(row)
        return Cell(text, "met" if is_above(row) else "", below)

    words = (
        f"Learned, above the method by hand with the highest mean {measure}: mean difference on "
        "the same instances ± its standard error, and the part of them that is below it. Bold: "
        "above by two errors."
    )
    return [Text(words), by_setting(learned, about.titles, cell)]
