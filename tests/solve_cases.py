"""A small LASSO problem with certified optima, and methods and checkpoints for it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import h5py
import numpy as np
import torch

from conftest import make_problem
from l2o.optimizees.lasso import Lasso
from l2o.optimizees.lasso_optimum import lasso_optimum
from l2o.optimizers.protocol import iterates
from l2o.optimizers.registry import methods
from l2o.storage.checkpoints import save_tensors

LAM, M, N, DEPTH, SAMPLES = 0.02, 12, 20, 4, 40
PROBLEM = make_problem(SAMPLES, M, N, seed=11, entries=3)
A, B = PROBLEM.A, PROBLEM.b
OPTIMA = lasso_optimum(A, B, LAM)
NETS = {"lista": "m12_n20", "lamp": "snr20", "glista": "snr20", "alista": "m12_n20"}
RECURRENT = list(methods("recurrent"))


def make_method(name: str):
    """A method as a short training may leave it: float32, weights a little off their start."""
    if name in RECURRENT:
        return methods("recurrent")[name].load()({}, torch.Generator().manual_seed(3))
    net = methods("unrolled")[name].load()(torch.from_numpy(A).float(), DEPTH, {})
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(1 + 0.02 * torch.randn(parameter.shape, generator=generator))
    return net


def write_checkpoint(path: Path, name: str, tensors=None, **changes) -> Path:
    """Write a checkpoint as the training does; ``changes`` of the record of None remove a key."""
    method = make_method(name)
    record = {"method": name, "hyperparameters": method.hyper, "setting": NETS.get(name, "m5_n10")}
    record |= {} if name in RECURRENT else {"depth": DEPTH}
    record |= {} if record["setting"] == "snr20" else {"lam": LAM}
    record = {k: v for k, v in (record | changes).items() if v is not None}
    save_tensors(path, tensors or method.state_dict(), record)
    return path


def write_array(path: Path, key: str, array) -> Path:
    with h5py.File(path, "w") as file:
        file[key] = array
    return path


def read(path: Path) -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        return {name: file[name][:] for name in file}


def lasso() -> Lasso:
    tensors = (torch.from_numpy(array) for array in (A, B))
    return Lasso(*tensors, LAM, torch.from_numpy(OPTIMA.objective))


def zeros() -> torch.Tensor:
    return torch.zeros(SAMPLES, N, dtype=torch.float64)


def at_step(optimizer, count: int) -> torch.Tensor:
    with torch.no_grad():
        return next(islice(iterates(optimizer, lasso(), zeros()), count - 1, None))


def broken(name: str, change) -> torch.nn.Module:
    method = make_method(name).double().requires_grad_(False)
    for parameter in method.parameters():
        parameter.copy_(change(parameter))
    return method
