"""Pages that set every published method against ours: a small panel per method and setting."""

from __future__ import annotations

import textwrap

import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from l2o.figures import scales
from l2o.figures.about import About
from l2o.figures.layout import PanelGrid, new_page, unbroken
from l2o.figures.measure import Measure
from l2o.figures.style import BOX, MethodStyle, styles_for
from l2o.figures.wording import compared_at, pair
from l2o.variants import AS_DRAWN, MAIN, PUBLISHED

_DASHES = {MAIN: "", AS_DRAWN: (4, 1.5), PUBLISHED: (7, 1.2, 1.2, 1.2)}
_BAND = 0.18
_SETTINGS = 4  # columns of a page, at most
_LINE = 0.1  # inches: a line of the numbers of a panel
_GUESSED = {"linestyle": "none", "marker": "s", "markersize": 4.4, "markerfacecolor": "none"}
_GUESSED |= {"markeredgecolor": "#8C8C8C", "markeredgewidth": 0.9}


def overlay_pages(
    curves: pd.DataFrame,
    published: pd.DataFrame,
    compared: pd.DataFrame,
    about: About,
    measure: Measure,
    reading: str = "",
) -> list[Figure]:
    """Return pages with a row per published method and a column per setting that has any.

    Up to two settings: methods run down the left half of the page, then down the right one.

    Parameters
    ----------
    curves : ours, with ``base``, in ascending order of places
    published : readings, with ``panel``, ``method``, place, value and perhaps ``reading``
    compared : rows of :func:`l2o.figures.comparison.compare`, whose numbers the panels show
    about, measure : what is drawn; its means here
    reading : how good the readings are
    """
    read = published[published["method"].isin(curves["method"])].dropna(subset=measure.value)
    read = read.assign(guessed=read.get("reading", "") == "estimate").sort_values(measure.x)
    settings = [setting for setting in about.titles if (read["panel"] == setting).any()]
    foot = (
        f"Numbers: ours / published, means, at {compared_at(compared, measure.x)}. "
        f"{measure.xlabel}. {measure.what} Mean and quartiles over {about.pooled}: a few bad ones "
        f"rule a mean, not the quartiles. {reading} {about.budget}"
    )
    parts = [settings[i : i + _SETTINGS] for i in range(0, len(settings), _SETTINGS)]
    order = list(dict.fromkeys(published["method"]))
    read = read.sort_values("method", key=lambda names: names.map(order.index), kind="stable")
    titles = [{setting: about.titles[setting] for setting in part} for part in parts]
    return [_page(curves, read, compared, part, measure, foot) for part in titles]


def _page(
    curves: pd.DataFrame,
    read: pd.DataFrame,
    compared: pd.DataFrame,
    titles: dict[str, str],
    measure: Measure,
    foot: str,
) -> Figure:
    """Return a page for the settings in ``titles``."""
    read = read[read["panel"].isin(titles)]
    methods, count = list(read["method"].unique()), len(titles)
    curves = curves[curves["method"].isin(methods) & curves["setting"].isin(titles)]
    split = count if count <= 2 and len(methods) > 1 else 0
    rows = -(-len(methods) // 2) if split else len(methods)
    lines = int(compared.groupby(["setting", "method"]).size().max())
    tall = 0.85 + _LINE * lines
    grid = PanelGrid([tall] * rows, 2 * split or count, 0.0, 0.0, 0.37, 0.13, split)
    page, panels = new_page(grid, {"": _entries(read, curves)}, foot, 0.62)
    look = {"size": 9.5, "weight": "bold", "va": "top", "y": 1 - 0.08 / page.get_figheight()}
    page.suptitle(f"Ours against the published curves: {measure.label}, mean", **look)
    styles, small = styles_for(methods), {"size": 7, "weight": "bold"}
    for column, (setting, title) in enumerate(titles.items()):
        ours, paper = curves[curves["setting"] == setting], read[read["panel"] == setting]
        limits = scales.value_limits(ours, measure, paper[measure.value], ours[measure.value][:1])
        numbers = (0.08 + _LINE * lines) / tall
        limits = scales.padded(limits, measure.log, above=0.05 + numbers / (1 - numbers))
        for number, method in enumerate(methods):
            axes = panels[number % rows, number // rows * count + column]
            mine, theirs = (table[table["method"] == method] for table in (ours, paper))
            if mine.empty:  # this method takes no part in this setting
                axes.set(xticks=[], yticks=[], frame_on=False)
            else:
                _overlay(axes, mine, theirs, measure, styles[method], limits)
            here = (compared["setting"] == setting) & (compared["method"] == method)
            _label(axes, compared[here], measure)
            if column == 0:
                name = curves.loc[curves["method"] == method, "base"].iloc[0]
                axes.set_ylabel(textwrap.fill(name, 15), **small)
            if number % rows == 0:
                axes.set_title(unbroken(title, 24), **small)
            last = number % rows == rows - 1 or number == len(methods) - 1
            axes.tick_params(labelbottom=last)
            axes.set_xlabel(measure.xlabel.split(" (")[0] if last else "", size=7)
    for axes in panels[len(methods) % rows or rows :, -count:].flat:  # the last column is shorter
        axes.set_axis_off()
    return page


def _overlay(
    axes: Axes,
    ours: pd.DataFrame,
    paper: pd.DataFrame,
    measure: Measure,
    look: MethodStyle,
    limits: scales.Limits,
) -> None:
    """Draw one method in one setting: ours solid, other variants dashed; published dotted."""
    log, at = measure.log, measure.places(ours)
    ours = ours.assign(at=at, mean=scales.drawn(ours[measure.value], log))[
        at > 0 if log else at >= 0
    ]
    places = pd.concat([ours["at"], paper[measure.x]])
    scales.set_scales(axes, measure, scales.place_limits(places, log), limits)
    scales.few_ticks(axes)
    how = {"style": "variant", "dashes": _DASHES, "estimator": None, "legend": False}
    line = {"color": look.colour, "linewidth": look.width}
    sns.lineplot(ours, x="at", y="mean", ax=axes, **how, **line)
    main = ours[ours["variant"] == MAIN]
    low, high = (scales.drawn(main[name], log) for name in (measure.low, measure.high))
    axes.fill_between(main["at"], low, high, color=look.colour, alpha=_BAND, linewidth=0)
    axes.set(xlabel="", ylabel="")
    sure, guessed = ~paper["guessed"], paper[paper["guessed"]]
    dots = look.hollow_line() | {"zorder": 3, "markevery": [*sure]}
    axes.plot(paper[measure.x], paper[measure.value], **dots)
    axes.plot(guessed[measure.x], guessed[measure.value], zorder=3, **_GUESSED)


def _label(axes: Axes, rows: pd.DataFrame, measure: Measure) -> None:
    """Write what is compared at the top of a panel, a line for each place."""
    main, drawn, recipe = (rows[rows["variant"] == v] for v in (MAIN, AS_DRAWN, PUBLISHED))
    lines = [pair(row, measure) for _, row in main.iterrows()]
    if len(lines) > 1:
        lines = [f"{at:,.0f}: {line}" for at, line in zip(main[measure.x], lines, strict=True)]
    lines += [f"as drawn: {measure.text(value)}" for value in drawn[measure.value]]
    recipe = recipe.drop_duplicates(["setting", "method"], keep="last")
    lines += [f"their recipe: {measure.text(value)}" for value in recipe[measure.value]]
    look = {"size": 5.8, "ha": "right", "va": "top", "linespacing": 1.15, "bbox": BOX, "zorder": 5}
    axes.text(0.97, 0.965, "\n".join(lines), transform=axes.transAxes, **look)


def _entries(read: pd.DataFrame, ours: pd.DataFrame) -> list[Artist]:
    """Return the legend's entries, in grey."""
    grey = MethodStyle("#444444", None)
    looks = {"ours, mean": grey.line()}
    looks["published mean, read off the paper's figure"] = grey.hollow_line()
    others = {
        AS_DRAWN: "ours, mean, settings that reproduce the published curve (“as drawn”)",
        PUBLISHED: "ours, mean, trained by the published recipe (“their recipe”)",
    }
    for variant, words in others.items():
        if (ours["variant"] == variant).any():
            looks[words] = grey.line() | {"linestyle": (0, _DASHES[variant])}
    if read["guessed"].any():
        looks["published, estimated (hidden there)"] = _GUESSED
    entries = [Line2D([], [], label=name, **look) for name, look in looks.items()]
    band = Patch(color=grey.colour, alpha=_BAND, linewidth=0, label="ours, quartiles")
    return [*entries[:1], band, *entries[1:]]
