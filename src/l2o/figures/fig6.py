"""Figure 6: relative loss on LASSO against iteration, and against wall-clock time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import ascii_lowercase

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from l2o.figures import style
from l2o.figures.common import names_by_reason, preset_note, settings_of_classical
from l2o.figures.fig6_overlay import overlay_page
from l2o.figures.fig6_table import CONVENTION, LOSS_LABEL, check_curves, check_seconds
from l2o.figures.loss_axes import BOTTOM, TOP, band, clipped, loss_limits, marked, place_limits
from l2o.figures.method_legend import legend_entries, place_legend, prepared
from l2o.figures.numbers import FLOOR, power_of_ten
from l2o.figures.style import PRINT_WIDTH, MethodStyle

_LEFT = 0.078  # left edge of the panels, as a part of the page's width
_FOOT, _ENTRY = 1.3, 0.155  # inches below the panels, and for each row of the legend besides
_PROXIMAL = ("ista", "fista")
_UNROLLED = "Unrolled, continued with FISTA"
_GROUPS = ("Subgradient methods", "Proximal methods", _UNROLLED, "Recurrent")


def draw_fig6(
    curves: pd.DataFrame,
    reference: pd.DataFrame,
    preset: str,
    budget_note: str,
    pdf: str | Path,
    png: str | Path,
    titles: Mapping[str, str],
    key: str = "",
) -> None:
    """Draw Figure 6 of "Learning to Optimize: A Primer and a Benchmark" from our own curves.

    Page 1 shows all methods, a panel per setting; page 2 sets every method that the paper shows
    against its published curve. The PNG is page 1.

    Parameters
    ----------
    curves : tidy table, a row per setting, method, variant and iteration: ``setting``, ``method``,
        ``variant`` (main: as the paper's text says; as_drawn: a classical method with settings
        that reproduce the published curve, on page 2 only), ``kind`` (classical, unrolled,
        recurrent), ``label`` (a classical one may end in its settings, as in "GD (step 1e-3)"),
        ``iteration`` (0 is the start), ``relative_loss`` (eq. 19, averaged over random starts),
        ``start_low``, ``start_high`` (its range over the starts), ``q25``, ``q75`` (quartiles over
        instances and starts), ``layers`` (learned ones, then FISTA; else 0) and ``status``
        (converged, diverged). Losses have no unit. Optional ``shift``: by how many iterations an
        as_drawn curve is counted later.
    reference : published curves: ``panel`` (a setting), ``method``, ``iteration``,
        ``relative_loss`` (empty: hidden in the paper's figure)
    preset, budget_note : printed at the foot; the note only if preset is not ``paper``
    pdf, png : files to write; the same tables give the same bytes
    titles : panel titles, keyed by setting, in the order of the panels
    key : provenance key, stored in both files

    Raises
    ------
    InputError : a column, setting, published method or published iteration is missing, or a file
        cannot be written.
    """
    check_curves(curves, reference, titles)
    reference = reference[reference["panel"].isin(titles)]
    curves, note = prepared(curves, titles, _group), preset_note(preset, budget_note)
    with style.print_style():
        main = curves[curves["variant"] == "main"]
        first = _page(main, "iteration", dict.fromkeys(titles, "Iteration"), titles, note)
        second = overlay_page(curves, reference, titles, note)
    style.save_pdf([first, second], pdf, key)
    style.save_png(first, png, key)


def draw_fig6_seconds(
    curves: pd.DataFrame,
    seconds: pd.DataFrame,
    preset: str,
    budget_note: str,
    pdf: str | Path,
    png: str | Path,
    titles: Mapping[str, str],
    key: str = "",
) -> None:
    """Draw the main curves of Figure 6 against wall-clock time: one page, a panel per setting.

    Parameters
    ----------
    curves : as for :func:`draw_fig6`
    seconds : ``setting``, ``method``, ``iteration``, ``seconds`` (since the start of the run from
        one random start, for all instances together) and ``batch`` (number of instances). A curve
        is drawn at the iterations that have a time above 0.
    preset, budget_note, pdf, png, titles, key : as for :func:`draw_fig6`

    Raises
    ------
    InputError : a column, or the times of a method, are missing, the batch sizes of one setting
        differ, or a file cannot be written.
    """
    check_seconds(seconds, curves, titles)
    main = prepared(curves[curves["variant"] == "main"], titles, _group)
    timed = main.merge(seconds, on=["setting", "method", "iteration"])
    batches = timed.drop_duplicates("setting").set_index("setting")["batch"]
    xlabels = {s: f"Wall-clock time for {batches[s]:,} instances (s)" for s in titles}
    note = (
        "Times: from one random start, all instances of the set solved as one batch, without "
        "training; they are those of the machine that computed the curves. "
        + preset_note(preset, budget_note)
    )
    with style.print_style():
        page = _page(timed, "seconds", xlabels, titles, note)
    style.save_pdf(page, pdf, key)
    style.save_png(page, png, key)


def _group(method: str, kind: str) -> str:
    """Return the heading under which the legend has a method."""
    if kind == "classical":
        return _GROUPS[method in _PROXIMAL]
    return _UNROLLED if kind == "unrolled" else "Recurrent"


def _page(
    curves: pd.DataFrame, x: str, xlabels: Mapping[str, str], titles: Mapping[str, str], note: str
) -> Figure:
    """Draw the curves against column ``x``: two panels in a row, over the legend and the foot."""
    styles, rows = style.styles_for(curves["method"].unique()), -(-len(titles) // 2)
    legend = _legend(curves, styles)
    foot = _FOOT + _ENTRY * max(map(len, legend.values()))
    height = foot + 0.1 + 3.3 * rows
    page = Figure((PRINT_WIDTH, height))
    panels = page.subplots(rows, 2, squeeze=False, sharey=True).ravel()
    page.subplots_adjust(_LEFT, foot / height, 0.99, 1 - 0.35 / height, 0.07, 0.36)
    panels[0].set(yscale="log", ylim=loss_limits(curves["relative_loss"], curves["q75"]))
    for axes, letter, setting in zip(panels, ascii_lowercase, titles, strict=False):
        here = curves[(curves["setting"] == setting) & (curves[x] > 0)]
        _panel(axes, here, x, styles)
        axes.set_title(f"({letter}) {titles[setting]}", loc="left", weight="bold", pad=13)
        axes.text(0, 1.025, settings_of_classical(here), transform=axes.transAxes, size=6.5)
        axes.set(xlabel=xlabels[setting])
    for axes in panels[: len(titles) : 2]:
        axes.set_ylabel(LOSS_LABEL)
    for axes in panels[len(titles) :]:
        axes.set_axis_off()
    place_legend(page, legend, _LEFT, (foot - 0.5) / height)
    style.footnote(page, f"{CONVENTION} {_foot(curves)} {note}")
    return page


def _panel(axes: Axes, rows: pd.DataFrame, x: str, styles: Mapping[str, MethodStyle]) -> None:
    """Draw one setting."""
    axes.set(xscale="log", xlim=place_limits(rows[x]))
    for number, (method, curve) in enumerate(rows.groupby("method", sort=False)):
        look, learned = styles[method], curve["kind"].iloc[0] != "classical"
        at, losses = curve[x].to_numpy(float), clipped(curve["relative_loss"])
        line = look.line() | {"zorder": 3 if learned else 2.5}
        axes.plot(at, losses, **line, markevery=marked(at, number))
        if learned:
            band(axes, at, curve["q25"], curve["q75"], look.colour, 0.13)
        last = (curve["iteration"] == curve["layers"]).to_numpy()
        axes.plot(at[last], losses[last], zorder=4, **_ring(look.colour))
    if note := _note(rows, axes.get_ylim()[0]):
        axes.text(0.02, 0.025, note, transform=axes.transAxes, size=6.5, bbox=style.BOX, zorder=5)


def _ring(colour: str) -> dict[str, object]:
    """Return keywords of ``Axes.plot`` for the mark at the last learned layer."""
    return {
        "linestyle": "none",
        "marker": "o",
        "markersize": 7.5,
        "markerfacecolor": "none",
        "markeredgecolor": colour,
        "markeredgewidth": 1.0,
    }


def _note(rows: pd.DataFrame, low: float) -> str:
    """Name the methods of one panel whose curve is not all to be seen, and why."""
    losses, lost = rows["relative_loss"], rows["status"] != "converged"
    lost |= losses.isna() | (losses > TOP)
    return names_by_reason(rows, {"diverged": lost, "below the axis": (losses < low) & ~lost})


def _legend(curves: pd.DataFrame, styles: Mapping[str, MethodStyle]) -> dict[str, list[Artist]]:
    """Return the entries of the legend under the heading of each group that has any."""
    entries = legend_entries(curves, styles, _GROUPS)
    if unrolled := entries[_UNROLLED]:
        layers = sorted(curves.loc[curves["group"] == _UNROLLED, "layers"].unique())
        label = f"last learned layer ({', '.join(map(str, layers))})"
        unrolled.append(Line2D([], [], label=label, **_ring("#444444")))
    return {name: handles for name, handles in entries.items() if handles}


def _foot(curves: pd.DataFrame) -> str:
    spread = "Shaded: middle half of all pairs of instance and start, learned methods only."
    low = curves["relative_loss"].min()
    if not low < BOTTOM:
        return spread
    ends = f"The axis ends at {power_of_ten(BOTTOM)};"
    return f"{spread} {ends} values below {power_of_ten(FLOOR)} (rounding) are drawn as that."
