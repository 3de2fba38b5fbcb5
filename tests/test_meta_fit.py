"""Recurrent optimizers, meta-trained on problems that a user writes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import minimize as scipy_minimise
from torch import Tensor
from torch.nn.functional import softplus

import l2o
from l2o.errors import InputError
from l2o.optimizees.instances import Instances
from l2o.optimizers.registry import methods
from l2o.optimizers.trained import load_recurrent
from l2o.solvers import meta_fit as door
from l2o.solvers import meta_plan, opponents
from l2o.solvers.problems import Gauged, parts
from l2o.training.meta import MetaTrainer

WHEN = ("at equal iterations", "at equal time")
RECURRENT = sorted(methods("recurrent"))


@dataclass(frozen=True)
class LogisticRegression(l2o.Problems):
    """The example of the documentation."""

    features: Tensor  # (problems, rows, n)
    signs: Tensor  # (problems, rows), -1 or 1
    ridge: Tensor  # (problems,)

    def objective(self, x):
        margins = self.signs * (self.features @ x[..., None])[..., 0]
        return softplus(-margins).mean(dim=-1) + self.ridge / 2 * x.square().sum(dim=-1)


@dataclass(frozen=True)
class Labelled(l2o.Problems):
    """Whole numbers among the tensors, and n that is no last axis of the first one."""

    labels: Tensor
    features: Tensor

    @property
    def dimension(self) -> int:
        return 2 * self.features.shape[-1]

    def objective(self, x):
        scores = x.unflatten(-1, (2, -1)) @ self.features.mT
        every = scores.movedim(-2, -1).logsumexp(dim=-1)
        picked = torch.where(self.labels == 1, scores[..., 1, :], scores[..., 0, :])
        return (every - picked).mean(dim=-1) + 0.01 * x.square().sum(dim=-1)


def logistic(count: int = 40, n: int = 4, rows: int = 12) -> LogisticRegression:
    draw = torch.Generator().manual_seed(0)
    features = torch.randn(count, rows, n, generator=draw)
    signs = features[..., 0].sign() * torch.where(
        torch.rand(count, rows, generator=draw) < 0.2, -1, 1
    )
    return LogisticRegression(features, signs, torch.full((count,), 0.01))


def labelled(count: int = 40) -> Labelled:
    family = logistic(count)
    return Labelled((family.signs > 0).long(), family.features)


@pytest.fixture(autouse=True)
def few_epochs(monkeypatch):
    monkeypatch.setattr(meta_plan, "EPOCHS", {"quick": 4, "standard": 16})
    monkeypatch.setattr(meta_plan, "RATES", (0.03, 0.3))
    monkeypatch.setattr(meta_plan, "FIRST_STEPS", (1.0, 10.0))


def fitted(family=None, method="l2o_rnnprop", **given):
    usual = {"horizon": 10, "budget": "quick", "threads": 1, "progress": False, "compare": False}
    return l2o.meta_fit(logistic() if family is None else family, method, **usual | given)


def saved(result, path) -> bytes:
    result.save(path)
    return path.read_bytes()


# Every recurrent optimizer


@pytest.mark.parametrize("method", RECURRENT)
def test_every_recurrent_optimizer_is_trained_compared_and_saved(method, tmp_path):
    result = fitted(method=method, compare=True)
    assert [row["epoch"] for row in result.history] == [1, 2, 3, 4]
    assert {row["status"] for row in result.history} == {"ok"}
    label = methods("recurrent")[method].label
    assert label in repr(result) and "LogisticRegression" in repr(result)
    lines = result.comparison.lines
    assert lines[0].method == label and lines[0].iterations == 10
    assert {line.when for line in lines} == {*WHEN}
    assert len(lines) == 7 and all(line.above >= 0 for line in lines)
    text = str(result.comparison)
    assert "Adam (rate" in text and "NAG (rate" in text and "L-BFGS" in text

    problems = logistic(8)
    found = result.minimise(problems)
    assert found.x.shape == (8, 4) and found.x.dtype == torch.float64
    assert (found.objective < found.start).double().mean() > 0.7
    assert torch.equal(found.objective, problems.to(torch.float64).objective(found.x))
    result.save(tmp_path / "mine.safetensors")
    again = load_recurrent(tmp_path / "mine.safetensors")
    start = torch.ones(8, 4)
    one, two = (l2o.minimise(o, problems, start, 10) for o in (again, result.optimizer))
    assert torch.equal(one.x, two.x)
    assert torch.equal(one.start, problems.to(torch.float64).objective(start.double()))


@pytest.mark.parametrize("method", ["l2o_rnnprop", "l2o_scale", "l2o_enhanced"])
def test_the_same_call_gives_the_same_bytes_also_after_a_kill(method, tmp_path, monkeypatch):
    expected = saved(fitted(method=method), tmp_path / "a")
    assert saved(fitted(method=method), tmp_path / "b") == expected
    assert saved(fitted(method=method, seed=1), tmp_path / "c") != expected
    keep, ordinary, calls = tmp_path / "keep", MetaTrainer._epoch, []

    def killed(self, epoch):
        calls.append(epoch)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return ordinary(self, epoch)

    monkeypatch.setattr(MetaTrainer, "_epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        fitted(method=method, keep=keep)
    assert [*keep.iterdir()]
    assert saved(fitted(method=method, keep=keep), tmp_path / "d") == expected
    assert calls == [0, 1, 2, 2, 3]  # the first two were not done again
    assert not keep.exists()


def test_other_problems_do_not_go_on_from_a_state(tmp_path, monkeypatch):
    keep, ordinary, calls = tmp_path / "keep", MetaTrainer._epoch, []

    def killed(self, epoch):
        calls.append(epoch)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return ordinary(self, epoch)

    monkeypatch.setattr(MetaTrainer, "_epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        fitted(keep=keep)
    fitted(logistic(41), keep=keep)
    assert calls == [0, 1, 2, 0, 1, 2, 3]


def test_a_time_is_asked_for_in_place_of_a_budget(tmp_path, monkeypatch):
    ticks = iter(range(1000))
    monkeypatch.setattr(meta_plan, "perf_counter", lambda: next(ticks))  # a second in two epochs
    result = fitted(minutes=0.05, keep=tmp_path / "keep")
    assert result.told["epochs"] == 6 and not (tmp_path / "keep").exists()


def test_the_example_of_the_documentation_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parents[1] / "docs" / "meta_fit.md").read_text("utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    smaller = {"range(400)": "range(30)", "rand(400": "rand(30", "horizon=100": "horizon=10"}
    for usual, few in {**smaller, "threads=1": 'threads=1, budget="quick"'}.items():
        assert usual in code
        code = code.replace(usual, few)
    exec(compile(code, "example", "exec", dont_inherit=True), {"__name__": "example"})
    assert (tmp_path / "logistic.safetensors").is_file()
    printed = capsys.readouterr().out
    assert "L2O-RNNprop: epoch 4 of 4" in printed and "ends lower at equal" in printed


# What is learned


def test_training_lowers_the_loss_and_a_class_may_say_what_is_minimised():
    seen = []

    @dataclass(frozen=True)
    class Own(LogisticRegression):
        def meta_loss(self, x):
            seen.append(x.shape)
            return self.objective(x).log().mean()

    drawn = fitted(budget="quick", horizon=20)
    trained = fitted(budget="standard", horizon=20)
    problems = logistic(64)
    losses = [each.minimise(problems).objective.mean() for each in (drawn, trained)]
    assert losses[1] < losses[0]
    family = logistic()
    fitted(Own(family.features, family.signs, family.ridge))
    assert seen


def test_labels_stay_whole_numbers():
    result = fitted(labelled(), compare=True)
    assert result.comparison.lines[0].failed == 0


def test_the_meta_loss_of_a_family_counts_problems_alike_in_any_unit():
    b = torch.tensor([[1.0], [1.0]])

    @dataclass(frozen=True)
    class Quadratic(l2o.Problems):
        b: Tensor
        unit: Tensor

        def objective(self, x):
            return self.unit * (x - self.b).square().sum(dim=-1)

    problems = Quadratic(b, torch.tensor([1.0, 1000.0]))
    known, zero = problems.objective(b), torch.zeros(2, 1)
    family = Gauged(problems, known, problems.objective(zero) - known)
    near, far, gone = (family.meta_loss(b + shift) for shift in (0.01, 0.1, torch.nan))
    assert math.isclose(far - near, math.log(100.0), rel_tol=1e-3) and gone.isnan()
    each = [family.batch(torch.tensor([i])).meta_loss(b[[i]] + 0.1) for i in (0, 1)]
    assert torch.isclose(*each)
    lower = Gauged(problems, known + 0.1, torch.ones(2)).batch(torch.tensor([0]))
    one = b[:1]  # there may be lower points than those known
    assert lower.meta_loss(one) < lower.meta_loss(one + 0.1) < 0 < lower.meta_loss(one + 1)


def test_the_parts_share_no_problem_and_together_are_all():
    family = logistic(40)
    sets = parts(family, 3)
    assert [len(part) for part in sets] == [28, 6, 6]
    rows = torch.cat([part.features for part in sets]).flatten(1)
    expected = family.features.flatten(1)
    assert sorted(map(tuple, rows.tolist())) == sorted(map(tuple, expected.tolist()))


# Comparison


def test_the_opponents_are_what_they_are_called():
    f = logistic(6).to(torch.float64)
    x = opponents.starts(f, 1.0, 0)
    values = opponents._lbfgs(f, x)(200).values
    for i, value in enumerate(values):
        one = f.batch(torch.tensor([i]))

        def objective(at, one=one):
            return float(one.objective(torch.from_numpy(at)[None]))

        best = scipy_minimise(objective, np.zeros(4), method="BFGS", tol=1e-10)
        assert value == pytest.approx(best.fun, abs=1e-8)
    adam = opponents.tuned("adam", "rate", (1e-4, 0.3, 1e3), f, x, 30)
    assert adam.hyper["rate"] == 0.3
    least, drop = opponents.lowest(f, x, [adam], 500)
    assert np.allclose(least.numpy(), values, atol=1e-4)
    assert torch.allclose(least + drop, f.objective(x))


def test_who_is_better_served_by_a_classical_method_is_told():
    def line(method, when, above):
        return opponents.Line(method, when, 1, 1, 1.0, 1.0, above, 0.0)

    def advice(ours, adam, later):
        rows = [
            line("Ours", "at equal iterations", ours),
            line("Adam", "at equal iterations", adam),
        ]
        return opponents._advice([*rows, line("Adam", "at equal time", later)], 1.0)

    assert "Adam ends lower at equal iterations (by 0.4)" in advice(0.5, 0.1, 0.6)
    assert "take that instead" in advice(0.5, 0.6, 0.1)
    assert "No classical method here ends lower than Ours" in advice(0.1, 0.5, 0.2)
    assert "no lower than the classical methods" in advice(0.0, 0.0, 0.0)
    assert "Adam ends lower" in advice(math.nan, 0.1, 0.1)


# Bad input


class NoClass:
    pass


@dataclass(frozen=True)
class Empty(l2o.Problems):
    def objective(self, x):
        return x.sum(dim=-1)


@dataclass(frozen=True)
class Of(l2o.Problems):
    b: Tensor
    kind: str = ""

    def objective(self, x):
        if self.kind == "summed":
            return (x - self.b).square().sum()
        if self.kind == "two axes":
            return torch.einsum("bn,bn->b", x, x)
        if self.kind == "mixed":
            return (x - self.b.mean(dim=0)).square().sum(dim=-1)
        if self.kind == "detached":
            return (x.detach() - self.b).square().sum(dim=-1)
        if self.kind == "root":
            return (0 * x).sqrt().sum(dim=-1)
        if self.kind == "NumPy":
            return np.square(x.numpy() - self.b.numpy()).sum(axis=-1)
        if self.kind == "infinite":
            return x.sum(dim=-1) / 0
        return (x - self.b).square().sum(dim=-1)


B = torch.arange(60.0).reshape(30, 2)


@pytest.mark.parametrize(
    "family, part",
    [
        (
            NoClass(),
            "family: a NoClass is no family of problems; derive the class from l2o.Problems",
        ),
        (Of, "the class Of is no family of problems"),
        (Empty(), "Empty: has no fields that are tensors"),
        (Of(B[:5]), "Of: 5 problems are few; give 20 or more"),
        (Of(B.numpy()), "Of: b: is an array of NumPy; use torch.from_numpy"),
        (Of(B.log()), "Of: b: holds NaN or infinity"),
        (Of(torch.tensor(1.0)), "Of: b: has shape ()"),
        (LogisticRegression(B, B[:9], B[:, 0]), "signs: has shape (9, 2), others (30, 2)"),
        (
            Of(B, "summed"),
            "objective: returns a Tensor of shape (), not (3, 2), for x of (3, 2, 2)",
        ),
        (Of(B, "two axes"), "objective: fails at x of shape (3, 2, 2)"),
        (Of(B, "mixed"), "objective: is another number for a problem alone than among others"),
        (Of(B, "detached"), "objective: is not differentiable"),
        (Of(B, "NumPy"), "objective: returns a ndarray of shape (3, 2)"),
        (Of(B, "root"), "gradient: is not finite"),
        (Of(B, "infinite"), "objective: is not finite at starts of standard deviation 1"),
    ],
    ids=range(15),
)
def test_a_family_that_is_none_is_told_in_one_line(family, part):
    with pytest.raises(InputError) as error:
        fitted(family)
    assert part in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "given, part",
    [
        ({"method": "adam"}, "method: 'adam' is no recurrent optimizer; give one of celo2_like"),
        ({"budget": "huge"}, "budget: 'huge' is no budget; give one of quick"),
        ({"minutes": 0}, "minutes: 0 is not a number"),
        ({"minutes": math.nan}, "minutes: nan is not a number"),
        ({"horizon": 0}, "horizon: 0 is no whole number"),
        ({"horizon": 2.5}, "horizon: 2.5 is no whole number"),
        ({"seed": -1}, "seed: -1 is no whole number"),
        ({"threads": 0}, "threads: 0 is no whole number"),
        ({"start_scale": -1.0}, "start_scale: -1.0 is not a number"),
        ({"start_scale": math.inf}, "start_scale: inf is not a number"),
        ({"hyperparameters": {"zzz": 1}}, "l2o_rnnprop: zzz: is no setting of this method"),
        ({"hyperparameters": {"scale": -1}}, "l2o_rnnprop: scale: -1 is not in (0, inf)"),
        ({"hyperparameters": {"scale": "1"}}, "l2o_rnnprop: scale: '1' is not in (0, inf)"),
    ],
)
def test_bad_settings_are_told_in_one_line(given, part):
    with pytest.raises(InputError) as error:
        fitted(**given)
    assert str(error.value).startswith(part) and "\n" not in str(error.value)


def test_a_place_for_the_state_that_is_a_file_is_told(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError) as error:
        fitted(keep=tmp_path / "file")
    assert "\n" not in str(error.value) and (tmp_path / "file").read_text() == "mine"


def test_a_training_that_diverges_is_told():
    """From starts that are far too large the objective overflows in float32."""

    @dataclass(frozen=True)
    class Steep(l2o.Problems):
        b: Tensor

        def objective(self, x):
            return (x - self.b).square().sum(dim=-1) ** 8

    with pytest.raises(InputError, match=r"l2o_dm: .*meta-training diverged in every epoch"):
        fitted(Steep(B), "l2o_dm", start_scale=1e5)


def test_bad_starts_are_told():
    result = fitted()
    for start in (np.zeros(4), np.full((40, 4), np.nan), np.zeros((40, 4), complex)):
        with pytest.raises(InputError, match=r"x0: has shape"):
            result.minimise(logistic(), start)
    with pytest.raises(InputError, match="iterations: 0 is no whole number"):
        result.minimise(logistic(), iterations=0)
    with pytest.raises(InputError, match="problems: "):
        result.minimise(B)


def test_threads_and_denormal_numbers_are_as_before():
    before = torch.get_num_threads()
    fitted(threads=1)
    assert torch.get_num_threads() == before
    assert issubclass(l2o.Problems, Instances) and door.EPOCHS
