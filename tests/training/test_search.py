"""The search of a net's few numbers: it never looks at signals, and finds what serves them."""

from __future__ import annotations

import math

import pytest
import torch

from conftest import make_problem
from l2o.metrics import mean_nmse_db
from l2o.training.losses import RecoveryLoss
from l2o.training.progressive import Samples
from l2o.training.search import Search
from l2o.training.unrolled import trainer_of
from small_trainings import HEADS, make_net, make_trainer, outcome

NAME = "hyperlista"


@pytest.fixture
def longer(budget):
    return budget.model_copy(update={"final_steps": 60, "batch_size": 64})


def searched(budget, path, target=None):
    problem = make_problem(512, 48, 80, entries=5)
    A, b, x = problem.tensors(torch.float32)
    net = HEADS[NAME].load()(A, 8, {})
    sets = (Samples(b, x if target is None else target),) * 2
    rows = []
    how = budget, 4, path, "k", lambda stage, row: rows.append((stage.title, row))
    trainer = trainer_of(net, *sets, RecoveryLoss(), *how)
    assert isinstance(trainer, Search)
    return net, trainer.run(), rows, (b, x)


@torch.no_grad()
def test_it_finds_what_serves_the_signals_and_looks_at_none(longer, tmp_path):
    net, done, rows, (b, x) = searched(longer, tmp_path / "a")
    start = type(net)(net.A, 8, {})
    before, after = (mean_nmse_db(each(b)[-1], x) for each in (start, net))
    assert after < before - 5
    blind, again, *_ = searched(longer, tmp_path / "b", torch.full_like(x, math.nan))
    assert again.history == done.history
    assert all(torch.equal(u, v) for u, v in zip(net.parameters(), blind.parameters(), strict=True))
    assert [row for _, row in rows] == done.history and {title for title, _ in rows} == {
        "search 1-8"
    }


@torch.no_grad()
def test_the_history_tells_each_candidate_and_the_best_one_is_kept(longer, tmp_path):
    net, done, *_ = searched(longer, tmp_path / "a")
    assert 27 < len(done.history) <= 61  # a grid first; of the start a value may be wanted last
    points = [tuple(row[name] for name in net.trainable) for row in done.history]
    refined = [row for row in done.history[27:]]
    best = min(refined, key=lambda row: row["validation_loss_db"])
    found = [float(getattr(net, name)) for name in net.trainable]
    assert found == pytest.approx([best[name] for name in net.trainable], abs=1e-6)
    assert len({*points[:27]}) == 27


def test_what_a_candidate_is_held_against_are_rows_that_it_does_not_see(budget, tmp_path):
    trainer = make_trainer(NAME, tmp_path / "s", budget)
    seen, unseen = {*trainer.seen.tolist()}, {*trainer.unseen.tolist()}
    assert not seen & unseen and len(seen | unseen) == len(trainer.net.A) and unseen
    norms = torch.linalg.vector_norm(trainer.reduced.A, dim=0)
    torch.testing.assert_close(norms, torch.ones_like(norms))
    point = tuple(float(p.detach()) for p in trainer.net.parameters())
    score = trainer._score(point, 64)
    trainer.b[:, trainer.unseen] = trainer.b[:, trainer.unseen].roll(1, 0)  # those of others
    trainer.tried.clear()
    assert score < -1 and trainer._score(point, 64) > 0


def test_where_nothing_is_finite_the_start_is_kept(budget, tmp_path):
    trainer = make_trainer(NAME, tmp_path / "s", budget)
    trainer.b = torch.full_like(trainer.b, math.nan)
    weights, history = outcome(trainer)
    assert {row["status"] for row in history} == {"diverged"}
    assert weights == {k: t.numpy().tobytes() for k, t in make_net(NAME).state_dict().items()}
