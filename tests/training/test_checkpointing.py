"""Checkpointed unrolls: the same numbers to the bit, from the same minibatches, in less memory."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
import torch
from torch import Tensor

from l2o.config.meta_training import MetaTraining
from l2o.optimizees.lasso import Lasso
from l2o.optimizees.network_training import Digits, NetworkTrainingFamily
from l2o.optimizees.networks import Mlp
from l2o.optimizees.protocol import Scaled
from l2o.optimizees.rastrigin import Rastrigin
from l2o.optimizers.first_order.adam import Adam
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.optimizers.recurrent.lstm import _Layer
from l2o.optimizers.registry import methods
from l2o.training.checkpointing import Checkpointed, Replayed
from l2o.training.meta import MetaTrainer
from l2o.training.state import MetaState

HEADS = methods("recurrent")
each_method = pytest.mark.parametrize("name", HEADS)
STEPS = 6
MINIBATCH = 4 * 8 * 784  # bytes of the images of a run


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=generator(seed))


def make(name: str) -> RecurrentOptimizer:
    return HEADS[name].load()({}, generator(1))


def runs(widths: tuple[int, ...] = (784, 4, 10)) -> NetworkTrainingFamily:
    """Runs on noise: what is learned does not matter."""
    images = torch.rand(64, 784, generator=generator(2))
    digits = Digits(images, torch.randint(10, (64,), generator=generator(3)))
    return NetworkTrainingFamily(Mlp(widths, "sigmoid"), digits, 4, 5, "train", 8)


def rastrigin(batch: int = 3, n: int = 5) -> Rastrigin:
    return Rastrigin(normal(batch, n, n), normal(batch, n, seed=1), normal(batch, n, seed=2))


def lasso() -> Lasso:
    return Lasso(normal(4, 7) / 2.0, normal(3, 4, seed=1), 0.1, torch.full((3,), 0.01))


MAKE_OPTIMIZEE = {
    "network": lambda: runs().batch(torch.tensor([0, 2])),
    "rastrigin": rastrigin,
    "lasso": lasso,
    "scaled": lambda: Scaled(rastrigin(), normal(3, 5, seed=4).exp()),
}
DIMENSIONS = {"network": (2, 3190), "rastrigin": (3, 5), "lasso": (3, 7), "scaled": (3, 5)}


def unrolled(optimizer, optimizee, x: Tensor, steps: int = STEPS) -> tuple[Tensor, tuple]:
    """The mean meta-loss over an unroll, and the state after it."""
    state, loss = optimizer.init(optimizee, x), 0.0
    for _ in range(steps):
        state = optimizer.step(optimizee, state)
        loss = loss + optimizer.meta_loss(optimizee, state)
    return loss / steps, state


def meta_gradient(optimizer, kind: str) -> tuple[list[Tensor], object]:
    """Loss, last state and the gradients of all weights over two unrolls; and the optimizee."""
    optimizee = MAKE_OPTIMIZEE[kind]()
    loss, state = unrolled(optimizer, optimizee, 0.1 * normal(*DIMENSIONS[kind], seed=6))
    optimizer.zero_grad()
    loss.backward()
    weights = [w.grad for w in optimizer.parameters()]
    return [loss.detach(), *(t.detach() for t in state), *weights], optimizee


@pytest.mark.parametrize("kind", MAKE_OPTIMIZEE)
@each_method
def test_meta_gradients_are_those_of_plain_backpropagation_to_the_bit(name, kind):
    expected, plain = meta_gradient(make(name), kind)
    found, replayed = meta_gradient(Checkpointed(make(name)), kind)
    assert len(found) == len(expected)
    assert any(t is not None and t.abs().sum() > 0 for t in found[-3:])
    for at, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        assert (ours is None) == (theirs is None), at
        assert ours is None or torch.equal(ours, theirs), at
    if kind == "network":
        assert plain.position == replayed.position == STEPS


def test_a_recomputation_that_asked_again_would_be_seen(monkeypatch):
    """The test above can fail: minibatches differ, so that another answer changes the bits."""

    def asked_again(self, question, x):
        return getattr(self.inner, question)(x)

    expected, plain = meta_gradient(make("l2o_dm"), "network")
    monkeypatch.setattr(Replayed, "_asked", asked_again)
    found, again = meta_gradient(Checkpointed(make("l2o_dm")), "network")
    assert again.position == 2 * plain.position
    assert not all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


BUDGET = {
    "epochs": 3,
    "batch_size": 2,
    "unroll": 3,
    "horizons": (6,),
    "rate": 5e-3,
    "clip": 1.0,
    "start_scale": 0.1,
    "scaling": 0.5,
    "convex": 0.1,
    "imitation": 0.5,
    "imitation_share": 0.5,
    "validate_every": 1,
    "validation_samples": 2,
    "validation_steps": 3,
    "evolution": {
        "updates": 2,
        "pairs": 2,
        "batch_size": 2,
        "horizon": 4,
        "sigma": 0.02,
        "rate": 0.01,
    },
}


def trained(optimizer, folder: Path) -> tuple[dict[str, bytes], list[dict]]:
    """The bits of the weights after a meta-training, and its history."""
    state = MetaState(folder / "state.safetensors", "key", optimizer)
    given = MetaTraining(**BUDGET), 7, state, lambda row: None, Adam({"rate": 0.1})
    history = MetaTrainer(optimizer, runs(), runs(), *given).run().history
    weights = {key: w.numpy().tobytes() for key, w in optimizer.state_dict().items()}
    return weights, history


@each_method
def test_a_meta_training_ends_with_the_same_bits(name, tmp_path):
    expected, history = trained(make(name), tmp_path / "plain")
    inner = make(name)
    before = {key: w.clone() for key, w in inner.state_dict().items()}
    found, ours = trained(Checkpointed(inner), tmp_path / "checkpointed")
    assert found == expected and ours == history
    assert all(row["status"] == "ok" for row in ours)
    assert any(not torch.equal(w, before[key]) for key, w in inner.state_dict().items())


@each_method
def test_it_stands_for_the_optimizer_inside(name):
    inner = make(name)
    outer = Checkpointed(inner)
    assert (outer.name, outer.label, outer.hyper) == (inner.name, inner.label, inner.hyper)
    assert list(outer.state_dict()) == list(inner.state_dict())
    pairs = zip(outer.named_parameters(), inner.named_parameters(), strict=True)
    assert all(a == b and v is w for (a, v), (b, w) in pairs)
    inner.load_state_dict({key: w + 1.0 for key, w in make(name).state_dict().items()})
    assert all(torch.equal(outer.state_dict()[key], w) for key, w in inner.state_dict().items())
    outer.double()
    assert all(w.dtype == torch.float64 for w in inner.state_dict().values())


@each_method
def test_without_a_graph_it_is_the_plain_step(name):
    inner = make(name)
    x = normal(3, 5, seed=6)
    with torch.no_grad():
        expected, found = (unrolled(o, rastrigin(), x)[1] for o in (inner, Checkpointed(inner)))
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert not any(tensor.requires_grad for tensor in found)


def kept_bytes(optimizer, steps: int) -> int:
    """What an unroll keeps for its backward pass, in tensors and in the LSTM's own memory."""
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    gc.collect()
    before = {id(layer) for layer in gc.get_objects() if type(layer) is _Layer}
    optimizee = runs().batch(torch.tensor([0]))
    x = 0.1 * normal(1, DIMENSIONS["network"][1])
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss, _ = unrolled(optimizer, optimizee, x, steps)
    layers = [o for o in gc.get_objects() if type(o) is _Layer and id(o) not in before]
    memory = sum(layer.inputs.untyped_storage().nbytes() for layer in layers)
    loss.backward()
    return memory + sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


@each_method
def test_a_step_keeps_little_more_than_its_state_and_the_gradients(name):
    """Per step, by the difference of two unrolls; the rest is what the meta-loss keeps.

    That is the minibatch, which beside few states is no small part.
    """

    def per_step(wrap) -> float:
        return (kept_bytes(wrap(make(name)), 12) - kept_bytes(wrap(make(name)), 6)) / 6

    optimizer, optimizee = make(name), runs().batch(torch.tensor([0]))
    state = optimizer.init(optimizee, normal(1, 3190))
    known = 4 * (sum(tensor.numel() for tensor in state) + 3190 * getattr(optimizer, "k", 1))
    plain, ours = per_step(lambda optimizer: optimizer), per_step(Checkpointed)
    assert known < ours < 1.25 * known + MINIBATCH
    assert ours < 0.5 * plain


class Careless(RecurrentOptimizer):
    """Asks another question the second time, or with an x that has a graph."""

    name, label, reference, hyperparameters = "careless", "Careless", "", {}

    def __init__(self, attached: bool) -> None:
        super().__init__({}, None)
        self.weight = torch.nn.Parameter(torch.ones(()))
        self.asked, self.attached = 0, attached

    def init(self, optimizee, x):
        return (x,)

    def step(self, optimizee, state):
        (x,) = state
        self.asked += 1
        if self.attached:
            return (x - self.weight * optimizee.gradient(x),)
        ask = optimizee.gradient if self.asked < 3 else optimizee.objective
        return (x - self.weight * ask(x.detach()).sum(),)


@pytest.mark.parametrize(
    ("attached", "message"), [(False, "asks for the objective"), (True, "detach its x")]
)
def test_what_a_recording_cannot_answer_is_an_error(attached, message):
    loss, _ = unrolled(Checkpointed(Careless(attached)), rastrigin(), normal(3, 5), 2)
    with pytest.raises(RuntimeError, match=message):
        loss.backward()
