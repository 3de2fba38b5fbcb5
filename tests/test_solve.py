"""Solving problems of one's own: the same numbers as the method's own, every bad input told."""

from __future__ import annotations

import hashlib
import re
import shlex
import sys
from itertools import islice
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

import l2o.solvers.solver
from conftest import make_problem, told
from l2o.cli import main
from l2o.errors import InputError
from l2o.optimizees.lasso import Lasso
from l2o.optimizees.lasso_optimum import lasso_objective
from l2o.optimizers.classical.fista import Fista
from l2o.optimizers.continued import Continued
from l2o.optimizers.protocol import iterates
from l2o.solvers.opening import load
from l2o.storage.checkpoints import save_tensors
from solve_cases import (
    DEPTH,
    LAM,
    NETS,
    OPTIMA,
    RECURRENT,
    SAMPLES,
    A,
    B,
    M,
    N,
    at_step,
    broken,
    lasso,
    make_method,
    read,
    write_array,
    write_checkpoint,
    zeros,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Checkpoints of all kinds, A.h5 and b.h5; only to read."""
    folder = tmp_path_factory.mktemp("solve")
    for name in [*NETS, *RECURRENT]:
        write_checkpoint(folder / f"{name}.safetensors", name)
    write_array(folder / "A.h5", "A", A)
    write_array(folder / "b.h5", "b", B)
    return folder


# The numbers


def double_net(name: str):
    net = make_method(name).double().requires_grad_(False)
    net.A = torch.from_numpy(A)
    return net


@pytest.mark.parametrize("name", NETS)
def test_a_net_gives_its_own_output(folder, name):
    solver, layers = load(folder / f"{name}.safetensors", A), double_net(name)(lasso().b)
    for count in (None, 2):
        solution = solver.solve(B, count)
        assert solution.iterations == (count or DEPTH) and solution.fallbacks is None
        assert np.array_equal(solution.x, layers[solution.iterations - 1].numpy())
    if NETS[name] == "snr20":
        assert solution.objective is None
    else:
        assert np.allclose(solution.objective, lasso_objective(A, B, LAM, solution.x), rtol=1e-12)


def test_beyond_its_layers_fista_goes_on(folder):
    expected = at_step(Continued(double_net("lista"), Fista(lasso().A, {"lam": LAM})), 30)
    solution = load(folder / "lista.safetensors", A).solve(B, 30)
    assert np.array_equal(solution.x, expected.numpy())


@pytest.mark.parametrize("name", RECURRENT)
def test_a_recurrent_optimizer_gives_its_own_iterates(folder, name):
    single = Lasso(*(t.float() for t in (lasso().A, lasso().b)), LAM, lasso().optimum)
    steps = iterates(make_method(name).requires_grad_(False), single, zeros().float())
    expected = next(islice(steps, 24, None)).double()
    solution = load(folder / f"{name}.safetensors", A).solve(B, 25)
    assert np.array_equal(solution.x, expected.numpy())


def test_a_recurrent_optimizer_takes_another_dictionary_and_weight(folder):
    other = make_problem(3, 6, 9, seed=2)
    solver = load(folder / "l2o_dm.safetensors", other.A, lam=0.5)
    solution = solver.solve(other.b)
    assert solution.iterations == 1000 and solution.x.shape == (3, 9)
    expected = lasso_objective(other.A, other.b, 0.5, solution.x)
    assert np.allclose(solution.objective, expected, rtol=1e-12)


def test_one_b_has_no_axis_of_samples(folder):
    solver = load(folder / "lista.safetensors", A)
    single, all_of_them = (solver.solve(b, 9, safeguard=True) for b in (B[5], B))
    assert single.x.shape == (N,) and single.objective.shape == () and single.fallbacks.shape == ()
    assert np.allclose(single.x, all_of_them.x[5], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "kind, computed", [("f2", "f4"), ("f4", "f4"), ("i8", "f8"), (">f8", "f8")]
)
def test_the_data_say_in_which_precision_it_is_computed(folder, kind, computed):
    given = np.abs(10 * B).astype(kind)
    for name in ("lista", "lamp", "l2o_dm"):
        solver = load(folder / f"{name}.safetensors", A.astype("f4"))
        found = solver.solve(given, 4)
        expected = solver.solve(given.astype("f8"), 4, dtype=np.dtype(computed).name)
        assert found.x.dtype == computed and np.array_equal(found.x, expected.x)
        double = solver.solve(given.astype("f8"), 4)
        assert double.x.dtype == np.float64
        assert np.allclose(found.x, double.x, rtol=0, atol=1e-4 * np.abs(double.x).max())


@pytest.mark.parametrize("dtype", ["f4", "float16", int, np.dtype("f4"), None, torch.float64])
def test_a_wanted_precision_is_taken_or_refused(folder, dtype):
    solver = load(folder / "lista.safetensors", A)
    if isinstance(dtype, str) or dtype is int:
        with pytest.raises(InputError, match="neither float32 nor float64"):
            solver.solve(B, dtype=dtype)
    else:
        wanted = np.float32 if isinstance(dtype, np.dtype) else np.float64
        assert solver.solve(B, dtype=dtype).x.dtype == wanted


@pytest.mark.parametrize("name", ["glista", "l2o_rnnprop", "lista"])
def test_batches_give_what_one_batch_gives(folder, name):
    """Not to the bit: the products of matrices of other heights are summed in another order."""
    solver = load(folder / f"{name}.safetensors", A)
    safeguard = name == "lista"
    whole = solver.solve(B, 4, safeguard)
    solver.batch = 7
    parts = solver.solve(B, 4, safeguard)
    single = name == "l2o_rnnprop"  # computes in float32
    assert np.allclose(whole.x, parts.x, rtol=0, atol=1e-7 if single else 1e-12)
    assert parts.x.shape == whole.x.shape
    if safeguard:
        assert np.allclose(whole.objective, parts.objective, rtol=1e-12)
        assert np.array_equal(whole.fallbacks, parts.fallbacks)


def test_the_size_of_a_batch_bounds_the_memory(folder):
    for name in ("lista", "l2o_dm"):
        solver = load(folder / f"{name}.safetensors", A)
        assert 1000 < solver.batch <= 2**20 / N


def test_the_solver_counts_the_steps_of_the_safeguard(folder):
    solver = load(folder / "l2o_dm.safetensors", A)
    solution = solver.solve(B, 600, safeguard=True)
    assert solution.fallbacks.dtype == np.int64
    assert ((solution.fallbacks > 0) & (solution.fallbacks <= 600)).all()
    assert np.allclose(solution.objective, OPTIMA.objective, rtol=1e-5)


# The command


def run(monkeypatch, capsys, *words) -> tuple[int, str, str]:
    """Return the exit code, the output and the error of ``l2o`` with these words."""
    monkeypatch.setattr(sys, "argv", ["l2o", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    output = capsys.readouterr()
    return int(end.value.code or 0), output.out, output.err


def words(folder: Path, out: Path, name: str = "lista", **changes) -> list[str]:
    given = {"optimizer": folder / f"{name}.safetensors", "dictionary": folder / "A.h5"}
    given |= {"measurements": folder / "b.h5", "out": out} | changes
    return ["solve", *(str(w) for k, v in given.items() for w in (f"--{k}", v))]


@pytest.mark.parametrize("name", ["lista", "lamp", "l2o_dm"])
def test_the_command_writes_what_the_call_returns(folder, tmp_path, monkeypatch, capsys, name):
    monkeypatch.setattr(l2o.solvers.solver, "COORDINATES", {"unrolled": 7 * N, "recurrent": 7 * N})
    out, count, safeguard = tmp_path / "x.h5", 4, name == "l2o_dm"
    out.write_bytes(b"an older file")
    options = ["--safeguard"] if safeguard else []
    given = words(folder, out, name, iterations=count)
    code, said, _ = run(monkeypatch, capsys, *given, *options)
    solver = load(folder / f"{name}.safetensors", A)
    expected, found = solver.solve(B, count, safeguard), read(out)
    names = {"x", *([] if name == "lamp" else ["objective"]), *(["fallbacks"] if safeguard else [])}
    assert found.keys() == names and solver.batch == 7
    assert all(np.array_equal(found[key], getattr(expected, key)) for key in names)
    with h5py.File(out) as file:
        about = dict(file.attrs)
    content = (folder / f"{name}.safetensors").read_bytes()
    assert about["checkpoint_sha256"] == hashlib.sha256(content).hexdigest()
    assert (about["method"], about["iterations"], about["safeguard"]) == (name, count, safeguard)
    assert about.get("lam") == (None if name == "lamp" else LAM)
    assert code == 0 and said.count("\n") == 1
    assert f"{SAMPLES} samples" in said and f"{count} iterations" in said and str(out) in said
    assert ("lam 0.02" in said) == ("objective" in names) and solver.setting in said


def test_measurements_may_lie_under_another_key(folder, tmp_path, monkeypatch, capsys):
    inside = write_array(tmp_path / "set.h5", "test/b", B.astype("f4"))
    given = words(folder, tmp_path / "x.h5", measurements=inside, key="test/b")
    assert run(monkeypatch, capsys, *given)[0] == 0
    expected = load(folder / "lista.safetensors", A).solve(B.astype("f4"))
    assert np.array_equal(read(tmp_path / "x.h5")["x"], expected.x)


def test_samples_that_diverge_are_told(folder, tmp_path, monkeypatch, capsys):
    wrong = write_checkpoint(tmp_path / "w.safetensors", "l2o_dm")
    optimizer = broken("l2o_dm", lambda p: p.sign() * 3e38).float()
    record = {"method": "l2o_dm", "hyperparameters": optimizer.hyper, "lam": LAM}
    save_tensors(wrong, optimizer.state_dict(), record)
    given = words(folder, tmp_path / "x.h5", optimizer=wrong, iterations=2)
    code, said, _ = run(monkeypatch, capsys, *given)
    assert code == 0 and f"{SAMPLES} DIVERGED" in said and "--safeguard" in said


# Bad input


def with_entry(array: np.ndarray, value: float) -> np.ndarray:
    changed = array.copy()
    changed[-1, -1] = value
    return changed


OTHER = make_problem(1, M, N, seed=3).A
BAD_ARRAYS = [
    ("dictionary", with_entry(A, np.nan), "NaN"),
    ("dictionary", A[0], "m x n"),
    ("dictionary", A.astype(complex), "complex128"),
    ("dictionary", 2 * A, "norm 2"),
    ("dictionary", A * (1 + 3e-6), "not 1"),
    ("dictionary", np.where(np.arange(N) == 3, 0.0, A), "column 3 "),
    ("dictionary", OTHER, "lista.safetensors was trained for"),
    ("dictionary", A[:, ::-1], "lista.safetensors was trained for"),
    ("dictionary", make_problem(1, M, N + 1).A, "(12, 20)"),
    ("dictionary", np.full((M, N), b"1"), "no numbers"),
    ("measurements", with_entry(B, np.inf), f"row {SAMPLES - 1}"),
    ("measurements", B[:, :-1], "12 measurements"),
    ("measurements", B[0], "samples x m"),
    ("measurements", B[:0], "empty"),
    ("measurements", B.astype("c8"), "complex64"),
    ("measurements", B > 0, "truth values"),
]


@pytest.mark.parametrize("role, array, part", BAD_ARRAYS)
def test_bad_arrays_are_told_in_one_line(folder, tmp_path, monkeypatch, capsys, role, array, part):
    monkeypatch.setattr(l2o.solvers.solver, "COORDINATES", {"unrolled": 7 * N, "recurrent": 7 * N})
    bad = write_array(tmp_path / "bad.h5", {"dictionary": "A", "measurements": "b"}[role], array)
    out = tmp_path / "x.h5"
    out.write_bytes(b"an older file")
    given = words(folder, out, **{role: bad})
    code, said, error = run(monkeypatch, capsys, *given)
    assert code == 2 and not said
    assert error.startswith(f"error: {bad}") and error.count("\n") == 1 and part in error
    assert out.read_bytes() == b"an older file"
    assert {path.name for path in tmp_path.iterdir()} == {"bad.h5", "x.h5"}


@pytest.mark.parametrize("role, array, part", BAD_ARRAYS)
def test_the_call_tells_the_same(folder, role, array, part):
    if array is B[0]:
        return
    with pytest.raises(InputError) as error:
        solver = load(folder / "lista.safetensors", array if role == "dictionary" else A)
        if array.ndim == 1:  # a single b
            array = array[:-1]
            part = "12 measurements"
        solver.solve(array)
    told(error, Path("A" if role == "dictionary" else "b"), part)


def test_rounding_does_not_make_another_dictionary(folder):
    for changed in (A.astype("f4"), A + 1e-8):
        load(folder / "lista.safetensors", changed)


@pytest.mark.parametrize("role", ["optimizer", "dictionary", "measurements"])
@pytest.mark.parametrize("damage", ["missing", "text", "cut", "foreign", "folder"])
def test_bad_files_are_told_in_one_line(folder, tmp_path, monkeypatch, capsys, role, damage):
    names = {"optimizer": "lista.safetensors", "dictionary": "A.h5", "measurements": "b.h5"}
    content, bad = (folder / names[role]).read_bytes(), tmp_path / "bad"
    if damage == "text":
        bad.write_text("1 2 3\n")
    elif damage == "cut":
        bad.write_bytes(content[: len(content) // 2])
    elif damage == "folder":
        bad.mkdir()
    elif damage == "foreign" and role == "optimizer":
        save_tensors(bad, {"w": torch.zeros(1)}, {"method": "sgd"})
    elif damage == "foreign":
        write_array(bad, "c", np.ones(3))
    given = words(folder, tmp_path / "x.h5", **{role: bad})
    code, _, error = run(monkeypatch, capsys, *given)
    assert code == 2 and error.startswith(f"error: {bad}: ") and error.count("\n") == 1
    assert "snakemake" not in error or role == "optimizer"
    assert not (tmp_path / "x.h5").exists()


OPTIONS = [
    ("lista", {"iterations": 0}, "whole number from 1"),
    ("l2o_dm", {"iterations": -3}, "whole number from 1"),
    ("lamp", {"iterations": DEPTH + 1}, "4 layers"),
    ("lamp", {"safeguard": ""}, "objective"),
    ("lamp", {"lam": 0.1}, "sparse recovery"),
    ("lista", {"lam": 0.1}, "trained for 0.02"),
    ("l2o_dm", {"lam": 0}, "positive"),
    ("l2o_dm", {"lam": "nan"}, "positive"),
    ("l2o_dm", {"threads": 0}, "from 1 to 1024"),
]


@pytest.mark.parametrize("name, options, part", OPTIONS)
def test_bad_options_are_told_in_one_line(
    folder, tmp_path, monkeypatch, capsys, name, options, part
):
    given = [w for w in words(folder, tmp_path / "x.h5", name, **options) if w]
    code, _, error = run(monkeypatch, capsys, *given)
    assert code == 2 and error.count("\n") == 1 and part in error and "; " in error
    assert not (tmp_path / "x.h5").exists()


def test_an_input_is_not_overwritten(folder, monkeypatch, capsys):
    inputs = dict.fromkeys(("A.h5", "b.h5"), "is an input")
    for role, part in {**inputs, "lista.safetensors": "does not end in .h5"}.items():
        before = (folder / role).read_bytes()
        code, _, error = run(monkeypatch, capsys, *words(folder, folder / role))
        assert code == 2 and part in error
        assert (folder / role).read_bytes() == before
        (link := folder / f"link to {role.split('.')[0]}").symlink_to(role)
        code, _, error = run(monkeypatch, capsys, *words(folder, link))
        assert code == 2 and "is an input" in error
        assert (folder / role).read_bytes() == before


@pytest.mark.parametrize("name, key", [("lista", "depth"), ("l2o_dm", "hyperparameters")])
def test_a_record_that_lacks_a_key_is_told(tmp_path, name, key):
    path = write_checkpoint(tmp_path / "c.safetensors", name, **{key: None})
    with pytest.raises(InputError) as error:
        load(path, A)
    told(error, path, key)


def test_a_recurrent_optimizer_without_lam_needs_one(tmp_path):
    path = write_checkpoint(tmp_path / "c.safetensors", "l2o_dm", lam=None)
    with pytest.raises(InputError) as error:
        load(path, A)
    told(error, path, "lam")
    assert load(path, A, lam=0.3).lam == 0.3


# The page on using trained optimizers

PAGE = (Path(__file__).parents[1] / "docs/use.md").read_text("utf-8")
SECTION = PAGE.split("## Solve with what the benchmark trained")[1].split("\n## ")[0]


def test_the_example_of_the_page_runs(folder, tmp_path, monkeypatch, capsys):
    shell, code = re.findall(r"```\w*\n(.*?)```", SECTION, re.DOTALL)[:2]
    command = shlex.split(shell.replace("\\\n", " "))
    checkpoint = tmp_path / command[command.index("--optimizer") + 1]
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes((folder / f"{checkpoint.stem}.safetensors").read_bytes())
    for name in ("A.h5", "b.h5"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    assert str(checkpoint.relative_to(tmp_path)) in code
    assert run(monkeypatch, capsys, *command[1:])[0] == 0
    names: dict = {}
    exec(code, names)
    assert np.array_equal(read(tmp_path / "x.h5")["x"], names["solution"].x)
    assert len(code.strip().splitlines()) <= 8


EXAMPLES = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)


def run_in(code: str, folder: Path, monkeypatch) -> dict:
    """Return the names that an example leaves."""
    monkeypatch.chdir(folder)
    names: dict = {}
    exec(code, names)
    return names


def test_the_page_runs_an_optimizer_on_a_function_of_ones_own(tmp_path, monkeypatch):
    names = run_in(EXAMPLES[1], tmp_path, monkeypatch)
    assert names["x"].shape == (64, 10) and torch.isfinite(names["x"]).all()


def test_the_page_says_at_which_points_l2o_swarm_asks():
    asked, names = [], {}
    exec(EXAMPLES[1].split("optimizer = ")[0], names)

    class Hills(names["Hills"]):
        def gradient(self, x):
            asked.append(x.shape)
            return super().gradient(x)

        def objective(self, x):
            asked.append(x.shape)
            return (x * x + 10 * (1 - torch.cos(2 * torch.pi * x))).sum(dim=-1)

    optimizer = make_method("l2o_swarm")
    with torch.no_grad():
        next(iterates(optimizer, Hills(), torch.ones(3, 10)))
    assert set(asked) == {(optimizer.k, 3, 10)}
    assert re.search(r"L2O-Swarm: [^)]*\(particles, batch, n\)", PAGE)
