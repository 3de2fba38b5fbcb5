"""Policies: what they see, what they are untrained, and where they are refused; the opponents."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from l2o.errors import InputError
from l2o.optimizees.counted import Counted
from l2o.optimizees.small_regression import PROBLEMS, Quadratic, draw
from l2o.optimizers.first_order.conjugate_gradient import ConjugateGradient
from l2o.optimizers.first_order.gd import Gd
from l2o.optimizers.first_order.heavy_ball import HeavyBall
from l2o.optimizers.first_order.lbfgs import Lbfgs
from l2o.optimizers.policies.policy_coordinate import PolicyCoordinate
from l2o.optimizers.policies.policy_optimizer import PolicyOptimizer
from l2o.optimizers.policy import Sampled
from l2o.optimizers.protocol import iterates
from l2o.optimizers.registry import methods

HEADS = [*methods("policies").values()]
each_policy = pytest.mark.parametrize("head", HEADS, ids=lambda head: head.name)


def problems(problem: str = "robust", count: int = 6, n: int = 4):
    """Problems and a start of each, float64."""
    arrays = draw(np.random.default_rng(0), problem, count, n)
    f = PROBLEMS[problem](**{name: torch.from_numpy(a) for name, a in arrays.items()})
    random = torch.Generator().manual_seed(1)
    return f, torch.randn(count, n, generator=random, dtype=torch.float64)


def policy(kind, stirred: bool = False, **hyper):
    """A policy with drawn weights, float64; ``stirred``: the output layer, too."""
    hyper = {"history": 5, "units": 7, "scale": 0.5, "rate": 0.3, **hyper}
    hyper |= {"dimension": 4} if "dimension" in kind.hyperparameters else {}
    made = kind(hyper, torch.Generator().manual_seed(0)).double().requires_grad_(False)
    if stirred:
        for weight in made.output.parameters():
            weight.copy_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(2)))
    return made


@each_policy
def test_untrained_it_is_gradient_descent(head):
    f, x = problems()
    ours, theirs = iterates(policy(head.load()), f, x), iterates(Gd({"rate": 0.3}), f, x)
    for one, other in islice(zip(ours, theirs, strict=True), 20):
        assert torch.allclose(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", [PolicyOptimizer, PolicyCoordinate], ids=lambda k: k.name)
def test_what_it_sees_is_what_a_slow_loop_says(kind):
    f, x = problems()
    one = policy(kind, stirred=True)
    state, visited = one.init(f, x), []
    for step in range(9):
        seen = one.observe(f, state)
        visited.append(state[0])
        for at in range(len(f)):
            values = [float(f.objective(p)[at]) for p in visited]
            gradients = [f.gradient(p)[at].numpy() for p in visited]
            changes = [values[-1] - values[max(step - j, 0)] for j in range(1, 6)]
            recent = [gradients[step - j] if step >= j else np.zeros(4) for j in range(5)]
            if kind.shared:
                wanted = [[*changes, *(g[i] for g in recent)] for i in range(4)]
            else:
                wanted = [*changes, *np.concatenate(recent)]
            wanted = np.clip(np.array(wanted) / 0.5, -1, 1)
            assert seen.features[at].numpy() == pytest.approx(wanted, abs=1e-14)
        state = one.step(f, state)
        mean = one.mean(seen.features, seen.gradient)
        assert torch.equal(state[0], visited[-1] + mean)
    rest = torch.nn.functional.softplus(one.hidden.bias)
    hidden = torch.nn.functional.softplus(one.hidden(seen.features)) - rest
    output = (hidden @ one.output.weight.T).reshape(len(f), -1)
    assert torch.allclose(mean, 0.3 * (0.5 * output - seen.gradient), rtol=1e-12)


@each_policy
def test_at_rest_an_anchored_one_takes_no_step_and_another_one_may(head):
    f, _ = problems("quadratic", 3)
    for anchored in (1, 0):
        one = policy(head.load(), stirred=True, anchored=anchored)
        away = (next(iterates(one, f, f.centre)) - f.centre).abs().max()
        assert (away < 1e-12) == bool(anchored)


def test_coordinates_in_another_order_have_their_steps_in_that_order():
    f, x = problems("quadratic", 3)
    order = torch.tensor([2, 0, 3, 1])
    turned = Quadratic(f.A[:, order][:, :, order], f.centre[:, order])
    one = policy(PolicyCoordinate, stirred=True)
    pairs = zip(iterates(one, f, x), iterates(one, turned, x[:, order]), strict=True)
    for ours, theirs in islice(pairs, 6):
        assert torch.allclose(ours[:, order], theirs, rtol=1e-10)
    f, x = problems("quadratic", 3, 7)  # and there may be any number of them
    assert next(iterates(one, f, x)).shape == (3, 7)


@pytest.mark.parametrize("name", ["policy_optimizer", "policy_unrolled"])
def test_another_number_of_unknowns_is_told_in_a_line(name):
    f, x = problems("quadratic", 3, 5)
    with pytest.raises(InputError) as error:
        policy(methods("policies")[name].load()).init(f, x)
    told = f"{name}: dimension: is 4, and this problem has 5 unknowns; train one for as many"
    assert str(error.value).startswith(told) and "\n" not in str(error.value)


@each_policy
def test_a_step_asks_for_a_value_and_a_gradient(head):
    f, x = problems()
    counted = Counted(f)
    list(islice(iterates(policy(head.load()), counted, x), 10))
    assert (counted.values == 10).all() and (counted.gradients == 10).all()


def test_drawn_steps_scatter_about_the_mean_as_far_as_the_deviation_says():
    f, x = problems("quadratic", 2000)
    one = policy(PolicyOptimizer, deviation=0.2)
    drawn = [*islice(iterates(Sampled(one, 3), f, x), 2)]
    away = drawn[0] - next(iterates(one, f, x))
    assert float(away.std()) == pytest.approx(0.2, rel=0.03) and abs(float(away.mean())) < 0.01
    again = [*islice(iterates(Sampled(one, 3), f, x), 2)]
    assert all(map(torch.equal, drawn, again))


def test_momentum_is_the_heavy_ball():
    f, x = problems()
    before, at = x, x
    for ours in islice(iterates(HeavyBall({"rate": 0.3, "memory": 0.8}), f, x), 20):
        before, at = at, at - 0.3 * f.gradient(at) + 0.8 * (at - before)
        assert torch.allclose(ours, at, rtol=1e-12, atol=1e-14)


def test_conjugate_gradients_solve_quadratics_in_as_many_steps_as_there_are_unknowns():
    f, x = problems("quadratic", 20, 6)
    *_, end = islice(iterates(ConjugateGradient({}), f, x), 6)
    before = f.gradient(x).norm(dim=-1)
    assert (f.gradient(end).norm(dim=-1) < 1e-6 * before).all()


@pytest.mark.parametrize("kind", [Lbfgs, ConjugateGradient], ids=lambda kind: kind.name)
def test_line_searches_end_where_scipy_does_go_down_all_the_way_and_count_what_they_ask(kind):
    f, x = problems("logistic")
    counted, one = Counted(f), kind({})
    state, values = one.init(counted, x), [f.objective(x)]
    for _ in range(150):
        state = one.step(counted, state)
        values.append(f.objective(state[0]))
        assert (values[-1] <= values[-2] + 1e-13).all()
    for at in range(len(f)):
        alone = f.batch(torch.tensor([at]))

        def value(p, alone=alone):
            point = torch.from_numpy(p)[None]
            return float(alone.objective(point)[0]), alone.gradient(point)[0].numpy()

        found = minimize(value, x[at].numpy(), jac=True, method="L-BFGS-B", tol=1e-12)
        assert float(values[-1][at]) == pytest.approx(found.fun, abs=1e-8)
    each = 1 if kind is Lbfgs else 2
    assert (counted.gradients == 1 + 150 * each).all()
    assert (counted.values >= 2).all()


def test_an_instance_gets_from_lbfgs_what_it_gets_alone():
    f, x = problems()
    *_, both = islice(iterates(Lbfgs({"pairs": 3}), f, x), 12)
    *_, alone = islice(iterates(Lbfgs({"pairs": 3}), f.batch(torch.tensor([2])), x[2:3]), 12)
    assert torch.allclose(both[2], alone[0], rtol=1e-7, atol=1e-9)
