"""Coordinate-wise optimizers in blocks of coordinates: the bits of one pass."""

from __future__ import annotations

import copy

import pytest
import torch

from l2o.evaluation.memory_probe import random_digits
from l2o.optimizees.network_training import NetworkTrainingFamily
from l2o.optimizees.networks import NETWORKS, initial
from l2o.optimizers.recurrent import coordinatewise, parts, threads
from l2o.optimizers.recurrent.blocks import BLOCK, BlockwiseLstm, in_blocks
from l2o.optimizers.recurrent.parts import Parts
from l2o.optimizers.registry import methods


def joined(state: tuple[torch.Tensor, ...], others: int) -> list[torch.Tensor]:
    """A state with the four tensors of the LSTM in place of those of its blocks."""
    of_lstm = (torch.cat(state[others + i :: 4], dim=1) for i in range(4))
    return [*state[:others], *of_lstm]


@pytest.mark.parametrize("name", ["l2o_dm", "l2o_rnnprop"])
@pytest.mark.parametrize("runs", [1, 2])
def test_blocks_give_the_bits_of_one_pass(name, runs):
    plain = methods("recurrent")[name].load()({}, torch.Generator().manual_seed(3))
    pair = plain.requires_grad_(False), in_blocks(copy.deepcopy(plain))
    assert [isinstance(each.lstm, BlockwiseLstm) for each in pair] == [False, True]
    x = initial(NETWORKS["mlp_relu"], runs, 1)
    assert x.numel() > BLOCK and x.numel() % BLOCK
    family = NetworkTrainingFamily(NETWORKS["mlp_relu"], random_digits(40), runs, 5, "test", 16)
    trainings = [family.batch(torch.arange(runs)) for _ in pair]
    states = [each.init(training, x) for each, training in zip(pair, trainings, strict=True)]
    for _ in range(6):
        given = zip(pair, trainings, states, strict=True)
        states = [each.step(training, state) for each, training, state in given]
        whole, blocks = states[0], joined(states[1], len(states[0]) - 4)
        assert all(torch.equal(a, b) for a, b in zip(whole, blocks, strict=True))
    assert not torch.equal(states[0][0], x)


@pytest.mark.parametrize(
    ("block", "exact"), [(1000, True), (128, True), (1001, True), (333, False)]
)
def test_blocks_of_any_width_give_what_one_pass_gives(block, exact):
    """To the bit, unless a block has a few columns only: those of 333 end with one."""
    drawn = torch.Generator().manual_seed(3)
    lstm = methods("recurrent")["l2o_dm"].load()({}, drawn).requires_grad_(False).lstm
    blocks = BlockwiseLstm(copy.deepcopy(lstm), block)
    close = {"rtol": 0, "atol": 0.0 if exact else 1e-6}
    for coordinates in (1000, 300, 1000):  # another network in between
        features = torch.randn(lstm.features, coordinates, generator=drawn)
        states = [each.init(coordinates, features) for each in (lstm, blocks)]
        for _ in range(4):
            (one, first), (many, second) = (
                each(features, state) for each, state in zip((lstm, blocks), states, strict=True)
            )
            assert torch.allclose(one, many, **close)
            pairs = zip(first, joined(second, 0), strict=True)
            assert all(torch.allclose(a, b, **close) for a, b in pairs)
            states = [first, second]


def test_what_is_not_coordinate_wise_is_left_as_it_is():
    drawn = torch.Generator().manual_seed(3)
    optimizer = methods("recurrent")["l2o_scale"].load()({}, drawn)
    modules = [*optimizer.modules()]
    assert [*in_blocks(optimizer).modules()] == modules


@pytest.mark.parametrize("name", ["l2o_dm", "l2o_rnnprop"])
def test_runs_that_take_turns_do_not_meet(name):
    drawn = torch.Generator().manual_seed(3)
    optimizer = in_blocks(methods("recurrent")[name].load()({}, drawn).requires_grad_(False))
    optimizer.lstm.block = 50
    starts = torch.randn(3, 3, 40, generator=drawn)

    def run(order: list[int]) -> list[torch.Tensor]:
        states = [optimizer.init(Bowl(), start) for start in starts]
        for one in order:
            states[one] = optimizer.step(Bowl(), states[one])
        return [state[0] for state in states]

    apart, in_turns = run([0] * 5 + [1] * 5 + [2] * 5), run([0, 1, 2] * 5)
    assert all(torch.equal(a, b) for a, b in zip(apart, in_turns, strict=True))


class Bowl:
    """The sum of squares over 2."""

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        return x


@pytest.mark.parametrize("name", ["l2o_dm", "l2o_rnnprop", "l2o_scale"])
def test_a_step_in_pieces_is_a_step_as_a_whole_for_any_number_of_threads(name, monkeypatch):
    for module, size in ((coordinatewise, "BLOCK"), (parts, "PIECE")):
        monkeypatch.setattr(module, size, 64)
    monkeypatch.setattr(threads, "FEWEST", 1)
    drawn = torch.Generator().manual_seed(3)
    optimizer = methods("recurrent")[name].load()({}, drawn).requires_grad_(False)
    of, before = Parts.sized((10, 200, 3, 70, 1, 64), torch.device("cpu")), torch.get_num_threads()
    gradients = torch.randn(5, 1, of.size, generator=drawn)
    memories = [[t.clone() for t in optimizer.memory(gradients[0], of)] for _ in range(2)]
    whole = optimizer.memory(gradients[0], of)
    for gradient in gradients:
        dx, whole = optimizer.change(gradient, tuple(whole), of)
        found = []
        for count, memory in zip((1, 2), memories, strict=True):
            torch.set_num_threads(count)
            found.append(optimizer.advance(gradient, tuple(memory), of))
            assert torch.get_num_threads() == count
        torch.set_num_threads(before)
        assert torch.equal(*found) and torch.allclose(found[0], dx, rtol=1e-4, atol=1e-6)
        for one, two, expected in zip(*memories, whole, strict=True):
            assert torch.equal(one, two) and torch.allclose(one, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "sizes", [(1,), (64,), (65,), (200, 1), (1, 200), (30, 34, 1), (63, 2, 130)]
)
def test_pieces_hold_every_coordinate_once_with_its_part(sizes, monkeypatch):
    monkeypatch.setattr(parts, "PIECE", 64)
    of = Parts.sized(sizes, torch.device("cpu"))
    ends = [piece.columns.stop for piece in of.pieces]
    assert [piece.columns.start for piece in of.pieces] == [0, *ends[:-1]] and ends[-1] == of.size
    numbers, shares = torch.arange(len(sizes)), torch.zeros(len(sizes))
    whole = of.spread(numbers)
    for piece in of.pieces:
        assert 1 <= piece.parts.size == piece.columns.stop - piece.columns.start <= 64
        assert (piece.spread(numbers) == whole[piece.columns]).all()
        shares[piece.owners] += piece.shares
    assert torch.allclose(shares, torch.ones(len(sizes)))
