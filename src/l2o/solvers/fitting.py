"""The training of a user's solver, from data to a solver; :mod:`l2o.solvers.fit` is the door."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from l2o.config.training import Training
from l2o.errors import InputError
from l2o.optimizers.registry import Head, methods
from l2o.optimizers.trained import NORMS, Checkpoint
from l2o.optimizers.unrolled.net import UnrolledNet
from l2o.solvers import budgets
from l2o.solvers.dictionary import Dictionary
from l2o.solvers.measures import Measure, Recovery, Suboptimality
from l2o.solvers.opening import opened
from l2o.solvers.samples import Data, Split
from l2o.solvers.solver import Solver
from l2o.storage.json_files import read_json, write_json
from l2o.training.lasso_loss import LassoLoss
from l2o.training.losses import RecoveryLoss, TrainingLoss
from l2o.training.progressive import Samples
from l2o.training.stages import schedule
from l2o.training.unrolled import trained, trainer_of

TRIAL_STEPS = 20  # of one layer, to learn how many a minute has
# In the folder of an unfinished training: how far it is, and what was measured at its start.
STATE, PLAN = "state.safetensors", "plan.json"


@dataclass(frozen=True)
class Plan:
    """How a solver is trained.

    Parameters
    ----------
    method : name of an unrolled net
    layers : iterations that are learned
    objective : ``recovery`` or ``lasso``
    lam : weight of the 1-norm for the user's data, where the objective is ``lasso``
    budget : by name, see :mod:`l2o.solvers.budgets`
    minutes : in place of the budget
    hyperparameters : of the method, by name
    seed : of the order of the samples
    share : of the steps of the budget that are made
    """

    method: str
    layers: int
    objective: str
    lam: float | None
    budget: str
    minutes: float | None
    hyperparameters: Mapping[str, float]
    seed: int
    share: float = 1.0


def fitted(dictionary: Dictionary, data: Data, plan: Plan, folder: Path, quiet: bool) -> Solver:
    """Return a solver that is trained on the data.

    Parameters
    ----------
    dictionary : the user's
    data : with the targets of the objective
    folder : of the state, which an interrupted call goes on from; see :func:`kept`
    quiet : show no progress

    Raises
    ------
    InputError : the state cannot be written, or the dictionary leaves a method no weights.
    """
    return grown(untrained(dictionary, data, plan), dictionary, data, plan, folder, quiet)


def untrained(dictionary: Dictionary, data: Data, plan: Plan) -> UnrolledNet:
    """Return the net of a plan at its start.

    Raises
    ------
    InputError : the dictionary leaves the method no weights.
    """
    head = methods("unrolled")[plan.method]
    hyper = {**suited(head, data, plan), **plan.hyperparameters}
    return _net(head, dictionary.A, plan.layers, hyper)


def grown(
    net: UnrolledNet, dictionary: Dictionary, data: Data, plan: Plan, folder: Path, quiet: bool
) -> Solver:
    """Return the solver of a net, trained; or the same again, where the folder says it was.

    Parameters
    ----------
    net : at its start
    dictionary, data, plan, folder, quiet : see :func:`fitted`

    Raises
    ------
    InputError : the state cannot be written.
    """
    head, lam = methods("unrolled")[plan.method], plan.lam
    loss = RecoveryLoss() if lam is None else LassoLoss(net.A, lam / data.scale)
    parts = {name: (split.b, split.target) for name, split in data.splits.items()}
    budget = _budget(folder, net, data, loss, plan)
    place = {"state_path": folder / STATE, "title": net.label, "quiet": quiet}
    place["key"] = _key(dictionary, data, plan, net.hyper, budget)
    sets = parts["train"], parts["validation"]
    state = trained(net, *sets, loss, budget, plan.seed, **place)
    tensors = {name: tensor.detach().clone() for name, tensor in net.state_dict().items()}
    if (dictionary.norms != 1).any():
        tensors[NORMS] = torch.from_numpy(dictionary.norms).float()
    record = {"method": net.name, "setting": "own_problems", "depth": plan.layers}
    record |= {"hyperparameters": net.hyper, "scale": data.scale}
    record |= {} if plan.lam is None else {"lam": plan.lam}
    told = {"data": data.setting, "budget": plan.budget, "seed": plan.seed}
    checkpoint = Checkpoint(Path("fit"), head, tensors, record | {"fit": told})
    solver = opened(checkpoint, None, None, "A")
    result = _result(solver, data, *held_out(dictionary, data, plan.lam, "test"))
    solver.record = record | {"fit": told | {"result": result}}
    solver.about = replace(solver.about, notes=(*dictionary.notes, *data.notes))
    solver.history = list(state.history)
    return solver


def held_out(
    dictionary: Dictionary, data: Data, lam: float | None, split: str
) -> tuple[np.ndarray, Measure]:
    """Return measurements of a split, (samples, m), and the measure of their solutions."""
    part: Split = data.splits[split]
    b = part.b.astype(np.float64) * data.scale
    if lam is None:
        return b, Recovery(part.target.astype(np.float64) * data.scale / dictionary.norms)
    optimum = part.target * data.scale**2
    return b, Suboptimality(dictionary.A, dictionary.norms, b, lam, optimum)


def suited(head: Head, data: Data, plan: Plan) -> dict[str, float]:
    """Return settings that suit the data: the share of entries that escape the threshold, or what a
    prior is to begin with; and lam.

    In the benchmark 1.3 times the density escape, from the eleventh of sixteen layers on. A
    minimiser of LASSO has all its entries shrunk.
    """
    own, found = head.hyperparameters, {}
    if plan.objective == "lasso":
        found = {"lam": plan.lam / data.scale, "support_step": 0.0, "support_max": 0.0}
    elif data.density is not None:
        most = min(130.0 * data.density, 50.0)
        found = {"support_max": most, "support_step": most * 16 / (11 * plan.layers)}
        x = data.splits["train"].target
        variance = float(np.square(x, dtype=np.float64).sum() / max(np.count_nonzero(x), 1))
        found |= {"density": min(max(data.density, 1e-3), 0.5), "variance": variance or 1.0}
    return {name: value for name, value in found.items() if name in own}


@contextmanager
def steady(threads: int | None) -> Iterator[None]:
    """Compute with so many threads, and treat numbers that are too small for full speed as 0.

    Late layers meet gradients near 1e-38. What torch was set to before is put back.
    """
    before, denormal = torch.get_num_threads(), bool(torch.tensor(1e-42) * 0.5 != 0)
    try:
        torch.set_num_threads(threads or before)
        torch.set_flush_denormal(True)
        yield
    finally:
        torch.set_num_threads(before)
        torch.set_flush_denormal(not denormal)


def _net(head: Head, A: np.ndarray, layers: int, hyper: Mapping[str, float]) -> UnrolledNet:
    try:
        with torch.device("cpu"):
            return head.load()(torch.from_numpy(A).float(), layers, hyper).float()
    except ValueError as error:
        remedy = "remove that column, or take a method without analytic weights, as lista_cp"
        raise InputError("A", "", str(error), remedy) from error


@contextmanager
def kept(keep: Path | None) -> Iterator[Path]:
    """Yield the folder of the state of a training, or of several; it goes when all is done."""
    if keep is None:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
        return
    yield keep
    places = [*(place_of(keep, name) for name in budgets.CANDIDATES), keep]
    for name in (STATE, PLAN):  # what was measured holds as long as a state may need it
        for place in places:
            (place / name).unlink(missing_ok=True)
    for place in places:
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def place_of(folder: Path, method: str) -> Path:
    """Return the folder of one of several candidates, inside that of their training."""
    return folder / f"candidate_{method}"


def _budget(folder: Path, net: UnrolledNet, data: Data, loss: TrainingLoss, plan: Plan) -> Training:
    """Return the stages; of a time in minutes what was measured when the training began."""
    samples, width = len(data.splits["train"].b), sum(net.A.shape)

    def stages(factor: float) -> Training:
        return budgets.training(plan.method, plan.objective, factor, samples, width)

    if plan.minutes is None:
        return stages(plan.share * budgets.factor_of(plan.budget))
    noted = folder / PLAN
    begun = read_json(noted) if noted.is_file() else {}
    if begun.get("minutes") != plan.minutes:
        factor = _fitting_factor(net, data, loss, stages(1.0), plan)
        begun = {"minutes": plan.minutes, "factor": factor}
        write_json(noted, begun)
    return stages(begun["factor"])


def _fitting_factor(
    net: UnrolledNet, data: Data, loss: TrainingLoss, budget: Training, plan: Plan
) -> float:
    """Return the factor on a budget's steps that takes about the time of the plan."""
    one = type(net)(net.A, 1, net.hyper).float()
    tried = "layer_steps" if one.per_layer else "final_steps"
    steps = {"layer_steps": 0, "window_steps": 0, "final_steps": 0, tried: TRIAL_STEPS}
    trial = budget.model_copy(update=steps)
    sets = [
        Samples(*(torch.from_numpy(part[:1024]).float() for part in (split.b, split.target)))
        for split in (data.splits["train"], data.splits["validation"])
    ]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "trial", "trial", lambda stage, row: None
        trainer = trainer_of(one, *sets, loss, trial, plan.seed, *place)
        began = perf_counter()
        trainer.run()
        step = (perf_counter() - began) / TRIAL_STEPS
    layers = sum(s.steps * (s.last - s.first + 1) for s in schedule(plan.layers, budget))
    return float(np.clip(60.0 * plan.minutes / (step * layers), 0.02, 1000.0))


def _key(
    dictionary: Dictionary,
    data: Data,
    plan: Plan,
    hyper: Mapping[str, float],
    budget: Training,
) -> str:
    """Return what makes a training what it is: data, plan and budget, as a hash."""
    found = hashlib.sha256()
    for array in (dictionary.A, *(a for s in data.splits.values() for a in (s.b, s.target))):
        found.update(np.ascontiguousarray(array).tobytes())
    told = [plan.method, plan.layers, plan.objective, plan.lam, plan.seed, dict(hyper)]
    found.update(json.dumps([*told, budget.model_dump()], sort_keys=True).encode())
    return found.hexdigest()


def _result(solver: Solver, data: Data, b: np.ndarray, measure: Measure) -> str:
    """Return what the solver reaches on samples that were held out, in words."""
    errors = measure.errors(solver.solve(b).x)
    return f"{measure.name} {errors.mean():.1f} dB on {len(b):,} samples held out ({data.setting})"
