"""Pictures recovered from few measurements: PSNR against ratio, iteration and seconds, pictures."""

from __future__ import annotations

import pandas as pd
from matplotlib.lines import Line2D

from l2o.experiments.block_sensing.parameters import PIXELS
from l2o.figures.against import Against, Series, against_page
from l2o.figures.compared import Cell, Compared, Text
from l2o.figures.gallery import Shown, gallery_page, liveliest
from l2o.figures.intake import methods_in_order, named_table, our_curves, readings
from l2o.figures.measure import Measure
from l2o.figures.numbers import signed
from l2o.figures.paired import COLUMNS as PAIRED
from l2o.figures.paired import above_strongest, contests, paired, strongest
from l2o.figures.panels import legend_of
from l2o.figures.style import print_style, styles_for
from l2o.figures.wording import by_setting
from l2o.kinds import LEARNED
from l2o.storage.pixels import pixels_of

PSNR = Measure(
    value="psnr",
    label="PSNR (dB)",
    what="PSNR: over all pixels of a picture, clipped to 0 to 1; higher is better.",
    xlabel="Iterations, or phases (0: the linear start)",
    unit=" dB",
    log=False,
    bottom=0.0,
    top=200.0,
)
MEASURES = (PSNR,)
RATIO = "Measurements (% of the pixels)"
OTHER = "published, with another matrix"
_HEADINGS = {"sensing": "Classical", "sensing_nets": "Learned, unrolled"}


def percent_of(about, setting):
    """Return the measurements of a setting, in percent of the pixels."""
    return 100 * about.facts["rows"][setting] / PIXELS


def figure(tables, published, about):
    """Return a page against the ratio, one against iterations, and one of pictures."""
    curves, finals = our_curves(tables, about, PSNR), _finals(tables, about)
    paper = _published(published, about)
    styles = styles_for(methods_in_order(finals, paper))
    foot = _foot(about, f"{PSNR.what} Lines: mean over {about.pooled}")
    with print_style():
        legend = legend_of(finals, styles, _HEADINGS)
        against = {**legend, "Reference": [_hollow()] if len(paper) else []}
        panels = [
            Against(title, _over_ratios(finals, paper, value, styles, about), RATIO, label)
            for value, label, title in (
                ("psnr", PSNR.label, "Mean PSNR"),
                ("ssim", "SSIM", "Mean SSIM"),
            )
        ]
        pages = [against_page(panels, against, foot)]
        words = foot + " All begin at the linear start."
        panels = _along(curves, "iteration", PSNR.xlabel, styles, about)
        pages.append(against_page(panels, legend, words))
        if "gallery" in tables:
            pages.append(_gallery(tables["gallery"], about))
    return pages


def seconds_figure(tables, published, about):
    """Return a page against the seconds that a picture takes; those differ from build to build."""
    curves = our_curves(tables, about, PSNR)
    seconds = named_table(tables, about, "seconds", ("method", "variant", "iteration", "seconds"))
    keys = ["setting", "method", "variant", "iteration"]
    curves = curves.merge(seconds[[*keys, "seconds"]], on=keys)
    styles = styles_for(methods_in_order(curves, _published(None, about)))
    words = f"{PSNR.what} Seconds of a picture on one thread; mean over {about.pooled}"
    with print_style():
        panels = _along(curves, "seconds", "Seconds of a picture", styles, about)
        return [against_page(panels, legend_of(curves, styles, _HEADINGS), _foot(about, words))]


def _finals(tables, about):
    columns = ("method", "variant", "kind", "label", "psnr", "ssim", "start_psnr", "psnr_lowest")
    finals = named_table(tables, about, "finals", columns).reset_index(drop=True)
    percent = [percent_of(about, setting) for setting in finals["setting"]]
    return finals.assign(percent=percent, base=finals["label"])


def _foot(about, words):
    bundled = " (pictures: bundled)" if _bundled(about) else ""
    return f"{words}{bundled}. {about.budget}"


def _bundled(about):
    return about.facts["pictures"] == "bundled"


def _published(published, about):
    """Return what is published: of Set11, so that other pictures have nothing beside."""
    return readings(None if _bundled(about) else published, about, "iteration", "psnr")


def _hollow():
    look = {"color": "#444444", "linestyle": ":", "marker": "o", "markersize": 3.8}
    return Line2D([], [], label=OTHER, markerfacecolor="none", **look)


def _over_ratios(finals, paper, value, styles, about):
    """Return a line for each method, and for each that has published values another one."""
    found = []
    for method, own in finals.groupby("method", sort=False):
        own = own.sort_values("percent")
        look = styles[method].line() | {"markevery": 1}
        found.append(Series(own["percent"], own[value], look))
    for method, of in paper.groupby("method", sort=False) if value in paper else ():
        of = of.assign(percent=[percent_of(about, panel) for panel in of["panel"]])
        look = styles[method].hollow_line() | {"markevery": 1} if method in styles else None
        if look is not None:
            of = of.sort_values("percent")
            found.append(Series(of["percent"], of[value], look))
    return found


def _along(curves, place, xlabel, styles, about):
    """Return a panel for each setting that is followed."""
    panels = []
    for setting in about.facts["followed"]:
        here = curves[curves["setting"] == setting]
        series = [
            Series(own[place], own["psnr"], styles[method].line())
            for method, own in here.groupby("method", sort=False)
        ]
        panels.append(Against(about.titles[setting], series, xlabel, PSNR.label, log=True))
    return panels


def _gallery(rows, about):
    """Return the page of pictures: the original, then what methods make of it."""
    shown, zooms, columns, name = {}, {}, {}, ""
    for setting, here in rows.groupby("setting", sort=False):
        title = about.titles[setting]
        shown[title] = []
        for (method, label), own in here.groupby(["method", "label"], sort=False):
            name, value = own["name"].iloc[0], own["psnr"].iloc[0]
            words = "" if pd.isna(value) else f"{value:.2f} dB"
            shown[title].append(Shown(pixels_of(own.to_dict("records")), words))
            columns[method] = label
        first = shown[title][0].picture
        zooms[title] = liveliest(first, min(about.facts["zoom"], *first.shape))
    words = f"{name}. Below each: the marked part, and errors (black: 0.2 and more)"
    return gallery_page(shown, [*columns.values()], zooms, _foot(about, words))


def table(tables, published, about):
    """Return PSNR and SSIM at every ratio, published values beside, and gains over the start."""
    rows = _finals(tables, about).drop(columns="base")
    rows["gain"] = rows["psnr"] - rows["start_psnr"]
    rows["best"] = rows["psnr"] == rows.groupby("setting")["psnr"].transform("max")
    paper = _published(published, about).set_index(["panel", "method"])["psnr"]
    places = zip(rows["setting"], rows["method"], strict=True)
    rows["published"] = [paper.get(place) for place in places]
    blocks = [
        Text(f"Mean PSNR (dB); SSIM, over {about.pooled}. Bold: the highest PSNR."),
        by_setting(rows, about.titles, _quality),
    ]
    if len(known := rows[rows["published"].notna()]):
        words = "PSNR (dB) / as published, with another matrix of the same kind and full training."
        blocks += [Text(words), by_setting(known, about.titles, _beside)]
    runs = named_table(tables, about, "runs", ("method", "start", "end"))
    rows = rows.join(paired(runs, rows, strongest(rows, "psnr"), instance="picture"))
    learned = rows[rows["kind"].isin(LEARNED)]
    if len(learned):
        words = "Learned: gain over the linear start (dB), mean; least of all pictures."
        least = (runs["end"] - runs["start"]).groupby([runs["setting"], runs["method"]]).min()
        own = zip(learned["setting"], learned["method"], strict=True)
        learned = learned.assign(least=[least[place] for place in own])
        blocks += [Text(words), by_setting(learned, about.titles, _gain)]
    blocks += above_strongest(rows, about, "PSNR (dB)")
    _, numbers = contests(rows)
    for setting, here in rows.groupby("setting", sort=False):
        named = here.set_index("method")
        numbers[setting] = {
            f"{method}_{value}": float(named.loc[method, value])
            for method in named.index
            for value in ("psnr", "ssim")
        }
    blocks += [Text("pictures: bundled with scikit-image.")] * _bundled(about)
    told = ("setting", "method", "kind", "label", "percent", "psnr", "ssim", "psnr_lowest")
    return Compared(rows[[*told, "start_psnr", "gain", *PAIRED, "published"]], blocks, numbers)


def _quality(row):
    return Cell(f"{row['psnr']:.2f}", "met" if row["best"] else "", f"{row['ssim']:.4f}")


def _beside(row):
    met = "met" if row["psnr"] >= row["published"] else ""
    return Cell(f"{row['psnr']:.2f} / {row['published']:.2f}", met)


def _gain(row):
    met = "met" if row["gain"] > 0 else ""
    return Cell(signed(round(row["gain"], 2)), met, signed(round(row["least"], 2)))
