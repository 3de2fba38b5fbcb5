"""What quality costs: training seconds and learned values, and profiles over seconds of solving."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, SymmetricalLogLocator

from l2o.figures import scales
from l2o.figures.about import About
from l2o.figures.efforts import Clock, efforts
from l2o.figures.intake import Tables, named_table
from l2o.figures.layout import PanelGrid, new_page
from l2o.figures.measure import Measure
from l2o.figures.numbers import FLOOR, tick
from l2o.figures.profiles import Contestants, Effort, effort_page
from l2o.figures.style import MethodStyle

COSTS = {  # column: what the axis says, and where it turns from linear to logarithmic
    "training_seconds": ("Training (s; 0: none)", 1.0),
    "learned": ("Learned values (0: none)", 10.0),
}
_TALL = 1.75  # inches


def cost_pages(
    tables: Tables,
    about: About,
    measure: Measure,
    second: str,
    words: tuple[str, str],
    reached: str,
) -> list[Figure]:
    """Return a page of quality against cost, and one of profiles over seconds.

    Parameters
    ----------
    tables : ``curves``, ``finals``, ``runs``, ``timings`` and perhaps ``seconds``
    second, words : column of the finals that is drawn hollow beside the mean; what both are called
    reached : what targets are values of
    """
    who = Contestants.of(tables, about)
    timings = named_table(tables, about, "timings", ("method", "training_seconds"))
    clock = Clock(timings, tables.get("seconds"))
    runs = named_table(tables, about, "runs", ("method", "end"))
    rows = efforts(runs, about.targets, clock)
    solving = Effort(rows, "seconds", "Seconds until the target is reached, all runs at once")
    profiles = effort_page(who, about, reached, solving)
    seconds = timings.set_index(["setting", "method"])["training_seconds"]
    keys = pd.MultiIndex.from_frame(who.finals[["setting", "method"]])
    spent = pd.to_numeric(seconds.reindex(keys), errors="coerce").fillna(0.0).to_numpy()
    finals = who.finals.assign(training_seconds=spent)
    foot = (
        f"Filled: {measure.label}, {words[0]} over {about.pooled}; hollow: {words[1]}. "
        "Training on the machine that built this, one job beside others. " + about.budget
    )
    grid = PanelGrid([_TALL] * len(about.titles), len(COSTS), 0.0, 0.3, 0.42, 0.3)
    page, panels = new_page(grid, who.legend, foot)
    for number, (setting, title) in enumerate(about.titles.items(), start=1):
        row, last = panels[number - 1], number == len(panels)
        here = finals[finals["setting"] == setting]
        for axes, (column, (label, turn)) in zip(row, COSTS.items(), strict=True):
            _draw(axes, here, column, turn, measure, second, who.styles)
            axes.set_xlabel(label if last else "", size=7)
            axes.set_title(title.split("\n")[0], loc="left", weight="bold")
        row[0].set_ylabel(measure.label)
    return [page, profiles]


def _draw(
    axes: Axes,
    here: pd.DataFrame,
    column: str,
    turn: float,
    measure: Measure,
    second: str,
    styles: Mapping[str, MethodStyle],
) -> None:
    """Draw the methods of one setting against one cost."""
    both = here[[measure.value, second]].astype(float).replace([np.inf, -np.inf], np.nan)
    both = both.clip(lower=FLOOR) if measure.log else both
    values = both.to_numpy().ravel()
    values = values[np.isfinite(values) & (values > 0 if measure.log else True)]
    kept = values[values <= measure.top]
    ends = (kept.min(), kept.max()) if len(kept) else (0.1, 1.0)
    low, high = scales.padded(ends, measure.log, part=0.06)
    for row, (mean, other) in zip(here.itertuples(), both.to_numpy(), strict=True):
        look, x = styles[row.method], getattr(row, column)
        mean, other = (min(max(v, low), high) if np.isfinite(v) else high for v in (mean, other))
        axes.plot([x, x], [mean, other], color=look.colour, linewidth=0.7, zorder=2.5)
        axes.plot(x, other, zorder=3, **look.points(True))
        axes.plot(x, mean, zorder=4, **look.points())
    axes.set_xscale("symlog", linthresh=turn, linscale=0.5)
    axes.set(ylim=(low, high), xlim=(-0.3 * turn, 3 * max(turn, here[column].max())))
    axes.xaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=turn))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    if measure.log:
        axes.set_yscale("log")
        scales.log_ticks(axes)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 4, 5, 10]))
