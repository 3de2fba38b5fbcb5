"""Jobs that train within a second, on a small LASSO problem; also as processes to be killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch

from conftest import BUDGET
from l2o.artifacts.job import Given
from l2o.optimizees.lasso import Lasso
from l2o.optimizers.registry import methods
from l2o.training.lasso_loss import LassoLoss
from l2o.training.recurrent import train_recurrent
from l2o.training.unrolled import train_unrolled
from solve_cases import LAM, OPTIMA, A, B, lasso

META_BUDGET = {
    "epochs": 8,
    "batch_size": 8,
    "unroll": 5,
    "horizons": [10, 20],
    "rate": 5e-3,
    "clip": 1.0,
    "start_scale": 1.0,
    "scaling": 0.5,
    "convex": 0.1,
    "imitation": 0.5,
    "imitation_share": 0.5,
    "validate_every": 2,
    "validation_samples": 8,
    "validation_steps": 10,
    "evolution": {
        **{"updates": 4, "pairs": 2, "batch_size": 4},
        **{"horizon": 10, "sigma": 0.02, "rate": 0.01},
    },
}


def given_to(folder: Path, method: str, **changes: Any) -> Given:
    """What the job of a method is given; its files lie in ``folder``."""
    parameters = {"setting": "small", "method": method, "hyperparameters": {}, "seed": 3}
    parameters |= {"device": "cpu", "compute_threads": 1}
    if method in methods("unrolled"):
        parameters |= {"depth": 3, "training": {**BUDGET, "batch_size": 8}}
    else:
        parameters |= {"meta_training": META_BUDGET, "teacher": {"adam": {"rate": 0.1}}}
        parameters["kind"] = "recurrent"
    names = {"checkpoint": "net.safetensors", "history": "h.csv", "training_seconds": "s.json"}
    outputs = {role: folder / name for role, name in names.items()}
    record = {"step": "train", "key": f"key of {method}"}
    return Given(parameters | changes, {}, outputs, folder / "state.safetensors", record)


def family(split: str, device: torch.device) -> Lasso:
    """The first instances to train on, the last ones to validate on."""
    rows = torch.arange(32) if split == "train" else torch.arange(32, 40)
    return lasso().to(torch.float32).batch(rows)


def do(given: Given) -> None:
    """Do the job."""
    if given.parameters["method"] in methods("recurrent"):
        train_recurrent(given, family, {"lam": LAM})
    else:
        sets = [(B[rows], OPTIMA.objective[rows]) for rows in (slice(32), slice(32, 40))]
        train_unrolled(given, A, *sets, partial(LassoLoss, lam=LAM), {"lam": LAM})


CHILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from l2o.training.progress import Progress
from small_training_jobs import do, given_to

show = Progress.show

def slowly(*arguments):
    show(*arguments)
    time.sleep(0.05)

Progress.show = slowly
do(given_to(Path(sys.argv[2]), sys.argv[3]))
"""


def kill_once_it_has_saved(given: Given) -> None:
    """Do a job in a process of its own, and kill this when the state is on disk."""
    folder = str(given.state.parent), given.parameters["method"]
    command = [sys.executable, "-c", CHILD, str(Path(__file__).parent), *folder]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        deadline = time.monotonic() + 60
        while not given.state.exists() and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        assert given.state.exists(), "the training ended, or saved nothing"
        time.sleep(0.12)
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
