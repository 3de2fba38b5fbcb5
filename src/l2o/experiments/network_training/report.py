"""Figure 8 of the paper: training loss of networks on MNIST against iterations."""

from __future__ import annotations

import numpy as np
import pandas as pd

from l2o.figures.common import check_columns
from l2o.figures.compared import Cell, Compared, Grid, Text
from l2o.figures.comparison import Rule, metrics
from l2o.figures.cross_entropy import CHANCE, CHANCE_TEXT, CROSS_ENTROPY
from l2o.figures.intake import named_table, our_curves
from l2o.figures.measure import Level
from l2o.figures.numbers import NOTHING, rounded, significant
from l2o.figures.standard import Standard
from l2o.figures.wording import (
    FAILED,
    compared_at,
    counted,
    pair,
    row_name,
    rule_text,
)
from l2o.variants import PUBLISHED

LOSS = CROSS_ENTROPY
REPORT = Standard(
    LOSS,
    headings={"first_order": "Analytic"},
    reading="Published values are read off a picture, good to some 5 %.",
    rule=Rule(tolerance=0.05, shown=(100, 1000, 10000)),
    words=("mean", "median"),
    tails={"loss": "mean", "loss_p99": "worst run"},
)
CONTEST = REPORT.contest
profiles_figure, cost_figure = REPORT.profiles, REPORT.cost
_ENDS = ("training_loss", "test_loss", "test_accuracy")
_STDS = ("training_loss_std", "test_accuracy_std")
_PUBLISHED_STARTS = {"mlp_relu": "6.8"}  # nats; where not ln 10, as ours


def figure(tables, published, about):
    """Return the pages: all curves, and those that the paper has against them."""
    foot = " ".join([CHANCE_TEXT, *_long_text(tables, about)])
    return REPORT.figure(tables, published, about, levels(tables, about), foot)


def levels(tables, about):
    """Return the lines of ten equal chances and of the long run's end, by setting."""
    found = {setting: [CHANCE] for setting in about.titles}
    for setting, row in _long_runs(tables, about).iterrows():
        if np.isfinite(row["loss"]):
            found[setting].append(Level(f"{row['iteration']:,} steps", row["loss"]))
    return found


def _long_runs(tables, about):
    """Return the ends of the long runs by setting; no rows where none was trained."""
    columns = ("label", "iteration", "runs", "loss")
    if "optima" not in tables:
        return pd.DataFrame(columns=["setting", *columns]).set_index("setting")
    return named_table(tables, about, "optima", columns).set_index("setting")


def _long_text(tables, about):
    """Return a sentence on the long runs; nothing where none was trained."""
    if not len(rows := _long_runs(tables, about)):
        return []
    each = [
        f"{about.titles[setting]}: {significant(row['loss'])} by {row['label']}"
        for setting, row in rows.iterrows()
    ]
    runs, last = (int(rows[name].iloc[0]) for name in ("runs", "iteration"))
    count = f"{runs:,} long run{'s' * (runs != 1)}"
    return [f"{last:,} steps: where {count} with the best schedule ended ({'; '.join(each)})."]


def table(tables, published, about):
    """Return the comparison at the published iterations, and what the trained networks are worth.

    ``start`` is our loss at iteration 0; the columns of the finals belong to our last iteration.
    """
    check_columns(f"{about.report} finals", tables["finals"], (*_ENDS, *_STDS))
    rows = _with_ends(REPORT.compared(tables, published, about), tables, about)
    shown = REPORT.shown_rows(rows)
    at = compared_at(shown, LOSS.x)
    words = (counted(rows), rule_text(REPORT.rule))
    blocks = [
        Text(f"Training loss in nats, mean: ours / published, at {at}. Lower is better."),
        Text(_explanation(rows, about)),
        *(
            _grid(shown[shown["setting"] == setting], title)
            for setting, title in about.titles.items()
        ),
        Text(" ".join(filter(None, words))),
        *map(Text, _long_text(tables, about)),
        Text(
            "All training images, test accuracy: after our last iteration, mean ± standard "
            f"deviation over the runs that end finite. Failed: {FAILED}, of {about.pooled}."
        ),
        *REPORT.ends(tables, rows, about),
    ]
    return Compared(rows, blocks, metrics(rows, "loss", "test_accuracy", "failed"))


def _with_ends(rows, tables, about):
    """Return the rows with our start, the range over the runs, and the finals in the last rows."""
    keys = ["setting", "method", "variant"]
    curves = our_curves(tables, about, LOSS)
    check_columns(f"{about.report} curves", curves, ("loss_low", "loss_high"))
    spread = curves[[*keys, "iteration", "loss_low", "loss_high"]]
    starts = curves[curves["iteration"] == 0].set_index(keys)["loss"].rename("start")
    rows = rows.merge(spread, on=[*keys, "iteration"], how="left").join(starts, on=keys)
    rows = rows.join(tables["finals"].set_index(keys)[[*_ENDS, *_STDS]], on=keys)
    rows.loc[rows.duplicated(keys, keep="last"), [*_ENDS, *_STDS]] = np.nan
    numbers = ["loss_low", "loss_high", "start", *_ENDS, *_STDS]
    rows[numbers] = rows[numbers].astype(float).map(LOSS.rounding)
    rows["ratio"] = (rows["loss"] / rows["paper_loss"]).map(rounded)
    return rows.drop(columns="curve_ratio")


def _grid(rows, title):
    """Return the table of one network."""
    places = sorted(rows["iteration"].unique())
    lines = []
    for (_, variant), curve in rows.groupby(["method", "variant"], sort=False):
        cells = {
            row["iteration"]: Cell(pair(row, LOSS), row["verdict"]) for _, row in curve.iterrows()
        }
        end = curve.iloc[-1]
        accuracy = _plus_minus(100 * end["test_accuracy"], 100 * end["test_accuracy_std"], _percent)
        ends = (
            f"{significant(end['ratio'])}×" if np.isfinite(end["ratio"]) else NOTHING,
            _plus_minus(end["training_loss"], end["training_loss_std"], significant),
            accuracy if accuracy == NOTHING else f"{accuracy} %",
            f"{end['failed']:.0f} of {end['runs']:.0f} runs",
        )
        cells = [cells.get(place, Cell(NOTHING)) for place in places]
        name = row_name(curve) + ", published recipe" * (variant == PUBLISHED)
        lines.append((name, [*cells, *map(Cell, ends)]))
    last = f"ours / published at {places[-1]:,}"
    heads = (*(f"{place:,}" for place in places), last, "all training images", "test accuracy")
    return Grid(("method", *heads, "failed"), lines, title)


def _plus_minus(mean, std, text):
    """Return "mean ± std"; one run has no std, and runs that all failed have no mean."""
    if np.isnan(mean):
        return NOTHING
    return text(mean, 3) if np.isnan(std) else f"{text(mean, 3)} ± {text(std, 2)}"


def _percent(value, _):
    return f"{value:.2f}"


def _explanation(rows, about):
    """Return how the losses are defined, and where ours and the published ones begin."""
    starts = rows.drop_duplicates("setting").set_index("setting")["start"].dropna()
    each = ", ".join(f"{significant(loss)} ({about.titles[s]})" for s, loss in starts.items())
    text = f"{LOSS.what} {REPORT.reading} Our curves start at {each or NOTHING}. {CHANCE_TEXT}"
    compared = rows.loc[rows["paper_loss"].notna(), "setting"].unique()
    for setting in starts.index.intersection(compared).intersection(list(_PUBLISHED_STARTS)):
        text += (
            f" The published ones on the {about.titles[setting]} start near "
            f"{_PUBLISHED_STARTS[setting]}, which the paper's text does not explain: an optimizee "
            "that starts elsewhere, so that early losses are not like for like."
        )
    return text
