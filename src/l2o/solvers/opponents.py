"""A meta-trained optimizer beside classical ones, on problems that none of them has seen."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from l2o.columns import aligned
from l2o.optimizees.counted import Counted
from l2o.optimizees.instances import Instances
from l2o.optimizers.protocol import Optimizer, State
from l2o.optimizers.registry import methods

RATES = tuple(float(f"{a}e{b}") for b in range(-4, 1) for a in (1, 3))  # of Adam, 1e-4 to 3
FIRST_STEPS = (0.1, 1.0, 10.0, 100.0)  # of a line search
COMPARED_ON = 64  # problems, at most
REPEATS = 3  # timed runs; the fastest counts
LONGEST = 50  # horizons that a quick method is followed at equal time, at most
ALIKE = 1e-6  # of the drop: what is no further above the lowest is as low


@dataclass(frozen=True)
class Outcome:
    """Where a run of all problems ended.

    Parameters
    ----------
    values : f at the end, (problems,) float64
    iterations : done, on average
    evaluations : of f and of its gradient together, of each problem on average
    seconds : of all problems together
    """

    values: np.ndarray
    iterations: float
    evaluations: float
    seconds: float


Run = Callable[[int], Outcome]  # from the most iterations


@dataclass(frozen=True)
class Line:
    """A line of the table.

    Parameters
    ----------
    above : mean of f less the lowest f that any method found, over problems
    failed : share of runs that ended not finite, or not below their start
    """

    method: str
    when: str
    iterations: float
    evaluations: float
    milliseconds: float
    objective: float
    above: float
    failed: float


@dataclass(frozen=True)
class HeldOut:
    """How a meta-trained optimizer does on problems held out; ``print`` shows it.

    Parameters
    ----------
    problems : how many
    lines : of the table, the trained optimizer first
    advice : who is better served by what
    """

    problems: int
    lines: tuple[Line, ...]
    advice: str

    def __str__(self) -> str:
        head = ("method", "when", "iterations", "evaluations", "ms", "mean f", "above lowest")
        rows = [(*head, "failed"), *(_words(line) for line in self.lines)]
        foot = (
            f"On {self.problems:,} problems held out; ms: of all of them, L-BFGS one after the "
            "other, the others as one batch; lowest: that any method found of each problem; "
            "failed: not finite, or not below the start."
        )
        return "\n".join([aligned(rows, 2), foot, self.advice])


def starts(problems: Instances, scale: float, seed: int) -> Tensor:
    """Return random start points, (problems, n) float64."""
    generator = torch.Generator().manual_seed(seed)
    shape = len(problems), problems.dimension
    return scale * torch.randn(*shape, generator=generator, dtype=torch.float64)


@torch.no_grad()
def run(
    optimizer: Optimizer, problems: Instances, x: Tensor, iterations: int, dtype: torch.dtype
) -> tuple[Tensor, Counted]:
    """Return the points after so many iterations, float64, and what was asked for on the way."""
    counted = Counted(problems.to(dtype))
    state: State = optimizer.init(counted, x.to(dtype))
    for _ in range(iterations):
        state = optimizer.step(counted, state)
    return state[0].double(), counted


def tuned(
    name: str, key: str, tried: tuple[float, ...], f: Instances, x: Tensor, iterations: int
) -> Optimizer:
    """Return a first-order method whose mean f at the end is lowest.

    Parameters
    ----------
    key, tried : a hyperparameter, and its values
    f, x : problems, float64, and start points
    """
    made = [methods("first_order")[name].load()({key: value}) for value in tried]
    ends = [float(f.objective(run(each, f, x, iterations, x.dtype)[0]).mean()) for each in made]
    return made[int(np.nan_to_num(ends, nan=np.inf).argmin())]


def lowest(f: Instances, x: Tensor, by: list[Optimizer], iterations: int) -> tuple[Tensor, Tensor]:
    """Return the lowest f that some methods find, and the drop from x until there, (problems,)."""
    first = f.objective(x)
    ends = [f.objective(run(each, f, x, iterations, x.dtype)[0]) for each in by]
    least = torch.stack([first, *ends]).nan_to_num(nan=torch.inf).amin(dim=0)
    tiny = torch.finfo(torch.float32).eps * (1.0 + first.abs())
    return least, (first - least).maximum(tiny)


def held_out(
    trained: Optimizer, classical: list[Optimizer], f: Instances, x: Tensor, iterations: int
) -> HeldOut:
    """Compare on problems ``f``, float64, from ``x``, after so many iterations of each method.

    Then the classical ones are compared at the time that the trained one has taken.
    """
    runs = {trained.label: _batched(trained, f, x, torch.float32)}
    runs |= {_label(each): _batched(each, f, x, torch.float64) for each in classical}
    runs["L-BFGS (SciPy)"] = _lbfgs(f, x)
    first, ends, seconds = f.objective(x).numpy(), {}, dict.fromkeys(runs, np.inf)
    for _ in range(REPEATS):  # interleaved, lest a busy moment be one method's alone
        for name, follow in runs.items():
            ends[name] = follow(iterations)
            seconds[name] = min(seconds[name], ends[name].seconds)
    limit, later = seconds[trained.label], {}
    for name, follow in itertools.islice(runs.items(), 1, None):
        count = int(ends[name].iterations * limit / seconds[name])
        later[name] = follow(max(1, min(count, LONGEST * iterations)))
        later[name] = Outcome(*_of(later[name])[:3], min(limit, later[name].seconds))
    ends = {name: Outcome(*_of(end)[:3], seconds[name]) for name, end in ends.items()}
    every = [end.values for end in (*ends.values(), *later.values())]
    least = np.nanmin(np.stack([first, *every]), axis=0)
    lines = [_line(name, "at equal iterations", end, first, least) for name, end in ends.items()]
    lines += [_line(name, "at equal time", end, first, least) for name, end in later.items()]
    drop = float((first - least).mean())
    return HeldOut(len(first), tuple(lines), _advice(lines, drop))


def _of(outcome: Outcome) -> tuple:
    return outcome.values, outcome.iterations, outcome.evaluations, outcome.seconds


def _batched(optimizer: Optimizer, f: Instances, x: Tensor, dtype: torch.dtype) -> Run:
    def follow(most: int) -> Outcome:
        began = perf_counter()
        at, counted = run(optimizer, f, x, most, dtype)
        seconds = perf_counter() - began
        evaluations = float(counted.evaluations().double().mean())
        return Outcome(f.objective(at).numpy(), most, evaluations, seconds)

    return follow


def _lbfgs(f: Instances, x: Tensor) -> Run:
    """Return runs of SciPy's L-BFGS-B, without bounds, problem by problem."""
    from scipy.optimize import minimize

    ones = [f.batch(torch.tensor([i])) for i in range(len(f))]

    def follow(most: int) -> Outcome:
        with threadpool_limits(torch.get_num_threads(), user_api="blas"):
            return solved(most)

    def solved(most: int) -> Outcome:
        began, found = perf_counter(), []
        for one, start in zip(ones, x.numpy(), strict=True):

            def asked(at: np.ndarray, one: Instances = one) -> tuple[float, np.ndarray]:
                with torch.enable_grad():
                    point = torch.from_numpy(at)[None].requires_grad_()
                    value = one.objective(point).sum()
                    (gradient,) = torch.autograd.grad(value, point)
                return float(value.detach()), gradient[0].numpy()

            options = {"maxiter": most, "maxfun": 20 * most, "ftol": 1e-15, "gtol": 1e-10}
            found.append(minimize(asked, start, jac=True, method="L-BFGS-B", options=options))
        seconds = perf_counter() - began
        values = np.array([float(end.fun) for end in found])
        done, asked_for = np.mean([(end.nit, 2 * end.nfev) for end in found], axis=0)
        return Outcome(values, float(done), float(asked_for), seconds)

    return follow


def _line(name: str, when: str, end: Outcome, first: np.ndarray, least: np.ndarray) -> Line:
    with np.errstate(invalid="ignore", over="ignore"):
        failed = ~(np.isfinite(end.values) & (end.values < first))
        means = float(end.values.mean()), float((end.values - least).mean())
    numbers = end.iterations, end.evaluations, 1e3 * end.seconds
    return Line(name, when, *numbers, *means, float(failed.mean()))


def _advice(lines: list[Line], drop: float) -> str:
    """Return who is better served by a classical method, in words."""
    ours, others = lines[0], lines[1:]
    told = []
    for when in ("at equal iterations", "at equal time"):
        rivals = [line for line in others if line.when == when and np.isfinite(line.above)]
        best = min(rivals, key=lambda line: line.above, default=None)
        if best is not None and not ours.above < best.above + ALIKE * drop:
            told.append(f"{best.method} ends lower {when} (by {ours.above - best.above:.3g})")
    if told:
        return f"{' and '.join(told)}: take that instead."
    if all(line.above <= ours.above + ALIKE * drop for line in others[:1]):
        return "It ends no lower than the classical methods: take one of them."
    return f"No classical method here ends lower than {ours.method}, at equal iterations or time."


def _label(optimizer: Optimizer) -> str:
    return f"{optimizer.label} (rate {optimizer.hyper['rate']:g})"


def _words(line: Line) -> tuple[str, ...]:
    counts = f"{line.iterations:.0f}", f"{line.evaluations:.0f}", f"{line.milliseconds:.3g}"
    ends = f"{line.objective:.6g}", f"{line.above:.3g}", f"{100 * line.failed:.0f} %"
    return line.method, line.when, *counts, *ends
