"""The default of ``l2o.fit``: candidates that are trained alike, of which the best one is kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import l2o
from conftest import make_problem
from l2o.errors import InputError
from l2o.solvers import candidates, fitting
from l2o.solvers.budgets import CANDIDATES, FACTORS
from l2o.solvers.candidates import Score
from l2o.training.losses import RecoveryLoss
from l2o.training.state import TrainingState
from solve_command import ended

M, N, LAYERS = 16, 24, 2
A = make_problem(300, M, N, seed=5, entries=2).A
NORMS = np.linspace(0.5, 30.0, N)
STAGES = 4  # of each candidate: two layers, a window and all together


def signs(count: int = 300) -> np.ndarray:
    """Signals with entries 1 and -1, which no mixture of centred Gaussians describes."""
    generator = np.random.default_rng(2)
    x = np.where(generator.random((count, N)) < 0.1, generator.choice([-1.0, 1.0], (count, N)), 0.0)
    x[np.arange(count), generator.integers(N, size=count)] = 1.0
    return x


X = signs()


def fit(A=A, **options) -> l2o.Solver:
    usual = {"layers": LAYERS, "budget": "quick", "progress": False, "threads": 1}
    return l2o.fit(A, **usual | {"compare": False} | options)


def bytes_of(solver: l2o.Solver, folder: Path) -> bytes:
    return solver.save(folder / "saved").read_bytes()


def told(solver: l2o.Solver) -> dict[str, dict]:
    return solver.record["fit"]["candidates"]


def same_weights(one: l2o.Solver, other: l2o.Solver) -> bool:
    assert one.tensors.keys() == other.tensors.keys()
    return all(torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors)


@pytest.fixture(scope="module", autouse=True)
def short():
    """Trainings of a few steps: what is tested here but for the choice is no matter of quality."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FACTORS, "quick", 0.02)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    """The file of a solver for the signs that was trained without a stop."""
    return bytes_of(fit(signals=X), tmp_path_factory.mktemp("whole"))


class StoppedError(Exception):
    """In place of a kill."""


def stopped(monkeypatch, after: int, **options) -> None:
    """Fit, and stop after so many stages of all."""
    finish, stages = TrainingState.finish_stage, []

    def stopping(state):
        finish(state)
        stages.append(state)
        if len(stages) == after:
            raise StoppedError

    with monkeypatch.context() as patch, pytest.raises(StoppedError):
        patch.setattr(TrainingState, "finish_stage", stopping)
        fit(**options)


def counted(monkeypatch) -> list[TrainingState]:
    """Return the list of stages that are trained from here on."""
    finish, stages = TrainingState.finish_stage, []

    def counting(state):
        finish(state)
        stages.append(state)

    monkeypatch.setattr(TrainingState, "finish_stage", counting)
    return stages


# The choice


@pytest.mark.parametrize(
    "data, winner", [({}, "lamp_mixture"), ({"signals": signs(2000)}, "alista")]
)
def test_the_one_that_is_better_on_validation_samples_is_kept(monkeypatch, data, winner):
    """Normal entries are of the law that the mixture can learn, signs are not."""
    monkeypatch.setitem(FACTORS, "quick", 0.3)
    solver = fit(**data)
    scores = {name: told(solver)[name]["validation_db"] for name in CANDIDATES}
    assert solver.name == winner == min(scores, key=scores.get)
    assert abs(scores["alista"] - scores["lamp_mixture"]) > 1
    assert same_weights(solver, fit(method=winner, **data))


def test_the_score_is_that_by_which_weights_are_chosen(monkeypatch):
    """In float64, for the signals as the net sees them: columns and data of any size."""
    seen = []

    def score(solver, data):
        seen.append((solver, data, candidates_score(solver, data)))
        return seen[-1][-1]

    candidates_score = candidates.score
    monkeypatch.setattr(candidates, "score", score)
    fit(A * NORMS, signals=1e3 * X / NORMS)
    assert {solver.name for solver, _, _ in seen} == set(CANDIDATES)
    for solver, data, found in seen:
        part = data.splits["validation"]
        b, x = (torch.from_numpy(array).double() for array in (part.b, part.target))
        output = solver.optimizer.net(b)[-1]
        assert found.db == pytest.approx(RecoveryLoss().score_db(output, b, x), abs=1e-6)
        failed = (output - x).square().sum(dim=1) >= x.square().sum(dim=1)
        assert found.failed == pytest.approx(float(failed.double().mean()), abs=1e-12)


def test_one_line_tells_the_choice_and_the_table_shows_both(capsys):
    solver = fit(signals=X, compare=True, progress=True)
    (line,) = (each for each in capsys.readouterr().out.splitlines() if "is kept" in each)
    assert line in solver.about.notes
    scores = sorted(found["validation_db"] for found in told(solver).values())
    assert f"{scores[0]:.1f} dB" in line and f"{scores[1] - scores[0]:.1f} dB behind" in line
    trained = [row.method for row in solver.comparison.rows if row.when == "trained"]
    assert trained[0] == solver.label and sorted(trained) == ["ALISTA", "LAMP-mixture"]


@pytest.mark.parametrize(
    "scores, winner, said",
    [
        ((Score(-9.0, 0.5), Score(-10.0, 0.9)), "alista", "ALISTA is kept: -10.0 dB, 90.0 %"),
        ((Score(-9.0, 0.9), Score(-9.0, 0.0)), "lamp_mixture", "ALISTA: -9.0 dB, 0.0 % failed, le"),
        ((Score(np.inf, 1.0), Score(3.0, 1.0)), "alista", "inf dB behind"),
    ],
)
def test_a_share_that_fails_chooses_nothing_and_is_told(monkeypatch, scores, winner, said):
    given = iter(scores)
    monkeypatch.setattr(candidates, "score", lambda solver, data: next(given))
    solver = fit(signals=X, minutes=1e-3)
    assert solver.name == winner and said in solver.about.notes[-1]
    json.dumps(solver.record, allow_nan=False)


# What goes to whom


def test_settings_go_to_those_that_have_them(monkeypatch):
    plans = []

    def untrained(dictionary, data, plan):
        plans.append(plan)
        return fitting.untrained(dictionary, data, plan)

    monkeypatch.setattr(candidates, "untrained", untrained)
    fit(signals=X, minutes=1e-3, hyperparameters={"lam": 0.2, "density": 0.3})
    given = {plan.method: plan.hyperparameters for plan in plans}
    assert given == {"lamp_mixture": {"density": 0.3}, "alista": {"lam": 0.2}}
    with pytest.raises(InputError, match="no setting of this method; it has: density"):
        fit(hyperparameters={"theta": 1.0})


def test_for_lasso_it_is_alista(tmp_path):
    data = {"measurements": X @ A.T, "lam": 0.05}
    solver = fit(**data)
    assert solver.name == "alista" and "candidates" not in solver.record["fit"]
    assert bytes_of(solver, tmp_path) == bytes_of(fit(method="alista", **data), tmp_path)


def test_minutes_are_shared_measured_once_and_kept(tmp_path, monkeypatch):
    asked = []

    def factor(net, data, loss, budget, plan):
        asked.append((plan.method, plan.minutes))
        return 0.1

    monkeypatch.setattr(fitting, "_fitting_factor", factor)
    options = {"signals": X, "minutes": 0.5}
    expected = bytes_of(fit(**options), tmp_path)
    assert asked == [(name, 0.25) for name in CANDIDATES]
    stopped(monkeypatch, STAGES + 1, keep=tmp_path / "kept", **options)
    monkeypatch.setattr(fitting, "_fitting_factor", None)  # not measured again
    assert bytes_of(fit(keep=tmp_path / "kept", **options), tmp_path) == expected


def test_what_cannot_be_built_is_left_out_and_its_minutes_go_to_the_others(monkeypatch):
    build, minutes, impossible = fitting._net, [], {"ALISTA"}

    def net(head, *rest):
        if head.label in impossible:
            raise InputError("A", "", "column 3 is below the cut-off", "remove that column")
        return build(head, *rest)

    def factor(net, data, loss, budget, plan):
        minutes.append(plan.minutes)
        return 0.02

    monkeypatch.setattr(fitting, "_net", net)
    monkeypatch.setattr(fitting, "_fitting_factor", factor)
    solver = fit(signals=X, minutes=0.5, compare=True)
    assert solver.name == "lamp_mixture" and minutes == [0.5]
    assert told(solver)["alista"] == {"left_out": "column 3 is below the cut-off"}
    assert solver.about.notes[-1] == "ALISTA was left out: column 3 is below the cut-off"
    assert [row.when for row in solver.comparison.rows].count("trained") == 1
    impossible.add("LAMP-mixture")
    with pytest.raises(InputError, match="column 3 is below the cut-off"):
        fit(signals=X)


# Stopped and resumed


@pytest.mark.parametrize("after", [2, STAGES, STAGES + 3, 2 * STAGES])
def test_stopped_anywhere_it_goes_on_to_the_same_bits(tmp_path, monkeypatch, whole, after):
    kept = tmp_path / "kept"
    stopped(monkeypatch, after, signals=X, keep=kept)
    stages = counted(monkeypatch)
    solver = fit(signals=X, keep=kept)
    assert len(stages) == 2 * STAGES - after  # nothing was trained twice
    assert bytes_of(solver, tmp_path) == whole and not kept.exists()


def test_stopped_while_it_is_compared_nothing_is_trained_again(tmp_path, monkeypatch, whole):
    def compared(*_):
        raise StoppedError

    with monkeypatch.context() as patch, pytest.raises(StoppedError):
        patch.setattr("l2o.solvers.fit.compared", compared)
        fit(signals=X, keep=tmp_path / "kept", compare=True)
    stages = counted(monkeypatch)
    solver = fit(signals=X, keep=tmp_path / "kept")
    assert not stages and bytes_of(solver, tmp_path) == whole


@pytest.mark.parametrize("name", CANDIDATES)
def test_stopped_while_the_states_are_removed_the_bits_are_the_same(
    tmp_path, monkeypatch, whole, name
):
    kept = tmp_path / "kept"
    stopped(monkeypatch, 2 * STAGES, signals=X, keep=kept)
    (fitting.place_of(kept, name) / fitting.STATE).unlink()
    stages = counted(monkeypatch)
    solver = fit(signals=X, keep=kept)
    assert len(stages) == STAGES
    assert bytes_of(solver, tmp_path) == whole and not kept.exists()


@pytest.mark.parametrize("first, then", [("auto", "alista"), ("alista", "auto")])
def test_what_another_call_left_in_the_folder_goes_as_well(tmp_path, monkeypatch, first, then):
    kept = tmp_path / "kept"
    stopped(monkeypatch, 3, signals=X, keep=kept, method=first, minutes=0.01)
    other = kept / "candidate_mine" / "state.safetensors"
    other.parent.mkdir()
    other.touch()
    fit(signals=X, keep=kept, method=then, minutes=0.01)
    assert list(kept.rglob("*.*")) == [other]


# The command


def test_it_is_the_default_of_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("A.npy", A)
    np.savez("data.npz", x=X)
    words = ["--dictionary=A.npy", "--signals=data.npz", "--layers=2", "--budget=quick"]
    code, out, err = ended("fit", *words, "--out=mine.safetensors")
    assert code == 0 and not err and out.count(" is kept: ") == 1
    assert set(told(l2o.load("mine.safetensors"))) == set(CANDIDATES)
    assert {path.name for path in tmp_path.glob("mine*")} == {"mine.safetensors"}
