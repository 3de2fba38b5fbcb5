"""Meta-gradients: bias, noise and cosine against the unroll length; what is learned with each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from l2o.figures.compared import Cell, Compared, Grid, Text
from l2o.figures.cross_entropy import CROSS_ENTROPY
from l2o.figures.intake import named_table, our_curves, whole_table
from l2o.figures.layout import PanelGrid, new_page
from l2o.figures.numbers import NOTHING, significant
from l2o.figures.points import Points, draw_points, points_entries
from l2o.figures.style import MethodStyle, print_style
from l2o.figures.wording import FAILED
from l2o.variants import MAIN

LOSS = replace(CROSS_ENTROPY, what="Mean cross-entropy on a fixed sample of the training images.")
MEASURES = (LOSS,)
POINTS = {"drawn": "weights as drawn", "trained": "trained weights"}
SAMPLES = 100  # estimates, for which bias is held against noise
_LOOKS = {  # apart in grey, too: by marker and dashes
    "backpropagation": MethodStyle("#333333", "s", (0, (5, 1.5))),
    "reparameterisation": MethodStyle("#D55E00", "^", (0, (1.5, 1))),
    "evolution": MethodStyle("#0072B2", "o", "-"),
    "merged": MethodStyle("#009E73", "D", (0, (4, 1, 1, 1))),
    "persistent": MethodStyle("#AA3377", "v", "-", 2.0),
}
_SHOWN = ("bias", "low", "high", "bound", "resolved", "deviation", "cosine", "broken")
_SHOWN += ("target_error",)
_MEASURED = ("point", "estimator", "unroll", "gradients", *_SHOWN)
_LEARNED = ("epoch", "inner_gradients", "validation_loss")
_BELOW = "no bias resolved: two errors above"


def figure(tables, published, about):
    """Return one page: bias and noise at both points, the cosine, and losses at meta-training."""
    rows, learned = _measured(tables, about), _learned(tables, about)
    titles = {estimator: about.titles[s] for s, estimator in about.facts["estimators"].items()}
    label = "Unroll length T (steps)"
    with print_style():
        entries = points_entries(_series(rows, titles, "drawn", _bias), _BELOW)
        grid = PanelGrid([1.75] * 3, 2, between=0.5, above=0.34)
        page, places = new_page(grid, {"Estimator": entries}, _foot(about, rows))
        ticks = {float(unroll): f"{unroll:,}" for unroll in sorted(set(rows["unroll"]))}
        for column, (point, words) in enumerate(POINTS.items()):
            for row, (what, make) in enumerate((("Bias", _bias), ("Noise", _noise))):
                axes = places[row, column]
                shown = {p: _series(rows, titles, p, make) for p in POINTS}
                values = [v for of in shown.values() for s in of for v in s.y if v > 0]
                y = "" if column else f"{what} (relative)"
                draw_points(axes, shown[point], (label, y), ticks, values)
                axes.set_title(f"{what}, {words}")
        axes = places[2, 0]
        draw_points(axes, _series(rows, titles, "trained", _cosine), (label, "Cosine"))
        low = float(rows.loc[rows["point"] == "trained", "cosine"].min())
        axes.set(xscale="log", xlim=places[0, 0].get_xlim(), ylim=(min(-0.05, low - 0.05), 1.05))
        axes.xaxis.set_major_locator(FixedLocator([*ticks]))
        axes.xaxis.set_major_formatter(FixedFormatter([*ticks.values()]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_title("Cosine with the target, trained weights")
        _draw_learning(places[2, 1], learned, about)
        for letter, axes in zip("abcdef", places.flat, strict=True):
            title = f"({letter}) {axes.get_title()}"
            axes.set_title("")
            axes.set_title(title, loc="left", weight="bold", size=8)
    return [page]


def _measured(tables, about):
    return whole_table(tables, about, "gradients", _MEASURED).assign(
        resolved=lambda table: table["resolved"].astype(str) == "True"
    )


def _learned(tables, about):
    return named_table(tables, about, "learning", _LEARNED)


def _series(rows, titles, point, make):
    """Return a line for each estimator at a point."""
    here = rows[rows["point"] == point].sort_values("unroll")
    return [make(titles[e], _LOOKS[e], of) for e, of in here.groupby("estimator", sort=False)]


def _bias(name, look, rows):
    """Return the bias with its error, or, hollow, what it is below where none is resolved."""
    seen = rows["resolved"].to_numpy()
    y = np.where(seen, rows["bias"], rows["bound"])
    bars = [np.where(seen, rows[end], np.nan) for end in ("low", "high")]
    return Points(name, look, rows["unroll"], y, ~seen, bars)


def _noise(name, look, rows):
    return Points(name, look, rows["unroll"], _fair(rows))


def _cosine(name, look, rows):
    return Points(name, look, rows["unroll"], rows["cosine"])


def _fair(rows):
    """Return the noise of as many inner gradients as the dearest estimate takes."""
    return rows["deviation"] * np.sqrt(rows["gradients"] / rows["gradients"].max())


def _draw_learning(axes, learned, about):
    """Draw validation losses against inner gradients."""
    series = [
        Points("", _LOOKS[estimator], of["inner_gradients"], of["validation_loss"])
        for setting, estimator in about.facts["estimators"].items()
        for of in [learned[learned["setting"] == setting]]
    ]
    words = ("Inner gradients of the meta-training", "Validation loss (nats)")
    draw_points(axes, series, words)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 4, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_title(f"Meta-training, T = {about.facts['unroll']}")


def _foot(about, rows):
    f = about.facts
    error = rows.groupby("point")["target_error"].first()
    errors = " and ".join(f"{significant(error[p], 2)} ({POINTS[p]})" for p in POINTS)
    return (
        f"Target: gradient, by the weights w of L2O-DM ({f['hidden']} units a layer), of "
        f"E L(w + n), n from N(0, {f['sigma']:g}² I), L the mean loss over the {f['horizon']} "
        "steps of an "
        f"episode in which an MLP ({f['network']}, sigmoid) is trained on digits. An estimate goes "
        "through one episode in truncations of T steps and is their mean. Reparameterisation, "
        f"evolution strategies and their merger have {f['pairs']} antithetic pairs a truncation, "
        "from the state of a run at w; persistent copies go on from their own. Derivatives take "
        "the optimizee's gradient as given, losses do not. Bias: distance of the mean of "
        f"{f['estimates']} estimates from the target, less what noise adds, with its standard "
        f"error by a jackknife; hollow: {_BELOW}. Noise of the target, from {f['episodes']} "
        f"episodes: {errors}. "
        "Noise: root of the trace of the covariance, of as many inner gradients for all (averages "
        "over more episodes where an estimate takes fewer). Both are relative to the length of the "
        "target. (f): mean loss over the "
        f"{f['horizon']} steps of other runs. {about.budget}"
    )


def table(tables, published, about):
    """Return bias, noise, cost, where they cross, and what was learned."""
    rows, learned = _measured(tables, about), _learned(tables, about)
    cost = whole_table(tables, about, "cost", ("estimator", "unroll", "seconds", "peak_mib"))
    rows = rows.assign(noise=_fair(rows))
    names = {estimator: about.titles[s] for s, estimator in about.facts["estimators"].items()}
    blocks = [Text(_told(about))]
    for point, words in POINTS.items():
        here = rows[rows["point"] == point]
        blocks.append(_grid(here, names, f"Bias and noise, {words}", _cell))
        blocks.append(Text(_crossings(here, names)))
        heading = f"Cosine of an estimate with the target, {words}"
        blocks.append(_grid(here, names, heading, _cosine_cell))
    blocks.append(_grid(cost, names, "One meta-gradient: seconds; peak memory", _cost_cell))
    blocks += _learning(tables, learned, cost, about)
    numbers = {"estimators": len(names), "resolved": int(rows["resolved"].sum())}
    for setting, of in learned.groupby("setting", sort=False):
        if np.isfinite(lowest := float(of["validation_loss"].min())):
            numbers[setting] = {"l2o_dm_validation_loss": lowest}
    return Compared(rows, blocks, numbers)


def _told(about):
    f = about.facts
    return (
        f"Relative to the length of the target, the gradient of the smoothed loss (σ = "
        f"{f['sigma']:g}) of whole episodes of {f['horizon']} steps. First the bias, from "
        f"{f['estimates']} estimates, with one standard error below and above (<: none is "
        "resolved; two errors above), in "
        f"small print the noise of one estimate, with {f['pairs']} antithetic pairs. A bias near 1 "
        "may be one of length alone, which Adam does not see: the cosine tells directions."
    )


def _grid(rows, names, heading, cell):
    """Return a table with a column for each unroll length."""
    unrolls = sorted(set(rows["unroll"]))
    found = {(row["estimator"], row["unroll"]): cell(row) for _, row in rows.iterrows()}
    lines = [(name, [found[e, unroll] for unroll in unrolls]) for e, name in names.items()]
    return Grid(("estimator", *(f"T = {unroll}" for unroll in unrolls)), lines, heading)


def _cell(row):
    if np.isnan(row["bias"]):
        lost = f"{row['broken']:.0f} not finite" if row["broken"] else "too large"
        return Cell(NOTHING, "", lost)
    bias, low, high, bound = (significant(row[k], 2) for k in ("bias", "low", "high", "bound"))
    text = f"{bias} ({low} to {high})" if row["resolved"] else f"< {bound}"
    return Cell(text, "", f"noise {significant(row['deviation'], 2)}")


def _cosine_cell(row):
    return Cell(f"{row['cosine']:.2f}".replace("-", "−"))


def _cost_cell(row):
    return Cell(significant(row["seconds"], 2), "", f"{row['peak_mib']:,.0f} MiB")


def _crossings(rows, names):
    """Return in words where noise and bias cross, for one point."""
    at = rows.set_index(["estimator", "unroll"]).sort_index()
    unrolls = sorted(set(rows["unroll"]))

    def lengths(here) -> str:
        found = [f"{unroll:,}" for unroll in unrolls if here(unroll)]
        return f"at T = {', '.join(found)}" if found else "at no length"

    above = [
        f"{names[path]} against {names[score]} "
        + lengths(lambda u, p=path, s=score: at.loc[(p, u), "noise"] > at.loc[(s, u), "noise"])
        for path in ("backpropagation", "reparameterisation")
        for score in ("evolution", "persistent")
        if {path, score} <= {*names}
    ]
    bound = at["deviation"] / np.sqrt(SAMPLES)
    biased = at["resolved"] & (at["bias"] > bound)
    beyond = [f"{name} {lengths(lambda u, e=e: biased[e, u])}" for e, name in names.items()]
    told = f"The noise at equal inner gradients is the larger one: {'; '.join(above)}." * bool(
        above
    )
    return (
        f"{told} A resolved bias exceeds the noise of the mean of {SAMPLES} estimates: "
        f"{'; '.join(beyond)}."
    ).strip()


def _learning(tables, learned, cost, about):
    """Return what each training reached, with equal inner gradients and in equal seconds."""
    taken = named_table(tables, about, "timings", ("training_seconds",))
    seconds = taken.set_index("setting")["training_seconds"].astype(float)
    ends = named_table(tables, about, "finals", ("failed", "runs"))
    curves = our_curves(tables, about, LOSS)
    last = curves.sort_values("iteration").groupby("setting")[LOSS.spread].last()
    ends = ends[ends["variant"] == MAIN].set_index("setting").join(last)
    fewest = learned.groupby("setting")["inner_gradients"].max().min()
    each = _seconds_of_a_gradient(cost, about.facts["unroll"])
    spent = {s: each[e] for s, e in about.facts["estimators"].items()}
    most = min(spent[s] * of["inner_gradients"].max() for s, of in learned.groupby("setting"))
    lines = []
    for setting, title in about.titles.items():
        of = learned[learned["setting"] == setting].sort_values("epoch")
        cells = [
            _lowest(of, of["inner_gradients"] <= fewest),
            _lowest(of, spent[setting] * of["inner_gradients"] <= most * (1 + 1e-9)),
            Cell(significant(seconds[setting])),
            _end(ends.loc[setting]),
        ]
        lines.append((title, cells))
    text = (
        "Meta-trainings: lowest validation loss (nats; mean over the steps of an episode) within "
        f"{fewest:,} inner gradients, and within the {significant(most)} s that the quickest "
        f"estimator takes for its own (by the seconds above, T = {about.facts['unroll']}); then "
        f"the seconds of the training, and the training loss of {about.pooled} at their end: "
        f"median, quartiles. Failed: {FAILED}. One training of each, all at one rate: no ranking."
    )
    heads = ("estimator", "equal gradients", "equal seconds", "seconds", "test runs, end")
    return [Text(text), Grid(heads, lines)]


def _seconds_of_a_gradient(cost, unroll):
    """Return the seconds of an inner gradient of each estimator, at the length of the trainings."""
    nearest = (cost["unroll"] - unroll).abs()
    at = cost[nearest == nearest.min()].drop_duplicates("estimator").set_index("estimator")
    return (at["seconds"] / at["gradients"]).astype(float)


def _end(row):
    low, middle, high = (significant(row[name]) for name in LOSS.spread)
    failed = f"; {row['failed']:.0f} of {row['runs']:.0f} failed" if row["failed"] else ""
    return Cell(middle, "", f"{low} to {high}{failed}")


def _lowest(of: pd.DataFrame, within: pd.Series) -> Cell:
    values = of.loc[within, "validation_loss"]
    return Cell(significant(values.min()) if len(values) else NOTHING)
