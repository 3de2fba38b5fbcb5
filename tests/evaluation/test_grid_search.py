"""The recorded grid search: every combination, the lowest, and what is no such table."""

from __future__ import annotations

import json
import math

import pytest

from conftest import told
from l2o.errors import InputError
from l2o.evaluation.grid_search import chosen_hyperparameters, combinations, grid_search
from l2o.storage.tables import write_table


def test_a_grid_is_searched_whole_and_a_method_without_one_is_run_once():
    assert list(combinations({"rate": 1.0}, {"a": [1, 2], "b": [3, 4]})) == [
        {"rate": 1.0, "a": a, "b": b} for a in (1, 2) for b in (3, 4)
    ]
    rows = grid_search({"a": 1.0}, {"rate": [10.0, 0.1, 0.2]}, lambda hyper: hyper["rate"])
    assert [row["chosen"] for row in rows] == [False, True, False]
    assert json.loads(rows[1]["hyperparameters"]) == {"a": 1.0, "rate": 0.1}
    (row,) = grid_search({"rate": 0.001}, {}, lambda hyper: 3.0)
    assert row == {"hyperparameters": '{"rate": 0.001}', "loss": 3.0, "chosen": True}


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_of_equal_losses_the_first_and_never_one_that_is_not_finite(bad):
    losses = iter([bad, 2.0, 2.0])
    rows = grid_search({}, {"rate": [1, 2, 3]}, lambda hyper: next(losses))
    assert [row["chosen"] for row in rows] == [False, True, False]


def test_the_chosen_ones_come_back_from_the_table_and_other_tables_are_told(tmp_path):
    rows = grid_search({"a": 1.0}, {"rate": [10.0, 0.1]}, lambda hyper: hyper["rate"])
    write_table(tmp_path / "good.csv", rows)
    assert chosen_hyperparameters(tmp_path / "good.csv") == {"a": 1.0, "rate": 0.1}
    for bad in ([{"oracle": 1.0}], [row | {"chosen": False} for row in rows]):
        write_table(tmp_path / "bad.csv", bad)
        with pytest.raises(InputError) as error:
            chosen_hyperparameters(tmp_path / "bad.csv")
        told(error, tmp_path / "bad.csv", "grid search")
