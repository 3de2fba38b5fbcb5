"""Sensing of patches: PSNR against ratio and layer, with the mean sensed and as published."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from l2o.figures.against import Against, Series, against_page
from l2o.figures.common import settings_of_methods
from l2o.figures.compared import Cell, Compared, Grid, Text
from l2o.figures.intake import methods_in_order, named_table, our_curves
from l2o.figures.measure import Level, Measure
from l2o.figures.numbers import NOTHING, decibels
from l2o.figures.panels import Panel, curves_page, legend_of
from l2o.figures.style import print_style, styles_for
from l2o.figures.wording import row_name
from l2o.kinds import LEARNED

LINEAR = "linear"
PROTOCOLS = {"sensed": "Mean sensed", "known": "Mean known, as published"}
LABELS = {  # of published methods
    "tval3": "TVAL3",
    "recon_net": "ReconNet",
    "liht": "LIHT",
    "lista": "LISTA",
    "lista_cpss": "LISTA-CPSS",
}
PSNR = Measure(
    value="psnr",
    label="PSNR (dB)",
    what="PSNR of pictures put together from patches side by side, their mean; higher is better.",
    x="layer",
    xlabel="Layer (0: the means alone)",
    **dict.fromkeys(("median", "low", "high"), "psnr"),
    unit=" dB",
    log=False,
    bottom=0.0,
    text=decibels,
)
MEASURES = (PSNR,)
_ENDS = ("method", "kind", "label", "layer", "runs", "failed", "psnr", "ssim")
_PANELS = 6  # of a page
_KNOWN = (
    "Mean known: that of each patch is taken from the original, which nobody measured; so the "
    "published values were made. Mean sensed: it is one of the measurements."
)


def figure(tables, published, about):
    """Return a page of PSNR against the ratio, and pages of PSNR against the layer."""
    finals = named_table(tables, about, "finals", _ENDS)
    curves = our_curves(tables, about, PSNR)
    curves = curves[curves["layer"] <= finals["layer"].max()]
    styles = styles_for(methods_in_order(curves, pd.DataFrame({"method": []})))
    with print_style():
        return [_ratios(finals, curves, styles, about), *_layers(curves, styles, about)]


def _ratios(finals, curves, styles, about):
    """Return the page of PSNR against the ratio: the mean sensed, and known."""
    panels, others = [], []
    for mean, title in PROTOCOLS.items():
        places = {s: one[0] for s, one in about.facts["ratios"].items() if one[1] == mean}
        ours = _lines(finals, places, {m: style.line() for m, style in styles.items()})
        paper, looks = _published(about, places, styles)
        if ours:
            xlabel = "Measurements (% of the pixels)"
            lines = [*ours, *_lines(paper, places, looks)]
            panels.append(Against(title, lines, xlabel, PSNR.label))
            others += [Line2D([], [], label=LABELS.get(m, m), **look) for m, look in looks.items()]
    legend = legend_of(curves, styles) | {"As published (hollow)": others}
    words = f"{PSNR.what} {_KNOWN} Over {about.pooled}."
    page = against_page(panels, legend, f"{words}{_settings(curves, about)} {about.budget}")
    shown = page.axes[: len(panels)]
    low, high = zip(*(axes.get_ylim() for axes in shown), strict=True)
    for axes in shown:
        axes.set(ylim=(min(low), max(high)))
    return page


def _lines(ends, places, looks):
    """Return a line for each method of ``ends``: its PSNR against the ratios ``places``."""
    lines = []
    for method, rows in ends[ends["setting"].isin(places)].groupby("method", sort=False):
        at = rows["setting"].map(places).astype(float)
        rows = rows.assign(at=at).sort_values("at", kind="stable")
        lines.append(Series(rows["at"].tolist(), rows[PSNR.value].tolist(), looks[method]))
    return lines


def _published(about, places, styles):
    """Return what others published in some settings, and hollow looks by method."""
    rows = [row for row in about.facts["published"] if row[0] in places]
    ends = pd.DataFrame(rows, columns=["setting", "method", PSNR.value])
    shown = [*dict.fromkeys(ends["method"])]
    looks, hollow = styles_for([*styles, *shown]), {"linestyle": ":", "linewidth": 0.6}
    return ends, {m: looks[m].line() | looks[m].points(True) | hollow for m in shown}


def _layers(curves, styles, about):
    """Return the pages of PSNR against the layer; the linear estimate is a level."""
    iterated, pages, settings = curves[curves["method"] != LINEAR], [], [*about.titles]
    if iterated.empty:
        return []
    for first in range(0, len(settings), _PANELS):
        panels, here = [], settings[first : first + _PANELS]
        for setting in here:
            flat = curves[(curves["setting"] == setting) & (curves["method"] == LINEAR)]
            levels = [Level("Linear", float(value)) for value in flat[PSNR.value].iloc[-1:]]
            rows = iterated[iterated["setting"] == setting]
            panels.append(Panel(about.titles[setting], rows, PSNR, levels))
        levels = [level for panel in panels for level in panel.levels][:1]
        legend = legend_of(iterated, styles, levels=levels)
        words = f"{PSNR.what} Over {about.pooled}. {about.budget}"
        pages.append(curves_page(panels, styles, legend, words))
    return pages


def _settings(curves, about):
    """Return the weights that searches chose."""
    solvers = curves[curves["kind"] == "classical"]
    titles = {s: about.titles[s] for s in about.titles if s in {*solvers["setting"]}}
    return settings_of_methods(solvers, titles)


def table(tables, published, about):
    """Return PSNR and SSIM by ratio beside what is published, and each picture of the best."""
    finals = named_table(tables, about, "finals", (*_ENDS, "psnr_last", "layer_last"))
    finals = finals.reset_index(drop=True)
    known = {(setting, method): psnr for setting, method, psnr in about.facts["published"]}
    pairs = finals[["setting", "method"]].itertuples(index=False, name=None)
    finals["paper_psnr"] = [known.get(pair, np.nan) for pair in pairs]
    ratios = [about.facts["ratios"][setting] for setting in finals["setting"]]
    finals["ratio"], finals["mean"], finals["measurements"] = zip(*ratios, strict=True)
    blocks = []
    for mean, title in PROTOCOLS.items():
        here = finals[finals["mean"] == mean]
        if len(here):
            blocks += [Text(_words(title, here, about)), _grid(here, "psnr", known, about)]
    blocks += [*_price(finals, about), *_beyond(finals, about), *_pictures(tables, finals, about)]
    judged = finals[finals["paper_psnr"].notna()]
    met = judged["psnr"].round(2) >= judged["paper_psnr"]
    numbers = {"cells": len(judged), "cells_met": int(met.sum())}
    for setting, rows in finals.groupby("setting", sort=False):
        named = rows.set_index("method")
        cells = {f"{m}_{v}": float(named.loc[m, v]) for m in named.index for v in ("psnr", "ssim")}
        numbers[setting] = {name: value for name, value in cells.items() if np.isfinite(value)}
    told = ("method", "kind", "label", "ratio", "mean", "measurements", "layer", "psnr", "ssim")
    columns = ["setting", *told, "paper_psnr", "failed", "runs", "layer_last", "psnr_last"]
    return Compared(finals[columns], blocks, numbers)


def _words(title, here, about):
    """Return what a table of a protocol shows."""
    depth = f"{here['layer'].max():,} layers or iterations"
    return (
        f"{title}. PSNR (dB) after {depth}, mean over {about.pooled}; SSIM; pictures below the "
        "linear estimate. Bold: highest of ours, or, where something is published, not below it."
        f"{' ' + _KNOWN if title == PROTOCOLS['known'] else ''}"
    )


def _grid(here, value, known, about):
    """Return a row for each method and a column for each ratio; what is published comes last."""
    settings = [s for s in about.titles if s in {*here["setting"]}]
    best, lines = here.groupby("setting")[value].max(), []
    for _, own in here.groupby("method", sort=False):
        cells = {row["setting"]: _cell(row, value, best, about) for _, row in own.iterrows()}
        lines.append((row_name(own), [cells.get(s, Cell(NOTHING)) for s in settings]))
    for method in dict.fromkeys(method for setting, method in known if setting in settings):
        cells = [known.get((setting, method), np.nan) for setting in settings]
        texts = [Cell(NOTHING if np.isnan(value) else decibels(value)) for value in cells]
        lines.append((f"{LABELS.get(method, method)}, as published", texts))
    heads = [f"{about.facts['ratios'][s][0]:g} % ({about.facts['ratios'][s][2]})" for s in settings]
    return Grid(("method", *heads), lines)


def _cell(row, value, best, about):
    judged = not np.isnan(row["paper_psnr"])
    reached = round(row[value], 2) >= row["paper_psnr"]
    verdict = ("met" if reached else "missed") if judged else ""
    if not judged and row[value] == best[row["setting"]]:
        verdict = "met"
    small = f"SSIM {row['ssim']:.3f}"
    if row["failed"]:
        small += f"; {row['failed']:.0f} of {row['runs']:.0f} below linear"
    return Cell(decibels(row[value]), verdict, small)


def _price(finals, about):
    """Return what the known mean is worth: PSNR known less sensed at the same ratio."""
    wide = finals.pivot_table(index="method", columns=["ratio", "mean"], values="psnr", sort=False)
    ratios = [r for r in dict.fromkeys(finals["ratio"]) if {(r, "known"), (r, "sensed")} <= {*wide}]
    if not ratios:
        return []
    names = {m: row_name(own) for m, own in finals.groupby("method", sort=False)}
    gains = [(names[m], [row[r, "known"] - row[r, "sensed"] for r in ratios])
             for m, row in wide.iterrows()]  # fmt: skip
    rows = [(name, [Cell(decibels(value)) for value in values]) for name, values in gains]
    words = "What the known mean is worth: PSNR with it less PSNR with the mean sensed, dB."
    return [Text(words), Grid(("method", *(f"{ratio:g} %" for ratio in ratios)), rows)]


def _beyond(finals, about):
    """Return what classical solvers reach when they go on."""
    longer = finals[finals["layer_last"] > finals["layer"]]
    longer = longer[longer["method"] != LINEAR]
    if longer.empty:
        return []
    lines = []
    for _, own in longer.groupby("method", sort=False):
        cells = {row["setting"]: Cell(decibels(row["psnr_last"])) for _, row in own.iterrows()}
        lines.append((row_name(own), [cells.get(s, Cell(NOTHING)) for s in about.titles]))
    words = (
        f"Classical solvers after {longer['layer_last'].max():,} iterations: PSNR (dB), with the "
        "weight that was the best one at the depth of the nets. More iterations want a smaller one."
    )
    return [Text(words), Grid(("method", *about.titles.values()), lines)]


def _pictures(tables, finals, about):
    """Return the pictures one by one: the best learned method less the linear estimate."""
    runs = named_table(tables, about, "runs", ("method", "picture", "psnr", "linear_psnr"))
    learned = finals[finals["kind"].isin(LEARNED)]
    if learned.empty:
        return []
    tops = learned.sort_values("psnr", ascending=False, kind="stable").drop_duplicates("setting")
    best = tops.set_index("setting")
    lines = []
    for picture in dict.fromkeys(runs["picture"]):
        cells = []
        for setting in about.titles:
            chosen = (runs["setting"] == setting) & (runs["picture"] == picture)
            (row,) = runs[chosen & (runs["method"] == best.loc[setting, "method"])].to_dict(
                "records"
            )
            gain = decibels(row["psnr"] - row["linear_psnr"])
            cells.append(Cell(decibels(row["psnr"]), "", f"{gain} to linear"))
        lines.append((picture, cells))
    who = "; ".join(f"{about.titles[s]}: {best.loc[s, 'label']}" for s in about.titles)
    words = f"Pictures one by one, by the learned method with the highest mean: {who}. PSNR (dB)."
    return [Text(words), Grid(("picture", *about.titles.values()), lines)]
