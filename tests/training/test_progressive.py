"""Progressive training: batches, cached inputs, divergence, budgets, the weights kept."""

from __future__ import annotations

import math

import pytest
import torch

from conftest import BUDGET
from l2o.config.training import Training
from l2o.training import inputs
from l2o.training.inputs import LayerInputs
from l2o.training.losses import RecoveryLoss
from l2o.training.progressive import ProgressiveTrainer
from l2o.training.stages import schedule
from small_trainings import DEPTH, HEADS, PROBLEM, make_net, make_trainer

each_method = pytest.mark.parametrize("name", HEADS)
each_descent = pytest.mark.parametrize("name", [n for n in HEADS if not HEADS[n].load().searched])


def test_each_epoch_takes_every_sample_at_most_once_in_an_order_of_its_own(
    budget, tmp_path, monkeypatch
):
    drawn: list[torch.Tensor] = []
    original = LayerInputs.batch

    def recorded(self, index):
        drawn.append(index)
        return original(self, index)

    monkeypatch.setattr(LayerInputs, "batch", recorded)
    budget = budget.model_copy(update={"batch_size": 40})
    make_trainer("step_lista", tmp_path / "s", budget).run()
    orders = []
    for stage in schedule(DEPTH, budget):
        mine, drawn = drawn[: stage.steps], drawn[stage.steps :]
        for at in range(0, len(mine), 3):  # 3 batches of 40 out of 128 samples
            order = torch.cat(mine[at : at + 3]).tolist()
            assert len(set(order)) == len(order) and max(order) < 128
            orders.append(tuple(order))
    assert not drawn
    assert len(set(orders)) == len(orders) > 20


def test_a_batch_larger_than_the_set_is_the_set(budget, tmp_path):
    budget = budget.model_copy(update={"batch_size": 1000})
    assert make_trainer("step_lista", tmp_path / "s", budget).run().history[-1]["status"] == "ok"


@each_method
@pytest.mark.parametrize("chunk", [2048, 7])
def test_cached_inputs_equal_those_of_the_plain_forward(name, chunk, monkeypatch):
    monkeypatch.setattr(inputs, "CHUNK", chunk)
    net, b = make_net(name, 5).double(), PROBLEM.tensors()[1]
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in net.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter += 0.02 * (parameter.abs().mean() + 0.1) * noise
    stepwise, at_once, copied = (LayerInputs(net, b) for _ in range(3))
    state = net.start(b)
    for k in range(5):
        stepwise.move_to(k)
        with torch.no_grad():
            expected = net.prepare(state, b)
            state = net.layer(k, state, b)
        for cached, plain in zip(stepwise.tensors, expected, strict=True):
            torch.testing.assert_close(cached, plain, rtol=0, atol=1e-12)
    at_once.move_to(4)
    copied.copy_from(stepwise)
    for one, other, third in zip(stepwise.tensors, at_once.tensors, copied.tensors, strict=True):
        assert torch.equal(one, other) and torch.equal(one, third)


def assert_diverged_but_sound(trainer: ProgressiveTrainer, start: torch.nn.Module) -> None:
    history = trainer.run().history
    assert [row["status"] for row in history] == ["diverged"] * len(
        trainer.stages
    )  # each ends at once
    own = trainer.net.state_dict()
    assert all(tensor.isfinite().all() for tensor in own.values())
    for name in start.per_layer:  # warm starts apart, nothing has moved
        assert torch.equal(own[f"{name}.0"], start.state_dict()[f"{name}.0"])


@each_descent
def test_training_that_overflows_is_recorded_and_leaves_finite_weights(name, budget, tmp_path):
    trainer = make_trainer(name, tmp_path / "s", budget, scale=1e30)
    assert_diverged_but_sound(trainer, make_net(name))


def test_a_huge_rate_is_recorded_and_leaves_finite_weights(tmp_path):
    rates = {"layer_rate": 1e30, "window_rate": 1e30, "final_rate": 1e30}
    budget = Training.model_construct(**{**BUDGET, **rates})
    assert_diverged_but_sound(
        make_trainer("lista_cp", tmp_path / "s", budget), make_net("lista_cp")
    )


@pytest.mark.parametrize("without", [("window",), ("final",), ("window", "final"), ("layer",)])
def test_stages_of_no_steps_are_left_out(without, budget, tmp_path):
    budget = budget.model_copy(update={f"{kind}_steps": 0 for kind in without})
    history = make_trainer("lista_cp", tmp_path / "s", budget).run().history
    assert {row["stage"] for row in history} == {"layer", "window", "final"} - set(without)
    last = history[-1]
    assert (last["layer"], last["status"]) == (DEPTH, "ok")
    assert math.isfinite(last["validation_loss_db"])


def test_a_budget_of_nothing_changes_nothing(budget, tmp_path):
    nothing = {f"{kind}_steps": 0 for kind in ("layer", "window", "final")}
    trainer = make_trainer("lista_cp", tmp_path / "s", budget.model_copy(update=nothing))
    assert trainer.run().history == []
    for key, tensor in make_net("lista_cp").state_dict().items():
        assert torch.equal(tensor, trainer.net.state_dict()[key])


@each_descent
def test_the_kept_weights_are_the_best_on_validation(name, budget, tmp_path):
    _, b, x = PROBLEM.tensors(torch.float32)
    trainer = make_trainer(name, tmp_path / "s", budget)
    done = trainer.run()
    with torch.no_grad():
        error = (trainer.net(b[128:])[-1].double() - x[128:]).square().sum(dim=1)
    power = x[128:].double().square().sum(dim=1)
    both = (10 * torch.log10(error / power)).mean(), 10 * torch.log10(error.sum() / power.sum())
    value = float(sum(both)) / 2
    scores = [r["validation_loss_db"] for r in done.history if r["stage"] == "final"]
    assert done.best_db <= min(scores)
    assert value == pytest.approx(done.best_db, abs=1e-4)


def test_a_finished_state_is_discarded(budget, tmp_path):
    done = make_trainer("step_lista", tmp_path / "s", budget).run()
    assert (tmp_path / "s").exists() and done.seconds > 0
    done.discard()
    assert not (tmp_path / "s").exists()
    done.discard()


@each_descent
@pytest.mark.parametrize("rate", [1e-3, 0.3])
def test_a_trained_net_is_never_worse_than_its_start(name, rate, budget, tmp_path):
    """What a net contains it does not fall behind, however bad its rates: their order."""
    _, b, x = PROBLEM.tensors()
    rates = dict.fromkeys(("layer_rate", "window_rate", "final_rate"), rate)
    trainer = make_trainer(name, tmp_path / "s", budget.model_copy(update=rates))
    start = make_net(name).double()
    trainer.run()
    with torch.no_grad():
        ends = [net(b[128:])[-1] for net in (trainer.net.double(), start)]
    trained, untrained = (RecoveryLoss().score_db(end, b[128:], x[128:]) for end in ends)
    assert trained <= untrained + 1e-4  # b and x in float64 here, rounded to float32 there
