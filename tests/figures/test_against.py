"""Panels of lines over a number of any kind."""

from __future__ import annotations

import math

from matplotlib.lines import Line2D

from l2o.figures.against import Against, Series, against_page

LOOK = {"color": "#123456", "marker": "o"}


def test_lines_are_drawn_without_what_has_no_place():
    values = [28.0, math.nan, 30.0]
    panels = [
        Against("first", [Series([20, 30, 50], values, LOOK)], "Ratio (%)", "PSNR (dB)"),
        Against("second", [Series([0, 1, 10], [5, 6, 7], LOOK)], "Seconds", "PSNR (dB)", log=True),
    ]
    page = against_page(panels, {"Classical": [Line2D([], [], label="ISTA")]}, "foot")
    one, two = page.axes
    assert one.lines[0].get_xydata().tolist() == [[20, 28], [50, 30]]
    assert two.lines[0].get_xydata().tolist() == [[1, 6], [10, 7]]
    assert (one.get_xscale(), two.get_xscale()) == ("linear", "log")
    assert [axes.get_title("left") for axes in page.axes] == ["(a) first", "(b) second"]
    assert one.get_xlabel() == "Ratio (%)"


def test_one_panel_has_no_letter():
    panel = Against("alone", [Series([20], [28], LOOK)], "Ratio (%)", "PSNR (dB)")
    (axes,) = against_page([panel], {}, "foot").axes
    assert axes.get_title("left") == "alone"
