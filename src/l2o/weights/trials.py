"""The number that weights must reach: a small seeded evaluation on problems they have not seen.

The weights are packed with the number that they reached then; a test measures it again.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice, pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from l2o.dictionaries.gaussian import gaussian_dictionary
from l2o.evaluation.family import followed
from l2o.evaluation.networks import followed as trained
from l2o.evaluation.runs import start_points
from l2o.metrics import mean_nmse_db
from l2o.optimizees.lasso import Lasso
from l2o.optimizees.lasso_optimum import lasso_optimum
from l2o.optimizees.network_runs import drawn_starts
from l2o.optimizees.network_training import Digits, NetworkTrainingFamily
from l2o.optimizees.networks import CLASSES, NETWORKS, SIDE
from l2o.optimizees.rastrigin import Rastrigin, sample_slices
from l2o.optimizees.sparse_recovery import sample_slices as sample_signals
from l2o.optimizers.protocol import iterates
from l2o.optimizers.recurrent.blocks import in_blocks
from l2o.optimizers.trained import Checkpoint
from l2o.seeds import named_generator
from l2o.weights import checkpoint as boxed
from l2o.weights.catalogue import FAMILIES, Family

SEED = 2026  # of fresh problems: not the benchmark's
DENSITY = 0.1
SIGNALS, INSTANCES, ITERATIONS, STEPS = 256, 32, 1000, 100
IMAGES = 2000
SMALL = 0.03  # below it a loss or an error tells how a processor rounds: runs are chaotic


class Trial(NamedTuple):
    """How the weights of an experiment are tried.

    Parameters
    ----------
    value : returns the number
    what, how : the number and its measurement in words
    unit : of the number; "" for none
    tolerance : how far it may be from the number that was packed: in dB, or a share of it, or of
        what is small where it is less
    """

    value: Callable[[Checkpoint, Family], float]
    what: str
    how: str
    unit: str
    tolerance: float


def measured(name: str, checkpoint: Checkpoint | None = None) -> float:
    """Return the number of weights by their full name, or of a checkpoint in their place."""
    trial, family = trial_of(name), FAMILIES[name.split("/")[1]]
    with torch.no_grad():
        return trial.value(checkpoint or boxed(name), family)


def trial_of(name: str) -> Trial:
    """Return how weights of this full name are tried."""
    method, family = name.split("/")
    experiment = FAMILIES[family].experiment
    return TRIALS[f"{experiment} {method}" if experiment == "lasso" else experiment]


def agrees(value: float, number: dict[str, Any]) -> bool:
    """Say whether a number is the one of a card, within its tolerance."""
    size = 1.0 if number["unit"] == "dB" else max(number["value"], SMALL)
    allowed = number["tolerance"] * size
    return abs(value - number["value"]) <= allowed


def _recovered(checkpoint: Checkpoint, family: Family) -> float:
    """Return the NMSE after the last layer, dB."""
    A = checkpoint.tensors["A"].double()
    names, noise = ("weights", family.setting), 20.0 if family.setting == "snr20" else None
    ((x, b),) = sample_signals(A.numpy(), SIGNALS, DENSITY, noise, SEED, names)
    net = checkpoint.net(A.numpy()).double()
    return mean_nmse_db(net(torch.from_numpy(b).double())[-1].numpy(), x)


def _lasso(A: np.ndarray, lam: float, family: Family) -> Lasso:
    ((_, b),) = sample_signals(A, INSTANCES, DENSITY, None, SEED, ("weights", family.setting))
    measured = b.astype(np.float64)
    optimum = lasso_optimum(A, measured, lam).objective
    A, measured, optimum = map(torch.from_numpy, (A, measured, optimum))
    return Lasso(A, measured, lam, optimum)


def _relative_loss(lasso: Lasso, x: Tensor) -> float:
    return float(lasso.excess(x.double()).mean() / lasso.optimum.mean())


def _lasso_by_layers(checkpoint: Checkpoint, family: Family) -> float:
    """Return the relative loss after the last layer."""
    A = checkpoint.tensors["A"].double().numpy()
    lasso = _lasso(A, checkpoint.record["lam"], family)
    return _relative_loss(lasso, checkpoint.net(A).double()(lasso.b)[-1])


def _lasso_by_gradients(checkpoint: Checkpoint, family: Family) -> float:
    """Return the relative loss after the last iteration."""
    m, n = (int(part[1:]) for part in family.setting.split("_"))
    lasso = _lasso(gaussian_dictionary(m, n, BENCHMARK), checkpoint.record["lam"], family)
    start = start_points(SEED, 1, len(lasso), n, 0.01)[0].float()
    steps = iterates(checkpoint.optimizer(), lasso.to(torch.float32), start)
    for x in islice(steps, ITERATIONS):
        last = x
    return _relative_loss(lasso, last)


def _rastrigin(checkpoint: Checkpoint, family: Family) -> float:
    """Return the mean objective after the last iteration."""
    n = int(family.setting[1:])
    ((A, b, c),) = sample_slices(n, INSTANCES, SEED, ("weights", family.setting))
    f = Rastrigin(*(torch.from_numpy(part.copy()) for part in (A, b, c)))
    starts = start_points(SEED, 1, INSTANCES, n, 1.0)
    runs = followed(checkpoint.optimizer(), f, starts, [ITERATIONS], torch.float32)
    return float(runs.values.mean())


def _network(checkpoint: Checkpoint, family: Family) -> float:
    """Return the loss on all images after the last step, nats."""
    network, images = "mlp_relu", strokes(IMAGES)
    training = NetworkTrainingFamily(NETWORKS[network], images, 1, SEED, "weights")
    starts = drawn_starts(network, 1, SEED, "weights")
    optimizer = in_blocks(checkpoint.optimizer())
    runs = trained(optimizer, training.batch(torch.arange(1)), starts, [STEPS], images)
    return float(runs.losses.mean())


def strokes(count: int) -> Digits:
    """Return images of ten classes that are drawn by code, since MNIST is in no package.

    A class is a broken line through five random points, blurred; an image is one moved by up to
    two pixels each way, less bright, with noise.
    """
    random = named_generator(SEED, "strokes")
    y, x = np.mgrid[:SIDE, :SIDE]
    shapes = np.zeros((CLASSES, SIDE, SIDE))
    for shape in shapes:
        corners = random.uniform(6, 22, (5, 2))
        for first, second in pairwise(corners):
            for share in np.linspace(0, 1, 40):
                at = first + share * (second - first)
                distance = (y - at[0]) ** 2 + (x - at[1]) ** 2
                np.maximum(shape, np.exp(-distance / 2), out=shape)
    labels = random.integers(CLASSES, size=count)
    moves, bright = random.integers(-2, 3, (count, 2)), random.uniform(0.5, 1.0, count)
    noise = random.normal(0, 0.1, (count, SIDE, SIDE))
    images = [np.roll(shapes[k], move, (0, 1)) for k, move in zip(labels, moves, strict=True)]
    images = np.clip(bright[:, None, None] * np.stack(images) + noise, 0, 1)
    pixels = torch.from_numpy(images.reshape(count, -1)).float()
    return Digits(pixels, torch.from_numpy(labels), "strokes")


BENCHMARK = 2021  # root seed of the benchmark's dictionaries
_BY_LAYERS = Trial(
    _lasso_by_layers,
    "relative loss (f - f*) / f*",
    f"after the last layer, {INSTANCES} new measurements",
    "",
    0.05,
)
_BY_GRADIENTS = Trial(
    _lasso_by_gradients,
    "relative loss (f - f*) / f*",
    f"after {ITERATIONS:,} iterations, {INSTANCES} new measurements",
    "",
    0.3,
)
TRIALS = {
    "sparse_recovery": Trial(
        _recovered, "NMSE", f"after the last layer, mean of {SIGNALS} new signals", "dB", 0.2
    ),
    "lasso alista": _BY_LAYERS,
    "lasso lista": _BY_LAYERS,
    **{f"lasso {name}": _BY_GRADIENTS for name in ("l2o_dm", "l2o_enhanced", "l2o_rnnprop")},
    "rastrigin": Trial(
        _rastrigin,
        "mean f",
        f"after {ITERATIONS:,} iterations, {INSTANCES} new instances, starts N(0, 1)",
        "",
        0.1,
    ),
    "network_training": Trial(
        _network,
        "training loss",
        f"after {STEPS} steps of an MLP with ReLU on {IMAGES:,} images of strokes",
        "nats",
        0.02,
    ),
}
