"""Solvers called from Python: all that is an array, many threads, any of torch's defaults."""

from __future__ import annotations

import copy
import pickle
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

from conftest import told
from l2o.errors import InputError
from l2o.optimizers.protocol import iterates
from l2o.optimizers.registry import methods
from l2o.optimizers.trained import load_recurrent
from l2o.solvers.opening import load
from l2o.solvers.solver import Solver
from solve_cases import LAM, RECURRENT, A, B, write_checkpoint

METHODS = [*methods("unrolled"), *RECURRENT]
each_method = pytest.mark.parametrize("name", METHODS)
COUNT = {"lamp": 4, "glista": 4}  # iterations: of sparse recovery no more than layers


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Checkpoints of all methods; only to read."""
    folder = tmp_path_factory.mktemp("solve")
    for name in METHODS:
        write_checkpoint(folder / f"{name}.safetensors", name)
    return folder


@pytest.fixture
def solver(folder) -> Solver:
    return load(folder / "lista.safetensors", A)


def found(solver: Solver, name: str, b=B) -> bytes:
    """The bits of x, of the objective too where there is one."""
    solution = solver.solve(b, COUNT.get(name, 6))
    rest = b"" if solution.objective is None else solution.objective.tobytes()
    return solution.x.tobytes() + rest


# What is an array


def read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


def matrix(array: np.ndarray) -> np.matrix:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return np.asmatrix(array)


FORMS = {
    "backwards": lambda a: np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1],
    "columns": np.asfortranarray,
    "every other": lambda a: np.repeat(np.repeat(a, 2, axis=0), 2, axis=1)[::2, ::2],
    "other bytes": lambda a: a.astype(a.dtype.newbyteorder("S")),
    "long": lambda a: a.astype(np.longdouble),
    "read-only": read_only,
    "nothing masked": lambda a: np.ma.array(a, mask=np.zeros(a.shape, bool)),
    "matrix": matrix,
    "table": pd.DataFrame,
    "list": lambda a: a.tolist(),
    "list of rows": list,
    "tensor": lambda a: torch.from_numpy(a.copy()),
    "with gradient": lambda a: torch.from_numpy(a.copy()).requires_grad_(),
    "transposed tensor": lambda a: torch.from_numpy(a.T.copy()).T,
    "lazily negative": lambda a: torch._neg_view(torch.from_numpy(-a)),
}


@pytest.mark.parametrize("form", FORMS)
def test_all_that_is_an_array_gives_the_same_bits(folder, solver, form):
    expected = found(solver, "lista")
    assert found(solver, "lista", FORMS[form](B)) == expected
    assert found(load(folder / "lista.safetensors", FORMS[form](A)), "lista") == expected


def test_an_array_on_disk_is_taken(solver, tmp_path):
    np.save(tmp_path / "b.npy", B)
    assert found(solver, "lista", np.load(tmp_path / "b.npy", mmap_mode="r")) == found(
        solver, "lista"
    )


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.int16])
def test_tensors_of_any_real_type_are_taken(solver, kind):
    given = torch.from_numpy(10 * B).to(kind)
    same = given.float() if kind.is_floating_point else given.double()
    assert found(solver, "lista", given) == found(solver, "lista", same.numpy())


def masked(array: np.ndarray) -> np.ma.MaskedArray:
    return np.ma.array(array, mask=np.arange(array.size).reshape(array.shape) == 3)


NO_ARRAYS = [
    (masked, "masked"),
    (lambda a: list(masked(a)), "masked"),
    (lambda a: scipy.sparse.csr_array(a), "sparse"),
    (lambda a: torch.from_numpy(a.copy()).to_sparse(), "sparse"),
    (lambda a: torch.from_numpy(a.copy()).to("meta"), "cannot be read"),
    (lambda a: torch.from_numpy(a.astype(complex)).conj(), "complex128"),
    (lambda a: a.astype(complex), "complex128"),
    (lambda a: a.astype(object), "no numbers"),
    (lambda a: a > 0, "truth values"),
    (lambda a: torch.from_numpy(a > 0), "truth values"),
    (lambda a: a.astype(str), "no numbers"),
    (lambda a: a.astype("datetime64[s]"), "no numbers"),
    (lambda a: pd.DataFrame(a).assign(name="x"), "no numbers"),
    (lambda a: [[1.0, 2.0], [3.0]], "cannot be read"),
    (lambda a: [1.0, None], "no numbers"),
    (lambda a: {"A": a}, "no numbers"),
    (lambda a: "A.h5", "no numbers"),
    (lambda a: None, "no numbers"),
    (lambda a: 3.0, "has shape ()"),
    (lambda a: [[]], "empty"),
    (lambda a: a[:, :0], "empty"),
    (lambda a: a[None], "has shape (1, "),
    (lambda a: a.astype(np.longdouble) * np.longdouble("1e4000"), "infinity"),
]


@pytest.mark.parametrize("make, part", NO_ARRAYS)
def test_what_is_no_array_of_numbers_is_told_in_one_line(folder, solver, make, part):
    if make(A) is not None:  # a net knows its own
        with pytest.raises(InputError) as error:
            load(folder / "lista.safetensors", make(A))
        told(error, Path("A"), part)
    with pytest.raises(InputError) as error:
        solver.solve(make(B))
    told(error, Path("b"), part)


@pytest.mark.parametrize("iterations", [2.5, "3", True, [3], np.float64(3)])
def test_iterations_are_a_whole_number(solver, iterations):
    with pytest.raises(InputError, match="no whole number"):
        solver.solve(B, iterations)
    assert solver.solve(B, np.int64(3)).iterations == 3


@pytest.mark.parametrize("lam", ["0.02", True, -1.0, np.nan, np.inf, 10**400, [0.02], 1j])
def test_a_weight_is_a_positive_number(folder, lam):
    for name in ("lista", "l2o_dm"):
        with pytest.raises(InputError, match="is not a positive number"):
            load(folder / f"{name}.safetensors", A, lam)


@pytest.mark.parametrize("lam", [LAM, np.float32(LAM)])
def test_rounding_does_not_make_another_weight(folder, lam):
    assert load(folder / "lista.safetensors", A, lam).lam == LAM


@each_method
def test_what_was_given_may_change_afterwards(folder, name):
    dictionary, b = A.copy(), B.copy()
    solver = load(folder / f"{name}.safetensors", dictionary)
    expected = found(solver, name, b)
    assert np.array_equal(b, B)
    dictionary[:] = 0.0
    solution = solver.solve(b, 2)
    x = solution.x.copy()
    b[:] = 0.0
    assert np.array_equal(solution.x, x)
    solution.x[:] = 7.0
    assert found(solver, name) == expected


# Threads and copies


@each_method
def test_four_threads_may_use_one_solver(folder, name):
    """Also with batches of other sizes at the same time."""
    solver = load(folder / f"{name}.safetensors", A)
    count = COUNT.get(name) or (15 if name == "l2o_swarm" else 40)
    sets = [np.roll(B, q, axis=1)[: len(B) - q % 2] for q in range(6)]
    expected = [solver.solve(b, count).x for b in sets]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            solutions = list(pool.map(lambda b: solver.solve(b, count).x, sets))
    finally:
        sys.setswitchinterval(interval)
    assert all(np.array_equal(*pair) for pair in zip(solutions, expected, strict=True))


@each_method
def test_a_copied_or_pickled_solver_gives_the_same_and_carries_no_buffers(folder, name):
    solver = load(folder / f"{name}.safetensors", A)
    fresh = len(pickle.dumps(solver))
    expected = found(solver, name)
    assert len(pickle.dumps(solver)) < 1.1 * fresh
    assert found(pickle.loads(pickle.dumps(solver)), name) == expected
    assert found(copy.deepcopy(solver), name) == expected


# Torch's settings


@contextmanager
def double_by_default():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def nowhere_by_default():
    """What names no device lands on one that holds no numbers."""
    torch.set_default_device("meta")
    try:
        yield
    finally:
        torch.set_default_device(None)


SETTINGS = [
    double_by_default,
    nowhere_by_default,
    torch.inference_mode,
    torch.no_grad,
    lambda: torch.set_grad_enabled(False),
]


@each_method
@pytest.mark.parametrize("setting", SETTINGS)
def test_no_setting_of_torch_changes_a_bit(folder, name, setting):
    path = folder / f"{name}.safetensors"
    expected = found(load(path, A), name)
    with setting():
        made = load(path, A)
        assert found(made, name) == expected
    assert found(made, name) == expected
    made = load(path, A)
    with setting():
        assert found(made, name) == expected
    assert found(made, name) == expected


@pytest.mark.parametrize("name", RECURRENT)
@pytest.mark.parametrize("setting", SETTINGS[:3])
def test_an_optimizer_can_be_trained_after_any_setting(folder, name, setting):
    path, start = folder / f"{name}.safetensors", torch.ones(2, 3, dtype=torch.float32)
    with torch.no_grad():
        expected = last(load_recurrent(path), start)
    optimizer = load_recurrent(str(path))
    with setting(), torch.no_grad():
        assert torch.equal(last(load_recurrent(path), start), expected)
        assert torch.equal(last(optimizer, start), expected)
    x = last(optimizer, start)
    assert torch.equal(x, expected)
    x.sum().backward()
    assert all(w.dtype == torch.float32 and w.device.type == "cpu" for w in optimizer.parameters())
    assert any(w.grad is not None and w.grad.abs().sum() > 0 for w in optimizer.parameters())


def last(optimizer, start: torch.Tensor) -> torch.Tensor:
    return list(islice(iterates(optimizer, Bowl(), start), 5))[-1]


class Bowl:
    """The sum of squares over 2."""

    def objective(self, x: torch.Tensor) -> torch.Tensor:
        return x.square().sum(dim=-1) / 2

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        return x
