"""Small networks on digits: torch.nn is the reference; minibatches, independent runs, training."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from conftest import told
from l2o.config.meta_training import MetaTraining
from l2o.errors import InputError
from l2o.optimizees.counted import Counted
from l2o.optimizees.network_training import (
    Digits,
    Minibatches,
    NetworkTrainingFamily,
    evaluated,
)
from l2o.optimizees.networks import (
    NETWORKS,
    START_SCALE,
    Mlp,
    cross_entropy,
    dimension,
    initial,
    parts,
)
from l2o.optimizers.first_order.adam import Adam
from l2o.optimizers.protocol import iterates
from l2o.optimizers.recurrent.l2o_rnnprop import L2oRnnProp
from l2o.optimizers.recurrent.l2o_scale import L2oScale
from l2o.optimizers.recurrent.parts import Parts
from l2o.training.meta import MetaTrainer
from l2o.training.state import MetaState

SIZES = {"mlp_sigmoid": 15_910, "mlp_relu": 15_910, "convnet": 14_282}
each_network = pytest.mark.parametrize("name", NETWORKS)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def digits(count: int, noise: float = 0.3, seed: int = 0) -> Digits:
    """Blurred patterns, one for each class, under noise; dark where they are dark."""
    patterns = torch.rand(10, 1, 7, 7, generator=generator(99)).round()
    patterns = nn.functional.interpolate(patterns, scale_factor=4).flatten(1)
    labels = torch.randint(10, (count,), generator=generator(seed))
    noisy = patterns[labels] * (1 - noise * torch.rand(count, 784, generator=generator(seed + 1)))
    return Digits(noisy, labels)


def points(name: str, batch: int, *lead: int, scale: float = 0.1) -> torch.Tensor:
    shape = *lead, batch, dimension(NETWORKS[name])
    return scale * torch.randn(shape, generator=generator(7), dtype=torch.float64)


def family(name: str, data: Digits, runs: int = 10, size: int = 16) -> NetworkTrainingFamily:
    return NetworkTrainingFamily(NETWORKS[name], data, runs, 3, "train", size)


def reference(name: str) -> nn.Module:
    if name == "convnet":
        return nn.Sequential(
            nn.Unflatten(1, (1, 28, 28)),
            nn.Conv2d(1, 16, kernel_size=3, stride=2, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.Conv2d(16, 32, kernel_size=5, stride=2, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.Flatten(),
            nn.Linear(128, 10),
        ).double()
    activation = {"mlp_sigmoid": nn.Sigmoid, "mlp_relu": nn.ReLU}[name]
    return nn.Sequential(nn.Linear(784, 20), activation(), nn.Linear(20, 10)).double()


# The networks


@each_network
def test_values_and_gradients_are_those_of_torchs_modules(name):
    optimizee = family(name, digits(200)).batch(torch.arange(4))
    minibatch, x = optimizee.at(5), points(name, 4)
    values, gradients = minibatch.objective(x), minibatch.gradient(x)
    for run in range(4):
        module = reference(name)
        vector_to_parameters(x[run], module.parameters())
        logits = module(minibatch.images[run].double())
        loss = nn.functional.cross_entropy(logits, minibatch.labels[run])
        loss.backward()
        expected = parameters_to_vector(p.grad for p in module.parameters())
        assert torch.allclose(values[run], loss, rtol=1e-12)
        assert torch.allclose(gradients[run], expected, rtol=1e-9, atol=1e-12)
        assert expected.abs().max() > 1e-4


@each_network
def test_gradients_at_equal_values_in_a_pooling_are_those_of_torch(name):
    """Dark images, and weights that are all alike: everything is tied."""
    images, labels = torch.zeros(1, 8, 784).double(), torch.arange(8)[None]
    images[0, :4] = 1.0
    x = torch.full((1, SIZES[name]), 0.01).double().requires_grad_(True)
    module = reference(name)
    vector_to_parameters(x[0].detach(), module.parameters())
    nn.functional.cross_entropy(module(images[0]), labels[0]).backward()
    expected = parameters_to_vector(p.grad for p in module.parameters())
    (gradient,) = torch.autograd.grad(cross_entropy(NETWORKS[name], x, images, labels).sum(), x)
    assert torch.allclose(gradient[0], expected, rtol=1e-9, atol=1e-12)


@each_network
def test_parts_are_the_tensors_of_the_module(name):
    shapes = [tuple(p.shape) for p in reference(name).parameters()]
    assert list(NETWORKS[name].shapes) == shapes
    assert parts(NETWORKS[name]) == tuple(math.prod(shape) for shape in shapes)
    assert dimension(NETWORKS[name]) == SIZES[name]
    optimizee, x = family(name, digits(50)).batch(torch.arange(2)), points(name, 2)
    assert Parts.of(optimizee, x).count == len(shapes)
    assert optimizee.at(0).parts == optimizee.parts


@each_network
@pytest.mark.parametrize("lead", [(3,), (2, 3)])
def test_points_in_front_are_evaluated_one_by_one(name, lead):
    minibatch = family(name, digits(60)).batch(torch.arange(2)).at(0)
    x = points(name, 2, *lead)
    values, gradients = minibatch.objective(x), minibatch.gradient(x)
    assert values.shape == (*lead, 2) and gradients.shape == x.shape
    for at in np.ndindex(lead):
        assert torch.allclose(values[at], minibatch.objective(x[at]), rtol=1e-12)
        assert torch.allclose(gradients[at], minibatch.gradient(x[at]), rtol=1e-12)


def test_an_mlp_may_have_any_size():
    network = Mlp((784, 1000, 256, 10), "relu")
    assert dimension(network) == 785_000 + 256_256 + 2_570 > 1_000_000
    x = initial(network, 2, 1)
    images = torch.rand(2, 4, 784, generator=generator())
    labels = torch.arange(8).view(2, 4)
    layers = [nn.Linear(784, 1000), nn.ReLU(), nn.Linear(1000, 256), nn.ReLU(), nn.Linear(256, 10)]
    module = nn.Sequential(*layers)
    vector_to_parameters(x[1], module.parameters())
    expected = nn.functional.cross_entropy(module(images[1]), labels[1])
    assert torch.allclose(cross_entropy(network, x, images, labels)[1], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("widths", "activation", "message"),
    [
        ((784,), "relu", "widths"),
        ((784, 0, 10), "relu", "widths"),
        ((784, 20, 10), "tanh", r"'tanh'; known are \['relu', 'sigmoid'\]"),
    ],
)
def test_an_impossible_mlp_is_told(widths, activation, message):
    with pytest.raises(ValueError, match=message):
        Mlp(widths, activation)


def test_starts_are_normal_and_a_run_has_its_own():
    x = initial(NETWORKS["mlp_relu"], 10, 1)
    assert x.shape == (10, 15_910) and x.dtype == torch.float32
    assert torch.equal(x[:3], initial(NETWORKS["mlp_relu"], 3, 1))
    assert not torch.equal(x, initial(NETWORKS["mlp_relu"], 10, 2))
    assert abs(x.std().item() / START_SCALE - 1) < 0.01 and abs(x.mean()) < 1e-4
    assert (torch.corrcoef(x) - torch.eye(10)).abs().max() < 0.05


# Minibatches


def test_an_epoch_has_every_image_at_most_once():
    minibatches = Minibatches(50, range(3), 1, "train", 8)
    assert minibatches.per_epoch == 6
    epochs = [torch.cat([minibatches[t] for t in range(6 * e, 6 * e + 6)], dim=1) for e in range(2)]
    for epoch in epochs:
        assert epoch.shape == (3, 48) and epoch.dtype == torch.int64
        assert all(len(set(run.tolist())) == 48 for run in epoch)
        assert epoch.min() >= 0 and epoch.max() < 50
    orders = [run.tolist() for epoch in epochs for run in epoch]
    assert all(a != b for i, a in enumerate(orders) for b in orders[:i])
    whole = Minibatches(48, [0], 1, "train", 8)
    assert sorted(torch.cat([whole[t] for t in range(6)], dim=1)[0].tolist()) == list(range(48))


def test_minibatches_follow_from_seed_stream_run_and_number_alone():
    many, one = Minibatches(50, range(5), 1, "train", 8), Minibatches(50, [3], 1, "train", 8)
    for t in (0, 17, 4, 17, 300):
        assert torch.equal(many[t][3:4], one[t])
    for other in (Minibatches(50, [3], 2, "train", 8), Minibatches(50, [3], 1, "test", 8)):
        assert not torch.equal(one[0], other[0])


@pytest.mark.parametrize("size", [0, -1, 51])
def test_minibatches_no_larger_than_the_data(size):
    with pytest.raises(ValueError, match=f"minibatches of {size} out of 50"):
        Minibatches(50, [0], 1, "train", size)
    data = digits(50)
    with pytest.raises(InputError) as error:
        NetworkTrainingFamily(NETWORKS["mlp_relu"], data, 2, 1, "train", size)
    told(error, "digits", "images", f"minibatches of {size}")


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (torch.full((5, 784), torch.nan), torch.zeros(5).long(), ("images", "NaN")),
        (torch.full((5, 784), torch.inf), torch.zeros(5).long(), ("images", "infinity")),
        (torch.zeros(5, 784).double(), torch.zeros(5).long(), ("images", "float64")),
        (torch.zeros(5, 28, 28), torch.zeros(5).long(), ("images", "(5, 28, 28)")),
        (torch.zeros(0, 784), torch.zeros(0).long(), ("images", "none")),
        (torch.zeros(5, 784), torch.full((5,), 10), ("labels", "10 to 10")),
        (torch.zeros(5, 784), torch.full((5,), -1), ("labels", "-1 to -1")),
        (torch.zeros(5, 784), torch.zeros(4).long(), ("labels", "(4,)")),
        (torch.zeros(5, 784), torch.zeros(5), ("labels", "float32")),
    ],
)
def test_bad_digits_are_told_in_one_line(images, labels, message):
    with pytest.raises(InputError) as error:
        Digits(images, labels, "mnist.h5")
    told(error, "mnist.h5", *message)


# Training


def test_the_gradient_moves_on_and_all_else_stays():
    optimizee = family("mlp_relu", digits(100)).batch(torch.arange(2))
    x = points("mlp_relu", 2)
    for t in range(9):  # six minibatches an epoch
        now = optimizee.at(t)
        assert torch.equal(optimizee.objective(x), now.objective(x))
        assert torch.equal(optimizee.meta_loss(x), now.meta_loss(x))
        assert torch.equal(optimizee.objective(x), now.objective(x))
        assert torch.equal(optimizee.gradient(x), now.gradient(x))
        assert optimizee.position == t + 1
        assert not torch.equal(optimizee.objective(x), now.objective(x))


def test_two_objects_of_a_family_see_the_same_and_do_not_move_each_other():
    runs = family("mlp_relu", digits(100))
    assert (len(runs), runs.dimension) == (10, 15_910)
    one, other = runs.batch(torch.arange(4)), runs.batch(torch.tensor([3, 1]))
    x = points("mlp_relu", 4)
    first = one.gradient(x)
    assert torch.allclose(other.gradient(x[[3, 1]]), first[[3, 1]], rtol=1e-12)
    one.gradient(x)
    assert (one.position, other.position) == (2, 1)


@each_network
def test_a_run_alone_gives_what_it_gives_among_others(name):
    runs, start = family(name, digits(200)), initial(NETWORKS[name], 5, 1)
    together = list(islice(iterates(Adam({}), runs.batch(torch.arange(5)), start), 20))
    again = list(islice(iterates(Adam({}), runs.batch(torch.arange(5)), start), 20))
    one = torch.tensor([2])
    alone = list(islice(iterates(Adam({}), runs.batch(one), start[one]), 20))
    assert torch.equal(together[-1], again[-1])
    for t in range(20):
        assert torch.equal(alone[t][0], together[t][2]), t


def test_a_run_goes_on_from_a_position():
    runs, start = family("mlp_sigmoid", digits(100)), initial(NETWORKS["mlp_sigmoid"], 2, 1)
    optimizer, whole, rest = Adam({}), *(runs.batch(torch.arange(2)) for _ in range(2))
    state = optimizer.init(whole, start)
    for _ in range(4):
        state = optimizer.step(whole, state)
    rest.position = 4
    for _ in range(5):
        pair = optimizer.step(whole, state), optimizer.step(rest, state)
        assert torch.equal(pair[0][0], pair[1][0])
        state = pair[0]


@each_network
def test_the_meta_loss_can_be_differentiated_and_nothing_needs_a_graph(name):
    minibatch, x = family(name, digits(100)).batch(torch.arange(3)).at(0), points(name, 3)
    given = x.clone().requires_grad_(True)
    loss = minibatch.meta_loss(given)
    assert loss.shape == () and loss.item() == pytest.approx(minibatch.objective(x).mean().item())
    (of_loss,) = torch.autograd.grad(loss, given)
    with torch.no_grad():
        gradient = minibatch.gradient(x)
    assert torch.allclose(of_loss, gradient / 3, rtol=1e-9, atol=1e-14)
    assert not gradient.requires_grad
    assert not minibatch.gradient(given).requires_grad and given.grad is None


@each_network
def test_the_gradient_has_the_slope_of_finite_differences(name):
    minibatch, x = family(name, digits(100)).batch(torch.arange(2)).at(0), points(name, 2)
    gradient = minibatch.gradient(x)
    ends = [minibatch.objective(x + sign * gradient) for sign in (1e-6, -1e-6)]
    assert torch.allclose((ends[0] - ends[1]) / 2e-6, gradient.square().sum(dim=1), rtol=1e-5)


@each_network
def test_adam_learns_the_digits_and_the_evaluation_says_so(name):
    data, test = digits(1200), digits(700, seed=5)
    runs, start = family(name, data, size=64), initial(NETWORKS[name], 2, 1)
    steps = iterates(Adam({"rate": 3e-3}), runs.batch(torch.arange(2)), start)
    last = next(islice(steps, 149, None))
    before, after = (evaluated(NETWORKS[name], x, data) for x in (start, last))
    assert torch.allclose(before[0], torch.full((2,), math.log(10)).double(), atol=0.05)
    assert (after[0] < 0.3 * before[0]).all()
    assert (evaluated(NETWORKS[name], last, test)[1] > 0.9).all()


@each_network
def test_the_evaluation_is_over_all_images_of_any_number(name):
    data, x = digits(1200), points(name, 2, scale=0.2)
    loss, accuracy = evaluated(NETWORKS[name], x, data)
    images, labels = data.images.double().expand(2, -1, -1), data.labels.expand(2, -1)
    assert torch.allclose(loss, cross_entropy(NETWORKS[name], x, images, labels), rtol=1e-10)
    chosen = NETWORKS[name].logits(x, images).argmax(dim=1)
    assert torch.equal(accuracy, (chosen == labels).double().mean(dim=1))
    assert not evaluated(NETWORKS[name], torch.full_like(x, torch.nan), data)[0].isfinite().any()


def test_gradients_are_counted_and_learned_optimizers_see_the_parts():
    optimizee = family("mlp_sigmoid", digits(100)).batch(torch.arange(2))
    counted, start = Counted(optimizee), initial(NETWORKS["mlp_sigmoid"], 2, 1)
    next(islice(iterates(Adam({}), counted, start), 6, None))
    assert counted.gradients.tolist() == [7, 7] and optimizee.position == 7
    learned = L2oScale({}, generator())
    state = learned.init(optimizee, start)
    for _ in range(3):
        state = learned.step(optimizee, state)
    learned.meta_loss(optimizee, state).backward()
    assert optimizee.position == 10
    assert all(torch.isfinite(p.grad).all() for p in learned.parameters() if p.grad is not None)


def test_an_optimizer_is_meta_trained_on_networks(tmp_path):
    budget = {
        "epochs": 3,
        "batch_size": 3,
        "unroll": 4,
        "horizons": (8,),
        "rate": 5e-3,
        "clip": 1.0,
        "start_scale": START_SCALE,
        "scaling": 1.0,
        "convex": 0.1,
        "imitation": 0.0,
        "imitation_share": 0.0,
        "validate_every": 1,
        "validation_samples": 4,
        "validation_steps": 8,
    }
    runs = NetworkTrainingFamily(Mlp((784, 3, 10), "sigmoid"), digits(200), 10, 3, "train", 16)

    def trained(name: str) -> MetaState:
        optimizer = L2oRnnProp({"hidden": 4}, generator())
        state = MetaState(tmp_path / name, "key", optimizer)
        given = MetaTraining(**budget), 1, state, lambda row: None
        return MetaTrainer(optimizer, runs, runs, *given).run()

    first, second = trained("first"), trained("second")
    assert [row["status"] for row in first.history] == ["ok"] * 3
    assert all(torch.equal(value, second.best[key]) for key, value in first.best.items())
