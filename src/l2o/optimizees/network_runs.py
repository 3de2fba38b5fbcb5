"""Runs of the training of networks, on stored digits: their images, starts, and families of runs.

Apart from evaluations, so that what is trained does not hang on how it is evaluated.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from l2o.optimizees.network_training import Digits, NetworkTrainingFamily
from l2o.optimizees.networks import NETWORKS, initial
from l2o.seeds import named_seed
from l2o.storage.digit_sets import read_digits

INITIALISATIONS = 1_000_000  # runs there are to train on; more than any budget takes


def load_digits(path: Path, split: str) -> Digits:
    """Return the digits of a split of a stored set; errors as :func:`read_digits`."""
    images, labels = read_digits(path, split)
    return Digits(torch.from_numpy(images), torch.from_numpy(labels), str(path))


def drawn_starts(network: str, runs: int, seed: int, stream: str) -> Tensor:
    """Return the start points of runs, (runs, n) float32, from the root ``seed``."""
    return initial(NETWORKS[network], runs, named_seed(seed, network, stream))


def meta_training_runs(
    digits: Path, network: str, seed: int, minibatch: int
) -> Callable[[str, torch.device], NetworkTrainingFamily]:
    """Return what gives the runs that an optimizer is trained on, of a split and on a device.

    Parameters
    ----------
    digits : the stored set
    network : a name of :data:`l2o.optimizees.networks.NETWORKS`
    seed : root of the named random streams
    minibatch : images of an iteration
    """
    images = load_digits(digits, "train")

    def family(split: str, device: torch.device) -> NetworkTrainingFamily:
        streams = (INITIALISATIONS, seed, f"meta-{split}")
        on_device = images.to(device)
        return NetworkTrainingFamily(NETWORKS[network], on_device, *streams, minibatch)

    return family


def monitored(digits: Digits, count: int) -> Digits:
    """Return the first ``count`` images, on which the training loss is followed.

    MNIST's training images are in no order of classes or writers that the first ones would miss.
    """
    return Digits(digits.images[:count], digits.labels[:count], digits.source)
