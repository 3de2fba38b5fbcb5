"""Trained nets and optimizers from their checkpoints."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, create_model
from torch import Tensor

from l2o.config.values import Name, within
from l2o.errors import InputError
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.optimizers.registry import Head, methods
from l2o.optimizers.unrolled.net import UnrolledNet
from l2o.storage.checkpoints import load_into, load_tensors

REMEDY = "give a checkpoint that the training wrote"
STRICT = ConfigDict(strict=True, extra="forbid")
MOST_LAYERS = 1000  # of a net whose layers share all that is learned
NORMS = "norms"  # tensor beside the net's: of the columns of the dictionary that a user gave


class Record(BaseModel):
    """What the training of any method writes of itself; further keys are not read here."""

    model_config = ConfigDict(strict=True)

    setting: Name = "unknown"
    lam: Annotated[FiniteFloat, Field(gt=0)] | None = None
    scale: Annotated[FiniteFloat, Field(gt=0)] = 1.0


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint file.

    Parameters
    ----------
    path : of the file
    head : of the method; its kind is ``unrolled``, ``recurrent``, ``learned_minimax`` or
        ``policies``
    tensors : by name, on the CPU, float32, finite
    record : what the training wrote of itself: as in :class:`Record`, ``hyperparameters``, and the
        ``depth`` of an unrolled net
    """

    path: Path
    head: Head
    tensors: Mapping[str, Tensor]
    record: Mapping[str, Any]

    def net(self, dictionary: np.ndarray) -> UnrolledNet:
        """Return the trained net, on the CPU, float32, for a dictionary A, (m, n).

        Raises
        ------
        InputError : it was trained for another dictionary, or has another architecture.
        """
        A, depth = torch.from_numpy(dictionary).float(), self.record["depth"]
        tensors = {name: tensor for name, tensor in self.tensors.items() if name != NORMS}
        own = any(name.rpartition(".")[2].isdigit() for name in tensors)  # each layer has one
        if depth > (len(tensors) if own else MOST_LAYERS):
            problem = f"{depth} layers, and {len(tensors)} tensors are in the file"
            raise InputError(self.path, "depth", problem, REMEDY)
        # What it starts from is overwritten: if it can be, a start that computes no weights.
        start = min(self.head.starts, key=lambda name: name == "analytic")
        with torch.device("cpu"):
            net = self.head.load()(A, depth, self.record["hyperparameters"], start)
        load_into(net, tensors, self.path)
        if not torch.equal(net.A, A):
            problem = "was trained for another dictionary than the data were measured with"
            raise InputError(self.path, "A", problem, "train it on these data")
        return net

    def dictionary(self) -> np.ndarray:
        """Return the dictionary that an unrolled net was trained for, (m, n) float32.

        Raises
        ------
        InputError : the file has none.
        """
        if "A" not in self.tensors or self.tensors["A"].ndim != 2:
            problem = "this tensor is missing in the checkpoint of an unrolled net"
            raise InputError(self.path, "A", problem, REMEDY)
        return self.tensors["A"].numpy()

    def norms(self) -> np.ndarray | None:
        """Return the norms of the columns of the user's dictionary, (n,); None where all are 1.

        Raises
        ------
        InputError : another number of them, or one that is not above 0.
        """
        if NORMS not in self.tensors:
            return None
        found = self.tensors[NORMS].double().numpy()
        if found.shape != (self.dictionary().shape[1],) or not (found > 0).all():
            problem = "is not a positive norm for each column of A"
            raise InputError(self.path, NORMS, problem, REMEDY)
        return found

    def optimizer(self) -> RecurrentOptimizer:
        """Return the trained recurrent optimizer, on the CPU, float32.

        Raises
        ------
        InputError : it has another architecture.
        """
        generator = torch.Generator().manual_seed(0)  # what is drawn is overwritten
        with torch.device("cpu"):
            optimizer = self.head.load()(self.record["hyperparameters"], generator).float()
        load_into(optimizer, self.tensors, self.path)
        return optimizer


def read_checkpoint(path: Path, *kinds: str) -> Checkpoint:
    """Return the checkpoint of a trained method of one of the ``kinds``.

    Raises
    ------
    InputError : a missing, damaged or foreign file, a method of another kind, a record that its
        training does not write, or tensors that are not float32 or not finite.
    """
    tensors, record = load_tensors(path)
    heads = {name: head for kind in kinds for name, head in methods(kind).items()}
    method = record.get("method")
    if not isinstance(method, str) or method not in heads:
        problem = f"is not the checkpoint of a trained {' or '.join(kinds)} method of this project"
        raise InputError(path, "method", problem, "give a file of results/*/*/checkpoints")
    _check_record(path, heads[method], record)
    for name, tensor in tensors.items():
        if tensor.dtype != torch.float32:
            problem = f"holds {tensor.dtype} numbers; all methods are trained in float32"
            raise InputError(path, name, problem, REMEDY)
        if not tensor.isfinite().all():
            raise InputError(path, name, "holds NaN or infinity", REMEDY)
    return Checkpoint(path, heads[method], tensors, record)


def _check_record(path: Path, head: Head, record: Mapping[str, Any]) -> None:
    """Refuse a record that the training of this method does not write."""
    types = {name: (FiniteFloat, ...) for name in head.hyperparameters}
    wanted = {"hyperparameters": (create_model("Hyper", __config__=STRICT, **types), ...)}
    if head.kind == "unrolled":
        wanted["depth"] = (Annotated[int, Field(ge=1)], ...)
    try:
        create_model("Of", __base__=Record, **wanted).model_validate(record)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(reprlib.repr(part).strip("'") for part in fault["loc"])
        found = "" if fault["type"] == "missing" else f", found {reprlib.repr(fault['input'])}"
        raise InputError(path, key, f"in its record: {fault['msg']}{found}", REMEDY) from error
    for name, value in record["hyperparameters"].items():
        if not within(value, interval := head.ranges[name]):
            problem = f"in its record: {value:g} is not in {interval}"
            raise InputError(path, f"hyperparameters.{name}", problem, REMEDY)


def load_net(path: Path, dictionary: np.ndarray) -> UnrolledNet:
    """Return the trained net of a checkpoint, on the CPU, for a dictionary A, (m, n).

    Raises
    ------
    InputError : see :func:`read_checkpoint` and :meth:`Checkpoint.net`.
    """
    return read_checkpoint(path, "unrolled").net(dictionary)


def load_recurrent(path: Path) -> RecurrentOptimizer:
    """Return the trained recurrent optimizer of a checkpoint, on the CPU; also minimax, policies.

    Raises
    ------
    InputError : see :func:`read_checkpoint` and :meth:`Checkpoint.optimizer`.
    """
    return read_checkpoint(path, "recurrent", "learned_minimax", "policies").optimizer()
