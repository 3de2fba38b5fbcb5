"""Commands that train nets and optimizers on LASSO. Heavy imports wait until the work begins."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from l2o.artifacts.production import produce
from l2o.commands.common import check_known
from l2o.commands.training import train_recurrent, train_unrolled
from l2o.provenance import Step
from l2o.steps.fig6 import Fig6Steps


def train(
    setting: str,
    method: str,
    data: Path,
    outputs: dict[str, Path],
    state: Path,
    params: Path,
    preset: str,
) -> None:
    """Train a net or a recurrent optimizer, or go on with the training in ``state``."""
    steps = Fig6Steps(params, preset)
    check_known(params, "settings", setting, list(steps.experiment.settings))
    check_known(params, "unrolled and recurrent", method, steps.learned)
    step = steps.training(setting, method)
    kind = _train_unrolled if method in steps.experiment.unrolled else _train_recurrent
    work = partial(kind, steps, step, setting, method, data, outputs, state)
    produce(step, outputs, {data: steps.optimizee_set(setting)}, work)


def _train_unrolled(
    steps: Fig6Steps,
    step: Step,
    setting: str,
    method: str,
    data: Path,
    outputs: dict[str, Path],
    state: Path,
) -> None:
    from l2o.storage.sets import LASSO, read_split
    from l2o.training.lasso_loss import LassoLoss

    lam = steps.experiment.lam
    read = partial(read_split, names=("b", "optimum"), columns=LASSO)
    about = {"lam": lam}
    given = (setting, method, data, read, partial(LassoLoss, lam=lam), about, outputs, state)
    train_unrolled(steps, step, *given)


def _train_recurrent(
    steps: Fig6Steps,
    step: Step,
    setting: str,
    method: str,
    data: Path,
    outputs: dict[str, Path],
    state: Path,
) -> None:
    import torch

    from l2o.evaluation.contest import load_lasso
    from l2o.optimizees.lasso import LassoFamily
    from l2o.storage.hdf5 import read_dictionary

    A, lam = read_dictionary(data), steps.experiment.lam

    def family(split: str, device: torch.device) -> LassoFamily:
        lasso = load_lasso(data, A, lam, split).to(torch.float32).to(device)
        return LassoFamily(lasso.A, lasso.b, lasso.lam, lasso.optimum)

    train_recurrent(steps, step, setting, method, family, {"lam": lam}, outputs, state)
