"""Methods that search by values alone: the box, equal runs, and the mathematics of each."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from l2o.evaluation.black_box import searched
from l2o.optimizees.black_box import Asked, Draws, drawn, known
from l2o.optimizers.black_box.gp_ei import _improvement
from l2o.optimizers.black_box.tpe import log_density, sampled, with_widths
from l2o.optimizers.black_box_rnn import observed_improvement
from l2o.optimizers.black_box_search import Mirrored
from l2o.optimizers.registry import methods

HEADS = [head for kind in ("black_box", "learned_black_box") for head in methods(kind).values()]
each_method = pytest.mark.parametrize("head", HEADS, ids=lambda head: head.name)
F = drawn(np.random.default_rng(0), 3, 2, 50, (0.15, 0.5))


def made(head, **hyper):
    """A method, ready to run; one with weights at drawn ones."""
    if head.kind == "black_box":
        return head.load()(hyper)
    weights = torch.Generator().manual_seed(0)
    return head.load()({"hidden": 5, **hyper}, weights).double().requires_grad_(False)


@each_method
def test_a_method_asks_for_values_in_the_box_from_the_first_query_on(head):
    one, again = (searched(made(head), F, 16) for _ in range(2))
    assert one.values.shape == (16, 3) and one.points.shape == (16, 3, 2)
    assert (one.points[0] == F.first.numpy()).all()
    assert (one.points == again.points).all() and (one.values == again.values).all()
    assert (one.points >= 0).all() and (one.points <= 1).all()
    assert (np.diff(one.seconds) >= 0).all() and one.seconds[0] > 0
    assert len(np.unique(one.points[:, 0], axis=0)) >= 15  # it does not stand still


@each_method
def test_a_run_is_the_same_whoever_runs_beside_it(head):
    alone = searched(made(head), F.batch(torch.tensor([0])), 12)
    assert alone.points[:, 0] == pytest.approx(searched(made(head), F, 12).points[:, 0], abs=1e-7)


@each_method
def test_other_values_lead_elsewhere_but_to_random_search(head):
    parts = {**vars(F), "weights": -F.weights}
    one, other = (searched(made(head), f, 12).points for f in (F, Draws(**parts)))
    assert (one == other).all() == (head.name == "random_search")


@pytest.mark.parametrize("name", ["gp_ei", "tpe", "cma_es_box", "pso_box"])
def test_methods_that_learn_from_values_beat_random_search(name):
    f = known(np.random.default_rng(1), 5, "branin")
    lowest = {
        method: searched(made(methods("black_box")[method]), f, 40).values.min(axis=0).mean()
        for method in (name, "random_search")
    }
    assert lowest[name] < lowest["random_search"] - 0.002


def test_bayesian_optimization_finds_a_minimum_to_a_thousandth():
    f = known(np.random.default_rng(0), 2, "branin")
    found = searched(made(methods("black_box")["gp_ei"]), f, 30)
    minimum = f.objective(f.minimiser().expand(2, -1)).numpy()
    assert (found.regrets(minimum)[-1] < 1e-3).all()


class Fixed:
    """A model that predicts the same everywhere."""

    def predict(self, at, return_std):
        return np.full(len(at), 0.3), np.full(len(at), 0.7)


@pytest.mark.parametrize("lowest", [-1.5, 0.0, 2.0])
def test_improvement_is_expected_as_an_integral_says(lowest):
    law = stats.norm(0.3, 0.7)
    wanted, _ = integrate.quad(lambda y: (lowest - y) * law.pdf(y), -12, lowest)
    assert _improvement(Fixed(), np.zeros((1, 2)), lowest) == pytest.approx([wanted], rel=1e-6)


# TPE


def test_widths_are_distances_to_the_farther_neighbour_within_limits():
    centres, widths = with_widths(torch.tensor([[0.9, 0.1, 0.1]], dtype=torch.float64))
    assert centres.tolist() == [[0.9, 0.1, 0.1, 0.5]]
    # 1/5 is the least for three points; the wide one is around the centre.
    assert widths.tolist() == [pytest.approx([0.4, 0.2, 0.4, 1.0])]


def test_the_mixture_is_that_of_normal_distributions_cut_off_at_the_box():
    points = torch.rand(1, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    centres, widths = with_widths(points)
    at = torch.linspace(0, 1, 2001, dtype=torch.float64).unsqueeze(0)
    found = log_density(centres, widths, at).exp()[0].numpy()
    pairs = list(zip(centres[0].numpy(), widths[0].numpy(), strict=True))
    laws = [stats.truncnorm(-c / w, (1 - c) / w, c, w) for c, w in pairs]
    assert found == pytest.approx(np.mean([law.pdf(at[0].numpy()) for law in laws], axis=0))
    assert integrate.simpson(found, x=at[0].numpy()) == pytest.approx(1, abs=1e-6)
    uniform = torch.rand(2, 1, 4000, dtype=torch.float64, generator=torch.manual_seed(1))
    drawn_ones = sampled(centres, widths, *uniform)[0].numpy()

    def distribution(x):
        return np.mean([law.cdf(x) for law in laws], axis=0)

    assert stats.kstest(drawn_ones, distribution).pvalue > 0.01


# The box, and losses


def test_what_is_outside_is_mirrored_into_the_box():
    asked = Asked(F)
    z = torch.tensor([[-0.7, 0.0], [0.6, 1.6], [3.2, -40.4]], dtype=torch.float64)
    Mirrored(asked).objective(z)
    (found,) = asked.points
    assert found.numpy() == pytest.approx(np.array([[0.2, 0.5], [0.9, 0.1], [0.3, 0.1]]))
    Mirrored(asked).objective(torch.full((3, 2), torch.inf, dtype=torch.float64))


def test_restarts_of_cma_es_stay_in_the_box():
    f = known(np.random.default_rng(2), 2, "branin")
    found = searched(made(methods("black_box")["cma_es_box"]), f, 900)
    late = found.points[-150:]
    assert np.ptp(late, axis=0).min() > 0.05  # it began anew


def test_observed_improvement_is_the_sum_over_new_lows():
    values = torch.randn(12, 4, dtype=torch.float64, generator=torch.manual_seed(0))
    wanted = [sum(min(float(y[t] - y[:t].min()), 0.0) for t in range(1, 12)) for y in values.T]
    assert observed_improvement(values).tolist() == pytest.approx(wanted)
    assert observed_improvement(values).tolist() == pytest.approx(
        (values.amin(dim=0) - values[0]).tolist()
    )


def test_each_net_is_trained_by_its_own_loss():
    values = torch.randn(9, 4, dtype=torch.float64, generator=torch.manual_seed(0))
    losses = {
        name: float(made(head).search_loss(values))
        for name, head in methods("learned_black_box").items()
    }
    assert losses == pytest.approx(
        {
            "black_box_rnn_oi": float((values.amin(dim=0) - values[0]).mean()),
            "black_box_rnn_sum": float(values.mean()),
            "black_box_rnn_final": float(values[-1].mean()),
        }
    )


def test_derivatives_go_through_the_queries_and_the_functions():
    head = methods("learned_black_box")["black_box_rnn_sum"]
    net = head.load()({"hidden": 4}, torch.Generator().manual_seed(1)).double()

    def loss():
        state = net.init(F, F.first)
        states = itertools.accumulate(range(4), lambda state, _: net.step(F, state), initial=state)
        return net.search_loss(torch.stack([each[1] for each in states]))

    loss().backward()
    weight = net.output.weight
    slope, step = float(weight.grad[1, 2]), 1e-6
    with torch.no_grad():
        weight[1, 2] += step
        above = float(loss())
        weight[1, 2] -= 2 * step
        below = float(loss())
    assert slope == pytest.approx((above - below) / (2 * step), rel=1e-5) and slope != 0
