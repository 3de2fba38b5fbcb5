"""What a finished training leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from l2o.artifacts.job import Given
from l2o.storage.checkpoints import save_tensors
from l2o.storage.json_files import write_json
from l2o.storage.tables import write_table
from l2o.training.state import SavedState


def store_training(
    given: Given,
    trained: nn.Module,
    state: SavedState,
    device: torch.device,
    columns: tuple[str, ...],
    about: Mapping[str, Any],
) -> None:
    """Write history, seconds and, last, the checkpoint; then drop the state.

    Parameters
    ----------
    given : to the job
    trained : the net or optimizer
    state : of the finished training
    device : it ran on
    columns : of the history, in order; rows that went through a saved state have lost theirs
    about : what the checkpoint's record says besides

    Raises
    ------
    InputError : an output cannot be written.
    """
    outputs, head = given.outputs, {name: given.parameters[name] for name in ("setting", "method")}
    write_table(outputs["history"], [{c: row[c] for c in columns} for row in state.history])
    seconds = {"device": device.type, "training_seconds": state.seconds}
    write_json(outputs["training_seconds"], {**head, **seconds})
    record = {**head, "hyperparameters": trained.hyper, **about, "provenance": given.record}
    save_tensors(outputs["checkpoint"], trained.state_dict(), record)
    state.discard()
