"""Numbers as people write them, styles that can be told apart, limits, and ends of lines."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from l2o.figures.common import base_label, settings_of_methods
from l2o.figures.endings import End, end_of, in_rows, moved_apart
from l2o.figures.measure import Measure
from l2o.figures.numbers import decibels, scientific, signed, significant, tick, times_apart
from l2o.figures.scales import marker_places, padded, place_limits, shared, thinned, value_limits
from l2o.figures.style import STYLES, generated_style, graded_styles, luminance, styles_for

LOSS = Measure("loss", "Loss", "A loss.", median="median", low="low", high="high")


def test_numbers_are_written_as_people_do():
    texts = {2.62: "2.62", 28.31: "28.3", 0.0123: "0.0123", 0.012: "0.0120", 999.9: "1,000"}
    texts |= {1.5e-6: "1.50 × 10⁻⁶", 1.3e6: "1.30 × 10⁶", 131.03: "131", 23456.0: "23,500"}
    texts |= {0.0: "0.00", -0.5: "−0.500", np.inf: "∞", -np.inf: "−∞", np.nan: "nan"}
    assert {value: significant(value) for value in texts} == texts
    assert significant(1.6, 2) == "1.6"
    assert [scientific(value) for value in (5.5e-4, 0.0, -1e-16)] == [
        "5.50 × 10⁻⁴",
        *["< 10⁻⁹"] * 2,
    ]
    assert [decibels(v) for v in (-36.814, 0.0, -np.inf)] == ["−36.81", "0.00", "−∞"]
    assert [signed(v) for v in (6.46, -0.05, 0.0)] == ["+6.46", "−0.0500", "0"]
    ticks = {1e4: "10,000", 0.05: "0.05", 1e-7: "10⁻⁷", 2e-3: "2 × 10⁻³", -20.0: "−20", 0.0: "0"}
    assert {value: tick(value) for value in ticks} == ticks
    assert [times_apart(v) for v in (1.0812, np.inf)] == ["1.08×", "∞"]


def test_styles_tell_methods_apart():
    styles = [*STYLES.values(), *map(generated_style, range(40))]
    assert len({look.colour for look in styles}) == len(styles)
    looks = {(look.marker, str(look.dashes)) for look in styles if look.marker}
    assert len(looks) == len([look for look in styles if look.marker])
    for one, other in pairwise(styles):
        greys_apart = abs(luminance(one.colour) - luminance(other.colour))
        assert one.marker != other.marker or (greys_apart > 0.02 and one.dashes != other.dashes)
    assert all(luminance(look.colour) < 0.6 for look in styles)  # readable on white
    assert len({generated_style(number) for number in range(200)}) == 200
    unmarked = [look.dashes for look in STYLES.values() if look.dashes != "-"]
    assert all(one != other for one, other in combinations(unmarked, 2))


def test_known_methods_keep_their_style_and_unknown_ones_never_run_out():
    names = ["alista", *(f"new_{number}" for number in range(30)), "gd_line_search"]
    styles = styles_for(names)
    assert styles["alista"] == STYLES["alista"] and styles["gd_line_search"] == STYLES["gd"]
    assert styles["new_7"] == generated_style(7)
    for method, look in STYLES.items():  # analytic ones are grey and dashed, learned ones coloured
        red, green, blue = mpl.colors.to_rgb(look.colour)
        assert (red == green == blue) == (look.dashes != "-"), method
    grades = graded_styles(["a", "b", "c"], "b")
    assert [look.width for look in graded_styles("abcd", {"b", "d"}).values()] == [
        1.4,
        2.6,
        1.4,
        2.6,
    ]
    shades = [luminance(look.colour) for look in grades.values()]
    assert shades == sorted(shades, reverse=True) and grades["b"].width > grades["a"].width


def rows(values, status="converged") -> pd.DataFrame:
    table = pd.DataFrame({"median": values, "low": values, "high": values, "status": status})
    return table.assign(setting="s", method="m", variant="main")


def test_axes_end_where_numbers_stop_to_mean_something():
    assert value_limits(rows([100.0, 1e-12, -1e-16, np.nan, np.inf, 1e30]), LOSS) == (1e-7, 100.0)
    assert value_limits(rows([2.0, 9.0, 500.0], "diverged"), LOSS) == (2.0, 9.0)
    linear = replace(LOSS, log=False, bottom=-np.inf, top=6.0)
    assert value_limits(rows([0.0, -20.0, 5.0], "diverged"), linear) == (-20.0, 0.0)
    for nothing in ([], [np.nan], [1e30]):
        low, high = padded(value_limits(rows(nothing), LOSS), log=True)
        assert 0 < low < high
    low, high = padded((130.0, 131.0), log=True)
    assert low < 130 and high > 131 and high / low > 2
    assert place_limits(pd.Series([0, 1, 1000]), log=True) == (1.0, 1000.0)
    assert place_limits(pd.Series([1, 1]), log=True) == (1.0, 10.0)
    assert place_limits(pd.Series([], dtype=float), log=False) == (1.0, 10.0)


def test_panels_that_are_alike_share_their_range():
    ranges = [(-85.0, 0.0), (-26.0, 0.0), (-35.0, 1.0), (-83.0, 0.0)]
    assert shared(ranges, log=False) == [(-85.0, 0.0), (-35.0, 1.0), (-35.0, 1.0), (-85.0, 0.0)]
    apart = [(4.0, 25.0), (20.0, 600.0)]
    assert shared(apart, log=True) == apart


def test_dense_tails_are_drawn_as_means():
    at = np.array([1, 10, *range(100, 10_001, 100)], float)
    table = pd.DataFrame({"at": at, "loss": np.where(np.arange(102) % 2, 2.0, 8.0), "method": "m"})
    table = pd.concat([table, table.assign(method="n", loss=1.0)])
    means = thinned(table, ["loss"])
    one = means[means["method"] == "m"]
    assert one["at"].tolist()[:3] == [1, 10, 100] and one["at"].iloc[-1] == 10_000
    assert len(one) < 30 and one["loss"].iloc[-2] == pytest.approx(4.0, rel=0.1)
    assert set(means.loc[means["method"] == "n", "loss"].round(9)) == {1.0}
    assert np.diff(marker_places(at, 0, log=True)).min() >= 1
    assert marker_places(at[:3], 0, log=False) == [0, 1, 2]


def test_names_at_the_ends_are_moved_apart():
    places = moved_apart([0.5, 0.5, 0.1, 0.52], 0.1, 0.0, 1.0)
    assert np.allclose(places, [0.4067, 0.5067, 0.1, 0.6067], atol=1e-3)
    assert np.allclose(moved_apart([1.0, 1.0, 1.0], 0.25, 0.0, 1.0), [0.5, 0.75, 1.0])
    assert len(moved_apart([], 0.1, 0.0, 1.0)) == 0
    crowded = moved_apart(np.zeros(5), 0.5, 0.0, 1.0)
    assert np.allclose(np.diff(np.sort(crowded)), 0.5)


@pytest.mark.parametrize(
    ("y", "diverged", "expected"),
    [
        ([1.0, 0.5, 0.2], False, ("N", 1.0, 0.2, "")),
        ([1.0, 0.5, -0.5], False, ("N", 0.75, 0.0, "below")),
        ([0.5, 1.5, 9.0], True, ("N diverges", 0.25, 1.0, "above")),
        ([0.5, 0.5, np.nan], True, ("N diverges", 0.5, 1.0, "above")),
        ([0.5, 0.4, -np.inf], False, ("N", 0.5, 0.0, "below")),
        ([0.9, -1.0, 0.3], False, ("N", 1.0, 0.3, "")),
        ([np.nan] * 3, True, ("N diverges", 0.0, 1.0, "above")),
        ([2.0, 2.0, 2.0], False, ("N", 0.0, 1.0, "above")),
    ],
)
def test_lines_end_where_they_are_last_seen(y, diverged, expected):
    end = end_of("N", "#000000", np.array([0.0, 0.5, 1.0]), np.array(y), diverged)
    assert (end.name, pytest.approx(end.x), pytest.approx(end.y), end.side) == expected


def test_names_of_lines_that_leave_stand_in_rows():
    ends = [End("LISTA", "#000000", x, 0.0, "below") for x in (0.5, 0.1, 0.52, 0.98)]
    placed = in_rows([*ends, End("else", "#000000", 0.5, 1.0)], "below", width=2.0)
    assert [(end.x, row) for end, _, row in placed] == [(0.1, 0), (0.5, 0), (0.52, 1), (0.98, 0)]
    assert all(0 <= left < 1 for _, left, _ in placed)
    assert placed[-1][1] < 0.9  # moved left, not to leave the panel
    many = in_rows(ends[:1] * 20, "below", width=2.0)
    assert [row for *_, row in many] == [0, 1, 2, 3, 4] and many[-1][0].name == "and 16 more"


def test_settings_in_labels():
    assert base_label("PSO (20 particles)", "population") == "PSO"
    assert base_label("L2O (mine)", "recurrent") == "L2O (mine)"
    table = pd.DataFrame(
        {
            "setting": ["a", "a", "b"],
            "label": ["ISTA (λ = 0.1)", "FISTA (λ = 0.1)", "ISTA (λ = 0.1)"],
            "base": ["ISTA", "FISTA", "ISTA"],
        }
    )
    titles = {"a": "A", "b": "B"}
    assert settings_of_methods(table[:2], titles) == " Settings: ISTA, FISTA: λ = 0.1."
    assert settings_of_methods(table, titles).startswith(" Settings: A: ISTA, FISTA: λ = 0.1. B: ")
    assert settings_of_methods(table.assign(label=table["base"]), titles) == ""
