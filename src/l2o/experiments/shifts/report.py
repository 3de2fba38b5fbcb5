"""What shifts cost: small multiples of the error that is left, and a ranking by grace."""

from __future__ import annotations

import pandas as pd
from matplotlib.lines import Line2D

from l2o.figures.common import base_label
from l2o.figures.compared import Cell, Compared, Grid, Text
from l2o.figures.grace import ALL, LEFT, PANEL, TOLD, WHO, best_db, left_of, ranking
from l2o.figures.intake import whole_table
from l2o.figures.measure import Limit
from l2o.figures.multiples import GUARDED, Line, Multiple, multiples_page, variant_look
from l2o.figures.numbers import NOTHING, signed, significant
from l2o.figures.panels import legend_of
from l2o.figures.style import MethodStyle, print_style, styles_for
from l2o.kinds import LEARNED

COLUMNS = (LEFT, "mean_db", "median_db", "pooled_db", "p99_db", "failed", "runs", "degradation_db")
XLABELS = {
    "density": "P(x* ≠ 0)",
    "snr_db": "SNR (dB)",
    "amplitude": "law of the non-zeros",
    "dictionary": "sine of the columns' turn",
    "lam": "λ, in multiples",
    "alpha": "α, in multiples",
    "size": "size, in multiples",
}
_BEST = Limit("best", (), ())
_MEASURE = (
    "Error left: of x (NMSE, fig5), or of f above its minimum (fig6, fig7), in dB of what it is at "
    "the start, mean over runs. Minimum: in fig7 the lowest value that any method found, and where "
    "n is 10 or less and α not reduced a search in the lattice."
)
_BEST_TEXT = (
    "Best: the lowest of all at the same value, and of BG-AMP and VAMP told density and A of the "
    "data."
)
_BOUNDS = "Of a run more than 0 dB, the start, counts as 0 dB, less than {low} as that: solved."
_WORDS = (
    "Ranked by how far methods fall behind under shifted laws, in dB; lower is more graceful. "
    "{measure} {bounds} Behind: how far the error left is above the best, on average over the "
    "shifted values; {best} Loss: how far it is above the method's own on the law that it knows "
    "(less is no loss); nothing is ranked by it, since who was good at home has more to lose. "
    "Means are over settings and iterations, then over kinds of shift that all methods of a figure "
    "can be run under. To the first: mean difference ± its standard error, by blocks of instances; "
    "it covers instances, not trainings or dictionaries, of which there is one each. By pooled "
    "errors: the rank where the errors of all runs together are compared. Home: the error left on "
    "the law of the training. Safeguarded: the better one of the method's step and monotone "
    "FISTA's, by f: three times the products with A of FISTA, and therefore not ranked."
)


def figure(tables, published, about):
    """Return a page for each experiment: a panel for each setting, iteration and kind of shift."""
    values = _values(tables, about)
    with print_style():
        return [_page(part, about, one) for one, part in values.groupby("experiment", sort=False)]


def _values(tables, about):
    values = whole_table(tables, about, "values", (*PANEL, *WHO, "position", "home", *COLUMNS))
    values = values[values["experiment"].isin(about.facts["experiments"])]
    base = [base_label(*pair) for pair in values[["label", "kind"]].to_numpy()]
    return values.assign(label=base, value=values["value"].astype(str))


def _page(values, about, one):
    low = about.facts["solved_db"][one]
    left = left_of(values, LEFT, {one: low})
    # What cannot be run is not drawn, what diverged is at the top.
    rows = values.assign(left=left.where(values[LEFT].notna()), best=best_db(values, left))
    styles = styles_for(rows["method"])
    panels = [_panel(part, about, *key, styles) for key, part in rows.groupby(PANEL, sort=False)]
    cannot = ", ".join(sorted({*values[values[LEFT].isna()]["label"]}))
    words = f" Cannot take another size: {cannot}." * bool(cannot)
    foot = (
        f"{about.facts['experiments'][one]}: learned methods as trained, classical ones as tuned, "
        f"on the law at the grey bar; {about.facts['instances'][one]:,} {about.pooled} for each "
        f"value. {_MEASURE} {_BOUNDS.format(low=_db(low))} {_BEST_TEXT}{words} {about.budget}"
    )
    legend = legend_of(rows.assign(base=rows["label"]), styles, levels=[_BEST])
    if (rows["variant"] == GUARDED).any():
        look = variant_look(MethodStyle("#444444", "o"), "", GUARDED)
        legend["Reference"].append(Line2D([], [], label="hollow: with the safeguard", **look))
    ylim = (rows["best"].min() - 3, 3)
    return multiples_page(panels, "error left (dB)", ylim, legend, foot)


def _panel(rows, about, one, setting, iteration, shift, styles):
    ticks = rows.drop_duplicates("position").sort_values("position")
    lines = []
    for (method, variant), line in rows[rows["variant"] != TOLD].groupby(WHO, sort=False):
        ordered = line.sort_values("position")
        look = variant_look(styles[method], ordered["kind"].iloc[0], variant)
        lines.append(Line(ordered["left"], look))
    lines.append(Line(ticks["best"], _BEST.look | {"zorder": 5}))
    (name,) = (n for n in about.titles if n.startswith(f"{one}_{setting}_{shift}"))
    title = about.titles[name] + ("" if one == "fig5" else f", k = {iteration:,}")
    named = [_tick(value, shift) for value in ticks["value"]]
    return Multiple(title, lines, named, int(ticks["home"].argmax()), XLABELS[shift])


def _tick(value, shift):
    """Return the name of a value: "5 %", "× 10" or as it is."""
    try:
        number = float(value)
    except ValueError:
        return value
    if shift in ("lam", "alpha", "size"):
        return f"× {number:g}"
    return f"{100 * number:g} %" if shift == "density" else f"{number:g}"


def table(tables, published, about):
    """Return the ranking: how far behind methods fall, by runs and by pooled errors.

    A row per experiment, method and kind of shift, and for all kinds together.
    """
    values, solved = _values(tables, about), about.facts["solved_db"]
    rows = ranking(values, solved)
    rows["label"] += rows["variant"].map({GUARDED: ", safeguarded"}).fillna("")
    low = ", ".join(f"{name} {_db(value)}" for name, value in solved.items())
    words = {"measure": _MEASURE, "bounds": _BOUNDS.format(low=low), "best": _BEST_TEXT}
    blocks = [Text(_WORDS.format(**words))]
    for one, title in about.facts["experiments"].items():
        here = rows[rows["experiment"] == one]
        blocks += [_grid(here, title), Text(_summary(here))]
    whole = rows[rows["shift"] == ALL]
    guarded = whole["variant"].map({GUARDED: "_safeguarded"}).fillna("")
    metrics = {}
    for one, here in whole.set_index(whole["method"] + guarded).groupby("experiment", sort=False):
        metrics[one] = here["behind_db"].add_suffix("_behind_db").to_dict()
    numbers = [name for name in rows if name.endswith(("_db", "_error"))]
    return Compared(rows.round(dict.fromkeys(numbers, 3)), blocks, metrics)


def _grid(rows, title):
    shifts = [shift for shift in dict.fromkeys(rows["shift"]) if shift != ALL]
    lines = []
    for _, own in rows.groupby(WHO, sort=False):
        by_shift = own.set_index("shift")
        whole = by_shift.loc[ALL]
        rank, pooled = (NOTHING if pd.isna(whole[n]) else whole[n] for n in ("rank", "rank_pooled"))
        cells = [Cell(f"{rank}"), Cell(_number(whole["home_db"]))]
        cells += [_cost(by_shift.loc[shift]) for shift in shifts]
        cells.append(Cell(_number(whole["behind_db"]), "", f"by pooled errors: {pooled}"))
        apart = signed(round(whole["to_first_db"], 2)), significant(whole["to_first_error"], 1)
        cells.append(Cell(NOTHING if rank == 1 else " ± ".join(apart)))
        lines.append((whole["label"], cells))
    heads = (*(XLABELS[shift] for shift in shifts), "behind", "to the first")
    return Grid(("method", "rank", "home", *heads), lines, title)


def _cost(row):
    """Return how far behind, with the loss in small print, or that some values cannot be taken."""
    if row["cannot"]:
        return Cell("cannot")
    return Cell(_number(row["behind_db"]), "", f"loss {_number(row['loss_db'])}")


def _summary(rows):
    """Return the most graceful learned and hand-made method."""
    whole, told = rows[(rows["shift"] == ALL) & rows["rank"].notna()], []
    learned = whole["kind"].isin(LEARNED)
    for word, part in (("learned", whole[learned]), ("hand-made", whole[~learned])):
        if len(part):
            best = part.iloc[0]
            told.append(f"{word} {best['label']} (rank {best['rank']} of {len(whole)})")
    return f"Most graceful: {'; '.join(told)}."


def _number(value):
    return f"{value:.1f}".replace("-", "−")


def _db(value):
    return f"{value:g} dB".replace("-", "−")
