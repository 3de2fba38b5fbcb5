"""CMA-ES, multi-start and basin hopping: against libraries, and against the equations in numpy."""

from __future__ import annotations

import math
from itertools import islice

import cma
import numpy as np
import pytest
import torch
from scipy.optimize import basinhopping
from scipy.optimize import minimize as scipy_minimize

from l2o.evaluation.family import followed
from l2o.evaluation.runs import start_points
from l2o.optimizees.rastrigin import Rastrigin, sample_slices
from l2o.optimizees.repeated import Repeated
from l2o.optimizers.descents import Descents, _bent
from l2o.optimizers.local_descent import local_minimum
from l2o.optimizers.population.basin_hopping import BasinHopping
from l2o.optimizers.population.cma_es import CmaEs, Evolution, updated
from l2o.optimizers.population.multi_start import MultiStart
from l2o.optimizers.protocol import iterates
from small_landscapes import classical_rastrigin

ALL = [CmaEs({"population": 16}), MultiStart({}), MultiStart({"descents": 1}), BasinHopping({})]
ALL += [BasinHopping({"descents": 2, "temperature": 0.0}), CmaEs({"evaluations": 12})]


def name(optimizer) -> str:
    return f"{optimizer.name}-{optimizer.hyper['evaluations']}-{optimizer.hyper.get('descents')}"


def instances(n: int = 3, count: int = 6) -> Rastrigin:
    arrays = next(iter(sample_slices(n, count, 4, ("populations",))))
    return Rastrigin(*(torch.from_numpy(array.copy()) for array in arrays))


def plain(f: Rastrigin, q: int):
    """One instance's f and gradient at one point, in numpy."""
    A, b, c = (part[q].numpy() for part in (f.A, f.b, f.c))

    def value(x):
        r = A @ x - b
        f_x = r @ r / 2 + f.alpha * (len(c) - c @ np.cos(2 * np.pi * x))
        return f_x, A.T @ r + 2 * np.pi * f.alpha * c * np.sin(2 * np.pi * x)

    return value


@pytest.mark.parametrize("optimizer", ALL, ids=name)
def test_every_step_costs_the_same_and_nothing_is_ever_lost(optimizer):
    f, starts = instances(), start_points(0, 2, 6, 3, 1.0)
    recorded = [0, 1, 2, 5, 40]
    runs = followed(optimizer, f, starts, recorded, torch.float64)
    each = optimizer.hyper["evaluations"]
    assert (runs.evaluations == each * np.array(recorded)[:, None, None]).all()
    assert np.allclose(runs.values[0], f.objective(starts).numpy())
    assert (np.diff(runs.values[1:], axis=0) <= 0).all() and np.isfinite(runs.values).all()
    assert runs.values[-1].mean() < runs.values[0].mean() - 5


@pytest.mark.parametrize("optimizer", ALL, ids=name)
def test_the_same_start_gives_the_same_run_whatever_the_others_are(optimizer):
    f, x = instances(), start_points(0, 1, 6, 3, 1.0)[0]
    last = next(islice(iterates(optimizer, f, x), 30, None))
    assert torch.equal(last, next(islice(iterates(optimizer, f, x), 30, None)))
    few = next(islice(iterates(optimizer, f.batch(torch.arange(2)), x[:2]), 30, None))
    assert torch.allclose(few, last[:2], rtol=1e-5, atol=1e-5)
    other = type(optimizer)({**optimizer.hyper, "seed": 1})
    assert not torch.allclose(last, next(islice(iterates(other, f, x), 30, None)))


@pytest.mark.parametrize("optimizer", ALL, ids=name)
def test_the_classical_minimum_is_found(optimizer):
    f = Repeated(classical_rastrigin(2), 8)
    x = 2.0 * start_points(0, 1, 8, 2, 1.0)[0]
    best = next(islice(iterates(optimizer, f, x), 400, None))
    assert f.objective(best).median() < 1e-3


def generations_in_numpy(values_of, mean, sigma, steps: list[np.ndarray]):
    """Mean, step size and covariance after generations whose standard normal draws are given."""
    n = len(mean)
    C, pc, ps = np.eye(n), np.zeros(n), np.zeros(n)
    for g, z in enumerate(steps):
        lam = len(z)
        mu = lam // 2
        w = np.array([math.log((lam + 1) / 2) - math.log(i + 1) for i in range(lam)])
        mueff = w[:mu].sum() ** 2 / (w[:mu] ** 2).sum()
        mueff_minus = w[mu:].sum() ** 2 / (w[mu:] ** 2).sum()
        cs = (mueff + 2) / (n + mueff + 5)
        damps = 1 + 2 * max(0, math.sqrt((mueff - 1) / (n + 1)) - 1) + cs
        cc = (4 + mueff / n) / (n + 4 + 2 * mueff / n)
        c1 = 2 / ((n + 1.3) ** 2 + mueff)
        cmu = min(1 - c1, 2 * (0.25 + mueff + 1 / mueff - 2) / ((n + 2) ** 2 + mueff))
        negative = min(1 + c1 / cmu, 1 + 2 * mueff_minus / (mueff + 2), (1 - c1 - cmu) / n / cmu)
        w = np.where(w >= 0, w / w[w > 0].sum(), negative * w / -w[w < 0].sum())
        squares, B = np.linalg.eigh(C)
        root, whiten = (B * squares**0.5) @ B.T, (B / squares**0.5) @ B.T
        y = z @ root.T
        y = y[np.argsort([values_of(mean + sigma * step) for step in y])]
        step = sum(w[i] * y[i] for i in range(mu))
        mean = mean + sigma * step
        ps = (1 - cs) * ps + math.sqrt(cs * (2 - cs) * mueff) * whiten @ step
        chi = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n**2))
        norm = np.linalg.norm(ps)
        h = norm / math.sqrt(1 - (1 - cs) ** (2 * (g + 1))) < (1.4 + 2 / (n + 1)) * chi
        pc = (1 - cc) * pc + h * math.sqrt(cc * (2 - cc) * mueff) * step
        delta = (1 - h) * cc * (2 - cc)
        C = (1 + c1 * delta - c1 - cmu * w.sum()) * C + c1 * np.outer(pc, pc)
        for i in range(lam):
            own = w[i] if w[i] >= 0 else w[i] * n / np.linalg.norm(whiten @ y[i]) ** 2
            C = C + cmu * own * np.outer(y[i], y[i])
        sigma = sigma * math.exp(min(1, cs / damps * (norm / chi - 1)))
    return mean, sigma, C


def test_generations_are_those_of_the_tutorial():
    f, x = instances(), start_points(0, 1, 6, 3, 1.0)[0]
    optimizer = CmaEs({"evaluations": 5, "population": 10, "sigma": 0.7})
    state, draws = optimizer.init(f, x), []
    for k in range(1, 9):
        state = optimizer.step(f, state)
        draws.append(optimizer.drawn("points", k, x, 5).numpy())
    now = Evolution(*state)
    assert now.generation.tolist() == [4] * 6 and now.drawn.tolist() == [0] * 6
    for q in range(6):
        z = [np.concatenate([draws[2 * g][q], draws[2 * g + 1][q]]) for g in range(4)]
        value = plain(f, q)
        mean, sigma, C = generations_in_numpy(lambda at, v=value: v(at)[0], x[q].numpy(), 0.7, z)
        assert np.allclose(now.mean[q], mean) and np.allclose(now.C[q], C)
        assert now.sigma[q].item() == pytest.approx(sigma)


def test_ends_are_distributed_as_those_of_the_library():
    f, starts = instances(3, 8), start_points(0, 4, 8, 3, 1.0)
    ours = followed(CmaEs({"doublings": 0, "population": 16}), f, starts, [150], torch.float64)
    theirs = np.empty((4, 8))
    options = {"popsize": 16, "verbose": -9, "maxfevals": 1200, "tolfun": 1e-4}
    random = np.random.default_rng(0)
    for q in range(8):
        value = plain(f, q)
        for s in range(4):
            x, left, lowest = starts[s, q].numpy(), 1200, math.inf
            while left >= 16:
                given = {**options, "seed": int(random.integers(1, 2**31))}
                es = cma.CMAEvolutionStrategy(x, 1.0, given)
                while not es.stop() and left >= 16:
                    points = es.ask()
                    found = [value(at)[0] for at in points]
                    es.tell(points, found)
                    left, lowest = left - 16, min(lowest, *found)
                x = random.standard_normal(3)
            theirs[s, q] = lowest
    error = math.sqrt((ours.values[0].var(axis=0) + theirs.var(axis=0)).mean() / 32)
    assert abs(ours.values[0].mean() - theirs.mean()) < 4 * error < 1.5
    assert np.corrcoef(ours.values[0].mean(0), theirs.mean(0))[0, 1] > 0.95


def test_a_flat_generation_begins_anew_with_twice_the_population():
    f, x = instances(2, 3), start_points(0, 1, 3, 2, 1.0)[0]
    optimizer = CmaEs({"doublings": 2})
    states = []
    state = optimizer.init(f, x)
    for _ in range(400):
        state = optimizer.step(f, state)
        states.append(Evolution(*state))
    doubled = torch.stack([s.doubled for s in states])
    assert (doubled.diff(dim=0) >= 0).all() and doubled[-1].tolist() == [2, 2, 2]
    first = int((doubled[:, 0] == 1).nonzero()[0])
    assert states[first].sigma[0] == 1.0 and states[first].generation[0] == 0
    assert torch.equal(states[first].C[0], torch.eye(2, dtype=torch.float64))
    assert states[first + 1].drawn[0] == 8 and states[first + 2].drawn[0] == 0


def test_values_that_are_no_numbers_do_not_end_a_run():
    class Holed(Rastrigin):
        def objective(self, x):
            return torch.where(x[..., 0] > 0.3, torch.nan, super().objective(x))

        def gradient(self, x):
            return torch.where(x[..., :1] > 0.3, torch.nan, super().gradient(x))

    f, x = instances(2, 4), start_points(0, 1, 4, 2, 1.0)[0].abs().neg()
    holed = Holed(f.A, f.b, f.c)
    for optimizer in ALL:
        best = next(islice(iterates(optimizer, holed, x), 60, None))
        assert (holed.objective(best) < holed.objective(x) - 1.0).all()


def test_the_inverse_hessian_is_that_of_bfgs():
    random = np.random.default_rng(0)
    s, y = random.standard_normal((2, 1, 3, 4))
    y[0, 1] = -s[0, 1]  # a curvature below zero: nothing is learned
    H = np.eye(4)[None, None].repeat(3, axis=1) * 2.0
    plain_yet = torch.tensor([[False, True, True]])
    y[0, 2] = s[0, 2] * np.array([1.0, 2.0, 3.0, 4.0])
    y[0, 0] = s[0, 0] * np.array([1.0, 1.0, 0.5, 4.0])
    bent, still = _bent(*map(torch.from_numpy, (H,)), plain_yet, *map(torch.from_numpy, (s, y)))
    assert still.tolist() == [[False, True, False]] and np.allclose(bent[0, 1], H[0, 1])
    for q, first in ((0, H[0, 0]), (2, np.eye(4) * (s[0, 2] @ y[0, 2]) / (y[0, 2] @ y[0, 2]))):
        rho = 1 / (s[0, q] @ y[0, q])
        left = np.eye(4) - rho * np.outer(s[0, q], y[0, q])
        expected = left @ first @ left.T + rho * np.outer(s[0, q], s[0, q])
        assert np.allclose(bent[0, q], expected)
        assert np.allclose(expected @ y[0, q], s[0, q])


def test_descents_end_at_local_minima_and_solve_quadratics_fast():
    f, x = instances(4, 5), start_points(0, 1, 5, 4, 1.0)[0]
    optimizer = MultiStart({"descents": 1, "evaluations": 2})
    state, seen = optimizer.init(f, x), []
    for _ in range(300):
        before, state = Descents(*state), optimizer.step(f, state)
        begun = Descents(*state).value.isinf()[0]
        seen += [before.x[0, q] for q in begun.nonzero()[:, 0] if q == 0]
    for at in seen:  # where the first instance's descents stood a trial before they ended
        end = local_minimum(f.batch(torch.tensor([0])), at[None])[0]
        assert (end - at).norm() < 0.05
    assert len(seen) >= 8
    smooth = Rastrigin(f.A, f.b, 0.0 * f.c)
    best = next(islice(iterates(optimizer, smooth, x), 60, None))
    assert torch.allclose(smooth.objective(best), torch.full((5,), 40.0).double(), atol=0.01)


def test_multi_start_is_as_good_as_that_of_scipy():
    f, starts = instances(3, 8), start_points(0, 2, 8, 3, 1.0)
    ours = followed(MultiStart({"descents": 1}), f, starts, [150], torch.float64).values[0]
    random = np.random.default_rng(0)
    theirs = np.empty((2, 8))
    for q in range(8):
        value = plain(f, q)
        for s in range(2):
            x, left, lowest = starts[s, q].numpy(), 600, math.inf
            while left > 0:
                found = scipy_minimize(value, x, jac=True, method="BFGS", options={"gtol": 1e-3})
                left, lowest = left - found.nfev, min(lowest, found.fun)
                x = random.standard_normal(3)
            theirs[s, q] = lowest
    assert ours.mean() <= theirs.mean() + theirs.std(axis=0).mean() + 0.3


def test_basin_hopping_is_as_good_as_that_of_scipy():
    f, starts = instances(3, 8), start_points(0, 2, 8, 3, 1.0)
    hopping = BasinHopping({"descents": 1, "jump": 1.0, "temperature": 1.0})
    ours = followed(hopping, f, starts, [150], torch.float64).values[0]
    theirs = np.empty((2, 8))
    for q in range(8):
        value = plain(f, q)
        for s in range(2):
            spent = []

            def counted(x, value=value, spent=spent):
                spent.append(1)
                return value(x)

            given = {"method": "BFGS", "jac": True, "options": {"gtol": 1e-3}}
            theirs[s, q] = basinhopping(
                counted,
                starts[s, q].numpy(),
                niter=1000,
                T=1.0,
                stepsize=1.0,
                interval=10**6,
                minimizer_kwargs=given,
                callback=lambda *_, spent=spent: len(spent) >= 600,
                rng=s,
            ).fun
    assert ours.mean() <= theirs.mean() + theirs.std(axis=0).mean() + 0.3


def test_a_walk_at_temperature_zero_never_leaves_for_something_higher():
    f, x = instances(3, 4), start_points(0, 1, 4, 3, 1.0)[0]
    cold, warm = (BasinHopping({"temperature": t}) for t in (0.0, 100.0))
    rises = []
    for optimizer in (cold, warm):
        state, rise = optimizer.init(f, x), 0
        for _ in range(200):
            before, state = Descents(*state).level, optimizer.step(f, state)
            rise += int((Descents(*state).level > before + 1e-12).sum())
        rises.append(rise)
    assert rises[0] == 0 < rises[1]


def test_a_generation_keeps_covariances_positive():
    f, x = instances(10, 6), start_points(0, 1, 6, 10, 1.0)[0]
    optimizer = CmaEs({})
    state = optimizer.init(f, x)
    for _ in range(120):
        state = optimizer.step(f, state)
    now = Evolution(*state)
    assert (torch.linalg.eigvalsh(now.C) > 0).all() and (now.sigma > 0).all()
    assert updated(now, 8).mean.shape == x.shape
