"""Meta-train a recurrent optimizer for a family of problems of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from l2o.errors import InputError
from l2o.optimizees.instances import Instances
from l2o.optimizers.protocol import Optimizer
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.optimizers.registry import methods
from l2o.seeds import named_seed
from l2o.solvers.arguments import check_number, check_settings, check_threads, check_whole
from l2o.solvers.fitting import steady
from l2o.solvers.meta_plan import EPOCHS, MetaPlan
from l2o.solvers.opponents import HeldOut, run, starts
from l2o.solvers.problems import checked_problems
from l2o.storage.checkpoints import save_tensors


@dataclass(frozen=True)
class Minimised:
    """What :func:`minimise` found.

    Parameters
    ----------
    x : (problems, n) float64
    objective : f there, (problems,) float64
    start : f at the start, (problems,) float64
    """

    x: Tensor
    objective: Tensor
    start: Tensor


@dataclass(frozen=True)
class MetaFitted:
    """A recurrent optimizer, trained by :func:`meta_fit`.

    Parameters
    ----------
    optimizer : with ``init`` and ``step``, as :func:`l2o.load` gives it for a saved one
    horizon : iterations that it was trained for
    start_scale : standard deviation of the starts that it was trained from
    history : rows of the training
    comparison : with classical methods on problems held out, None where it was not asked for
    told : what the saved file says of the training
    """

    optimizer: RecurrentOptimizer
    horizon: int
    start_scale: float
    history: list[dict[str, Any]] = field(repr=False)
    comparison: HeldOut | None
    told: Mapping[str, Any]

    def minimise(
        self, problems: Instances, x0: Any = None, iterations: int | None = None, seed: int = 0
    ) -> Minimised:
        """Minimise problems; see :func:`minimise`. By default as trained: starts, horizon."""
        if x0 is None and isinstance(problems, Instances):
            x0 = starts(problems, self.start_scale, named_seed(seed, "start"))
        count = self.horizon if iterations is None else iterations
        return minimise(self.optimizer, problems, x0, count)

    def save(self, path: str | Path) -> None:
        """Write a checkpoint, safetensors, that ``l2o.load`` reads.

        Raises
        ------
        InputError : the file cannot be written.
        """
        record = {"method": self.optimizer.name, "setting": "own_problems"}
        record |= {"hyperparameters": self.optimizer.hyper, "fit": dict(self.told)}
        save_tensors(path, self.optimizer.state_dict(), record)

    def __repr__(self) -> str:
        weights = sum(weight.numel() for weight in self.optimizer.parameters())
        told = self.told
        return (
            f"<{self.optimizer.label} of {weights:,} weights, meta-trained for {self.horizon} "
            f"iterations on {told['problems']:,} {told['family']} problems with "
            f"{told['dimension']:,} unknowns, {told['epochs']:,} epochs>"
        )


def minimise(
    optimizer: Optimizer, problems: Instances, x0: Any = None, iterations: int = 100
) -> Minimised:
    """Minimise problems by an optimizer, a recurrent one in float32, all as one batch.

    Parameters
    ----------
    optimizer : a recurrent one, as ``l2o.load`` and :func:`meta_fit` give, or a first-order method
    problems : instances of a class as in :func:`meta_fit`
    x0 : starts, (problems, n); by default 0
    iterations : how many are done

    Returns
    -------
    where the runs ended, and the objectives there and at the starts

    Raises
    ------
    InputError : no problems, starts of another shape or not finite, no iterations.
    """
    if not isinstance(problems, Instances):
        raise InputError("problems", "", f"{problems!r} are none", "give instances of your class")
    f, shape = problems.to(torch.float64), (len(problems), problems.dimension)
    x = torch.zeros(shape) if x0 is None else torch.as_tensor(x0)
    if tuple(x.shape) != shape or x.is_complex() or not x.isfinite().all():
        problem = f"has shape {tuple(x.shape)}, not {shape}, or is not finite"
        raise InputError("x0", "", problem, "give a start for each problem")
    check_whole("iterations", iterations, 1)
    single = isinstance(optimizer, RecurrentOptimizer)
    at, _ = run(optimizer, f, x.double(), iterations, torch.float32 if single else torch.float64)
    with torch.no_grad():
        return Minimised(at, f.objective(at), f.objective(x.double()))


def meta_fit(
    family: Instances,
    method: str = "l2o_rnnprop",
    *,
    horizon: int = 100,
    start_scale: float = 1.0,
    budget: str = "standard",
    minutes: float | None = None,
    hyperparameters: Mapping[str, float] | None = None,
    seed: int = 0,
    threads: int | None = None,
    keep: str | Path | None = None,
    compare: bool = True,
    progress: bool = True,
) -> MetaFitted:
    """Meta-train a recurrent optimizer on a family of differentiable problems of your own.

    Of the problems 70 % train, 15 % choose weights and settings, and 15 % are held out for the
    comparison. The meta-loss is that of :class:`l2o.solvers.problems.Gauged`, or the class's own.

    Parameters
    ----------
    family : problems, at least 20: an instance of a class that you derive from ``l2o.Problems``
    method : a recurrent optimizer that ``l2o methods`` lists
    horizon : iterations that it is trained for
    start_scale : standard deviation of the starts, which are normal and around 0
    budget : ``quick``, ``standard`` or ``thorough``
    minutes : train for about that long instead
    hyperparameters : settings of the method, by name; ``scale``, which bounds a step, is twice
        Adam's tuned rate by default, and ``rate``, the first one, that rate
    seed : of all that is drawn: the same call gives the same optimizer, to the bit, unless
        ``minutes`` measure the machine
    threads : of the CPU; by default as many as torch has
    keep : folder for the state of the training: a call that was stopped goes on from there. It is
        removed at the end. None: nothing is kept
    compare : measure it beside classical methods on problems held out: ``comparison``
    progress : show it, and that comparison

    Raises
    ------
    InputError : bad problems or settings, an unwritable folder, a training that only diverged.
    """
    given = dict(hyperparameters or {})
    _check(method, budget, minutes, given)
    _check_numbers(horizon, start_scale, seed, threads)
    problems = checked_problems(family, start_scale)
    with steady(threads):
        plan = MetaPlan(problems, method, horizon, float(start_scale), budget, minutes, given, seed)
        if progress:
            print(plan.note(), flush=True)
        optimizer, state = plan.trained(None if keep is None else Path(keep), progress)
        told = plan.told() | {"epochs": state.epoch}
        table = plan.compared(optimizer) if compare else None
    if progress and table is not None:
        print(table, flush=True)
    return MetaFitted(optimizer, horizon, float(start_scale), state.history, table, told)


def _check(method: str, budget: str, minutes: float | None, given: Mapping[str, Any]) -> None:
    heads = methods("recurrent")
    if method not in heads:
        problem = f"{method!r} is no recurrent optimizer"
        raise InputError("method", "", problem, f"give one of {', '.join(heads)}")
    if budget not in EPOCHS:
        problem = f"{budget!r} is no budget"
        raise InputError("budget", "", problem, f"give one of {', '.join(EPOCHS)}, or minutes")
    if minutes is not None:
        check_number("minutes", minutes, 0, 1e5)
    check_settings(method, given, heads[method].ranges)


def _check_numbers(horizon: Any, start_scale: Any, seed: Any, threads: Any) -> None:
    check_whole("horizon", horizon, 1)
    check_whole("seed", seed, 0)
    check_threads(threads)
    check_number("start_scale", start_scale, 0, 1e6, closed=True)
