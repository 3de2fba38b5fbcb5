"""Plug-and-play restoration: PSNR and residuals against iterations, certificates, pictures."""

from __future__ import annotations

import numpy as np

from l2o.figures.compared import Cell, Compared, Grid, Text
from l2o.figures.gallery import Shown, gallery_page, liveliest
from l2o.figures.intake import named_table, our_curves, whole_table
from l2o.figures.measure import Measure
from l2o.figures.numbers import decibels, significant
from l2o.figures.paired import COLUMNS as PAIRED
from l2o.figures.paired import above_strongest, contests, paired, strongest
from l2o.figures.panels import Panel, curves_page, legend_of
from l2o.figures.style import print_style, styles_for
from l2o.figures.wording import by_setting

WHOLE = 0  # the layer that stands for H - I


PSNR = Measure(
    value="psnr",
    label="PSNR (dB)",
    what="PSNR: of the picture clipped to its range, peak 1; higher is better.",
    xlabel="Iteration (0: the start)",
    unit=" dB",
    log=False,
    bottom=0.0,
    top=100.0,
    text=decibels,
    rounding=lambda value: round(value, 2),
)
RESIDUAL = Measure(
    value="residual",
    label="Fixed-point residual",
    what=(
        "Residual: how far a whole step of the iteration would move its variable, root mean square "
        "over pixels from 0 to 1; 0 at a fixed point."
    ),
    xlabel="Iteration",
)
MEASURES = (PSNR, RESIDUAL)
_ENDS = ("psnr", "psnr_q25", "psnr_median", "psnr_q75", "gain", "ssim", "snr", "residual", "grew",
         "monotone", "halvings", "guarded", "runs", "failed", "learned")  # fmt: skip


def figure(tables, published, about):
    """Return a page of PSNR and one of residuals, a panel for each setting."""
    curves = our_curves(tables, about, *MEASURES)
    styles, pages = styles_for([*dict.fromkeys(curves["method"])]), []
    still = curves.groupby("method")["residual"].transform("max") == 0  # nothing moves
    for measure in MEASURES:
        rows = curves if measure is PSNR else curves[~still & (curves["iteration"] > 0)]
        if rows.empty:
            continue
        panels = [
            Panel(title, rows[rows["setting"] == setting], measure)
            for setting, title in about.titles.items()
        ]
        words = f"{measure.what} Lines: median; bands (learned): quartiles; over {about.pooled}. "
        with print_style():
            legend = legend_of(rows, styles, {"classical": "Classical"})
            pages.append(curves_page(panels, styles, legend, f"{words}{about.budget}"))
    return pages


def gallery_figure(tables, published, about):
    """Return the page of pictures: originals, starts, TV, and one with a learned denoiser."""
    from l2o.storage.pixels import pixels_of

    pixels = whole_table(tables, about, "gallery", ("setting", "label", "psnr", "line", "pixels"))
    rows, zooms, width = {}, {}, 0
    for setting, title in about.titles.items():
        here, shown = pixels[pixels["setting"] == setting], []
        for label, lines in here.groupby("label", sort=False):
            picture = pixels_of(lines.to_dict("records"), f"{about.report} gallery")
            value = lines["psnr"].iloc[0]
            words = "" if np.isnan(value) else f"{label}, {decibels(value)} dB"
            shown.append(Shown(picture, words))
        short = title.replace("of the frequencies", "freq.").replace("\n", ", ")
        rows[short], width = shown, max(width, len(shown))
        zooms[short] = liveliest(shown[0].picture, max(8, shown[0].picture.shape[0] // 5))
    heads = ["Original", "Start", "Classical", "Learned"][:width]
    heads = heads if width == 4 else ["Original", *[""] * (width - 1)]
    foot = (
        f"The first of the {about.pooled}. Learned: the best on validation pictures. Under each "
        f"picture: what is framed, and the errors, black: 0.2 or more.\n{about.budget}"
    )
    with print_style():
        return [gallery_page(rows, heads, zooms, foot)]


def table(tables, published, about):
    """Return the ends of all methods, whether they settled, and what is certain of denoisers."""
    finals = named_table(tables, about, "finals", ("method", "variant", *_ENDS))
    rows = finals.reset_index(drop=True)
    rows = rows.join(paired(tables["runs"], rows, strongest(rows, "psnr")))
    blocks = [
        *_quality(rows, about),
        *above_strongest(rows, about, "PSNR (dB)"),
        *_settling(rows, about),
    ]
    blocks += _certificates(tables, about) if "certificates" in tables else []
    blocks.append(Text(f"Pictures: {about.facts['pictures']}."))
    _, numbers = contests(rows)
    for setting, here in rows.groupby("setting", sort=False):
        numbers[setting] = {
            f"{row['method']}_{value}": float(row[value])
            for _, row in here.iterrows()
            for value in ("psnr", "ssim")
        }
    told = ("method", "kind", "label", *_ENDS, *PAIRED)
    return Compared(rows[["setting", *told]], blocks, numbers)


def _quality(rows, about):
    """Return PSNR, SSIM, and the ratio that authors call PSNR."""
    best = rows.groupby("setting")["psnr"].transform("max")
    rows = rows.assign(best=best)

    def psnr(row):
        failed = f"{row['failed']:,.0f} of {row['runs']:,.0f} failed" if row["failed"] else ""
        return Cell(decibels(row["psnr"]), "met" if row["psnr"] == row["best"] else "", failed)

    def others(row):
        return Cell(f"{row['ssim']:.3f}; {decibels(row['snr'])}", "", f"+{decibels(row['gain'])}")

    words = (
        f"PSNR at the end, dB, mean over {about.pooled}; bold: the highest. {PSNR.what} In small "
        "print, on how many pictures a method ended below the start. One mask, one draw of noise "
        "and one training stand behind each number."
    )
    return [
        Text(words),
        by_setting(rows, about.titles, psnr),
        Text(
            "SSIM; SNR in dB, 10 log10(‖x*‖²/‖x − x*‖²), which the authors of plug-and-play call "
            "PSNR; in small print the gain in PSNR over the start."
        ),
        by_setting(rows, about.titles, others),
    ]


def _settling(rows, about):
    """Return the residuals at the end, for how many pictures they never grew, and the guard."""

    def cell(row):
        guard = ""
        if row["guarded"]:
            guard = f"guard: {row['halvings']:,.0f} halvings" if row["halvings"] else "guard idle"
        text = f"{significant(row['residual'], 2)}; {row['monotone']:,.0f} of {row['runs']:,.0f}"
        return Cell(text, "", guard)

    words = (
        f"{RESIDUAL.what} At the end, mean; for how many pictures it never grew by more than a "
        "twentieth, which inner solvers leave open. A guard halves the steps of a picture whose "
        "residual is 1.5 times its least, most often as is told here; it is there where no proof "
        "says that residuals fall."
    )
    moving = rows[rows["method"] != "zero_filling"]
    return [Text(words), by_setting(moving, about.titles, cell)] if len(moving) else []


def _certificates(tables, about):
    """Return the norms of all layers, and the stretch of H - I: found, and certain."""
    columns = ("label", "layer", "before", "norm", "bound", "firm", "side")
    rows, lines = whole_table(tables, about, "certificates", columns), []
    for label, own in rows.groupby("label", sort=False):
        whole = own[own["layer"] == WHOLE].iloc[0]
        proof = "yes: firmly nonexpansive" if whole["firm"] else "no: guarded"
        cells = [Cell("–"), Cell(significant(whole["norm"])), Cell(significant(whole["bound"]))]
        lines.append((f"{label}: H − I", [*cells, Cell(proof)]))
        for _, row in own[own["layer"] != WHOLE].iterrows():
            numbers = [Cell(significant(row[name], 4)) for name in ("before", "norm", "bound")]
            lines.append((f"{label}, layer {row['layer']:.0f}", [*numbers, Cell("")]))
    words = (
        "Certificates: of each layer a bound on its norm before normalisation, its norm by power "
        f"iteration at {rows['side'].iloc[0]} x {rows['side'].iloc[0]} pixels (from below), and a "
        "bound for every size; of H − I the largest stretch that was found near test pictures, "
        "and a bound that is certain. Proof: whether ADMM and forward-backward splitting converge "
        "with it for every convex data term. Ryu et al. ask for a strongly convex one, which none "
        "of these is, so that a bound below 1 alone proves nothing here."
    )
    heads = ("denoiser", "before", "found", "certain", "proof of convergence")
    return [Text(words), Grid(heads, lines)]
