"""Performance profiles: which part of the runs had reached a target by when.

An empirical distribution of the effort to a target, in which a run that never gets there counts as
never. Source: Dolan & Moré 2002; Moré & Wild 2009 (data profiles).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from l2o.figures import scales
from l2o.figures.about import About
from l2o.figures.common import base_label
from l2o.figures.efforts import efforts
from l2o.figures.end_boxes import ends_page
from l2o.figures.intake import Tables, named_table, whole_table
from l2o.figures.layout import PanelGrid, new_page
from l2o.figures.measure import Measure
from l2o.figures.panels import legend_of
from l2o.figures.style import MethodStyle, styles_for
from l2o.kinds import LEARNED
from l2o.variants import MAIN

_NEVER = 1e30  # where a run that never reaches a target is put: beyond any axis
_TALL, _FONT = 1.05, 7  # inches: a panel; points
_PARTS = (0, 0.5, 1)  # ticks


@dataclass(frozen=True)
class Contestants:
    """Who takes part in an experiment.

    Parameters
    ----------
    finals : main rows of the finals, oracles aside, with ``base``, in the order of the curves
    styles, legend : of each method
    """

    finals: pd.DataFrame
    styles: Mapping[str, MethodStyle]
    legend: Mapping[str, list[Artist]]

    @classmethod
    def of(cls, tables: Tables, about: About) -> Contestants:
        """Return those of an experiment, from its tables ``curves`` and ``finals``."""
        columns = ("method", "variant", "kind", "label", "runs", "failed")
        finals = named_table(tables, about, "finals", columns)
        main = finals[(finals["variant"] == MAIN) & (finals["kind"] != "oracle")]
        base = [base_label(*pair) for pair in main[["label", "kind"]].to_numpy()]
        curves = whole_table(tables, about, "curves", ("method",))
        order = list(dict.fromkeys(curves["method"]))
        main = main.assign(base=base)
        main = main.sort_values("method", key=lambda names: names.map(order.index), kind="stable")
        styles = styles_for(main["method"])
        return cls(main, styles, legend_of(main, styles))


@dataclass(frozen=True)
class Effort:
    """One axis of profiles.

    Parameters
    ----------
    rows : of :func:`l2o.figures.efforts.efforts`
    column, words : the effort, and what the axis calls it
    log : whether the axis is logarithmic
    last : where the axis ends, by setting; else where the last run gets to a target
    """

    rows: pd.DataFrame
    column: str
    words: str
    log: bool = True
    last: Mapping[str, float] = field(default_factory=dict)

    def limits(self, setting: str) -> tuple[float, float]:
        """Return the axis of a setting."""
        values = self.rows.loc[self.rows["setting"] == setting, self.column].dropna()
        values = values[values > 0] if self.log else values
        low, high = (float(values.min()), float(values.max())) if len(values) else (1.0, 10.0)
        low, high = low if self.log else 0.0, self.last.get(setting, high)
        return low, high if high > low else low + 1


def profile_pages(tables: Tables, about: About, measure: Measure, reached: str) -> list[Figure]:
    """Return a page of profiles over iterations, one over evaluations where these differ, and one
    of the ends of all runs.

    Parameters
    ----------
    tables : ``runs``, ``curves`` and ``finals``
    reached : what targets are values of, such as "NMSE (dB)"
    """
    who = Contestants.of(tables, about)
    runs = named_table(tables, about, "runs", ("method", "instance", "start", "end"))
    rows = efforts(runs, about.targets)
    words = f"{measure.x.capitalize()} at which the target is reached"
    curves = tables["curves"]
    nets = curves[curves["kind"].isin(LEARNED)] if not measure.log else curves[:0]
    last = nets.groupby("setting")[measure.x].max().to_dict()  # others may go on
    axes = [Effort(rows, "iteration", words, measure.log, last)]
    if (rows["evaluations"] != rows["iteration"])[rows["iteration"].notna()].any():
        axes.append(Effort(rows, "evaluations", "Evaluations until the target is reached"))
    pages = [effort_page(who, about, reached, effort) for effort in axes]
    return [*pages, ends_page(runs, who.finals, who.styles, about, measure, reached)]


def effort_page(who: Contestants, about: About, reached: str, effort: Effort) -> Figure:
    """Return a page with a row a setting and a column a target."""
    foot = (
        f"Part of the runs that had reached a target by then; targets are values of {reached}. "
        "Where a line ends below 1, the other runs never got there. What happens between two "
        f"recorded iterations is not seen. Pooled: {about.pooled}. {about.budget}"
    )
    columns, last = max(map(len, about.targets.values())), len(about.targets) - 1
    grid = PanelGrid([_TALL] * len(about.targets), columns, 0.0, 0.3, 0.3, 0.3)
    page, panels = new_page(grid, who.legend, foot)
    for number, (row, (setting, targets)) in enumerate(
        zip(panels, about.targets.items(), strict=True)
    ):
        here, limits = effort.rows[effort.rows["setting"] == setting], effort.limits(setting)
        there = who.finals.loc[who.finals["setting"] == setting, "method"]
        title = about.titles[setting].partition("\n")[0]
        for axes, target in zip(row, targets, strict=False):
            rows = here[here["target"] == target]
            for method in there:
                places = rows.loc[rows["method"] == method, effort.column]
                _step(axes, places, who.styles[method], limits[0])
            axes.set(xlim=limits, ylim=(-0.02, 1.02), ylabel="")
            if effort.log:
                axes.set_xscale("log")
                scales.log_ticks(axes)
            scales.few_ticks(axes)
            axes.set_yticks(_PARTS)
            axes.set_xlabel(effort.words if number == last else "", size=_FONT)
            head = f"{title}: " if target == targets[0] else ""
            words = f"{head}≤ {target:g}".replace("-", "−")
            axes.set_title(words, loc="left", size=_FONT, weight="bold", pad=4)
        for axes in row[len(targets) :]:
            axes.set_axis_off()
        row[0].set_ylabel("Part of the runs", size=_FONT)
    return page


def _step(axes: Axes, places: pd.Series, look: MethodStyle, low: float) -> None:
    """Draw the empirical distribution of one method."""
    if len(places):
        shown = places.fillna(_NEVER).clip(lower=low).to_numpy(float)
        sns.ecdfplot(x=shown, ax=axes, **look.line() | {"markevery": 0.21, "markersize": 3.0})
