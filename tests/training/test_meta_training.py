"""Meta-training: it learns, resumes to the same bits, and survives what diverges."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch import Tensor

from l2o.optimizees.protocol import Convexified, Scaled
from l2o.optimizers.first_order.adam import Adam
from l2o.optimizers.recurrent.l2o_dm import L2oDm
from l2o.optimizers.recurrent.l2o_rnnprop import L2oRnnProp
from l2o.training.meta import MOST_FAILURES, MetaTrainer
from small_meta_trainings import (
    BUDGET,
    Family,
    Quadratics,
    StoppedError,
    Stream,
    trainer,
    weights,
)


@pytest.mark.parametrize("kind", [L2oDm, L2oRnnProp], ids=lambda kind: kind.name)
def test_meta_training_learns_to_optimize(kind, tmp_path):
    made = trainer(tmp_path, kind, epochs=60, horizons=(20,), validate_every=10)
    before = made._validate()
    state = made.run()
    assert state.best_value < 0.5 * before
    assert made._validate() == state.best_value  # the best weights are in place


def test_two_runs_give_the_same_bits_and_another_seed_does_not(tmp_path):
    first, second = trainer(tmp_path / "a"), trainer(tmp_path / "b")
    assert first.run().history[-1]["meta_loss"] == second.run().history[-1]["meta_loss"]
    assert weights(first) == weights(second)
    other = trainer(tmp_path / "c")
    other.seed = 8
    other.run()
    assert weights(other) != weights(first)


EVOLUTION = {
    "updates": 3,
    "pairs": 2,
    "batch_size": 4,
    "horizon": 10,
    "sigma": 0.02,
    "rate": 0.01,
}


@pytest.mark.parametrize("after", [1, 3, 5, 7])
def test_an_interrupted_training_ends_with_the_same_bits(tmp_path, after):
    settings = {"teacher": Adam({"rate": 0.1}), "imitation": 1.0, "imitation_share": 0.5}
    settings |= {"evolution": EVOLUTION}
    whole = trainer(tmp_path / "whole", **settings)
    expected = whole.run().history

    def stop(row) -> None:
        if row["epoch"] == after + 1:
            raise StoppedError

    with pytest.raises(StoppedError):
        trainer(tmp_path / "part", report=stop, **settings).run()
    again = trainer(tmp_path / "part", **settings)
    history = again.run().history
    assert weights(again) == weights(whole)
    as_text = [json.dumps(rows, sort_keys=True) for rows in (history, expected)]
    assert as_text[0] == as_text[1]  # NaN included


def test_the_state_of_another_key_is_ignored(tmp_path):
    trainer(tmp_path).run()
    other, own = trainer(tmp_path), trainer(tmp_path)
    other.state.key = "another"
    fresh = weights(other)
    for made in (other, own):
        made.state.resume(made.adam)
    assert weights(other) == fresh != weights(own)
    assert (other.state.epoch, other.state.history, len(other.adam.state)) == (0, [], 0)
    assert own.state.epoch == len(own.state.history) == BUDGET["epochs"] and own.adam.state


def test_no_training_ends_behind_an_analytic_start(tmp_path):
    start = {"gain": 20.0, "memory": 20, "fall": 2.0}
    made = trainer(tmp_path, start=start, rate=0.9, clip=1e6)
    made.optimizer.begin(made.budget.start)
    before, value = weights(made), made._validate()
    state = made.run()
    validated = [row["validation_loss"] for row in state.history]
    assert not min(each for each in validated if each == each) < value == state.best_value
    assert weights(made) == before


def test_validation_takes_the_mean_over_the_last_steps(tmp_path):
    made = trainer(tmp_path, validation_steps=3, validation_last=2)
    optimizee, x = Family(24).batch(torch.arange(24)), []
    inner = Quadratics.meta_loss

    class Watched(Quadratics):
        def meta_loss(self, point: Tensor) -> Tensor:
            x.append(float(inner(self, point)))
            return inner(self, point)

    made.validation = Family(24)
    made.validation.batch = lambda index: Watched(optimizee.w, optimizee.t)
    assert made._validate() == pytest.approx(sum(x) / 2)
    assert len(x) == 2


def test_an_epoch_that_diverges_is_recorded_undone_and_slows_the_rest(tmp_path):
    made = trainer(tmp_path, family=Family(broken=(2,)))
    state = made.run()
    assert [row["status"] for row in state.history] == ["ok", "ok", "diverged", "ok", "ok", "ok"]
    assert [row["rate_factor"] for row in state.history] == [1, 1, 0.5, 0.5, 0.5, 0.5]
    assert math.isnan(state.history[2]["meta_loss"])
    assert all(torch.isfinite(w).all() for w in made.optimizer.state_dict().values())


def test_a_training_that_only_diverges_is_given_up_and_told(tmp_path):
    made = trainer(tmp_path, family=Family(broken=tuple(range(50))), epochs=20)
    history = made.run().history
    assert len(history) == MOST_FAILURES
    assert {row["status"] for row in history} == {"diverged"}


def test_the_curriculum_lengthens_the_horizon(tmp_path, monkeypatch):
    made = trainer(tmp_path, horizons=(5, 10, 20))
    unrolls = []
    inner = made._unroll
    monkeypatch.setattr(made, "_unroll", lambda *a, **b: unrolls.append(1) or inner(*a, **b))
    lengths = []
    for epoch in range(6):
        unrolls.clear()
        made._epoch(epoch)
        lengths.append(len(unrolls))
    assert lengths == [1, 1, 2, 2, 4, 4]


class Logarithms(Family):
    """The same problems, whose own meta-loss is a logarithm."""

    def batch(self, index: Tensor) -> Quadratics:
        class Logarithm(Quadratics):
            def meta_loss(self, x: Tensor) -> Tensor:
                return self.objective(x).mean().log()

        found = super().batch(index)
        return Logarithm(found.w, found.t)


def test_the_objective_or_its_logarithm_can_be_learned_from_in_place_of_the_own_loss(tmp_path):
    def trained(name: str, family: Family, loss: str) -> dict:
        made = trainer(tmp_path / name, family=family, loss=loss)
        made.run()
        return weights(made)

    mean, logarithm = (trained(loss, Family(), loss) for loss in ("own", "logarithm"))
    assert trained("a", Logarithms(), "objective") == mean
    assert trained("b", Logarithms(), "own") == logarithm != mean


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_the_rate_follows_the_schedule(tmp_path, monkeypatch, schedule):
    made, rates = trainer(tmp_path, schedule=schedule, epochs=4, horizons=(5,)), []
    monkeypatch.setattr(made.adam, "step", lambda given: rates.append(next(iter(given))))
    for epoch in range(4):
        made._epoch(epoch)
    falling = [0.5 * (1 + math.cos(math.pi * epoch / 4)) for epoch in range(4)]
    factors = falling if schedule == "cosine" else [1.0] * 4
    assert rates == pytest.approx([BUDGET["rate"] * factor for factor in factors])


def test_imitation_pulls_the_iterates_towards_the_teacher(tmp_path):
    teacher = Adam({"rate": 0.1})

    def distance(made: MetaTrainer) -> float:
        problem, x = Family(24).batch(torch.arange(24)), torch.zeros(24, 6)
        mine, its = made.optimizer.init(problem, x), teacher.init(problem, x)
        total = 0.0
        with torch.no_grad():
            for _ in range(10):
                mine = made.optimizer.step(problem, mine)
                its = teacher.step(problem, its)
                total += float((mine[0] - its[0]).square().sum())
        return total

    settings = {"epochs": 40, "horizons": (10,), "validate_every": 40}
    plain = trainer(tmp_path / "a", **settings)
    imitating = trainer(
        tmp_path / "b", teacher=teacher, imitation=100.0, imitation_share=1.0, **settings
    )
    plain.run(), imitating.run()
    assert distance(imitating) < 0.5 * distance(plain)


def test_augmentations_have_the_gradients_of_their_objectives():
    inner = Family().batch(torch.arange(4))
    c = torch.exp(torch.randn(4, 6, generator=torch.Generator().manual_seed(1)))
    v = torch.randn(4, 6, generator=torch.Generator().manual_seed(2))
    for augmented in (
        Scaled(inner, c),
        Convexified(inner, v, 0.7),
        Scaled(Convexified(inner, v, 2.0), c),
    ):
        x = torch.randn(4, 6, generator=torch.Generator().manual_seed(4), requires_grad=True)
        (expected,) = torch.autograd.grad(augmented.objective(x).sum(), x)
        assert torch.allclose(augmented.gradient(x.detach()), expected, rtol=1e-5, atol=1e-6)


def test_scaling_changes_the_units_and_not_the_start(tmp_path):
    made = trainer(tmp_path, scaling=2.0)
    plain = trainer(tmp_path)
    scaled, x = made._drawn(5, 8)
    original, y = plain._drawn(5, 8)
    assert torch.allclose(scaled.objective(x), original.objective(y), rtol=1e-5)
    assert not torch.allclose(x, y)


def test_teacher_and_perturbed_runs_see_the_stream_from_its_beginning(tmp_path, monkeypatch):
    made, given = trainer(tmp_path, teacher=Adam({"rate": 0.1}), evolution=EVOLUTION), []
    whole = made.train.batch

    def batch(index: Tensor) -> Stream:
        given.append(Stream(whole(index).w, whole(index).t))
        return given[-1]

    monkeypatch.setattr(made.train, "batch", batch)
    teaching = made._teaching(3)
    for _ in range(4):
        next(teaching)
    assert given[-1].asked == [4]
    made._evolved(made.budget.epochs)
    runs = [stream.asked[0] for stream in given[2:]]
    assert runs == [EVOLUTION["horizon"]] * 2 * EVOLUTION["pairs"]
