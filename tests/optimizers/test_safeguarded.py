"""The safeguard: whatever the optimizer does, the objective falls to the optimum."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from l2o.optimizees.lasso_optimum import lasso_objective
from l2o.optimizers.classical.fista import Fista
from l2o.optimizers.classical.ista import Ista
from l2o.optimizers.continued import Continued
from l2o.optimizers.safeguarded import Safeguarded
from solve_cases import (
    LAM,
    OPTIMA,
    RECURRENT,
    SAMPLES,
    A,
    B,
    N,
    at_step,
    broken,
    lasso,
    make_method,
    zeros,
)


class Jump:
    """An optimizer that goes to given points, whatever the problem."""

    name = label = "jump"

    def __init__(self, *points: torch.Tensor) -> None:
        self.points = points

    def init(self, optimizee, x):
        return x, 0

    def step(self, optimizee, state):
        _, k = state
        return self.points[min(k, len(self.points) - 1)], k + 1


class Creep:
    """An optimizer whose steps always lead down, ever less."""

    name = label = "creep"

    def init(self, optimizee, x):
        return x, torch.tensor(1e-3)

    def step(self, optimizee, state):
        x, size = state
        return x - size * optimizee.gradient(x), size / 2


def bad_optimizers():
    far = torch.full((SAMPLES, N), 1e200, dtype=torch.float64)
    fista = Fista(lasso().A, {"lam": LAM})
    wild = broken("lista", lambda p: p + 3 * torch.randn(p.shape, dtype=p.dtype))
    return {
        **{name: broken(name, lambda p: 5 * torch.randn(p.shape).to(p)) for name in RECURRENT},
        "not a number": broken("l2o_dm", lambda p: p * torch.nan),
        "overflow": Jump(far, far * torch.inf, -far),
        "stands still": Jump(zeros()),
        "ever shorter steps": Creep(),
        "net with wild weights": Continued(wild, fista),
        "classical": fista,
    }


@pytest.mark.parametrize("name", bad_optimizers())
def test_whatever_the_optimizer_does_the_objective_falls_to_the_optimum(name):
    torch.manual_seed(4)
    proximal, problem = Ista(lasso().A, {"lam": LAM}), lasso()
    optimizer = Safeguarded(bad_optimizers()[name], proximal)
    state = optimizer.init(problem, zeros())
    distance = torch.from_numpy(np.square(OPTIMA.x).sum(axis=1))
    with torch.no_grad():
        for k in range(1, 601):
            before, state = state[1], optimizer.step(problem, state)
            assert (state[1] <= before).all()
            bound = 2 * proximal.lipschitz * distance / (k + 1) ** 2
            assert (problem.excess(state[0]) <= bound + 1e-14).all()
    assert torch.equal(state[1], problem.objective(state[0]))
    assert float(problem.relative_loss(state[0]).max()) < 1e-6


def monotone_fista(b: np.ndarray, proposed: np.ndarray, step: float):
    """One instance in plain NumPy: the iterates and how many came from the proximal gradient."""

    def f(x):
        return lasso_objective(A, b[None], LAM, x[None])[0]

    x = p = np.zeros(N)
    t, taken, path = 1.0, 0, []
    for y in proposed:
        v = p - step * A.T @ (A @ p - b)
        z = np.sign(v) * np.maximum(np.abs(v) - step * LAM, 0)
        new = min((x, z, y), key=f)
        taken += new is z
        t, last = (1 + np.sqrt(1 + 4 * t * t)) / 2, t
        p = new + last / t * (z - new) + (last - 1) / t * (new - x)
        x = new
        path.append(x)
    return np.stack(path), taken


def test_the_safeguard_is_monotone_fista_with_a_third_choice():
    problem, random = lasso(), np.random.default_rng(5)
    # Now and then a point a little nearer to the optimum than FISTA is by then; else a bad one.
    shares = np.where(random.random((40, SAMPLES, 1)) < 0.3, 0.7 ** np.arange(40)[:, None, None], 1)
    points = OPTIMA.x - shares * random.standard_normal((40, SAMPLES, N)) * np.abs(OPTIMA.x)
    proximal = Ista(problem.A, {"lam": LAM})
    optimizer = Safeguarded(Jump(*torch.from_numpy(points)), proximal)
    state, found = optimizer.init(problem, zeros()), []
    for _ in points:
        state = optimizer.step(problem, state)
        found.append(state[0].numpy())
    for i in range(SAMPLES):
        path, taken = monotone_fista(B[i], points[:, i], 1 / proximal.lipschitz)
        np.testing.assert_allclose(np.stack(found)[:, i], path, rtol=0, atol=1e-10)
        assert taken == int(state[2][i])
    assert int(state[2].min()) > 0 and int(state[2].max()) < 35


def test_a_good_step_is_taken_and_no_other_counts_as_one():
    problem, best = lasso(), torch.from_numpy(OPTIMA.x)
    optimizer = Safeguarded(Jump(best), Ista(problem.A, {"lam": LAM}))
    state = optimizer.init(problem, zeros())
    for _ in range(20):
        state = optimizer.step(problem, state)
        assert float(problem.relative_loss(state[0]).max()) < 1e-9
    assert int(state[2].max()) < 20  # only rounding is left to fall back for
    first = optimizer.step(problem, optimizer.init(problem, zeros()))
    assert torch.equal(first[0], best) and not first[2].any()


def test_each_instance_is_guarded_by_itself():
    problem, best = lasso(), torch.from_numpy(OPTIMA.x)
    half = torch.arange(SAMPLES) % 2 == 0
    points = torch.where(half[:, None], best, torch.full_like(best, 7.0))
    optimizer = Safeguarded(Jump(points), Ista(problem.A, {"lam": LAM}))
    x, _, taken, *_ = optimizer.step(problem, optimizer.init(problem, zeros()))
    ista = at_step(Ista(problem.A, {"lam": LAM}), 1)
    assert torch.equal(x, torch.where(half[:, None], best, ista))
    assert torch.equal(taken, (~half).long())


def test_a_refused_step_still_moves_the_memory():
    problem, optimizer = lasso(), make_method("l2o_rnnprop").double().requires_grad_(False)
    guarded = Safeguarded(optimizer, Ista(problem.A, {"lam": LAM}))
    state = guarded.init(problem, zeros())
    for _ in range(3):
        expected = optimizer.step(problem, (state[0], *state[7:]))[1:]
        state = guarded.step(problem, state)
        assert all(torch.equal(a, b) for a, b in zip(state[7:], expected, strict=True))


class Detour:
    """An optimizer that leads up for two steps and then, from where it is, to the optimum."""

    name = label = "detour"

    def init(self, optimizee, x):
        return x, 0

    def step(self, optimizee, state):
        x, k = state
        return (x + 5.0 if k < 2 else x - 10.0 + torch.from_numpy(OPTIMA.x)), k + 1


@pytest.mark.parametrize(
    ("uninterrupted", "arrives"), [(3, True), (5, True), (2, False), (0, False)]
)
def test_layers_that_lead_up_first_are_not_interrupted(uninterrupted, arrives):
    problem, proximal = lasso(), Ista(lasso().A, {"lam": LAM})
    optimizer = Safeguarded(Detour(), proximal, uninterrupted)
    state = optimizer.init(problem, zeros())
    for _ in range(3):
        before, state = state[1], optimizer.step(problem, state)
        assert (state[1] <= before).all()
    assert (float(problem.relative_loss(state[0]).max()) < 1e-9) == arrives


def test_after_its_layers_a_net_goes_on_from_the_best_point():
    problem, proximal = lasso(), Ista(lasso().A, {"lam": LAM})
    net = broken("lista", lambda p: p + 3 * torch.randn(p.shape, dtype=p.dtype))
    guarded = Safeguarded(Continued(net, Fista(problem.A, {"lam": LAM})), proximal, net.depth)
    state = guarded.init(problem, zeros())
    with torch.no_grad():
        for k in range(1, 8):
            state = guarded.step(problem, state)
            assert torch.equal(state[6], state[0]) == (k >= net.depth)
