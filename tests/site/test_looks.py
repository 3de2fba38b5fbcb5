"""A method looks in the explorer as in the figures."""

from __future__ import annotations

import re

import pytest

from l2o.figures.style import STYLES, generated_style, graded_styles
from l2o.site.looks import look

EVERY = {**STYLES, **{f"spare {n}": generated_style(n) for n in range(12)}}
EVERY |= graded_styles(list("abcdefgh"))


@pytest.mark.parametrize("name", EVERY)
def test_colour_dashes_and_marker_are_those_of_the_style(name):
    style, found = EVERY[name], look(EVERY[name])
    assert found["colour"] == style.colour and found["width"] == style.width
    assert (found["dash"] == "solid") is (style.dashes == "-")
    assert bool(found["symbol"]) is bool(found["path"]) is (style.marker is not None)
    numbers = [float(word) for word in re.findall(r"-?\d[\d.]*(?:e-?\d+)?", found["path"])]
    assert all(abs(number) <= 1 for number in numbers)


def test_known_methods_have_a_symbol_each():
    symbols = [look(style)["symbol"] for style in STYLES.values() if style.marker]
    assert len(symbols) == len(set(symbols))
