"""The comparison on LASSO: iterations, starts, curves, nets that FISTA continues, training loss."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import make_problem, told
from l2o.config.training import Training
from l2o.errors import InputError
from l2o.evaluation import lasso as ev
from l2o.evaluation import runs
from l2o.optimizees.lasso import Lasso, load_lasso
from l2o.optimizees.lasso_optimum import lasso_optimum
from l2o.optimizers.classical.fista import Fista
from l2o.optimizers.classical.ista import Ista
from l2o.optimizers.continued import Continued
from l2o.optimizers.protocol import iterates
from l2o.optimizers.recurrent.l2o_dm import L2oDm
from l2o.optimizers.trained import load_recurrent
from l2o.optimizers.unrolled.alista import Alista
from l2o.optimizers.unrolled.lista import Lista
from l2o.storage.checkpoints import save_tensors
from l2o.storage.sets import LASSO, write_set
from l2o.storage.tables import write_table
from l2o.training.lasso_loss import LassoLoss
from l2o.training.progressive import ProgressiveTrainer, Samples

LAM, M, N = 0.02, 12, 20
PROBLEM = make_problem(60, M, N, seed=11, entries=3)
OPTIMA = lasso_optimum(PROBLEM.A, PROBLEM.b, LAM)


@pytest.fixture
def lasso() -> Lasso:
    A, b, _ = PROBLEM.tensors()
    return Lasso(A, b, LAM, torch.from_numpy(OPTIMA.objective))


def relative_loss(lasso: Lasso, x: torch.Tensor) -> float:
    return float(lasso.excess(x).mean() / lasso.optimum.mean())


# Iterations and starts


@pytest.fixture
def published(tmp_path) -> Path:
    write_table(tmp_path / "published.csv", [{"iteration": k} for k in (1, 64, 700, 1000)])
    return tmp_path / "published.csv"


def test_recorded_iterations_hold_the_first_the_last_and_the_published_ones(published):
    recorded = runs.recorded_iterations(1000, published)
    assert recorded[: runs.DENSE + 1] == list(range(runs.DENSE + 1))
    assert {63, 64, 699, 700, 1000} <= set(recorded)
    assert {63, 64, 699, 700} - {*runs.recorded_iterations(1000)}
    assert recorded == sorted(set(recorded)) and len(recorded) < 90
    ratios = np.diff(np.log10([k for k in recorded if k >= runs.DENSE]))
    assert ratios.max() < 1.5 / runs.PER_DECADE + 0.02


@pytest.mark.parametrize("total", [1, 7, 30])
def test_recorded_iterations_end_where_the_run_ends(total, published):
    assert runs.recorded_iterations(total, published)[-1] == total


def test_a_start_is_the_same_whatever_the_number_of_starts():
    few, many = (runs.start_points(3, count, 5, 4, 0.5) for count in (2, 6))
    assert torch.equal(few, many[:2])
    assert not torch.equal(many[0], many[1])
    assert torch.equal(runs.start_points(3, 2, 5, 4, 1.0), 2 * few)


# Curves


def test_the_excess_is_that_of_the_iterates(lasso):
    starts = runs.start_points(1, 2, len(lasso.b), N, 0.3)
    recorded = [0, 1, 4]
    found = ev.excess_at(Ista(lasso.A, {"lam": LAM}), lasso, starts, recorded, torch.float64)
    for s, start in enumerate(starts):
        steps = [start, *islice(iterates(Ista(lasso.A, {"lam": LAM}), lasso, start), 4)]
        for i, k in enumerate(recorded):
            np.testing.assert_array_equal(found[i, s], lasso.excess(steps[k]).numpy())


def test_rows_give_eq_19_its_extremes_and_quartiles():
    optimum = np.array([1.0, 3.0])
    excess = np.array([[[2.0, 2.0], [4.0, 4.0]], [[0.1, 0.3], [0.2, 0.0]]])
    who = runs.Contestant("x", "recurrent", "X", layers=0)
    first, last = ev.curve_rows(who, [0, 9], excess, optimum)
    assert first["relative_loss"] == pytest.approx((2.0 + 4.0) / 2 / 2)
    assert (first["start_low"], first["start_high"]) == (pytest.approx(1.0), pytest.approx(2.0))
    assert last["q75"] == pytest.approx(np.quantile([0.1, 0.1, 0.2, 0.0], 0.75))
    assert (last["iteration"], last["status"]) == (9, "converged")
    final = ev.final_row(who, excess, optimum)
    assert (final["runs"], final["failed"]) == (4, 0)
    for column in ("relative_loss", "q25", "median", "q75"):
        assert final[column] == pytest.approx(last[column])


@pytest.mark.parametrize("bad", [np.nan, np.inf, 9.0])
def test_a_run_that_ends_above_its_start_or_nowhere_has_diverged(bad):
    excess = np.array([[[2.0, 2.0]], [[bad, bad]]])
    who = runs.Contestant("x", "recurrent", "X")
    rows = ev.curve_rows(who, [0, 9], excess, np.ones(2))
    assert {row["status"] for row in rows} == {"diverged"}
    assert ev.final_row(who, excess, np.ones(2))["failed"] == 2


def test_seconds_grow_and_belong_to_the_recorded_iterations(lasso):
    start = torch.zeros(len(lasso.b), N, dtype=torch.float64)
    who = runs.Contestant("ista", "classical", "ISTA")
    rows = ev.seconds_rows(who, Ista(lasso.A, {"lam": LAM}), lasso, start, [0, 1, 5, 20])
    assert [row["iteration"] for row in rows] == [1, 5, 20]
    seconds = [row["seconds"] for row in rows]
    assert 0 < seconds[0] < seconds[1] < seconds[2]
    assert {row["batch"] for row in rows} == {len(lasso.b)}


def test_the_papers_optimum_is_held_against_the_certified_one(lasso):
    fista = Fista(lasso.A, {"lam": LAM})
    few, many = (ev.published_optimum_errors(lasso, fista, count) for count in (20, 3000))
    assert few["relative_loss"] > 1e-3 and few["share_above_1e-6"] > 0.5
    assert abs(many["relative_loss"]) < 1e-6 < few["largest_relative"]


# Nets


def test_a_net_is_continued_from_its_last_layer(lasso):
    net = Lista(lasso.A, 3, {"lam": LAM}).double().requires_grad_(False)
    start = torch.ones(len(lasso.b), N, dtype=torch.float64)
    found = list(islice(iterates(Continued(net, Fista(net.A, {"lam": LAM})), lasso, start), 8))
    layers = net(lasso.b)
    after = islice(iterates(Fista(net.A, {"lam": LAM}), lasso, layers[-1]), 5)
    for x, expected in zip(found, [*layers, *after], strict=True):
        assert torch.equal(x, expected)


def test_an_untrained_lista_continued_with_ista_is_ista(lasso):
    net = Lista(lasso.A, 4, {"lam": LAM}).double().requires_grad_(False)
    continued = Continued(net, Ista(lasso.A, {"lam": LAM}))
    start = torch.zeros(len(lasso.b), N, dtype=torch.float64)
    both = zip(
        iterates(continued, lasso, start),
        iterates(Ista(lasso.A, {"lam": LAM}), lasso, start),
        strict=True,
    )
    for x, expected in islice(both, 30):
        assert torch.allclose(x, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", [Lista, Alista], ids=lambda kind: kind.name)
def test_training_on_the_objective_beats_the_untrained_net_and_ista(kind, lasso, tmp_path, budget):
    hyper = {"lam": LAM, **({"support_step": 0.0, "support_max": 0.0} if kind is Alista else {})}
    A, b, _ = PROBLEM.tensors(torch.float32)
    net = kind(A, 4, hyper)
    target = torch.from_numpy(OPTIMA.objective).float()
    loss = LassoLoss(net.A, LAM)
    changes = {"layer_steps": 40, "final_steps": 150, "final_rate": 5e-3, "validate_every": 20}
    long = Training(**{**budget.model_dump(), **changes})
    before = loss.score_db(net(b)[-1].detach(), b, target)
    samples = Samples(b, target)
    path = tmp_path / "state"
    given = (samples, samples, loss, long, 1, path, "k", lambda stage, row: None)
    ProgressiveTrainer(net, *given).run()
    after = loss.score_db(net(b)[-1].detach(), b, target)
    ista = Ista(lasso.A, {"lam": LAM}).run(lasso.b, 4)[-1]
    assert after < before - 2.0
    assert after < 10 * np.log10(relative_loss(lasso, ista)) - 2.0


def test_the_loss_of_the_training_is_the_metric(lasso):
    x = torch.from_numpy(PROBLEM.x)
    loss = LassoLoss(lasso.A, LAM)
    decibel = 10 * np.log10(relative_loss(lasso, x))
    assert loss.score_db(x, lasso.b, lasso.optimum) == pytest.approx(decibel, abs=1e-9)
    ratio = float(loss.error(x, lasso.b, lasso.optimum)) / loss.scale(lasso.optimum)
    assert 10 * np.log10(ratio) == pytest.approx(decibel, abs=1e-9)
    solved = loss.error(torch.from_numpy(OPTIMA.x), lasso.b, lasso.optimum)
    assert 0 < float(solved) < 1e-8  # rounding below zero would have no logarithm


# Contestants


def told_of(method: str, kind: str, **more) -> dict:
    return {"method": method, "kind": kind, "hyperparameters": {}} | more


def test_a_method_takes_part_in_both_settings(lasso):
    adam = told_of("adam", "first_order", drawn={"rate": 0.05}, shift=1)
    ista = told_of("ista", "classical", drawn={"frobenius": 1})
    entries = [entry for who in (adam, ista) for entry in ev.entries(who, lasso, None)]
    found = [(e.contestant.name, e.contestant.variant, e.contestant.shift) for e in entries]
    expected = [("adam", "main", 0), ("adam", "as_drawn", 1), ("ista", "main", 0)]
    assert found == [*expected, ("ista", "as_drawn", 0)]
    exact, frobenius = entries[2].optimizer.lipschitz, entries[3].optimizer.lipschitz
    assert frobenius == pytest.approx(1.001 * N) and exact < frobenius  # unit columns
    (alone,) = ev.entries(told_of("adam", "first_order"), lasso, None)
    assert alone.contestant.variant == "main"


def test_learned_methods_come_back_from_their_checkpoints(lasso, tmp_path):
    A32 = lasso.A.float()
    net, optimizer = Lista(A32, 2, {"lam": LAM}), L2oDm({}, torch.Generator().manual_seed(4))
    paths = {"lista": tmp_path / "a.safetensors", "l2o_dm": tmp_path / "b.safetensors"}
    record = {"method": "lista", "depth": 2, "hyperparameters": net.hyper}
    save_tensors(paths["lista"], net.state_dict(), record)
    save_tensors(
        paths["l2o_dm"],
        optimizer.state_dict(),
        {"method": "l2o_dm", "hyperparameters": optimizer.hyper},
    )
    who = told_of("lista", "unrolled", continued_with="fista")
    (unrolled,) = ev.entries(who, lasso, paths["lista"])
    (recurrent,) = ev.entries(told_of("l2o_dm", "recurrent"), lasso, paths["l2o_dm"])
    assert (unrolled.contestant.layers, unrolled.dtype) == (2, torch.float64)
    assert (recurrent.contestant.layers, recurrent.dtype) == (0, torch.float32)
    start = torch.zeros(len(lasso.b), N)
    first = next(iterates(recurrent.optimizer, lasso.to(torch.float32), start))
    assert torch.equal(first, next(iterates(optimizer, lasso.to(torch.float32), start)))


def test_the_checkpoint_of_another_kind_is_told(tmp_path):
    path = tmp_path / "net.safetensors"
    save_tensors(path, {"w": torch.zeros(1)}, {"method": "lista"})
    with pytest.raises(InputError) as error:
        load_recurrent(path)
    told(error, path, "recurrent or learned_minimax or policies method", "checkpoints")


def test_a_stored_set_comes_back_with_its_optima(tmp_path):
    count = len(PROBLEM.b)
    rows = (PROBLEM.x.astype("f4"), PROBLEM.b.astype("f4"), OPTIMA.objective, OPTIMA.gap)
    splits = {split: (count, [rows]) for split in ("train", "validation", "test")}
    path = tmp_path / "set.h5"
    write_set(path, LASSO, PROBLEM.A, splits, {"lam": LAM})
    lasso = load_lasso(path, PROBLEM.A, LAM)
    assert lasso.optimum.numpy().tobytes() == OPTIMA.objective.tobytes()
    assert lasso.b.dtype == torch.float64 and lasso.b.shape == (count, M)
