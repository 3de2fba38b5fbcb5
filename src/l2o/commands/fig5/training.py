"""Commands that train and evaluate. Heavy imports wait until the work begins."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from l2o.artifacts.production import produce
from l2o.commands.common import by_method, check_known
from l2o.commands.training import train_unrolled
from l2o.optimizers.registry import methods as registered
from l2o.provenance import Step
from l2o.steps.fig5 import Fig5Steps


def train(
    setting: str,
    method: str,
    data: Path,
    outputs: dict[str, Path],
    state: Path,
    params: Path,
    preset: str,
) -> None:
    """Train a net on an optimizee set, or go on with the training in ``state``."""
    steps = Fig5Steps(params, preset)
    check_known(params, "settings", setting, list(steps.experiment.settings))
    check_known(params, "unrolled", method, list(steps.experiment.unrolled))
    step = steps.training(setting, method)
    inputs = {data: steps.optimizee_set(setting)}
    produce(
        step, outputs, inputs, partial(_train, steps, step, setting, method, data, outputs, state)
    )


def _train(
    steps: Fig5Steps,
    step: Step,
    setting: str,
    method: str,
    data: Path,
    outputs: dict[str, Path],
    state: Path,
) -> None:
    from l2o.storage.sets import read_split
    from l2o.training.losses import RecoveryLoss

    def loss(A) -> RecoveryLoss:
        return RecoveryLoss()

    given = (setting, method, data, read_split, loss, {}, outputs, state)
    train_unrolled(steps, step, *given)


def evaluate(
    setting: str,
    data: Path,
    checkpoints: list[Path],
    curves: Path,
    timings: Path,
    params: Path,
    preset: str,
) -> None:
    """Evaluate nets, classical solvers and the oracle; write curves and seconds apart.

    The measured seconds differ from run to run, so they stay out of the table of curves.
    """
    steps = Fig5Steps(params, preset)
    check_known(params, "settings", setting, list(steps.experiment.settings))
    step = steps.evaluation(setting)
    paths = by_method(params, "unrolled", list(steps.experiment.unrolled), checkpoints)
    makers = {path: step.inputs[name] for name, path in paths.items()}
    outputs = {"curves": curves, "solve_seconds": timings}
    inputs = {data: steps.optimizee_set(setting), **makers}
    produce(step, outputs, inputs, partial(_evaluate, steps, setting, data, checkpoints, outputs))


def _evaluate(
    steps: Fig5Steps, setting: str, data: Path, checkpoints: list[Path], outputs: dict[str, Path]
) -> None:
    import numpy as np
    import pandas as pd

    from l2o.compute import prepare_device
    from l2o.evaluation import sparse_recovery as ev
    from l2o.optimizers.trained import load_net
    from l2o.storage.hdf5 import read_dictionary
    from l2o.storage.sets import read_split
    from l2o.storage.tables import write_table

    experiment, depth = steps.experiment, steps.sizes.depth
    prepare_device("cpu", experiment.compute_threads)
    A = read_dictionary(data)
    validation, test = (
        ev.TestSet(A, *(array.astype(np.float64) for array in read_split(data, split)))
        for split in ("validation", "test")
    )
    solvers = registered("classical")
    classical = {solvers[name].load(): hyper for name, hyper in experiment.classical.items()}
    nets = (load_net(path, A) for path in checkpoints)
    rows, seconds = ev.evaluate_all(nets, classical, depth, experiment.lam_grid, validation, test)
    for name, content in (("curves", rows), ("solve_seconds", seconds)):
        table = pd.DataFrame(content)
        table.insert(0, "setting", setting)
        write_table(outputs[name], table)
