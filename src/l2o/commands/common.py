"""What several commands need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from l2o.config.loading import unknown_key
from l2o.provenance import Step

HISTORY = ("stage", "layer", "step", "train_loss_db", "validation_loss_db", "status")

Preset = Annotated[str, typer.Option(help="smoke, laptop or paper")]


def check_known(file: Path, place: str, name: str, valid: list[str]) -> None:
    """Refuse a name that is not one of the valid ones of this place in the file."""
    if name not in valid:
        raise unknown_key(file, f"{place}.{name}", valid)


def stored_provenance(step: Step) -> dict[str, str]:
    """Return a step's record as attributes of a file."""
    record = step.record()
    return {"provenance": json.dumps(record, sort_keys=True), "key": record["key"]}


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
