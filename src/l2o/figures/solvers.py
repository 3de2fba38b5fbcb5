"""The curves of solvers on a user's data: error against iterations and against time."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from l2o.errors import InputError
from l2o.figures.numbers import tick
from l2o.figures.style import PRINT_WIDTH, SMALL, print_style, save_pdf, save_png, styles_for
from l2o.solvers.comparison import Comparison

FORMATS = {".pdf": save_pdf, ".png": save_png}


def draw(comparison: Comparison, path: Path) -> None:
    """Draw the curves of a comparison to a PDF or PNG file; bands hold half of the samples.

    Raises
    ------
    InputError : another suffix, or the file cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        problem = f"{path.suffix or 'no suffix'} is no format that is drawn here"
        raise InputError(path, "", problem, "name a .pdf or .png file")
    with print_style():
        FORMATS[path.suffix.lower()](_page(comparison), path)


def _page(comparison: Comparison) -> Figure:
    page, panels = plt.subplots(
        1, 2, figsize=(PRINT_WIDTH, 0.45 * PRINT_WIDTH), sharey=True, layout="constrained"
    )
    styles = styles_for(curve.method for curve in comparison.curves)
    for curve in comparison.curves:
        look = styles[curve.method].line()
        spread = np.quantile(curve.errors, (0.25, 0.75), axis=1)
        microseconds = 1e6 * curve.seconds / curve.errors.shape[1]
        for panel, x in zip(panels, (curve.iterations, microseconds), strict=True):
            label = curve.label if panel is panels[0] else None
            every = max(1, len(x) // 8)
            panel.plot(x, curve.errors.mean(axis=1), **look, markevery=every, label=label)
            panel.fill_between(x, *spread, color=look["color"], alpha=0.15, linewidth=0)
    for panel, name in zip(panels, ("iterations", "time per sample (µs)"), strict=True):
        panel.set_xscale("log")
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.set_xlabel(name)
    panels[0].set_ylabel(f"{comparison.measure}, mean (dB)")
    panels[0].legend(loc="best")
    text = f"{comparison.samples:,} samples; bands: the middle half of them"
    panels[1].set_title(text, fontsize=SMALL, loc="right")
    plt.close(page)
    return page
