"""Training of black-box optimizers: it helps, and an interruption changes nothing."""

from __future__ import annotations

import math

import pytest
import torch

from l2o.config.search_training import SearchTraining
from l2o.optimizees.black_box import drawn
from l2o.optimizers.registry import methods
from l2o.seeds import named_generator
from l2o.training.black_box import SearchTrainer
from l2o.training.state import MetaState
from l2o.training.updates import MOST_FAILURES

BUDGET = SearchTraining(
    updates=40,
    batch_size=16,
    features=24,
    horizons=(4, 8),
    rate=0.02,
    clip=1.0,
    validate_every=10,
    validation_draws=64,
    validation_queries=8,
)


def draws(part: str, number: int, count: int):
    """Functions as the job draws them, single precision."""
    return drawn(named_generator(1, part, number), count, 2, 24, (0.3, 0.6), torch.float32)


def trainer(path, name="black_box_rnn_sum", budget=BUDGET, functions=draws) -> SearchTrainer:
    head = methods("learned_black_box")[name]
    net = head.load()({"hidden": 8}, torch.Generator().manual_seed(0))
    state = MetaState(path / "state.safetensors", "key", net)
    return SearchTrainer(net, functions, budget, state, "test")


@pytest.mark.parametrize("name", methods("learned_black_box"))
def test_training_finds_lower_values_than_it_began_with(tmp_path, name):
    one = trainer(tmp_path, name)
    with torch.no_grad():
        one._validated([])
    before = one.state.history.pop()["validation_loss"]
    one.state.best_value = math.inf
    one.run()
    losses = [row["validation_loss"] for row in one.state.history]
    assert len(losses) == 4 and min(losses) < before - 0.02
    assert one.state.best_value == min(losses)
    assert all(torch.equal(of, one.state.best[k]) for k, of in one.optimizer.state_dict().items())


def test_a_training_that_is_interrupted_ends_as_one_that_is_not(tmp_path):
    for part in ("whole", "parts"):
        (tmp_path / part).mkdir()
    whole = trainer(tmp_path / "whole")
    whole.run()

    def stopping(part: str, number: int, count: int):
        if (part, number) == ("train", 27):
            raise KeyboardInterrupt
        return draws(part, number, count)

    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path / "parts", functions=stopping).run()
    seen = []

    def going_on(part: str, number: int, count: int):
        seen.append(number)
        return draws(part, number, count)

    parts = trainer(tmp_path / "parts", functions=going_on)
    parts.run()
    assert seen[0] == 20
    assert parts.state.history == whole.state.history
    for name, tensor in whole.optimizer.state_dict().items():
        assert torch.equal(tensor, parts.optimizer.state_dict()[name])


def test_updates_that_diverge_are_left_out_and_too_many_end_the_training(tmp_path):
    def broken(part: str, number: int, count: int):
        f = draws(part, number, count)
        if part == "train" and number >= 12:
            f.weights[0, 0] = math.nan
        return f

    one = trainer(tmp_path, functions=broken)
    one.run()
    assert one.state.epoch == 12 + MOST_FAILURES
    assert one.state.rate_factor == 0.5**MOST_FAILURES
    assert all(tensor.isfinite().all() for tensor in one.optimizer.state_dict().values())
    assert [row["status"] for row in one.state.history] == ["ok", "ok"]
