"""Searches for update rules: what they choose, and that an interruption changes nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from l2o.config.rule_training import RuleTraining
from l2o.optimizees.small_digits import PARTS, small_digits
from l2o.optimizers.registry import methods
from l2o.optimizers.rule_grammar import fits, parsed
from l2o.optimizers.update_rules import UpdateRule, fingerprint
from l2o.training import rule_search
from l2o.training.rule_proxy import ProxyTraining, best_rate
from l2o.training.rule_search import RuleSearch
from l2o.training.search import SearchState

RATES = [0.001, 0.01, 1.0]
BUDGET = RuleTraining(
    evaluations=12,
    repeats=2,
    nested=1,
    population=4,
    tournament=2,
    steps=6,
    starts=2,
    finalists=3,
    final_starts=3,
)


def proxy(part: str = "search", starts: int = 2, steps: int = 6) -> ProxyTraining:
    told = {"hidden": [4], "minibatch": 16}
    return ProxyTraining.drawn(told, (steps, starts), 1, part, torch.device("cpu"))


def search(path, name="symbolic_rule", rates=RATES, budget=BUDGET) -> RuleSearch:
    method = methods("symbolic")[name].load()({})
    state = SearchState(path / f"{name}.safetensors", "key", method)
    searches = [proxy(f"search {number}") for number in range(budget.repeats)]
    proxies = searches, proxy("final", budget.final_starts)
    return RuleSearch(method, proxies, budget, rates, 5, state, save_seconds=0.0)


def searched(one: RuleSearch) -> list[dict]:
    return [row for row in one.state.history if row["phase"] == "search"]


def test_parts_of_the_digits_never_mix():
    parts = [small_digits(name).images for name in PARTS]
    assert [len(part) for part in parts] == [*PARTS.values()]
    whole = torch.cat(parts)
    assert len(whole) == 1797 and len(whole.unique(dim=0)) == 1797
    assert whole.min() == 0 and whole.max() == 1
    assert all(len(small_digits(name).labels.unique()) == 10 for name in PARTS)


def test_rates_and_starts_advance_as_one_batch_and_do_not_mix():
    one, term = proxy(), parsed("adam")
    rates = torch.tensor(RATES).repeat_interleave(2).unsqueeze(1)
    together = one.losses(UpdateRule(term, rates, 6), 3)
    assert together.shape == (3, 2)
    for rate, found in zip(RATES, together, strict=True):
        alone = one.losses(methods("first_order")["adam"].load()({"rate": rate}))
        np.testing.assert_allclose(alone, found[None], rtol=1e-4)


def test_the_rate_is_the_first_with_the_lowest_median_and_what_is_not_finite_counts_as_infinite():
    losses = np.array([[3.0, 1.0, 2.0], [9.0, 1.5, 2.0], [0.0, math.inf, math.inf]])
    assert best_rate(losses, RATES) == (2.0, 0.001)
    broken = proxy().losses(UpdateRule(parsed("exp(exp(exp(2 / g^3)))"), 1.0, 6))
    assert np.isposinf(broken).all()


def test_both_searches_begin_alike_try_equally_many_rules_and_none_twice(tmp_path):
    runs = {name: search(tmp_path, name) for name in methods("symbolic")}
    best = {name: one.run() for name, one in runs.items()}
    for name, one in runs.items():
        for number in range(BUDGET.repeats):
            rows = [row for row in searched(one) if row["search"] == number]
            assert [row["step"] for row in rows] == [*range(1, 13)]
            terms = [parsed(row["formula"]) for row in rows]
            assert len({*map(fingerprint, terms)} - {None}) == 12
            assert all(fits(term, 1) for term in terms)
            parents = [row["parent"] for row in rows]
            assert parents[:4] == [""] * 4
            for at, parent in enumerate(parents[4:], start=4):
                alive = [row["formula"] for row in rows[at - 4 : at]]
                assert (parent in alive) if name == "symbolic_rule" else parent == ""
        finals = [row for row in one.state.history if row["phase"] == "final"]
        assert len(finals) == 3 and best[name] == min(
            finals, key=lambda row: row["validation_loss"]
        )
        worst_first = sorted(searched(one), key=lambda row: row["validation_loss"], reverse=True)
        lowest = {
            fingerprint(parsed(row["formula"])): row["validation_loss"] for row in worst_first
        }
        marks = [fingerprint(parsed(row["formula"])) for row in finals]
        assert [lowest[mark] for mark in marks] == sorted(lowest.values())[:3]
        assert {row["rate"] for row in one.state.history} <= {*RATES}
    first = [searched(one)[:4] for one in runs.values()]
    assert first[0] == first[1]
    again = search(tmp_path / "again")
    assert again.run() == best["symbolic_rule"]
    assert again.state.history == runs["symbolic_rule"].state.history


def test_a_search_that_is_killed_goes_on_to_the_same_history(tmp_path, monkeypatch):
    whole = search(tmp_path / "whole")
    best = whole.run()
    asked, losses = [], ProxyTraining.losses

    def dying(self, *given):
        asked.append(1)
        if len(asked) in (3, 9, 21, 28):
            raise KeyboardInterrupt
        return losses(self, *given)

    monkeypatch.setattr(ProxyTraining, "losses", dying)
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            search(tmp_path / "parts").run()
    parts = search(tmp_path / "parts")
    assert parts.run() == best and parts.state.history == whole.state.history
    assert len(asked) == 4 + len(whole.state.history)  # no rule is tried again


def test_rules_that_train_nothing_stop_no_search(tmp_path, monkeypatch):
    def broken(self, rule, rates):
        return np.full((rates, 2), math.inf)

    monkeypatch.setattr(ProxyTraining, "losses", broken)
    one = search(tmp_path)
    assert math.isinf(one.run()["validation_loss"]) and len(searched(one)) == 24
    assert {row["status"] for row in one.state.history} == {"diverged"}


def test_a_search_that_finds_no_new_rule_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(rule_search, "MOST_DRAWN", 3)
    monkeypatch.setattr(rule_search, "fingerprint", lambda term: "same")
    one = search(tmp_path)
    one.run()
    assert [row["step"] for row in searched(one)] == [1, 1]
