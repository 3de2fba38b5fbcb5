"""Estimators of the meta-gradient: against closed forms, each other, and a plain training loop."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from l2o.config.meta_training import ESTIMATORS, MetaTraining
from l2o.optimizers.recurrent.l2o_dm import L2oDm
from l2o.seeds import named_seed
from l2o.training.episodes import ModuleEpisode
from l2o.training.estimators import KINDS, Merged, Sample, merged_share, perturbations
from small_meta_trainings import BUDGET, Family, StoppedError, Stream, trainer, weights

SIGMA, PAIRS, MANY = 0.3, 4, 4_000
W = torch.tensor([0.7, -0.4, 1.1], dtype=torch.float64)
PERTURBED = [name for name in ESTIMATORS if name != "backpropagation"]


class Sums:
    """Episodes of a state s, from 0, of which each truncation adds w; its loss is given.

    A loss (..., P) -> (...) of the state after it; see :class:`l2o.training.episodes.Episode`.
    """

    def __init__(self, loss, estimates: tuple[int, ...] = (MANY,)) -> None:
        self.loss, self.weights = loss, W
        self.own = torch.zeros(*estimates, len(W), dtype=torch.float64)
        self.copies = 0.0

    def _next(self, state: Tensor, at: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        at = at.detach().requires_grad_(True)
        losses = self.loss(state + at)
        (slopes,) = torch.autograd.grad(losses.sum(), at)
        return losses.detach(), slopes, (state + at).detach()

    def through(self) -> tuple[Tensor, Tensor]:
        losses, slopes, self.own = self._next(self.own, W.expand_as(self.own))
        return losses, slopes

    def past(self) -> Tensor:
        return self.through()[0]

    def perturbed(self, moves: Tensor, slopes: bool, persistent: bool):
        start = self.copies if persistent else self.own[..., None, None, :]
        losses, found, after = self._next(start, W + moves)
        self.copies = after
        return losses, found if slopes else None


def quadratic(s: Tensor) -> Tensor:
    return 0.5 * s.square().sum(dim=-1)


def cubic(s: Tensor) -> Tensor:
    return (0.5 * s.square() + 0.2 * s**3).sum(dim=-1)


def mean_and_error(name: str, loss, truncations: int, sigma: float = SIGMA):
    """The mean over many episodes of the mean over their truncations, and its standard error."""
    estimator = KINDS[name](sigma, PAIRS, (MANY,))
    episode, random = Sums(loss), torch.Generator().manual_seed(3)
    found = [estimator.estimate(episode, random)[0] for _ in range(truncations)]
    estimates = torch.stack(found).mean(dim=0)
    assert estimates.shape == (MANY, len(W))
    return estimates.mean(dim=0), estimates.std(dim=0) / math.sqrt(MANY)


def within(mean: Tensor, error: Tensor, exact: Tensor, errors: float = 4.0) -> bool:
    return bool(((mean - exact).abs() <= errors * error + 1e-12).all())


@pytest.mark.parametrize("name", PERTURBED)
def test_means_are_the_gradient_of_the_smoothed_loss(name):
    mean, error = mean_and_error(name, quadratic, 1)
    assert within(mean, error, W)
    if name != "merged":
        # E d/dw (w^2 / 2 + 0.2 w^3) at w + n, n from N(0, sigma^2): smoothing is seen.
        mean, error = mean_and_error(name, cubic, 1)
        smoothed = W + 0.6 * (W.square() + SIGMA**2)
        assert within(mean, error, smoothed)
        assert not within(mean, error, smoothed - 0.6 * SIGMA**2)


def test_backpropagation_has_the_derivative_at_the_weights_themselves():
    mean, error = mean_and_error("backpropagation", cubic, 1)
    assert within(mean, error, W + 0.6 * W.square()) and error.max() < 1e-15


@pytest.mark.parametrize("name", ESTIMATORS)
def test_truncation_biases_all_but_persistent_copies(name):
    # States w and 2 w: the derivative of (w^2 / 2 + (2 w)^2 / 2) / 2 is 5 w / 2; with the state
    # after the first truncation taken as given it is (w + 2 w) / 2.
    whole, cut = 2.5 * W, 1.5 * W
    mean, error = mean_and_error(name, quadratic, 2)
    exact, other = (whole, cut) if name == "persistent" else (cut, whole)
    assert within(mean, error, exact)
    assert not within(mean, error, other, 10)


def test_means_of_few_pairs_are_merged_with_a_bias_that_many_have_not():
    # Weights that are estimated from the same samples hang together with what they weigh.
    def off(pairs: int) -> float:
        estimator = Merged(SIGMA, pairs, (MANY,))
        found, _ = estimator.estimate(Sums(cubic), torch.Generator().manual_seed(5))
        return float((found.mean(dim=0) - W - 0.6 * (W.square() + SIGMA**2)).norm())

    assert off(32) < 0.5 * off(2)


def test_weights_of_the_merger_are_inverse_variances():
    path, score = torch.tensor([1.0, 0.0, 3.0, 0.0]), torch.tensor([3.0, 2.0, 0.0, 0.0])
    assert merged_share(path, score).tolist() == [0.75, 1.0, 0.0, 0.5]
    random = torch.Generator().manual_seed(1)
    losses, slopes = torch.randn(2, 5, generator=random), torch.randn(2, 5, 3, generator=random)
    moves = perturbations(W.float(), SIGMA, 5, (), random)
    sample = Sample(losses, moves, slopes, SIGMA)
    by_path = (slopes[0] + slopes[1]) / 2
    by_score = (losses[0] - losses[1])[:, None] * moves[0] / (2 * SIGMA**2)
    v, u = 1 / by_path.var(dim=0), 1 / by_score.var(dim=0)
    expected = (v * by_path.mean(dim=0) + u * by_score.mean(dim=0)) / (v + u)
    assert torch.allclose(Merged.combined(sample), expected, rtol=1e-5)


def test_perturbations_are_antithetic_and_the_first_ones_whatever_their_number():
    few, more = (
        perturbations(W, SIGMA, pairs, (), torch.Generator().manual_seed(2)) for pairs in (2, 5)
    )
    assert torch.equal(few[0], -few[1]) and torch.equal(few[0], more[0, :2])


# In meta-training


def plain_loop(family: Family, epochs: int) -> L2oDm:
    """Truncated backpropagation written down without the package's trainer; torch's Adam."""
    optimizer = L2oDm({"hidden": 8}, torch.Generator().manual_seed(0))
    adam = torch.optim.Adam(optimizer.parameters(), foreach=False)
    for epoch in range(epochs):
        random = torch.Generator().manual_seed(named_seed(7, "meta-training", epoch))
        index = torch.randperm(len(family), generator=random)[: BUDGET["batch_size"]]
        problem, x = family.batch(index), torch.randn(8, family.dimension, generator=random)
        state = optimizer.init(problem, x)
        for _ in range((10 if epoch < epochs / 2 else 20) // BUDGET["unroll"]):
            state, loss = tuple(part.detach() for part in state), torch.zeros(())
            for _ in range(BUDGET["unroll"]):
                state = optimizer.step(problem, state)
                loss = loss + problem.meta_loss(state[0])
            adam.zero_grad()
            (loss / BUDGET["unroll"]).backward()
            torch.nn.utils.clip_grad_norm_(optimizer.parameters(), BUDGET["clip"])
            adam.param_groups[0]["lr"] = BUDGET["rate"] * (
                0.5 * (1 + math.cos(math.pi * epoch / epochs))
            )
            adam.step()
    return optimizer


def test_the_default_is_a_plain_loop_to_the_bit(tmp_path):
    made = trainer(tmp_path, L2oDm, validate_every=6)
    made.run()
    plain = plain_loop(Family(), BUDGET["epochs"])
    assert made.budget.estimator == "backpropagation"
    for name, weight in plain.state_dict().items():
        assert torch.equal(made.optimizer.state_dict()[name], weight), name


@pytest.mark.parametrize("name", PERTURBED)
def test_trainings_with_perturbed_runs_are_the_same_twice_and_after_a_stop(name, tmp_path):
    given = {"kind": L2oDm, "estimator": name, "epochs": 3, "horizons": (10,)}
    whole = trainer(tmp_path / "whole", **given)
    history = whole.run().history

    def stop(row) -> None:
        if row["epoch"] == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        trainer(tmp_path / "part", report=stop, **given).run()
    again = trainer(tmp_path / "part", **given)
    resumed = again.run().history
    assert weights(again) == weights(whole)
    assert [row["meta_loss"] for row in resumed] == [row["meta_loss"] for row in history]
    other = trainer(tmp_path / "other", **{**given, "sigma": 0.02})
    other.run()
    assert weights(other) != weights(whole)


@pytest.mark.parametrize("name", ["evolution", "persistent", "merged"])
def test_an_optimizer_is_learned(name, tmp_path):
    given = {"epochs": 25, "horizons": (10,), "validation_steps": 10, "rate": 0.02}
    made = trainer(tmp_path, L2oDm, estimator=name, sigma=0.03, pairs=6, validate_every=5, **given)
    before = made._validate()
    assert made.run().best_value < 0.85 * before


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_run_sees_its_stream_from_the_beginning_and_all_are_counted(name, tmp_path):
    made, given = trainer(tmp_path, L2oDm, estimator=name, horizons=(10,)), []
    whole = made.train.batch

    def batch(index: Tensor) -> Stream:
        given.append(Stream(whole(index).w, whole(index).t))
        return given[-1]

    made.train.batch = batch
    made._epoch(0)
    asked = [stream.asked[0] for stream in given]
    assert sum(asked) == made.budget.runs * 10 and {*asked} <= {0, 10}


def test_perturbed_runs_leave_the_weights_alone_and_unperturbed_ones_agree_with_the_own(tmp_path):
    made = trainer(tmp_path, L2oDm)
    before = weights(made)
    episode = made._episode(3)
    nothing = torch.zeros(2, 3, len(episode.weights))
    losses, slopes = episode.perturbed(nothing, True, False)
    loss, slope = episode.through()
    assert weights(made) == before
    assert torch.equal(losses, loss.double().expand(2, 3))
    assert torch.equal(slopes, slope.expand_as(slopes))
    moved, none = episode.perturbed(nothing, False, False)
    assert none is None and moved[0, 0] == episode.past().double()


def test_persistent_copies_go_on_from_their_own_states(tmp_path):
    made = trainer(tmp_path, L2oDm)
    episode, random = made._episode(3), torch.Generator().manual_seed(1)
    shape = (2, 1, len(episode.weights))
    first, second = (0.1 * torch.randn(shape, generator=random) for _ in range(2))
    episode.perturbed(first, False, True)
    (persistent, _), beside = episode.perturbed(second, False, True), made._episode(3)
    beside.past()
    truncated, _ = beside.perturbed(second, False, False)
    assert not torch.allclose(persistent, truncated)
    assert isinstance(beside, ModuleEpisode)


def test_a_loss_that_is_not_finite_ends_the_epoch(tmp_path):
    made = trainer(tmp_path, L2oDm, estimator="persistent", family=Family(broken=(3,)))
    state = made.run()
    assert "diverged" in [row["status"] for row in state.history]
    assert all(torch.isfinite(w).all() for w in made.optimizer.state_dict().values())


def test_merging_one_pair_is_refused():
    with pytest.raises(ValidationError, match="two pairs at least"):
        MetaTraining(**BUDGET, estimator="merged", pairs=1)
    assert MetaTraining(**BUDGET, estimator="evolution", pairs=1).runs == 3
