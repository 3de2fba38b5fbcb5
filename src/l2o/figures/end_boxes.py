"""A page of boxes: how the runs of every method end, and which part of them failed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import MatplotlibDeprecationWarning
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from l2o.figures import scales
from l2o.figures.about import About
from l2o.figures.endings import name_width
from l2o.figures.layout import PanelGrid, new_page
from l2o.figures.measure import Measure
from l2o.figures.numbers import FLOOR, percent
from l2o.figures.style import MethodStyle

WHISKERS = (5, 95)  # per cent of the runs
_BOX, _SIZE = 0.135, 6.0  # inches: a box; points: its name
_LOOK = {"orient": "h", "linewidth": 0.6, "width": 0.62, "fliersize": 1.4}


def ends_page(
    runs: pd.DataFrame,
    finals: pd.DataFrame,
    styles: Mapping[str, MethodStyle],
    about: About,
    measure: Measure,
    reached: str,
) -> Figure:
    """Return a page with a box for each method in a panel for each setting."""
    counts = finals.groupby("setting").size()
    columns = min(2, len(about.titles))
    settings = list(about.titles)
    rows = [settings[i : i + columns] for i in range(0, len(settings), columns)]
    heights = [_BOX * max(counts.get(s, 1) for s in row) for row in rows]
    names = {
        setting: _named_with_failures(finals[finals["setting"] == setting]) for setting in settings
    }
    margin = 0.08 + max(name_width(n, _SIZE) for of in names.values() for n in of.values())
    whiskers = f"{WHISKERS[0]} and {WHISKERS[1]} %"
    foot = (
        f"Ends of all runs, {reached}: boxes hold the middle half, whiskers {whiskers}, points are "
        "runs beyond; what is not finite, or beyond the axis, lies at its right edge. In brackets: "
        f"the part of the runs that failed. {about.pooled}. {about.budget}"
    )
    grid = PanelGrid(heights, columns, margin, 0.3, 0.2, 0.36)
    page, panels = new_page(grid, {}, foot)
    for axes, setting in zip(panels.flat, settings, strict=False):
        here = finals[finals["setting"] == setting].set_index("method")
        failed = (here["failed"] / here["runs"]).to_dict()
        of = runs[runs["setting"] == setting], names[setting], failed
        _boxes(axes, *of, measure, styles)
        axes.set_title(about.titles[setting].split("\n")[0], loc="left", weight="bold")
        axes.set_xlabel(reached, size=7)
    for axes in panels.flat[len(settings) :]:
        axes.set_axis_off()
    return page


def _named_with_failures(main: pd.DataFrame) -> dict[str, str]:
    names = {}
    for row in main.itertuples():
        share = f" ({percent(row.failed / row.runs)})" if row.failed else ""
        names[row.method] = f"{row.base}{share}"
    return names


def _boxes(
    axes: Axes,
    runs: pd.DataFrame,
    names: Mapping[str, str],
    failed: Mapping[str, float],
    measure: Measure,
    styles: Mapping[str, MethodStyle],
) -> None:
    """Draw the boxes of one setting, named on the right.

    ``failed`` are parts of the runs, by method: where half of them failed, no axis is stretched.
    """
    runs = runs[runs["method"].isin(names)]
    ends = pd.to_numeric(runs["end"]).replace([np.inf, -np.inf], np.nan)
    sound = runs["method"].isin([method for method, share in failed.items() if share < 0.5])
    known = ends[sound].dropna() if sound.any() else ends.dropna()
    known = known.clip(lower=FLOOR) if measure.log else known
    low, high = (known.min(), known.max()) if len(known) else (0.1, 1.0)
    low, high = scales.padded((float(low), float(high)), measure.log)
    shown = runs.assign(end=ends.fillna(high).clip(low, high))
    if measure.log:
        axes.set_xscale("log")
    palette = {method: styles[method].colour for method in names}
    given = {"order": list(names), "hue": "method", "palette": palette, "legend": False}
    flier = {"marker": ".", "markeredgewidth": 0, "markerfacecolor": "#777777"}
    with warnings.catch_warnings():  # seaborn 0.13 asks Matplotlib 3.11 in an old way
        warnings.simplefilter("ignore", MatplotlibDeprecationWarning)
        how = {"whis": WHISKERS, "flierprops": flier, **_LOOK, **given}
        sns.boxplot(shown, x="end", y="method", ax=axes, **how)
    axes.set(xlim=(low, high), ylabel="")
    if measure.log:
        scales.log_ticks(axes)
    scales.few_ticks(axes)
    axes.yaxis.tick_right()
    axes.set_yticks(range(len(names)), list(names.values()), size=_SIZE)
    axes.tick_params(axis="y", length=0)
