"""Methods on the same instances: who is the strongest by hand, and who is above it."""

import numpy as np
import pandas as pd
import pytest

from l2o.figures.paired import difference, is_above, paired, strongest


@pytest.fixture
def rows():
    return pd.DataFrame(
        {
            "setting": "a",
            "method": ["pgd", "auto_pgd", "mi", "l2o"],
            "kind": ["first_order"] * 3 + ["recurrent"],
            "loss": [1.0, 2.0, np.nan, 2.5],
        }
    )


@pytest.fixture
def runs():
    return pd.DataFrame(
        [
            ("a", name, picture, value + 0.1 * (picture if name == "l2o" else 0))
            for name, value in (("pgd", 1.0), ("auto_pgd", 2.0), ("l2o", 2.5))
            for picture in range(4)
        ],
        columns=["setting", "method", "picture", "end"],
    )


def test_the_strongest_is_by_hand_and_has_an_end(rows):
    assert strongest(rows, "loss") == {"a": "auto_pgd"}


def test_above_counts_from_two_standard_errors_of_the_paired_difference(rows, runs):
    learned = rows.join(paired(runs, rows, {"a": "auto_pgd"}, "picture")).iloc[3]
    assert learned["above"] == pytest.approx(0.65)
    assert learned["above_error"] == pytest.approx(np.std([0, 0.1, 0.2, 0.3], ddof=1) / 2)
    assert is_above(learned) and not is_above(learned.replace(learned["above_error"], 0.4))
    assert difference(learned) == ("+0.650 ± 0.065", "0 % below")


def test_an_end_counts_as_below_only_by_more_than_what_is_the_same(rows, runs):
    runs.loc[runs["method"] == "l2o", "end"] = [2.5, 2.0, 1.9995, 1.9]
    parts = [paired(runs, rows, {"a": "auto_pgd"}, "picture", same) for same in (0.0, 1e-3)]
    assert [part["below"].iloc[3] for part in parts] == [0.5, 0.25]


@pytest.mark.parametrize("opponents", [{}, {"a": "mi"}, {"b": "pgd"}])
def test_without_an_opponent_nothing_is_told(rows, runs, opponents):
    assert paired(runs, rows.iloc[3:], opponents, "picture").isna().all(axis=None)


def test_the_opponent_itself_is_not_held_against_itself(rows, runs):
    assert paired(runs, rows, {"a": "auto_pgd"}, "picture").iloc[1].isna().all()
