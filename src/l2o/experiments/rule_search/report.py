"""Update rules: what searches found by how many rules, and other networks trained by them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from l2o.figures import scales
from l2o.figures.compared import Cell, Compared, Grid, Text
from l2o.figures.cross_entropy import CHANCE, CHANCE_TEXT, CROSS_ENTROPY
from l2o.figures.intake import named_table, our_curves, our_finals, whole_table
from l2o.figures.numbers import NOTHING, significant
from l2o.figures.panels import Panel, curves_page, legend_of
from l2o.figures.standard import failure_notes
from l2o.figures.style import print_style, styles_for
from l2o.figures.wording import FAILED, by_setting, row_name
from l2o.kinds import LEARNED

LOSS = replace(CROSS_ENTROPY, smooth=False)
MEASURES = (LOSS,)
BAND = 0.15  # opacity
SHOWN = 5  # best rules of a search that the table lists
_TOLD = ("method", "formula", "rate", "validation_loss", "evaluations", "loss", *LOSS.spread)
_ROWS = ("search", "step", "phase", "formula", "rate", "validation_loss")


def figure(tables, published, about):
    """Return the page: training losses on networks that no search saw, and the searches."""
    curves = our_curves(tables, about, LOSS)
    finals, panels = our_finals(tables, about, curves), []
    for setting, title in about.titles.items():
        rows = curves[curves["setting"] == setting]
        panels.append(Panel(title, rows, LOSS, [CHANCE], failure_notes(rows, finals)))
    styles, others = styles_for(curves["method"]), {}
    if "searches" in tables:
        tried = _tried(tables, about)
        others["Searches"] = lambda axes: _draw(axes, tried, styles)
    failed = f" Failed: {FAILED}." if any(panel.notes for panel in panels) else ""
    foot = (
        f"{LOSS.what} Lines: median; bands (rules that were found): quartiles; both over "
        f"{about.pooled}. {_formulas(tables['finals'])} {_searches(tables, about)}{failed} "
        f"{CHANCE_TEXT} {about.budget}"
    )
    with print_style():
        legend = legend_of(curves, styles, {"first_order": "By hand"}, [CHANCE])
        return [curves_page(panels, styles, legend, " ".join(foot.split()), others)]


def _tried(tables, about):
    """Return the rules of all searches, with the lowest loss so far, or chance, as ``best``."""
    tried = whole_table(tables, about, "searches", ("method", "label", *_ROWS))
    tried = tried[tried["phase"] == "search"]
    best = tried.groupby(["method", "search"], sort=False)["validation_loss"].cummin()
    return tried.assign(best=best.clip(upper=CHANCE.value))


def _draw(axes, tried, styles):
    """Draw the lowest loss against the number of rules: median and range of the searches."""
    for method, rows in tried.groupby("method", sort=False):
        best = rows.pivot(index="step", columns="search", values="best")
        look = styles[method].line() | {"markevery": (0.0, 0.12), "drawstyle": "steps-post"}
        axes.plot(best.index, best.median(axis=1), **look)
        band = {"color": styles[method].colour, "alpha": BAND, "linewidth": 0, "step": "post"}
        axes.fill_between(best.index, best.min(axis=1), best.max(axis=1), **band)
    axes.set(xscale="log", yscale="log", xlim=(1, max(2, tried["step"].max())))
    axes.set(xlabel="Rules tried", ylabel="Validation loss (nats)")
    scales.log_ticks(axes)


def _formulas(finals):
    """Return a sentence with the formula of every rule that was found."""
    found = finals[finals["formula"].notna()].drop_duplicates("method")
    each = [
        f"{row['label']}: x ← x − {row['rate']:g} u, u = {row['formula']}"
        for _, row in found.iterrows()
    ]
    return f"{'; '.join(each)}." if each else ""


def _searches(tables, about):
    """Return a sentence on the last panel; nothing without searches."""
    if "searches" not in tables:
        return ""
    count = _tried(tables, about)["search"].nunique()
    return (
        "Searches: lowest validation loss of the training that rules are judged by, median and "
        f"range of {count} search{'es' * (count != 1)}."
    )


def table(tables, published, about):
    """Return the rules, what they come to on other networks, and the best ones of all searches."""
    rows = named_table(tables, about, "finals", ("variant", "kind", "label", "failed", *_TOLD))
    speeds = named_table(tables, about, "speeds", ("method", "seconds_per_step"))
    keys = ["setting", "method"]
    rows = rows.merge(speeds[[*keys, "seconds_per_step", "step_over_adam"]], on=keys, how="left")
    blocks = [*_rules(rows), *_losses(rows, about)]
    if "searches" in tables:
        blocks += [*_progress(tables, about), *_best(tables, about)]
    told = [*keys, "kind", "label", *_TOLD[1:], "runs", "failed", "seconds_per_step"]
    return Compared(rows[told], blocks, _metrics(rows))


def _rules(rows):
    """Return formula, rate, validation loss and number of trials of every method."""
    lines = []
    for _, own in rows.groupby("method", sort=False):
        row = own.iloc[0]
        formula = row["formula"] if isinstance(row["formula"], str) else NOTHING
        step = f"{1e3 * own['seconds_per_step'].iloc[-1]:.2f}"
        times = f"{significant(own['step_over_adam'].iloc[-1], 2)}× Adam"
        cells = (f"`{formula}`" * (formula != NOTHING) or NOTHING, f"{row['rate']:g}")
        cells += (significant(row["validation_loss"]), f"{row['evaluations']:,.0f}")
        lines.append((row_name(own), [*map(Cell, cells), Cell(step, "", times)]))
    words = (
        "What was found, and where: validation loss in nats, median over the starts, after the "
        "short training that rules and rates are judged by, from starts that nothing was chosen "
        "on; the rate is the best one there, of the same grid for all. Rules of all searches, and "
        "rates of the others, that were tried. "
        "Milliseconds: of a step of all runs together on the last network."
    )
    heads = ("method", "formula", "rate", "validation loss", "tried", "ms a step")
    return [Text(words), Grid(heads, lines)]


def _losses(rows, about):
    """Return medians at the end, with quartiles and failures."""
    best = rows.groupby("setting")["loss_median"].transform("min")

    def cell(row):
        first = "met" if row["loss_median"] == row["best"] else ""
        span = f"{significant(row['loss_q25'])} to {significant(row['loss_q75'])}"
        lost = f"; {row['failed']:.0f} of {row['runs']:.0f} failed" if row["failed"] else ""
        return Cell(significant(row["loss_median"]), first, f"{span}{lost}")

    words = (
        f"Training loss at the end in nats, on networks that no search saw: median over "
        f"{about.pooled}, and quartiles. Bold: the lowest. Failed: {FAILED}."
    )
    return [Text(words), by_setting(rows.assign(best=best), about.titles, cell)]


def _progress(tables, about):
    """Return the lowest losses of the searches after parts of the rules."""
    tried = _tried(tables, about)
    last = int(tried["step"].max())
    marks = sorted({max(1, round(last / part)) for part in (16, 4, 2, 1)})
    lines = []
    for _, rows in tried.groupby("method", sort=False):
        at = rows.pivot(index="step", columns="search", values="best").ffill()
        at = at.reindex(range(1, last + 1)).ffill()
        cells = [
            Cell(
                significant(at.loc[mark].median()),
                "",
                f"{significant(at.loc[mark].min())} to {significant(at.loc[mark].max())}",
            )
            for mark in marks
        ]
        lines.append((rows["label"].iloc[0], cells))
    words = "Lowest validation loss of a search after so many rules: median and range of searches."
    return [Text(words), Grid(("search", *(f"{mark:,}" for mark in marks)), lines)]


def _best(tables, about):
    """Return the best rules of each method, as they were judged once more."""
    tried = whole_table(tables, about, "searches", ("method", "label", *_ROWS))
    finals = tried[tried["phase"] == "final"].sort_values("validation_loss", kind="stable")
    lines = []
    for _, rows in finals.groupby("label", sort=False):
        for _, row in rows.head(SHOWN).iterrows():
            cells = (f"`{row['formula']}`", f"{row['rate']:g}", significant(row["validation_loss"]))
            found = f"{row['search'] + 1:.0f}, {row['step']:,.0f}"
            lines.append((row["label"], [*map(Cell, (*cells, found))]))
    words = "The best rules of all searches, judged once more on new starts and minibatches."
    return [Text(words), Grid(("", "formula", "rate", "validation loss", "search, rule"), lines)]


def _metrics(rows):
    """Return medians at the end; in how many settings a rule that was found is the lowest."""
    numbers = {"contests": 0, "contests_won": 0}
    for setting, here in rows.groupby("setting", sort=False):
        ends = here.set_index("method")["loss_median"]
        numbers[setting] = {f"{m}_loss": float(v) for m, v in ends.items() if np.isfinite(v)}
        found = pd.Series(here["kind"].isin(LEARNED).to_numpy(), ends.index)
        if found.any() and not found.all():
            numbers["contests"] += 1
            numbers["contests_won"] += bool(ends[found].min() < ends[~found].min())
    return numbers
