"""Drawn pages and their texts, for tests that look at figures."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from l2o.figures.style import print_style


def texts_of(page: Figure) -> Iterator[Text]:
    """All texts of a page that are to be seen, but the labels of ticks."""
    yield from page.texts
    for legend in page.legends:
        yield from legend.get_texts()
    for axes in page.axes:
        if axes.axison:
            titles = (axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label)
            yield from (*titles, *axes.texts)


@pytest.fixture(scope="session")
def check_page():
    """Check that nothing leaves a page, and that none of its texts lies on another."""

    def check(page: Figure) -> None:
        with print_style():
            page.draw_without_rendering()
            places = {
                text: text.get_window_extent()
                for text in texts_of(page)
                if text.get_visible() and text.get_text().strip()
            }
            ticks = [
                label.get_window_extent()
                for axes in page.axes
                for axis in (axes.xaxis, axes.yaxis)
                for at, label in zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=False)
                if axes.axison and label.get_visible() and label.get_text()
                if min(axis.get_view_interval()) <= at <= max(axis.get_view_interval())
            ]
        assert len(places) > 5
        for place in (*places.values(), *ticks):
            inside = page.bbox.padded(1.5)
            assert inside.contains(*place.min) and inside.contains(*place.max), place
        for one, other in combinations(places, 2):
            shrunk = places[one].shrunk(0.98, 0.8)
            words = f"{one.get_text()!r} lies on {other.get_text()!r}"
            assert not shrunk.overlaps(places[other].shrunk(0.98, 0.8)), words

    return check
