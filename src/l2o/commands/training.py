"""What the commands that train do alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from l2o.optimizers.registry import methods
from l2o.provenance import Step

META_HISTORY = ("epoch", "meta_loss", "validation_loss", "rate_factor", "status")
HISTORY = ("stage", "layer", "step", "train_loss_db", "validation_loss_db", "status")


def train_unrolled(
    steps: Any,
    step: Step,
    setting: str,
    method: str,
    data: Path,
    read: Callable,
    make_loss: Callable,
    about: dict[str, Any],
    outputs: dict[str, Path],
    state: Path,
) -> None:
    """Train an unrolled net on the set ``data``, or go on with the training in ``state``.

    Parameters
    ----------
    steps, step : of the figure, and of this training
    read : called with the set, a split and the number of samples (None: all); returns b and the
        targets of the loss
    make_loss : makes the loss, given the dictionary
    about : for the checkpoint's record
    outputs : see :func:`store_training`
    """
    from l2o.storage.hdf5 import read_dictionary
    from l2o.training.job import TrainingJob

    experiment = steps.experiment
    budget = experiment.training(steps.preset, setting, method)
    job = TrainingJob(
        net_class=methods("unrolled")[method].load(),
        hyperparameters=experiment.unrolled[method],
        depth=steps.sizes.depth,
        make_loss=make_loss,
        budget=budget,
        seed=experiment.seed,
        device=experiment.device,
        compute_threads=experiment.compute_threads,
        title=setting,
        state=state,
        key=step.key,
    )
    splits = read(data, "train", budget.samples), read(data, "validation", None)
    net, done, device = job.run(read_dictionary(data), *splits)
    record = {"setting": setting, "depth": net.depth, "device": device, **about}
    store_training(net, done, HISTORY, record, outputs, step)


def train_recurrent(
    steps: Any,
    step: Step,
    setting: str,
    method: str,
    family: Callable,
    about: dict[str, Any],
    outputs: dict[str, Path],
    state: Path,
) -> None:
    """Meta-train a recurrent optimizer, or go on with the meta-training in ``state``.

    Parameters
    ----------
    steps, step : of the figure, and of this training
    family : called with a split and a device; returns the optimizees
    about : for the checkpoint's record
    outputs : see :func:`store_training`
    """
    from l2o.training.meta_job import MetaJob

    experiment = steps.experiment
    (teacher, hyper), *_ = experiment.teacher.items()
    budget = experiment.meta_training(steps.preset, setting, method)
    job = MetaJob(
        method=methods("recurrent")[method].load(),
        hyperparameters=experiment.recurrent[method],
        teacher=methods("first_order")[teacher].load()(hyper) if budget.imitation > 0 else None,
        budget=budget,
        seed=experiment.seed,
        device=experiment.device,
        compute_threads=experiment.compute_threads,
        title=setting,
        state=state,
        key=step.key,
    )
    optimizer, done, device = job.run(partial(family, "train"), partial(family, "validation"))
    record = {"setting": setting, "device": device, **about}
    store_training(optimizer, done, META_HISTORY, record, outputs, step)


def store_training(
    trained: Any,
    done: Any,
    columns: tuple[str, ...],
    about: dict[str, Any],
    outputs: dict[str, Path],
    step: Step,
) -> None:
    """Write what a training gave: history, seconds and, last, the checkpoint; drop its state.

    Parameters
    ----------
    trained : the net or optimizer
    done : the state of the finished training
    columns : of the history, in order; rows that went through a saved state have lost theirs
    about : for the checkpoint's record, and ``device`` and ``setting`` for the seconds
    outputs : paths of ``checkpoint``, ``history`` and ``training_seconds``
    step : of the training
    """
    import pandas as pd

    from l2o.storage.checkpoints import save_tensors
    from l2o.storage.json_files import write_json
    from l2o.storage.tables import write_table

    write_table(outputs["history"], pd.DataFrame(done.history)[list(columns)])
    seconds = {"setting": about["setting"], "method": trained.name, "device": about["device"]}
    write_json(outputs["training_seconds"], {**seconds, "training_seconds": done.seconds})
    record = {name: value for name, value in about.items() if name != "device"}
    record |= {"method": trained.name, "hyperparameters": trained.hyper}
    record |= {"provenance": step.record()}
    save_tensors(outputs["checkpoint"], trained.state_dict(), record)
    done.discard()
