"""Searches for update rules: regularised evolution, and rules drawn at random beside it.

A rule is worth the validation loss that it trains a small network to, at its best rate: all rates
and starts of a rule advance as one batch (:mod:`l2o.training.rule_proxy`). No rule is tried that is
good for nothing, or equal to an earlier one of the same search, so that both kinds of search try
equally many different rules. Each search has starts and minibatches of its own. The best rules are
judged once more, on new ones: the lowest of many losses is low by luck as well. So is that of the
rule that is chosen among them, and what is told of it is a loss on yet other starts.

Source: Bello et al. 2017 (the grammar, the rate by a sweep over a grid); Real, Aggarwal, Huang & Le
2019, algorithm 1 (regularised evolution: of the last ``population`` rules ``tournament`` compete,
the best one's child takes the place of the oldest).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import torch
from numpy.random import Generator

from l2o.artifacts.job import Given
from l2o.compute import prepare_device
from l2o.config.rule_training import RuleTraining
from l2o.errors import InputError
from l2o.optimizers.registry import methods
from l2o.optimizers.rule_grammar import Term, drawn_rule, mutated, parsed
from l2o.optimizers.update_rules import SymbolicOptimizer, UpdateRule, fingerprint
from l2o.seeds import named_generator
from l2o.training.progress import Progress
from l2o.training.results import store_training
from l2o.training.rule_proxy import ProxyTraining, best_rate
from l2o.training.search import SearchState

HISTORY = (
    "search",
    "step",
    "phase",
    "formula",
    "parent",
    "rate",
    "validation_loss",
    "status",
    "drawn",
)
SEARCH, FINAL = "search", "final"  # phases
CHECK = "check"  # the stream of the starts on which the loss that is told is taken
MOST_DRAWN = 10_000  # rules in a row that are none to be tried, before a search ends
Row = dict[str, Any]


def train_rules(given: Given) -> None:
    """Search for an update rule, or go on with it, and store what came of it.

    Parameters
    ----------
    given : parameters ``setting``, ``method``, ``kind``, ``hyperparameters``, ``rates``, ``proxy``
        and ``training`` (see :mod:`l2o.config.rule_training`), ``seed``, ``device``,
        ``compute_threads``

    Raises
    ------
    InputError : no such device, no rule trained the network, or an output cannot be written.
    """
    p = given.parameters
    device = prepare_device(p["device"], p["compute_threads"])
    budget = RuleTraining.model_validate(p["training"])
    optimizer = methods(p["kind"])[p["method"]].load()(p["hyperparameters"]).to(device)

    def proxy(part: str, starts: int) -> ProxyTraining:
        return ProxyTraining.drawn(p["proxy"], (budget.steps, starts), p["seed"], part, device)

    searches = [proxy(f"{SEARCH} {n}", budget.starts) for n in range(budget.repeats)]
    proxies = searches, proxy(FINAL, budget.final_starts)
    state = SearchState(given.state, given.key, optimizer)
    search = RuleSearch(optimizer, proxies, budget, p["rates"], p["seed"], state)
    best = search.run()
    if not math.isfinite(best["validation_loss"]):
        problem = "no rule of the search trained the network"
        raise InputError(p["setting"], p["method"], problem, "raise evaluations, or lower rates")
    optimizer.adopt(best["formula"], best["rate"])
    tried = sum(row["phase"] == SEARCH for row in state.history)
    rule = UpdateRule(parsed(best["formula"]), best["rate"], budget.steps, search.noise)
    about = {
        "formula": best["formula"],
        "validation_loss": proxy(CHECK, budget.final_starts).median(rule),
        "evaluations": tried,
    }
    store_training(given, optimizer, state, device, HISTORY, about)


class RuleSearch:
    """All searches of a method, and the choice among their best rules.

    The history is all of a search: killed and run again, it goes on behind its last row.

    Parameters
    ----------
    optimizer : the method, which says whether rules evolve
    proxies : the training that each search judges rules by, and that the best ones are judged by
    budget : see :class:`RuleTraining`
    rates : to try with each rule
    seed : root of the named random streams
    state : where the history is kept
    save_seconds : least time between two saves
    """

    def __init__(
        self,
        optimizer: SymbolicOptimizer,
        proxies: tuple[Sequence[ProxyTraining], ProxyTraining],
        budget: RuleTraining,
        rates: list[float],
        seed: int,
        state: SearchState,
        save_seconds: float = 20.0,
    ) -> None:
        self.evolved, self.noise = optimizer.evolved, int(optimizer.hyper["seed"])
        self.proxies, self.budget, self.rates, self.seed = proxies, budget, rates, seed
        self.state, self.save_seconds = state, save_seconds
        total = budget.repeats * budget.evaluations + budget.finalists
        self.progress = Progress(optimizer.label, total, "rule")
        self.lowest: dict[str, float] = {}  # by phase, of what was tried since the start
        self._saved_at = time.monotonic()

    def run(self) -> Row:
        """Search; return the row of the best rule."""
        self.state.resume()
        for number in range(self.budget.repeats):
            self._search(number)
        finals = [row for row in self.state.history if row["phase"] == FINAL]
        for row in self._finalists()[len(finals) :]:
            told = {"search": row["search"], "step": row["step"], "drawn": 0}
            finals.append(self._tried(parsed(row["formula"]), row["parent"], FINAL, told))
        if not self.state.finished:
            self.state.finished = True
            self.state.save()
        self.progress.close()
        return min(finals, key=_loss)

    def _search(self, number: int) -> None:
        """Go on with one search to its end."""
        rows = [r for r in self.state.history if (r["search"], r["phase"]) == (number, SEARCH)]
        seen = {fingerprint(parsed(row["formula"])) for row in rows}
        while len(rows) < self.budget.evaluations:
            # Both kinds of search begin with the same rules.
            random = named_generator(self.seed, "rule search", number, len(rows) + 1)
            found = self._candidate(random, rows, seen)
            if found is None:
                return
            term, parent, drawn = found
            told = {"search": number, "step": len(rows) + 1, "drawn": drawn}
            rows.append(self._tried(term, parent, SEARCH, told))

    def _candidate(
        self, random: Generator, rows: list[Row], seen: set[str | None]
    ) -> tuple[Term, str, int] | None:
        """Return a rule that was not tried, its parent, and how many were drawn for it; None: none.

        It is added to those that were ``seen``.
        """
        for drawn in range(1, MOST_DRAWN + 1):
            if self.evolved and len(rows) >= self.budget.population:
                alive = rows[-self.budget.population :]
                several = random.integers(len(alive), size=self.budget.tournament)
                parent = min((alive[at] for at in several), key=_loss)["formula"]
                term = mutated(parsed(parent), random, self.budget.nested)
            else:
                parent, term = "", drawn_rule(random, self.budget.nested)
            mark = fingerprint(term)
            if mark is not None and mark not in seen:
                seen.add(mark)
                return term, parent, drawn
        return None

    def _tried(self, term: Term, parent: str, phase: str, told: Row) -> Row:
        """Train by a rule at all rates; return its row, which is added to the history."""
        searches, final = self.proxies
        proxy = final if phase == FINAL else searches[told["search"]]
        rates = torch.tensor(self.rates, device=proxy.starts.device)
        rates = rates.repeat_interleave(len(proxy.starts)).unsqueeze(1)
        rule = UpdateRule(term, rates, proxy.steps, self.noise)
        loss, rate = best_rate(proxy.losses(rule, len(self.rates)), self.rates)
        row = {**told, "phase": phase, "formula": str(term), "parent": parent, "rate": rate}
        row |= {"validation_loss": loss, "status": "ok" if math.isfinite(loss) else "diverged"}
        self.state.history.append(row)
        text = f"search {row['search'] + 1}, rule {row['step']}: {loss:.4f} by {term}"
        better = loss < self.lowest.get(phase, math.inf)
        self.lowest[phase] = min(loss, self.lowest.get(phase, math.inf))
        self.progress.show(len(self.state.history), text, text * better)
        if time.monotonic() - self._saved_at >= self.save_seconds:
            self.state.save()
            self._saved_at = time.monotonic()
        return row

    def _finalists(self) -> list[Row]:
        """Return the best rules of all searches, each once."""
        found: dict[str | None, Row] = {}
        tried = (row for row in self.state.history if row["phase"] == SEARCH)
        for row in sorted(tried, key=_loss):
            if len(found) < self.budget.finalists:
                found.setdefault(fingerprint(parsed(row["formula"])), row)
        return [*found.values()]


def _loss(row: Row) -> float:
    return row["validation_loss"]
