"""Figure 3 of the paper: L2O-DM trained with unrolls of several lengths, and run for longer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from l2o.errors import InputError
from l2o.experiments.unroll_length.memory_report import memory_page
from l2o.figures.compared import Cell, Compared, Grid, Text
from l2o.figures.cross_entropy import CHANCE, CHANCE_TEXT, CROSS_ENTROPY
from l2o.figures.intake import named_table, our_curves, our_finals
from l2o.figures.milestones import milestone, milestones
from l2o.figures.numbers import significant
from l2o.figures.panels import Panel, curves_page, legend_of
from l2o.figures.points import Points, draw_points, points_entries
from l2o.figures.standard import failure_notes, foot_of
from l2o.figures.style import MethodStyle, graded_styles, print_style
from l2o.figures.wording import FAILED

LOSS = replace(
    CROSS_ENTROPY,
    xlabel="Steps at meta-testing (1: after one)",
    label="Meta-test loss (nats)",
    what="(a) Mean cross-entropy of an MLP (sigmoid) on a fixed sample of the training images.",
)
MEASURES = (LOSS,)
USUAL = 20  # steps: the unroll length that L2O-DM is usually trained with
COMPARED = (100, 1000, 10000)  # steps at meta-testing
_FIRST, _LAST = MethodStyle("#8A8A8A", "o", ":", 1.0), MethodStyle("#333333", "s", "-", 1.2)
_COUNTS = ("unroll", "epochs", "horizon", "meta_steps")
_META = ("first_meta_loss", "last_meta_loss", "validation_loss")
_LENGTHS = (*_COUNTS, *_META, "last_meta_loss_low", "last_meta_loss_high", "diverged_epochs")


def figure(tables, published, about):
    """Return one page: the loss of runs by unroll length, and the loss at meta-training."""
    lengths, curves = _lengths(tables, about), our_curves(tables, about, LOSS)
    finals = our_finals(tables, about, curves)
    order, usual = list(lengths["setting"]), lengths.loc[lengths["unroll"] == USUAL, "setting"]
    names = {s: title + ", usual" * (s in {*usual}) for s, title in about.titles.items()}
    series = curves.assign(base=(shown := curves["setting"].map(names)), label=shown)
    series = series.sort_values("setting", key=lambda s: s.map(order.index), kind="stable")
    notes = failure_notes(series, finals)
    series["method"], horizon = series["setting"], int(lengths["horizon"].iloc[0])
    upright = {f"trained for {horizon:,} steps": horizon}
    panel = Panel("Meta-testing: vanilla L2O-DM", series, LOSS, [CHANCE], notes, upright)
    styles, meta = graded_styles(order, {*usual}), _meta_points(lengths)
    with print_style():
        legend = legend_of(series, styles, {"recurrent": "Unroll length, (a)"}, [CHANCE])
        legend["Meta-training, (b)"] = points_entries(meta)
        foot = f"{foot_of(LOSS, about, series)} {_foot(lengths, about, notes)} {about.budget}"
        return [curves_page([panel], styles, legend, foot, {"Meta-training": _draw(lengths, meta)})]


def levels(tables, about):
    """Return the line of ten equal chances, by setting."""
    return {setting: [CHANCE] for setting in about.titles}


def memory_figure(tables, published, about):
    """Return one page: the peak memory of meta-gradients, and a training that needs it."""
    return [memory_page(tables, about)]


def _lengths(tables, about):
    """Return the table of meta-trainings by unroll length; all were trained for as many steps."""
    lengths = named_table(tables, about, "lengths", _LENGTHS).sort_values("unroll", kind="stable")
    if len(horizons := sorted(set(lengths["horizon"]))) > 1:
        problem = f"found {', '.join(map(str, horizons))}, must be the same for all lengths"
        raise InputError(f"{about.report} lengths", "horizon", problem, "train for the same steps")
    return lengths


def _meta_points(lengths):
    at, bars = lengths["unroll"], (lengths["last_meta_loss_low"], lengths["last_meta_loss_high"])
    first = Points("first tenth of the epochs", _FIRST, at, lengths["first_meta_loss"], True)
    return [first, Points("last tenth", _LAST, at, lengths["last_meta_loss"], bars=bars)]


def _draw(lengths, meta):
    words = "Unroll length in steps (in brackets: meta-steps taken)"
    counts = zip(lengths["unroll"], lengths["meta_steps"], strict=True)
    ticks = {float(length): f"{length:,}\n({steps:,.0f})" for length, steps in counts}
    return lambda axes: draw_points(axes, meta, (words, "Meta-training loss (nats)"), ticks)


def _foot(lengths, about, notes):
    lost = lengths[lengths["diverged_epochs"] > 0].set_index("setting")
    each = [
        f"{about.titles[setting]} {row['diverged_epochs']:,.0f} of {row['epochs']:,.0f}"
        for setting, row in lost.iterrows()
    ]
    return (
        f"{f'Failed: {FAILED}. ' if notes else ''}(b) Mean cross-entropy over the steps of a run "
        "of meta-training, mean over the epochs that did not diverge (losses stayed finite); bars: "
        "quartiles over the last tenth, smaller than the marker where none is seen. Each length "
        f"was trained for runs of {lengths['horizon'].iloc[0]:,} steps; a meta-step is one step of "
        f"Adam, taken after each unroll. {CHANCE_TEXT}"
        + (f" Epochs that diverged: {'; '.join(each)}." if each else "")
    )


def table(tables, published, about):
    """Return the losses of each unroll length as far as its runs go; nothing is published.

    A row per setting, by ``unroll``: counts, meta-losses (nats), and the milestones of its curve.
    """
    lengths = _lengths(tables, about)[["setting", *_COUNTS, *_META]]
    ends = milestones(our_curves(tables, about, LOSS), LOSS, COMPARED).drop(columns="method")
    rows = lengths.assign(**{name: lengths[name].map(LOSS.rounding) for name in _META}).merge(ends)
    reached = [at for at in COMPARED if rows[f"loss_{at}"].notna().any()]
    reached = [at for at in reached if set(rows["end_iteration"]) != {at}]
    heads = ("epochs", "meta-steps", "first", "last", "validation", *(f"{at:,}" for at in reached))
    grid = Grid(
        ("unroll length", *heads, "end (step)", "lowest (step)", "status"),
        [(about.titles[row["setting"]], _cells(row, reached)) for _, row in rows.iterrows()],
    )
    text = (
        f"Losses in nats of L2O-DM trained on runs of {rows['horizon'].iloc[0]:,} steps, by the "
        "unroll length. First, last: meta-training loss, the mean over the steps of a run, in the "
        "first and the last tenth of the epochs, of those that did not diverge; validation: the "
        "lowest on other runs. The others are training losses at meta-testing, means over "
        f"{about.pooled}, after as many steps. Diverged: the end is not finite or not below "
        "the start. "
        f"{CHANCE_TEXT}"
    )
    numbers = rows.drop(columns=["end_iteration", "status", *_COUNTS]).set_index("setting")
    finite = ((s, row[np.isfinite(row.astype(float))]) for s, row in numbers.iterrows())
    metrics = {setting: row.astype(float).to_dict() for setting, row in finite}
    metrics |= {"lengths": len(rows), "diverged": int((rows["status"] == "diverged").sum())}
    return Compared(rows, [Text(text), grid, Text(_summary(rows, about))], metrics)


def _cells(row, reached):
    counts = (f"{row['epochs']:,}", f"{row['meta_steps']:,}")
    losses = [milestone(row[name]) for name in (*_META, *(f"loss_{at}" for at in reached))]
    ends = [milestone(row[f"{end}_loss"], row[f"{end}_iteration"]) for end in ("end", "best")]
    return [*map(Cell, (*counts, *losses, *ends, row["status"]))]


def _summary(rows, about):
    """Return how many lengths diverged, and where losses are lowest."""
    lost, past = rows["status"] == "diverged", rows["best_iteration"] > rows["horizon"]
    text = (
        f"{lost.sum()} of {len(rows)} unroll lengths diverged at meta-testing; "
        f"{past.sum()} of {len(rows)} reach their lowest loss later than they were trained for."
    )
    for column, name in (("last_meta_loss", "at meta-training"), ("end_loss", "at the end")):
        values = rows[column].where(np.isfinite(rows[column]))
        if values.notna().any():
            best = rows.loc[values.idxmin()]
            title = about.titles[best["setting"]]
            text += f" Lowest loss {name}: {title} ({significant(best[column])})."
    return text
