"""Small sparse recovery problems and budgets shared by the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from filelock import FileLock
from threadpoolctl import threadpool_limits

from l2o.config.training import Training
from l2o.errors import InputError
from real_pipeline import copy_repository, snakemake

PARAMS = Path(__file__).parents[1] / "params" / "fig5.yaml"
SMOKE = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))["presets"]["smoke"]["training"]
BUDGET = {
    **SMOKE,
    "batch_size": 32,
    "samples": 100_000,
    "layer_steps": 16,
    "layer_rate": 1e-3,
    "window": 2,
    "window_every": 1,
    "window_steps": 8,
    "window_rate": 5e-4,
    "window_decay": 0.5,
    "final_steps": 8,
    "final_rate": 2e-4,
    "final_decay": 0.5,
    "scalar_factor": 10,
    "validate_every": 4,
}


@dataclass(frozen=True)
class Problem:
    """b = A x without noise: A (m, n) with unit columns, x (samples, n), b (samples, m)."""

    A: np.ndarray
    x: np.ndarray
    b: np.ndarray

    def tensors(self, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, ...]:
        """A, b, x as tensors."""
        return tuple(torch.from_numpy(array).to(dtype) for array in (self.A, self.b, self.x))


def make_problem(samples: int, m: int, n: int, seed: int = 7, entries: int = 4) -> Problem:
    """Draw a problem whose signals have ``entries`` normal non-zeros each."""
    random = np.random.default_rng(seed)
    A = random.standard_normal((m, n))
    A /= np.linalg.norm(A, axis=0)
    x = np.zeros((samples, n))
    for row in x:
        row[random.choice(n, entries, replace=False)] = random.standard_normal(entries)
    return Problem(A, x, x @ A.T)


def told(error: pytest.ExceptionInfo[InputError], path: Path, *parts: str) -> None:
    """The message is one line that names the file, what is wrong, and a remedy."""
    text = str(error.value)
    assert "\n" not in text and text.startswith(str(path))
    assert error.value.remedy and all(part in text for part in parts)


LONGEST = ("test_pipeline", "test_dvc")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process waits for them at the end."""
    order = {name: at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(LONGEST)))


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    threadpool_limits(1, user_api="blas")  # threads that wait for each other burn time


@pytest.fixture(autouse=True)
def _subnormal_numbers() -> Iterator[None]:
    """Commands that ran in this process have switched them off (:mod:`l2o.compute`)."""
    yield
    torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def problem() -> Problem:
    """Forty samples of a problem of size (28, 52)."""
    return make_problem(40, 28, 52)


@pytest.fixture(scope="session")
def budget() -> Training:
    """A few steps for each stage, a validation after every four."""
    return Training(**BUDGET)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory) -> Path:
    """A folder that all test processes of one run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def artifact_cache(shared_folder) -> Path:
    """A shared artifact cache that holds what ``built`` built."""
    return shared_folder / "artifact_cache"


@pytest.fixture(scope="session")
def built(shared_folder, artifact_cache) -> Path:
    """A copy of the repository in which the smoke preset was built by local jobs; only to read."""
    folder, done = shared_folder / "built", shared_folder / "built.done"
    with FileLock(shared_folder / "built.lock"):  # the first process that needs it builds it
        if not done.exists():
            copy_repository(folder)
            run = snakemake(folder, "--cores", "8", environment={"L2O_CACHE": str(artifact_cache)})
            assert run.returncode == 0, run.stderr
            done.touch()
    return folder
