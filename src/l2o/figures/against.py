"""Pages of what methods end with against a number of each setting, such as PSNR against a ratio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from l2o.figures.common import base_label
from l2o.figures.layout import PanelGrid, new_page
from l2o.figures.points import Points, draw_points
from l2o.figures.style import MethodStyle

_HEIGHT = 2.9  # inches of a panel


@dataclass(frozen=True)
class Against:
    """A panel: its title, its lines, and the labels of both axes."""

    title: str
    lines: Sequence[Points]
    labels: tuple[str, str]


def lines_against(
    ends: pd.DataFrame,
    places: Mapping[str, float],
    value: str,
    styles: Mapping[str, MethodStyle],
    hollow: bool = False,
) -> list[Points]:
    """Return a line for each method of ``ends``, in their order.

    Parameters
    ----------
    ends : ``setting``, ``method``, ``kind``, ``label`` and ``value``; one row for each pair of
        setting and method
    places : the number of each setting that is drawn; other settings are left out
    value : a column of ``ends``
    styles : by method
    hollow : whether points are drawn hollow, as of values that others published
    """
    here, lines = ends[ends["setting"].isin(places)], []
    for method, rows in here.groupby("method", sort=False):
        at = rows["setting"].map(places).astype(float)
        rows = rows.assign(at=at).sort_values("at", kind="stable")
        name = base_label(*rows[["label", "kind"]].iloc[0])
        line = (name, styles[method], rows["at"].tolist(), rows[value].astype(float).tolist())
        lines.append(Points(*line, hollow=hollow))
    return lines


def against_page(
    panels: Sequence[Against], legend: Mapping[str, Sequence[Artist]], foot: str
) -> Figure:
    """Return a page with two panels in a row, of the same range in both directions."""
    columns = min(2, len(panels))
    page, places = new_page(
        PanelGrid([_HEIGHT] * -(-len(panels) // columns), columns), legend, foot
    )
    for number, (panel, axes) in enumerate(zip(panels, places.flat, strict=False)):
        draw_points(axes, panel.lines, panel.labels)
        letter = f"({chr(ord('a') + number)}) " if len(panels) > 1 else ""
        axes.set_ylabel("" if number % columns else panel.labels[1])
        axes.set_title(f"{letter}{panel.title}", loc="left", weight="bold")
    ticks = {x for panel in panels for line in panel.lines for x in line.x}
    _share([*places.flat[: len(panels)]], sorted(ticks))
    for axes in places.flat[len(panels) :]:
        axes.set_axis_off()
    return page


def _share(all_axes: Sequence[Axes], ticks: Sequence[float]) -> None:
    """Give all panels the same ranges, and ticks where there are points."""
    for which in ("xlim", "ylim"):
        ends = [getattr(axes, f"get_{which}")() for axes in all_axes]
        both = min(low for low, _ in ends), max(high for _, high in ends)
        for axes in all_axes:
            axes.set(**{which: both})
    for axes in all_axes:
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
