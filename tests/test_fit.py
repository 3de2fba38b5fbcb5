"""Solvers fitted to a dictionary of one's own: from codes, pairs, measurements; saved, resumed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import torch

import l2o
from conftest import make_problem
from l2o.errors import InputError
from l2o.metrics import sample_nmse_db
from l2o.optimizees.lasso_optimum import lasso_objective, lasso_optimum
from l2o.solvers import fitting
from l2o.solvers.dictionary import rescaled
from l2o.training.state import TrainingState
from solve_command import ended

M, N, LAYERS = 16, 24, 3
PROBLEM = make_problem(300, M, N, seed=5, entries=2)
A = PROBLEM.A
NORMS = np.linspace(0.5, 30.0, N)
QUIET = {"layers": LAYERS, "budget": "quick", "progress": False, "threads": 1, "method": "alista"}


def pairs(count: int = 300, size: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(2)
    x = np.where(generator.random((count, N)) < 0.1, generator.standard_normal((count, N)), 0.0)
    x[np.arange(count), generator.integers(N, size=count)] = 1.0
    return size * x, size * x @ A.T


def fit(A=A, **options) -> l2o.Solver:
    return l2o.fit(A, **QUIET | {"compare": False} | options)


@pytest.fixture(scope="module")
def drawn() -> l2o.Solver:
    """A solver that has learned from drawn codes; only to use."""
    return fit(compare=True)


def nmse(solver: l2o.Solver, x: np.ndarray, b: np.ndarray) -> float:
    return float(sample_nmse_db(solver.solve(b).x, x).mean())


X, B = pairs()


# What it learns


def test_from_drawn_codes_it_solves_signals_that_it_has_not_seen(drawn):
    x, b = pairs()
    start = l2o.solver("ista", A, 0.1).solve(b, LAYERS).x
    assert nmse(drawn, x, b) < sample_nmse_db(start, x).mean() - 3
    assert "16 x 24" in repr(drawn) and "3 layers" in repr(drawn) and "NMSE" in repr(drawn)
    assert [row["stage"] for row in drawn.history][-1] == "final"


def test_drawn_codes_are_of_the_size_of_ones_own(drawn):
    """x of size 1 for an A of any norms; of another size where that is said."""
    x, b = pairs()
    expected = nmse(drawn, x, b)
    assert nmse(fit(8.0 * A), x, 8.0 * b) == pytest.approx(expected, abs=1e-3)
    assert nmse(fit(size=100.0), 100.0 * x, 100.0 * b) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("method", ["lista_cpss", "lamp", "lamp_mixture"])
def test_every_kind_of_net_can_be_fitted(method):
    x, b = pairs()
    solver = fit(method=method, signals=x)
    assert solver.name == method and nmse(solver, x, b) < -4


def test_the_same_call_gives_the_same_bits_and_another_seed_others(tmp_path):
    x, b = pairs()
    made = [fit(signals=x, measurements=b, seed=seed) for seed in (3, 3, 4)]
    hashes = []
    for number, solver in enumerate(made):
        path = solver.save(tmp_path / f"{number}.safetensors")
        hashes.append(hashlib.sha256(path.read_bytes()).hexdigest())
    assert hashes[0] == hashes[1] != hashes[2]


def test_the_size_of_the_data_does_not_matter():
    """Data are divided by a power of two: without rounding."""
    x, b = pairs()
    plain = fit(signals=x, measurements=b).solve(b).x
    for size in (2.0**-20, 2.0**30):
        solver = fit(signals=size * x, measurements=size * b)
        assert np.array_equal(solver.solve(size * b).x, size * plain)
    assert nmse(fit(signals=1e-5 * x), 1e-5 * x, 1e-5 * b) < -8


def test_columns_of_any_norm_are_rescaled_and_x_scaled_back(tmp_path):
    x, b = pairs()
    solver = fit(A * NORMS, signals=x / NORMS, measurements=b)
    assert any("norm 0.5 to 30" in note for note in solver.about.notes)
    assert nmse(solver, x / NORMS, b) == pytest.approx(nmse(fit(signals=x), x, b), abs=0.5)
    again = l2o.load(solver.save(tmp_path / "s.safetensors"), A * NORMS)
    assert np.allclose(again.solve(b).x, solver.solve(b).x, atol=1e-6)
    with pytest.raises(InputError, match="is not the dictionary"):
        l2o.load(tmp_path / "s.safetensors", A)


def test_atoms_in_rows_are_recognised():
    tall = np.ascontiguousarray(A.T)
    assert rescaled(tall).A.shape == (M, N) and "scikit-learn" in rescaled(tall).notes[0]
    assert rescaled(2 * tall, m=M).A.shape == (M, N)
    assert rescaled(2 * tall).A.shape == (N, M)  # nothing tells, so it is as it was given
    rows = np.linalg.qr(np.random.default_rng(0).standard_normal((N, M)))[0].T
    assert rescaled(rows).A.shape == (M, N)  # wide with orthonormal rows
    with pytest.raises(InputError, match="does not fit"):
        rescaled(A, m=M + 1)


@pytest.mark.parametrize("size", [300.0])
def test_from_measurements_alone_it_minimises_lasso(size, tmp_path):
    _, b = pairs(400, size)
    lam = 0.05 * size
    solver = fit(measurements=b, lam=lam)
    optima = lasso_optimum(A, b, lam).objective
    fista = l2o.solver("fista", A, lam)
    excess = {
        name: (lasso_objective(A, b, lam, found.solve(b, LAYERS).x) - optima).mean()
        for name, found in {"learned": solver, "fista": fista}.items()
    }
    assert 0 < excess["learned"] < 0.7 * excess["fista"]
    solution = l2o.load(solver.save(tmp_path / "s.safetensors")).solve(b, 400, safeguard=True)
    assert np.allclose(solution.objective, optima, rtol=1e-5)
    assert np.allclose(solution.objective, lasso_objective(A, b, lam, solution.x), rtol=1e-6)


def test_signals_that_are_zero_are_left_out():
    x, b = pairs()
    x[::3], b[::3] = 0.0, 0.0
    solver = fit(signals=x, measurements=b)
    assert any("100 signals that are zero" in note for note in solver.about.notes)


# The closing table


def test_the_table_holds_it_against_classical_methods(drawn):
    found = drawn.comparison
    methods = [(row.method.split(" ")[0], row.when) for row in found.rows]
    assert methods[0] == ("ALISTA", "trained") and len(found.curves) == 6
    for name in ("FISTA", "OMP", "AMP", "EM-BG-AMP", "EM-VAMP"):
        assert (name, "at equal time") in methods and (name, "at convergence") in methods
    limit = found.rows[0].microseconds
    assert all(row.microseconds <= limit for row in found.rows if row.when == "at equal time")
    text = str(found)
    assert "held out" in text and found.advice in text and "us/sample" in text
    best = min(row.mean for row in found.rows[1:])
    assert (best > found.rows[0].mean) == ("None of these" in found.advice)


def test_a_user_may_compare_before_she_trains():
    x, b = pairs()
    found = l2o.compare(A * NORMS, b, x / NORMS, methods=["fista", "omp"])
    assert [row.when for row in found.rows] == ["at convergence"] * 2 and not found.advice
    omp = next(row for row in found.rows if row.method.startswith("OMP"))
    assert omp.median < -100  # without noise and so sparse it is exact
    solver = l2o.solver("em_vamp", A * NORMS)  # whatever the norms, and nothing told of x
    assert np.median(sample_nmse_db(NORMS * solver.solve(b).x, x)) < -100
    lasso = l2o.compare(A, b, lam=0.05)
    assert lasso.measure == "(f - f*) / f*" and lasso.rows[0].mean < -60


def test_errors_are_those_of_the_solutions():
    x, b = pairs()
    found = l2o.compare(A, b, x, methods=["omp"])
    solver = l2o.solver("omp", A, tolerance=0.0)
    expected = sample_nmse_db(solver.solve(b[60:], M // 2).x, x[60:])
    assert np.allclose(np.maximum(expected, -150), found.curves[0].errors[-1], atol=25)


BAD_COMPARISONS = [
    ({"signals": X[:-1]}, "signals: has 299 rows, and measurements 300"),
    ({"lam": 0.1}, "lam: was given, and signals"),
    ({"signals": None}, "signals: are missing, and so is lam"),
    ({"signals": None, "lam": "a"}, "lam: 'a' is not a number above 0"),
    ({"threads": -1}, "threads: -1 is no whole number"),
    ({"methods": "omp"}, "methods: 'omp' is no list"),
    ({"methods": [["omp"]]}, "no classical method"),
    ({"solvers": None}, "solvers: None is no list"),
    ({"signals": None, "lam": 10**400}, "is not a number above 0"),
    ({"methods": ["lista"]}, "no classical method"),
    ({"solvers": l2o.solver("omp", A)}, "solvers: <Solver: OMP"),
    ({"solvers": ["mine.safetensors"]}, "'mine.safetensors' is no solver"),
    ({"solvers": [l2o.solver("omp", A[:, :-1])]}, "is not for this A"),
    ({"solvers": [l2o.solver("omp", A[:, ::-1])]}, "is not for this A"),
    ({"solvers": [l2o.solver("omp", A * NORMS)]}, "is not for this A"),
]


@pytest.mark.parametrize("options, part", BAD_COMPARISONS)
def test_a_comparison_of_unlike_things_is_told_in_one_line(options, part):
    with pytest.raises(InputError) as error:
        l2o.compare(A, B, **{"signals": X, **options})
    assert part in str(error.value) and "\n" not in str(error.value)


def test_a_solver_of_lasso_is_compared_by_its_own_weight():
    solver = l2o.solver("fista", A, lam=0.1)
    with pytest.raises(InputError, match="is not for lam"):
        l2o.compare(A, B, lam=0.2, solvers=[solver], methods=())
    l2o.compare(A, B[:40], lam=0.1, solvers=(solver,), methods=())


def test_a_solver_is_compared_on_its_own_dictionary():
    solver = l2o.solver("omp", A * NORMS)
    found = l2o.compare(A * NORMS, B, X / NORMS, solvers=[solver], methods=[])
    assert [row.when for row in found.rows] == ["trained"]


# Stopped and resumed


class StoppedError(Exception):
    """In place of a kill."""


def test_a_fit_that_was_stopped_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    x, b = pairs()
    expected = fit(signals=x, measurements=b).save(tmp_path / "whole").read_bytes()
    finish, stages = TrainingState.finish_stage, []

    def stopping(state):
        finish(state)
        stages.append(state.stage)
        if len(stages) == 3:
            raise StoppedError

    monkeypatch.setattr(TrainingState, "finish_stage", stopping)
    with pytest.raises(StoppedError):
        fit(signals=x, measurements=b, keep=tmp_path / "kept")
    assert (tmp_path / "kept" / "state.safetensors").is_file()
    solver = fit(signals=x, measurements=b, keep=tmp_path / "kept")
    assert stages[3] == 4 and solver.save(tmp_path / "resumed").read_bytes() == expected
    assert not (tmp_path / "kept").exists()


def test_minutes_are_measured_once_and_kept(tmp_path, monkeypatch):
    x, _ = pairs()
    finish, ended_stages = TrainingState.finish_stage, []

    def stopping(state):
        finish(state)
        ended_stages.append(state)
        if len(ended_stages) == 2:  # the first one is of the measurement
            raise StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(TrainingState, "finish_stage", stopping)
        with pytest.raises(StoppedError):
            fit(signals=x, minutes=0.02, keep=tmp_path / "kept")
    monkeypatch.setattr(fitting, "_fitting_factor", None)  # not measured again
    assert fit(signals=x, minutes=0.02, keep=tmp_path / "kept").depth == LAYERS


def test_torch_is_left_as_it_was():
    torch.set_num_threads(2)
    fit(signals=pairs()[0], threads=1)
    assert torch.get_num_threads() == 2
    assert float(torch.tensor(1e-42) * 0.5) != 0  # denormal numbers count again
    torch.set_num_threads(1)


# Bad input

BAD = [
    ({"method": "fista"}, "no unrolled net"),
    ({"method": "l2o_dm"}, "no unrolled net"),
    ({"layers": 0}, "whole number from 1"),
    ({"layers": 2.5}, "whole number"),
    ({"density": 0.0}, "above 0"),
    ({"density": 1.5}, "up to 1"),
    ({"snr": np.nan}, "is not a number"),
    ({"size": 0}, "above 0"),
    ({"budget": "long"}, "no budget"),
    ({"minutes": -1}, "above 0"),
    ({"objective": "mse"}, "no objective"),
    ({"objective": "lasso"}, "lam: is missing"),
    ({"lam": 0.1}, "recovery has none"),
    ({"lam": -0.1, "measurements": B}, "above 0"),
    ({"lam": 1e9, "measurements": B}, "x = 0 minimises"),
    ({"lam": 0.1, "objective": "lasso", "signals": X}, "learns nothing from signals"),
    ({"measurements": B, "objective": "recovery"}, "needs the signals"),
    ({"signals": X[:, :-1]}, "does not fit"),
    ({"signals": X, "measurements": B[:-1]}, "a row for each signal"),
    ({"signals": X[:19]}, "has 19 samples"),
    ({"signals": np.zeros_like(X)}, "has 0 samples"),
    ({"signals": np.where(X == 1, np.nan, X)}, "NaN"),
    ({"measurements": B[:10], "lam": 0.1}, "has 10 samples"),
    ({"hyperparameters": {"theta": 1.0}}, "no setting of this method"),
    ({"hyperparameters": {"lam": -1.0}}, "not in (0, inf)"),
    ({"hyperparameters": {"lam": True}}, "not in (0, inf)"),
    ({"seed": -1}, "seed"),
    ({"threads": 0}, "threads"),
]


@pytest.mark.parametrize("options, part", BAD)
def test_bad_input_is_told_in_one_line(options, part):
    with pytest.raises(InputError) as error:
        fit(**options)
    assert part in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "wrong, part",
    [
        (A[0], "m x n"),
        (np.where(np.arange(N) == 2, 0.0, A), "column 2 "),
        (A.astype(complex), "complex"),
        (np.full((M, N), np.inf), "infinity"),
        (np.full((M, N), 1e200), "infinite norm"),
    ],
)
def test_bad_dictionaries_are_told_in_one_line(wrong, part):
    for call in (lambda: fit(wrong), lambda: l2o.solver("fista", wrong)):
        with pytest.raises(InputError, match=part):
            call()


def test_classical_methods_are_made_by_name():
    solver = l2o.solver("omp", 3 * A, nonzeros=2)
    assert np.count_nonzero(solver.solve(B).x, axis=1).max() <= 2 and solver.lam is None
    assert l2o.solver("fista", A, 0.2).lam == 0.2
    for call, part in [
        (lambda: l2o.solver("lista", A), "no classical method"),
        (lambda: l2o.solver("omp", A, lam=0.1), "no setting"),
        (lambda: l2o.solver("fista", A, lam=0.0), "not a positive number"),
        (lambda: l2o.solver("amp", A, alpha=-1.0), "not in"),
        (lambda: solver.save("x.safetensors"), "no trained weights"),
        (lambda: solver.solve(B, safeguard=True), "needs an objective"),
    ]:
        with pytest.raises(InputError, match=part):
            call()


# The commands


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The current folder, with data in four formats."""
    monkeypatch.chdir(tmp_path)
    np.save("A.npy", A)
    scipy.io.savemat("A.mat", {"D": (A * NORMS).astype("f4")})
    np.savez("data.npz", x=X, b=B)
    with h5py.File("data.h5", "w") as file:
        file["group/measured"] = B.astype("f4")
    return tmp_path


def run(*words: str) -> str:
    code, out, err = ended(*words)
    assert code == 0 and not err, err
    return out


def test_from_files_to_a_solver_to_solutions(folder):
    few = ["--method=alista", "--layers=2", "--budget=quick", "--out=mine.safetensors"]
    said = run("fit", "--dictionary=A.mat", *few)
    assert "divided by it" in said and "mine.safetensors" in said and "held out" in said
    assert {path.name for path in folder.glob("mine*")} == {"mine.safetensors"}
    said = run("solve", "--optimizer=mine.safetensors", "--measurements=data.h5", "--out=x.h5")
    with h5py.File("x.h5") as file:
        assert file["x"].dtype == "f4" and file["x"].shape == X.shape
        assert np.array_equal(file["x"][:], l2o.load("mine.safetensors").solve(B.astype("f4")).x)
    run("solve", "--method=omp", "--dictionary=A.npy", "--measurements=data.npz", "--out=x.h5")
    with h5py.File("x.h5") as file:
        assert np.array_equal(file["x"][:], l2o.solver("omp", A).solve(B).x)


def test_pairs_and_comparison_from_files(folder):
    data = ["--dictionary=A.npy", "--measurements=data.npz", "--signals=data.npz"]
    few = ["--method=alista", "--layers=2", "--budget=quick", "--out=m.safetensors"]
    run("fit", *data, *few, "--setting=lam=0.2")
    assert l2o.load("m.safetensors").record["hyperparameters"]["lam"] == 0.2
    said = run("compare", *data, "--optimizer=m.safetensors", "--methods=omp", "--figure=f.pdf")
    assert "OMP" in said and Path("f.pdf").read_bytes().startswith(b"%PDF")


DATA = ["compare", "--dictionary=A.npy", "--measurements=data.npz", "--key=b"]
COMMANDS = [
    (["fit", "--out=s"], "--dictionary: is missing"),
    (["fit", "--dictionary=none.npy", "--out=s"], "none.npy"),
    (["fit", "--dictionary=A.npy", "--out=A.npy"], "does not end in .safetensors"),
    (["fit", "--dictionary=A.npy", "--out=s", "--setting=lam"], "is not NAME=NUMBER"),
    (["fit", "--dictionary=A.npy", "--out=s", "--snr=loud"], "--snr"),
    (["fit", "--dictionary=A.npy", "--out=s", "--objective=l1"], "--objective"),
    (["fit", "--dictionary=data.npz", "--out=s"], "--dictionary-key"),
    (["solve", "--measurements=data.npz", "--out=x.h5"], "--optimizer: is missing"),
    (["solve", "--method=omp", "--measurements=data.npz", "--out=x.h5"], "--dictionary"),
    (DATA, "and so is lam"),
    ([*DATA, "--lam=0.1", "--methods=fista", "--figure=f.gif"], "no format"),
]


@pytest.mark.parametrize("words, part", COMMANDS)
def test_bad_commands_are_told_in_one_line(folder, words, part):
    code, out, err = ended(*words)
    assert code == 2 and part in err and err.count("\n") == 1 and not out
    assert not Path("s").exists() and not Path("x.h5").exists()


def test_a_fit_does_not_overwrite_what_it_learns_from(folder, tmp_path):
    (tmp_path / "link").symlink_to(Path("A.npy").resolve())
    before = Path("A.npy").read_bytes()
    code, _, err = ended("fit", "--dictionary=A.npy", f"--out={tmp_path / 'link'}")
    assert code == 2 and "is an input as well" in err and Path("A.npy").read_bytes() == before
