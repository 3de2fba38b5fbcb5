"""What the heads of all methods say of their hyperparameters: a range each, its default inside."""

from __future__ import annotations

import pytest

from l2o.config.values import within
from l2o.kinds import KINDS
from l2o.optimizers import registry

HEADS = [head for kind in KINDS for head in registry.methods(kind).values()]


@pytest.mark.parametrize("head", HEADS, ids=lambda head: f"{head.kind}-{head.name}")
def test_every_hyperparameter_has_a_range_and_its_default_lies_inside(head):
    assert head.ranges.keys() == head.hyperparameters.keys()
    for name, default in head.hyperparameters.items():
        assert within(default, head.ranges[name]), name
        assert not within(float("nan"), head.ranges[name])
        assert not within(float("inf"), head.ranges[name])


def test_what_a_constructor_takes_for_an_integer_is_one():
    counted = {"hidden", "hidden_part", "hidden_instance", "scales", "particles", "attention"}
    for head in HEADS:
        for name, interval in head.ranges.items():
            if name in counted:
                assert interval.startswith("integers [1, ") and not within(8.5, interval)
            if name.startswith("beta") or name == "decay":
                assert interval == "[0, 1)"


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        ("[0, 1)", [0, 0.5, 1 - 1e-16], [-1e-300, 1, 2.5]),
        ("(0, 1]", [1e-300, 1], [0, 1.1]),
        ("(-inf, inf)", [-1e300, 0, 7], [float("nan"), float("inf"), -float("inf")]),
        ("integers [1, 1e15]", [1, 8, 8.0, 1e15], [8.5, 0, -5, 1e15 + 1, float("inf")]),
    ],
)
def test_intervals_are_those_of_mathematics(interval, inside, outside):
    assert all(within(value, interval) for value in inside)
    assert not any(within(value, interval) for value in outside)


@pytest.mark.parametrize("bad", ["", "0, 1", "[0,1]", "[0, 1", "integer [0, 1]", "{1, 2}"])
def test_what_is_no_interval_is_refused(bad):
    with pytest.raises(ValueError, match="is no interval such as"):
        within(1, bad)


def test_a_hyperparameter_without_range_is_refused(tmp_path, monkeypatch):
    head = "class New:\n    name = 'new'\n    label = 'New'\n    reference = 'Someone 2020'\n"
    head += "    hyperparameters = {'rate': 1.0, 'p': 2.0}\n    ranges = {'rate': '(0, inf)'}\n"
    monkeypatch.setattr(registry, "module_path", lambda name: tmp_path / "__init__.py")
    (tmp_path / "new.py").write_text(head)
    with pytest.raises(ValueError, match=r"new\.py: `ranges` are not those of its hyperparam"):
        registry.methods.__wrapped__("unrolled")
