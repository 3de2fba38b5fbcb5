"""How gracefully methods degrade: how far they fall behind under other laws, and what they lose."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from l2o.variants import MAIN

PANEL = ["experiment", "setting", "iteration", "shift"]
WHO = ["method", "variant"]
PARTS = ["home_db", "loss_db", "behind_db"]
TOLD = "told"  # variant of a method that is told the shifted law: a mark, no contestant
ALL = "all"  # in place of a kind of shift
LEFT = "left_db"


def left_of(values: pd.DataFrame, column: str, solved: Mapping[str, float]) -> pd.Series:
    """Return what is left of the start's error, in dB, from ``solved`` (by experiment) to 0 dB.

    0 dB is the start: of a method that ends above it, diverges or cannot be run nothing is used.
    """
    low = values["experiment"].map(solved).astype(float)
    return np.maximum(values[column].fillna(0.0).clip(upper=0.0), low)


def best_db(values: pd.DataFrame, left: pd.Series) -> pd.Series:
    """Return the lowest of ``left`` among all rows of a panel and value, told ones too."""
    return left.groupby([values[name] for name in (*PANEL, "position")]).transform("min")


def panel_costs(
    values: pd.DataFrame, solved: Mapping[str, float], column: str = LEFT
) -> pd.DataFrame:
    """Return how far each method falls behind in each panel, in dB; lower is more graceful.

    Over the shifted values, all of equal weight: ``behind_db`` is the mean of what is left more
    than by the best method at that value, those included that are told the law; ``loss_db`` of
    what is left more than under the unshifted law (less counts as no loss). ``home_db`` is what is
    left under the unshifted law, ``cannot`` the part of the values at which a method cannot be run.

    Parameters
    ----------
    values : rows of panels (``experiment``, ``setting``, ``iteration``, ``shift``) with
        ``position`` and ``home`` of the value, ``method``, ``variant`` and the column
    solved, column : see :func:`left_of`
    """
    left = left_of(values, column, solved)
    rows = values.assign(left=left, best=best_db(values, left), cannot=values[column].isna())
    home = rows[rows["home"]].set_index([*PANEL, *WHO])["left"].rename("home_db")
    away = rows[~rows["home"] & (rows["variant"] != TOLD)].join(home, on=[*PANEL, *WHO])
    away["loss_db"] = (away["left"] - away["home_db"]).clip(lower=0.0)
    away["behind_db"] = away["left"] - away["best"]
    keys, first = [*PANEL, *WHO], ["kind", "label"]
    means = away.groupby(keys, sort=False)[[*PARTS, "cannot"]].mean()
    return means.join(away.groupby(keys, sort=False)[first].first()).reset_index()


def ranked(costs: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each experiment, method and kind of shift, and one for all kinds, by rank.

    Settings and iterations count alike, then kinds of shift. All kinds are those that every method
    of the experiment can be run under, if there are any. ``rank`` (1: least behind) goes by them,
    among methods by themselves; other variants have none, and stand where they belong.
    """
    keys, numbers = ["experiment", *WHO], [*PARTS, "cannot"]
    by_shift = costs.groupby([*keys, "shift"], sort=False)[numbers].mean().reset_index()
    taken = by_shift.groupby(["experiment", "shift"])["cannot"].transform("max") == 0
    taken |= ~taken.groupby(by_shift["experiment"]).transform("any")
    whole = by_shift[taken].groupby(keys, sort=False)[numbers].mean().reset_index()
    main = whole[whole["variant"] == MAIN]
    ranks = main.groupby("experiment")["behind_db"].rank(method="min").astype("Int64")
    whole = whole.assign(shift=ALL)
    ranks = whole.assign(rank=ranks, order=whole["behind_db"]).set_index(keys)[["rank", "order"]]
    # A label's settings, such as a tuned λ, differ from panel to panel.
    names = costs.groupby(keys, sort=False)[["kind", "label"]].first()
    rows = pd.concat([whole, by_shift]).join(ranks, on=keys).join(names, on=keys)
    order = {name: at for at, name in enumerate(dict.fromkeys(costs["experiment"]))}
    rows = rows.assign(at=rows["experiment"].map(order))
    rows = rows.sort_values(["at", "order", *WHO], kind="stable")
    return rows[["experiment", "rank", *WHO, "kind", "label", "shift", *numbers]]


def ranking(values: pd.DataFrame, solved: Mapping[str, float]) -> pd.DataFrame:
    """Return :func:`ranked` with the distance to the first, and the same by pooled errors.

    ``to_first_db`` is how far a method is behind that of rank 1 under all kinds of shift,
    ``to_first_error`` its standard error, by blocks of the instances (columns ``left_1``, ...);
    ``behind_pooled_db`` and ``rank_pooled`` are of ``pooled_db``. See :func:`panel_costs`.
    """
    keys = ["experiment", *WHO, "shift"]
    columns = [name for name in values if name.startswith("left_") and name != LEFT]
    columns = [name for name in columns if values[name].notna().any()]
    rows = ranked(panel_costs(values, solved))
    apart = [_to_first(ranked(panel_costs(values, solved, name)), rows) for name in columns]
    error = pd.concat(apart, axis=1).std(axis=1) / len(columns) ** 0.5
    found = rows[rows["shift"] == ALL].set_index(keys)[[]]
    found = found.assign(to_first_db=_to_first(rows, rows), to_first_error=error)
    pooled = ranked(panel_costs(values, solved, "pooled_db")).set_index(keys)
    names = {"behind_db": "behind_pooled_db", "rank": "rank_pooled"}
    return rows.join(found, on=keys).join(pooled[[*names]].rename(columns=names), on=keys)


def _to_first(one: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """Return how far methods are behind the one that is first in ``rows``, under all kinds."""
    keys = ["experiment", *WHO, "shift"]
    behind = one[one["shift"] == ALL].set_index(keys)["behind_db"]
    firsts = rows[(rows["shift"] == ALL) & (rows["rank"] == 1)].groupby("experiment").head(1)
    first = behind.loc[pd.MultiIndex.from_frame(firsts[keys])].droplevel([*WHO, "shift"])
    return behind - first.reindex(behind.index.get_level_values("experiment")).to_numpy()
