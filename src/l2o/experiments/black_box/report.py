"""Black-box functions: simple regret against queries and seconds, and learned against fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from l2o.figures.compared import Cell, Compared, Grid, Text
from l2o.figures.intake import named_table, our_curves, our_finals
from l2o.figures.measure import Measure
from l2o.figures.numbers import NOTHING, significant
from l2o.figures.panels import Panel, curves_page, legend_of
from l2o.figures.style import print_style, styles_for
from l2o.figures.wording import by_setting
from l2o.kinds import LEARNED
from l2o.variants import MAIN

LEAST = 1e-3  # a regret below counts as none where methods are compared
REGRET = Measure(
    value="loss",
    label="Simple regret",
    what=(
        "Simple regret: the lowest value so far less the minimum, in standard deviations of the "
        "function over the box."
    ),
    xlabel="Queries (1: the first, random, the same for all)",
    bottom=1e-4,
)
MEASURES = (REGRET,)


def figure(tables, published, about):
    """Return the page of regrets against queries."""
    return [_page(our_curves(tables, about, REGRET), REGRET, about)]


def seconds_figure(tables, published, about):
    """Return the page of regrets against the seconds that a method itself takes."""
    keys = ["setting", "method", "iteration"]
    seconds = named_table(tables, about, "seconds", (*keys[1:], "seconds"))
    timed = tables["curves"].merge(seconds[[*keys, "seconds"]], on=keys)
    timed = timed[timed["seconds"] > 0]
    measure = replace(REGRET, x="seconds", xlabel="Seconds of one run")
    told = (
        "Seconds: of a run alone, without training, on the machine that computed the curves; "
        "values, which are cheap here, included."
    )
    return [_page(our_curves({"curves": timed}, about, measure), measure, about, told)]


def _page(curves, measure, about, told=""):
    """Return a page with a panel for each setting."""
    styles = styles_for(curves["method"])
    panels = [
        Panel(title, curves[curves["setting"] == setting], measure)
        for setting, title in about.titles.items()
    ]
    words = (
        f"{measure.what} Lines: median; bands (learned methods): quartiles; both over "
        f"{about.pooled}. {told} {about.budget}"
    )
    with print_style():
        legend = legend_of(curves, styles)
        return curves_page(panels, styles, legend, " ".join(words.split()))


def table(tables, published, about):
    """Return regrets at marks, seconds, and learned methods beside the model."""
    columns = ("method", "variant", "kind", "label", "iteration", "loss", *REGRET.spread)
    curves = named_table(tables, about, "curves", columns)
    curves = curves[curves["variant"] == MAIN]
    taken = named_table(tables, about, "seconds", ("method", "iteration", "seconds"))
    keys = ["setting", "method", "iteration"]
    curves = curves.merge(taken[[*keys, "seconds"]], on=keys, how="left")
    marks = about.facts["marks"]
    ends = our_finals(tables, about, curves)
    blocks = [*_regrets(curves, ends, marks, about), *_seconds(curves, marks, about)]
    rows = curves[curves["iteration"].isin(marks)].reset_index(drop=True)
    beside = _beside(curves, about)
    if beside:
        blocks += _against(beside, marks, about)
    told = [*keys, "kind", "label", "loss", *REGRET.spread, "seconds"]
    return Compared(rows[told], blocks, _metrics(rows, beside, marks))


def _regrets(curves, finals, marks, about):
    """Return medians at the marks, with the quartiles at the end, and how many runs failed."""
    at = curves[curves["iteration"].isin(marks)].set_index(["setting", "method", "iteration"])
    ends = curves[curves["iteration"] == marks[-1]]
    lowest = ends.groupby("setting")["loss_median"].min()

    def cell(row):
        medians = [at.loc[(row["setting"], row["method"], mark), "loss_median"] for mark in marks]
        best = "met" if row["loss_median"] == lowest[row["setting"]] else ""
        span = f"{_short(row['loss_q25'])} to {_short(row['loss_q75'])}"
        end = finals.loc[(row["setting"], row["method"], MAIN)]
        lost = f"; {end['failed']:.0f} of {end['runs']:.0f} failed" if end["failed"] else ""
        return Cell(" / ".join(map(_short, medians)), best, f"{span}{lost}")

    words = (
        f"{REGRET.label}, median over {about.pooled}, after {_listed(marks)} queries, and the "
        f"quartiles at the end. {REGRET.what} Lower is better; bold: the lowest at the end. "
        "Failed: no query was ever lower than the first one."
    )
    return [Text(words), by_setting(ends, about.titles, cell)]


def _seconds(curves, marks, about):
    """Return the seconds of a query, over a run and at its end."""
    keys = ["setting", "method"]
    ends = curves[curves["iteration"] == marks[-1]]
    if ends["seconds"].isna().all():
        return []
    steps = (
        curves.set_index(keys)
        .groupby(keys)["seconds"]
        .apply(lambda s: float(np.diff(s.to_numpy()[-10:]).mean()) if len(s) > 1 else np.nan)
    )

    def cell(row):
        each = row["seconds"] / row["iteration"]
        return Cell(_short(each), "", f"{_short(steps[row['setting'], row['method']])} at the end")

    words = (
        "Seconds of a query: mean over a run alone, and over its last ten; with the value, which "
        "is cheap here."
    )
    return [Text(words), by_setting(ends, about.titles, cell)]


def _beside(curves, about):
    """Return, by setting and learned method, its curve beside the model's at equal queries.

    Columns of both: ``loss_median`` and ``seconds``, those of the model with ``_model`` after.
    """
    found, model = {}, about.facts["model"]
    columns = ["iteration", "loss_median", "seconds"]
    for (setting, method), own in curves[curves["kind"].isin(LEARNED)].groupby(
        ["setting", "method"], sort=False
    ):
        there = curves[(curves["setting"] == setting) & (curves["method"] == model)]
        if len(there):
            both = own.merge(there[columns], on="iteration", suffixes=("", "_model"))
            found[setting, method] = both.sort_values("iteration")
    return found


def _against(beside, marks, about):
    """Return where learned methods are ahead of the model: at equal queries, in equal seconds."""
    lines = {}
    for (setting, _), both in beside.items():
        ahead = both.loc[_wins(both["loss_median"], both["loss_median_model"]), "iteration"]
        text = _spans(ahead.tolist()) or "never"
        end = both.iloc[-1]
        within = both[both["seconds_model"] <= end["seconds"]]
        other = _short(within.iloc[-1]["loss_median_model"]) if len(within) else NOTHING
        met = len(within) == 0 or _wins(end["loss_median"], within.iloc[-1]["loss_median_model"])
        small = (
            f"{_short(end['loss_median'])} in {_short(end['seconds'])} s; "
            f"{about.facts['model_label']} {other} with {len(within)}"
        )
        name = both.iloc[0]["label"]
        lines.setdefault(name, {})[setting] = Cell(text, "met" if met else "", small)
    rows = [
        (name, [cells.get(setting, Cell(NOTHING)) for setting in about.titles])
        for name, cells in lines.items()
    ]
    who = about.facts["model_label"]
    words = (
        f"Learned methods against {who}: after which queries, from the second on, their median "
        f"regret is lower at an equal number of queries (below {LEAST:g} all are alike). In small "
        f"print: their median after all {marks[-1]} queries, the seconds that these take, and the "
        f"median of {who} in as many seconds, with the number of its queries. Bold: lower in equal "
        "seconds."
    )
    return [Text(words), Grid(("method", *about.titles.values()), rows)]


def _wins(ours, theirs):
    """Return whether regrets are lower than others, by more than nothing."""
    return np.maximum(ours, LEAST) < np.maximum(theirs, LEAST)


def _spans(places):
    """Return ascending whole numbers as text, such as "2–14, 22"."""
    spans = []
    for place in places:
        if spans and place == spans[-1][1] + 1:
            spans[-1][1] = place
        else:
            spans.append([place, place])
    return ", ".join(f"{a}–{b}" if b > a else f"{a}" for a, b in spans)


def _metrics(rows, beside, marks):
    """Return medians at the end; of how many settings, marks and nets the net is ahead."""
    won = []
    for both in beside.values():
        at = both[both["iteration"].isin(marks)]
        won += map(bool, _wins(at["loss_median"], at["loss_median_model"]))
    numbers = {"contests": len(won), "contests_won": sum(won)}
    ends = rows[rows["iteration"] == marks[-1]]
    for setting, here in ends.groupby("setting", sort=False):
        medians = zip(here["method"], here["loss_median"], strict=True)
        numbers[setting] = {f"{method}_loss": float(median) for method, median in medians}
    return numbers


def _listed(marks):
    return (
        ", ".join(map(str, marks[:-1])) + f" and {marks[-1]}" if len(marks) > 1 else f"{marks[0]}"
    )


def _short(value):
    return significant(value, 2)
