"""Trained nets and optimizers from their checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.errors import InputError
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.optimizers.registry import methods
from l2o.optimizers.unrolled.net import UnrolledNet
from l2o.storage.checkpoints import load_into, load_tensors


def load_net(path: Path, dictionary: np.ndarray) -> UnrolledNet:
    """Return the trained net of a checkpoint, on the CPU, for this dictionary.

    Parameters
    ----------
    path : safetensors file written by the training
    dictionary : A, (m, n), that the data were measured with

    Raises
    ------
    InputError : a damaged checkpoint, one of another architecture or another dictionary.
    """
    tensors, record = _loaded(path, "unrolled")
    net_class = methods("unrolled")[record["method"]].load()
    A = torch.from_numpy(dictionary).float()
    net = net_class(A, record["depth"], record["hyperparameters"])
    load_into(net, tensors, path)
    if not torch.equal(net.A, A):
        problem = "was trained for another dictionary than the data were measured with"
        raise InputError(path, "A", problem, "train it on these data")
    return net


def load_recurrent(path: Path) -> RecurrentOptimizer:
    """Return the trained recurrent optimizer of a checkpoint, on the CPU.

    Raises
    ------
    InputError : a damaged checkpoint or one of another architecture.
    """
    tensors, record = _loaded(path, "recurrent")
    kind = methods("recurrent")[record["method"]].load()
    optimizer = kind(record["hyperparameters"], torch.Generator().manual_seed(0))
    load_into(optimizer, tensors, path)
    return optimizer


def _loaded(path: Path, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors, record = load_tensors(path)
    if record.get("method") not in methods(kind):
        problem = f"is not the checkpoint of a trained {kind} method of this project"
        raise InputError(path, "method", problem, "give a file of results/*/*/checkpoints")
    return tensors, record
