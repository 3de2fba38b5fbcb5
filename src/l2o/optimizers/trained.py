"""Trained nets from their checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from l2o.errors import InputError
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
    tensors, record = load_tensors(path)
    if record.get("method") not in methods("unrolled"):
        problem = "is not the checkpoint of a trained net of this project"
        raise InputError(path, "method", problem, "give a file of results/*/fig5/checkpoints")
    net_class = methods("unrolled")[record["method"]].load()
    A = torch.from_numpy(dictionary).float()
    net = net_class(A, record["depth"], record["hyperparameters"])
    load_into(net, tensors, path)
    if not torch.equal(net.A, A):
        problem = "was trained for another dictionary than the data were measured with"
        raise InputError(path, "A", problem, "train it on these data")
    return net
