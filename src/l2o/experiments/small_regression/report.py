"""Small regressions: the excess over the minimum, in and beyond the steps of the training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from l2o.figures.compared import Cell, Compared, Grid, Text
from l2o.figures.intake import named_table, our_curves
from l2o.figures.measure import Measure
from l2o.figures.numbers import NOTHING, percent, significant
from l2o.figures.panels import Panel, curves_page, legend_of
from l2o.figures.style import print_style, styles_for
from l2o.figures.wording import by_setting
from l2o.kinds import LEARNED
from l2o.variants import MAIN

SOLVED = 1e-6  # as in :mod:`l2o.evaluation.small_regression`
EXCESS = Measure(
    value="gap",
    label="Excess f − minimum, median",
    what="Excess: f less the minimum of the problem.",
    bottom=1e-12,
)
MEAN = replace(
    EXCESS, label="Excess f − minimum, mean", median="gap", low="gap_low", high="gap_high"
)
MEASURES = (EXCESS,)
_COLUMNS = ("method", "variant", "kind", "label", "iteration", "loss", "evaluations")
_SHARES = ("solved", "below")


def figure(tables, published, about):
    """Return the page of medians and means against the iteration."""
    place = {"trained steps": about.facts["horizon"]}
    return [_page(tables, about, {}, place)]


def evaluations_figure(tables, published, about):
    """Return the page of medians and means against function values and gradients together."""
    axis = {"x": "evaluations", "xlabel": "Evaluations: function values and gradients"}
    return [_page(tables, about, axis, {})]


def _page(tables, about, axis, places):
    """Return a page with a row for each setting: medians and means."""
    measures = [replace(measure, **axis) for measure in (EXCESS, MEAN)]
    curves = our_curves(tables, about, replace(EXCESS, x="iteration"), *measures)
    curves = curves[curves["variant"] == MAIN]
    styles = styles_for(curves["method"])
    panels = [
        Panel(f"{title}: {word}", curves[curves["setting"] == setting], measure, places=places)
        for setting, title in about.titles.items()
        for word, measure in zip(("median", "mean"), measures, strict=True)
    ]
    words = (
        f"{EXCESS.what} Lines: median (left) and mean (right) over {about.pooled}; bands (learned "
        "methods): quartiles (left), extremes over the starts of the mean over problems (right). "
        f"{_minima(tables, about)} {about.budget}"
    )
    with print_style():
        legend = legend_of(curves, styles)
        return curves_page(panels, styles, legend, words)


def _minima(tables, about):
    """Return how the minima are known."""
    names = ("problem", "minimum", "gradient", "curvature", "agreeing")
    rows, told = named_table(tables, about, "optima", names), []
    for setting, title in about.titles.items():
        here = rows[rows["setting"] == setting]
        name = "best known of many descents" if (here["problem"] == "robust").any() else "certified"
        shares = here["agreeing"]
        agreeing = f"{percent(shares.mean())} (of a problem at least {percent(shares.min())})"
        largest = significant(here["gradient"].max(), 1)
        told.append(f"{title}: {name}, gradient at most {largest}, found by {agreeing} of descents")
    return f"Minimum ({'; '.join(told)})."


def table(tables, published, about):
    """Return excesses at the end of the trained steps and of all, shares, evaluations, seconds."""
    curves = named_table(tables, about, "curves", (*_COLUMNS, *_SHARES, "gap", *EXCESS.spread))
    curves = curves[curves["variant"] == MAIN]
    marks = [about.facts["horizon"], about.facts["iterations"]]
    rows = curves[curves["iteration"].isin(marks)].reset_index(drop=True)
    finals = named_table(tables, about, "finals", ("method", "variant", "runs", "failed"))
    finals = finals[finals["variant"] == MAIN]
    rows = rows.merge(finals[["setting", "method", "runs", "failed"]], on=["setting", "method"])
    blocks = [Text(_minima(tables, about))]
    for mark in dict.fromkeys(marks):
        blocks += _excess(rows[rows["iteration"] == mark], mark, about)
    blocks += _ahead(rows[rows["iteration"] == marks[0]], about)
    blocks += _solved(rows[rows["iteration"] == marks[-1]], about)
    blocks += [*_effort(tables, curves, marks[0], about), *_drawn(tables, about)]
    told = ["setting", "method", "kind", "label", "iteration", "evaluations", "loss", "gap"]
    told += [*EXCESS.spread, *_SHARES, "runs", "failed"]
    return Compared(rows[told], blocks, _metrics(rows, marks[0]))


def _excess(rows, mark, about):
    """Return medians and means after so many steps."""
    lowest = rows.groupby("setting")["gap_median"].min()

    def cell(row):
        best = "met" if row["gap_median"] == lowest[row["setting"]] else ""
        return Cell(_short(row["gap_median"]), best, f"mean {_short(row['gap'])}")

    words = (
        f"Excess after {mark} steps, median and mean over {about.pooled}. {EXCESS.what} Lower is "
        "better; bold: the lowest median."
    )
    return [Text(words), by_setting(rows, about.titles, cell)]


def _ahead(rows, about):
    """Return which methods by hand each learned one is ahead of, where its training ends."""
    lines, learned = {}, rows["kind"].isin(LEARNED)
    for _, own in rows[learned].iterrows():
        others = rows[~learned & (rows["setting"] == own["setting"])]
        beaten = ", ".join(others.loc[others["gap"] > own["gap"], "label"])
        lines.setdefault(own["label"], {})[own["setting"]] = Cell(beaten or "none")
    grid = [
        (label, [cells.get(setting, Cell(NOTHING)) for setting in about.titles])
        for label, cells in lines.items()
    ]
    words = f"Methods by hand whose mean excess after {about.facts['horizon']} steps is higher:"
    return [Text(words), Grid(("method", *about.titles.values()), grid)] if grid else []


def _solved(rows, about):
    """Return the shares of runs that are solved, and that failed."""

    def cell(row):
        failed = percent(row["failed"] / row["runs"])
        below = f", {percent(row['below'])} below the best known" if row["below"] else ""
        return Cell(percent(row["solved"]), "", f"{failed} failed{below}")

    words = (
        f"Runs with an excess of at most {significant(SOLVED, 1)} after all steps; in small print "
        "those that failed (ended not finite or not below the start)."
    )
    return [Text(words), by_setting(rows, about.titles, cell)]


def _effort(tables, curves, horizon, about):
    """Return evaluations and seconds of a step."""
    taken = named_table(tables, about, "seconds", ("method", "iteration", "seconds", "batch"))
    taken = taken.sort_values("iteration").drop_duplicates(["setting", "method"], keep="last")
    each = 1e6 * taken["seconds"] / taken["iteration"] / taken["batch"]
    taken = taken.assign(each=each)[["setting", "method", "each"]]
    at = curves[curves["iteration"] == horizon].merge(taken, on=["setting", "method"], how="left")

    def cell(row):
        return Cell(f"{row['evaluations'] / horizon:.1f}", "", f"{_short(row['each'])} µs")

    words = (
        f"Function values and gradients of a step, mean over {horizon}; in small print the "
        "microseconds of a step of one problem, where all are solved at once."
    )
    return [Text(words), by_setting(at, about.titles, cell)]


def _drawn(tables, about):
    """Return the means of policies by their mean steps and by drawn ones."""
    if "stochastic" not in tables:
        return []
    rows = tables["stochastic"]
    mean = rows[rows["steps"] == "mean"].set_index(["setting", "method"])

    def cell(row):
        own = mean.loc[(row["setting"], row["method"])]
        text = f"{_short(own['gap_median'])} → {_short(row['gap_median'])}"
        return Cell(text, "", f"deviation {_short(row['deviation'])}")

    words = (
        f"Policies by their mean steps → by drawn ones, as in their training: median excess after "
        f"{about.facts['horizon']} steps; in small print the standard deviation of a step."
    )
    return [Text(words), by_setting(rows[rows["steps"] == "drawn"], about.titles, cell)]


def _metrics(rows, horizon):
    """Return medians at the end of the trained steps; where a net beats all methods by hand."""
    won, numbers = 0, {}
    for setting, own in rows[rows["iteration"] == horizon].groupby("setting", sort=False):
        medians = own.set_index("method")["gap_median"]
        finite = medians[np.isfinite(medians)]
        numbers[setting] = {f"{method}_gap": float(gap) for method, gap in finite.items()}
        learned = own["kind"].isin(LEARNED).to_numpy()
        won += bool(medians[learned].min() < medians[~learned].min())
    return {"contests": len(numbers), "contests_won": won, **numbers}


def _short(value):
    return significant(value, 2)
