"""Attacks on a classifier, followed: their images and starts, and what they reach."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from l2o.config.classifier import VICTIM
from l2o.errors import InputError
from l2o.evaluation.family import Runs
from l2o.evaluation.runs import start_points
from l2o.optimizees.adversarial_attack import AdversarialAttack, Victim
from l2o.optimizees.network_runs import load_digits
from l2o.optimizees.network_training import Digits
from l2o.optimizers.projected import Projected
from l2o.optimizers.schedules import lasting
from l2o.storage.checkpoints import load_into, load_tensors

TOGETHER = 500  # images that are attacked at once


def digits_of(path: Path, samples: Mapping[str, int], part: str) -> Digits:
    """Return the digits of a part of the data.

    Of MNIST's training images the last ones are for attacks, ``train`` and, after them,
    ``validation``, and all before train the classifier, ``victim``; ``test`` are evenly spaced
    among the test images, of which the second half is the harder one.

    Raises
    ------
    InputError : there are not as many.
    """
    whole = load_digits(path, "test" if part == "test" else "train")
    wanted = samples["test"] if part == "test" else samples["train"] + samples["validation"] + 1
    if wanted > len(whole):
        problem = f"{len(whole)} for {part}, where {wanted} are asked for"
        raise InputError(path, "images", problem, "lower `samples` of the preset")
    middle = len(whole) - samples["validation"]
    first = middle - samples["train"]
    index = {
        VICTIM: torch.arange(first),
        "train": torch.arange(first, middle),
        "validation": torch.arange(middle, len(whole)),
        "test": torch.arange(samples["test"]) * len(whole) // samples["test"],
    }[part]
    return Digits(whole.images[index], whole.labels[index], whole.source)


def attack_on(
    digits: Path, victim: Path, told: Mapping[str, Any], part: str, device: str = "cpu"
) -> AdversarialAttack:
    """Return the images of a part, to be attacked; errors as :func:`digits_of`."""
    images = digits_of(digits, told["samples"], part).to(device)
    classifier = Victim()
    load_into(classifier, load_tensors(victim)[0], victim)
    classifier.requires_grad_(False).to(device)
    return AdversarialAttack(images.images, images.labels, classifier, told["eps"])


def starts(p: Mapping[str, Any], f: AdversarialAttack) -> torch.Tensor:
    """Return where all attacks on images start, (instances, 784), before their projection."""
    return start_points(p["seed"], 1, len(f), f.dimension, p["start_scale"])[0].float()


def followed(
    attack: Projected, f: AdversarialAttack, start: torch.Tensor, recorded: Sequence[int]
) -> tuple[Runs, np.ndarray]:
    """Run an attack on all images, in float32, the classifier's precision.

    Images go in groups of :data:`TOGETHER`, since an LSTM keeps more than a megabyte of each.

    Returns
    -------
    runs : values are minus the cross-entropy, (recorded, 1, instances)
    right : share of images that are classified right, (recorded,)
    """
    began, values = time.perf_counter(), np.empty((len(recorded), 1, len(f)))
    right = np.empty((len(recorded), len(f)))
    for rows in torch.arange(len(f)).split(TOGETHER):
        group = slice(int(rows[0]), int(rows[-1]) + 1)
        seen = _seen(attack, f.batch(rows), start[rows], recorded)
        for place, (value, same) in enumerate(seen):
            values[place, 0, group], right[place, group] = value, same
    gradients = np.broadcast_to(np.asarray(recorded, float)[:, None, None], values.shape)
    return Runs(values, gradients, time.perf_counter() - began), right.mean(axis=1)


@torch.no_grad()
def _seen(
    attack: Projected, f: AdversarialAttack, start: torch.Tensor, recorded: Sequence[int]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield minus the cross-entropy and whether the class is right, (images,), as recorded."""
    state = attack.init(f, start)
    for k in range(recorded[-1] + 1):
        if k in recorded:
            logits = f.logits(state[0])
            yield f.scored(logits).double().numpy(), (logits.argmax(dim=-1) == f.labels).numpy()
        if k < recorded[-1]:
            state = attack.step(f, state)


def lasted(optimizer: Any, iterations: int) -> Projected:
    """Return an attack whose schedule, if it has one, lasts as long as a run; learned ones too."""
    if not isinstance(optimizer, torch.nn.Module):
        return Projected(lasting(optimizer, iterations))
    if "steps" in optimizer.hyper:
        optimizer.hyper = {**optimizer.hyper, "steps": iterations}
    return Projected(optimizer)
