"""Lines of ends against a number of each setting."""

from __future__ import annotations

import pandas as pd
from matplotlib.lines import Line2D

from l2o.figures.against import Against, against_page, lines_against
from l2o.figures.style import styles_for

ENDS = pd.DataFrame(
    {
        "setting": ["b", "a", "a", "other"],
        "method": ["ista", "ista", "lista", "lista"],
        "kind": ["classical", "classical", "unrolled", "unrolled"],
        "label": ["ISTA (λ = 0.1)", "ISTA (λ = 0.2)", "LISTA", "LISTA"],
        "psnr": [30.0, 28.0, 29.0, 99.0],
    }
)


def test_a_line_has_the_ends_of_a_method_by_the_numbers_of_its_settings():
    lines = lines_against(ENDS, {"a": 20, "b": 50}, "psnr", styles_for(["ista", "lista"]))
    assert [(line.name, line.x, line.y) for line in lines] == [
        ("ISTA", [20.0, 50.0], [28.0, 30.0]),
        ("LISTA", [20.0], [29.0]),
    ]


def test_panels_have_one_range_and_ticks_where_points_are():
    styles = styles_for(["ista", "lista"])
    panels = [
        Against(title, lines_against(ENDS, places, "psnr", styles), ("Ratio (%)", "PSNR (dB)"))
        for title, places in (("first", {"a": 20, "b": 50}), ("second", {"a": 30}))
    ]
    page = against_page(panels, {"Classical": [Line2D([], [], label="ISTA")]}, "foot")
    one, two = page.axes
    assert one.get_xlim() == two.get_xlim() and one.get_ylim() == two.get_ylim()
    assert one.get_xlim()[0] < 20 and one.get_xlim()[1] > 50
    assert one.get_xticks().tolist() == [20, 30, 50]
    assert [axes.get_title("left") for axes in page.axes] == ["(a) first", "(b) second"]
