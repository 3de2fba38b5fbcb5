"""The words that sum an experiment up."""

from __future__ import annotations

import json

import pytest

from l2o.site.front_page import headline


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        (
            {"cells": 3, "cells_met": 1, "cells_within_reading": 2},
            "1 of 3 published values are reached, 2 are within the reading.",
        ),
        ({"cells": 3, "cells_met": 0}, "0 of 3 published values are reached."),
        (
            {"contests": 4, "contests_won": 1},
            "A learned method is ahead of those by hand in 1 of 4 comparisons.",
        ),
        ({"cells": 0, "cells_met": 0}, ""),
        ({}, ""),
    ],
)
def test_comparisons_with_papers_and_with_methods_by_hand_are_told_apart(numbers, told, tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(numbers))
    assert headline(path) == told


def test_what_is_not_built_is_not_summed_up(tmp_path):
    assert headline(tmp_path / "metrics.json") == ""
