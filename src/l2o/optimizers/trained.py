"""Trained nets and optimizers from their checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.errors import InputError
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.optimizers.registry import Head, methods
from l2o.optimizers.unrolled.net import UnrolledNet
from l2o.storage.checkpoints import load_into, load_tensors

RECORDED = {
    "unrolled": {"hyperparameters": dict, "depth": int},
    "recurrent": {"hyperparameters": dict},
}


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint file.

    Parameters
    ----------
    path : of the file
    head : of the method; its kind is ``unrolled`` or ``recurrent``
    tensors : by name, on the CPU
    record : what the training wrote of itself
    """

    path: Path
    head: Head
    tensors: Mapping[str, Tensor]
    record: Mapping[str, Any]

    def net(self, dictionary: np.ndarray) -> UnrolledNet:
        """Return the trained net, on the CPU, for a dictionary A, (m, n).

        Raises
        ------
        InputError : it was trained for another dictionary, or has another architecture.
        """
        A = torch.from_numpy(dictionary).float()
        net = self.head.load()(A, self.record["depth"], self.record["hyperparameters"])
        load_into(net, self.tensors, self.path)
        if not torch.equal(net.A, A):
            problem = "was trained for another dictionary than the data were measured with"
            raise InputError(self.path, "A", problem, "train it on these data")
        return net

    def optimizer(self) -> RecurrentOptimizer:
        """Return the trained recurrent optimizer, on the CPU.

        Raises
        ------
        InputError : it has another architecture.
        """
        drawn = torch.Generator().manual_seed(0)  # what is drawn is overwritten
        optimizer = self.head.load()(self.record["hyperparameters"], drawn)
        load_into(optimizer, self.tensors, self.path)
        return optimizer


def read_checkpoint(path: Path, *kinds: str) -> Checkpoint:
    """Return the checkpoint of a trained method of one of the ``kinds``.

    Raises
    ------
    InputError : a missing, damaged or foreign file, a method of another kind, or no record of what
        its net was made with.
    """
    tensors, record = load_tensors(path)
    method = record.get("method")
    for kind in kinds:
        if method in methods(kind):
            for key, wanted in RECORDED[kind].items():
                if not isinstance(record.get(key), wanted):
                    problem = "is missing in the checkpoint's record, or damaged"
                    remedy = "give a checkpoint that the training wrote"
                    raise InputError(path, key, problem, remedy)
            return Checkpoint(path, methods(kind)[method], tensors, record)
    problem = f"is not the checkpoint of a trained {' or '.join(kinds)} method of this project"
    raise InputError(path, "method", problem, "give a file of results/*/*/checkpoints")


def load_net(path: Path, dictionary: np.ndarray) -> UnrolledNet:
    """Return the trained net of a checkpoint, on the CPU, for a dictionary A, (m, n).

    Raises
    ------
    InputError : see :func:`read_checkpoint` and :meth:`Checkpoint.net`.
    """
    return read_checkpoint(path, "unrolled").net(dictionary)


def load_recurrent(path: Path) -> RecurrentOptimizer:
    """Return the trained recurrent optimizer of a checkpoint, on the CPU.

    Raises
    ------
    InputError : see :func:`read_checkpoint` and :meth:`Checkpoint.optimizer`.
    """
    return read_checkpoint(path, "recurrent").optimizer()
