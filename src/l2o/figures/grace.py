"""How gracefully methods degrade: what they lose under other laws, and how far they fall behind."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

PANEL = ["experiment", "setting", "iteration", "shift"]
WHO = ["method", "variant"]
PARTS = ["home_db", "loss_db", "behind_db", "cost_db"]
TOLD = "told"  # variant of a method that is told the shifted law: a mark, no contestant
ALL = "all"  # in place of a kind of shift


def left_db(values: pd.DataFrame, column: str, solved: Mapping[str, float]) -> pd.Series:
    """Return what is left of the start's error, in dB, as losses count it.

    From ``solved`` (by experiment), where nothing counts as left, to 0 dB, the start: of a method
    that ends above it, diverges or cannot be run nothing is used.
    """
    low = values["experiment"].map(solved).astype(float)
    return np.maximum(values[column].fillna(0.0).clip(upper=0.0), low)


def best_db(values: pd.DataFrame, left: pd.Series) -> pd.Series:
    """Return the lowest of ``left`` among all rows of a panel and value, told ones too."""
    return left.groupby([values[name] for name in (*PANEL, "position")]).transform("min")


def panel_costs(
    values: pd.DataFrame, solved: Mapping[str, float], column: str = "mean_db"
) -> pd.DataFrame:
    """Return what a shift costs each method in each panel, in dB; lower is more graceful.

    Over the shifted values, all of equal weight: ``loss_db`` is the mean of what is left more than
    under the unshifted law (less counts as no loss), the area between the two lines; ``behind_db``
    the mean of what is left more than by the best method at that value, those included that are
    told the law; ``cost_db`` is their sum. ``home_db`` is what is left under the unshifted law,
    ``cannot`` the part of the values at which a method cannot be run.

    Parameters
    ----------
    values : rows of panels (``experiment``, ``setting``, ``iteration``, ``shift``) with
        ``position`` and ``home`` of the value, ``method``, ``variant`` and the column
    solved, column : see :func:`left_db`
    """
    left = left_db(values, column, solved)
    rows = values.assign(left=left, best=best_db(values, left), cannot=values[column].isna())
    home = rows[rows["home"]].set_index([*PANEL, *WHO])["left"].rename("home_db")
    away = rows[~rows["home"] & (rows["variant"] != TOLD)].join(home, on=[*PANEL, *WHO])
    away["loss_db"] = (away["left"] - away["home_db"]).clip(lower=0.0)
    away["behind_db"] = away["left"] - away["best"]
    away["cost_db"] = away["loss_db"] + away["behind_db"]
    keys, first = [*PANEL, *WHO], ["kind", "label"]
    means = away.groupby(keys, sort=False)[[*PARTS, "cannot"]].mean()
    return means.join(away.groupby(keys, sort=False)[first].first()).reset_index()


def ranked(costs: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each experiment, method and kind of shift, and one for all kinds, by rank.

    Settings and iterations count alike, then kinds of shift; ``rank`` (1: lowest cost) is by all.
    """
    keys = ["experiment", *WHO]
    numbers = [*PARTS, "cannot"]
    by_shift = costs.groupby([*keys, "shift"], sort=False)[numbers].mean().reset_index()
    whole = by_shift.groupby(keys, sort=False)[numbers].mean().reset_index().assign(shift=ALL)
    ranks = whole.groupby("experiment")["cost_db"].rank(method="min").astype(int)
    ranks = whole.assign(rank=ranks).set_index(keys)["rank"]
    # A label's settings, such as a tuned λ, differ from panel to panel.
    names = costs.groupby(keys, sort=False)[["kind", "label"]].first()
    rows = pd.concat([whole, by_shift]).join(ranks, on=keys).join(names, on=keys)
    order = {name: at for at, name in enumerate(dict.fromkeys(costs["experiment"]))}
    rows = rows.assign(at=rows["experiment"].map(order))
    rows = rows.sort_values(["at", "rank", *WHO], kind="stable").drop(columns="at")
    return rows[["experiment", "rank", *WHO, "kind", "label", "shift", *numbers]]
