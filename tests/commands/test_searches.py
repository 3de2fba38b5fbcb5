"""Searches that ended at the edge of what was tried."""

from __future__ import annotations

import json

from l2o.commands.searches import edges, released_searches
from l2o.storage.tables import write_table


def search(method: str, losses: dict[tuple, float], names: tuple[str, ...]) -> list[dict]:
    """The rows of a search: losses by the values of its hyperparameters; the lowest is chosen."""
    best = min(losses, key=losses.get)
    return [
        {
            "setting": "a",
            "method": method,
            "hyperparameters": json.dumps(dict(zip(names, values, strict=True))),
            "loss": loss,
            "chosen": values == best,
        }
        for values, loss in losses.items()
    ]


def test_an_edge_is_told_with_what_lies_before_it():
    rates = search("adam", {(0.1,): 3.0, (0.3,): 2.5, (1.0,): 2.0}, ("rate",))
    assert list(edges("adam", rates)) == [("rate", "1", "0.1 to 1", "2", "2.5")]
    inside = search("adam", {(0.1,): 3.0, (0.3,): 2.0, (1.0,): 2.5}, ("rate",))
    assert not list(edges("adam", inside))


def test_all_else_is_as_chosen():
    losses = {(r, b): r + abs(b - 0.9) for r in (1.0, 2.0, 3.0) for b in (0.5, 0.9, 0.95)}
    told = list(edges("adam", search("adam", losses, ("rate", "beta1"))))
    assert told == [("rate", "1", "1 to 3", "1", "2")]


def test_where_a_method_ends_and_what_are_two_cases_is_no_edge():
    damping = search("vamp", {(0.0,): 1.0, (0.5,): 2.0, (0.9,): 3.0}, ("damping",))
    assert not list(edges("vamp", damping))  # [0, 1): there is none below 0
    above = search("vamp", {(0.0,): 3.0, (0.5,): 2.0, (0.9,): 1.0}, ("damping",))
    assert list(edges("vamp", above)) == [("damping", "0.9", "0 to 0.9", "1", "2")]
    cases = search("adam", {(0.1,): 1.0, (0.3,): 2.0}, ("rate",))
    assert not list(edges("adam", cases))


def test_the_released_tables_are_read(tmp_path):
    rows = search("adam", {(0.1,): 3.0, (0.3,): 2.5, (1.0,): 2.0}, ("rate",))
    rows += search("rmsprop", {(0.1,): 3.0, (0.3,): 2.0, (1.0,): 2.5}, ("rate",))
    write_table(tmp_path / "fig9_tuned.csv", rows)
    told = released_searches(tmp_path)
    assert told.startswith("of 2 searches")
    last = ["fig9", "a", "adam", "rate", "1", "0.1", "to", "1", "2", "2.5"]
    assert told.splitlines()[-1].split() == last
    write_table(tmp_path / "fig9_tuned.csv", rows[3:])
    assert released_searches(tmp_path) == "none of 1 searches ended at the edge of its grid"
