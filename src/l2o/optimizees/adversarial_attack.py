"""Adversarial perturbations of images: the inner maximisation of adversarial training.

    max over |x|_inf <= eps of the cross-entropy of a classifier at image + x, pixels in [0, 1]

As an optimizee it is the minimisation of minus the cross-entropy, with a set to project onto.
Source: Madry, Makelov, Schmidt, Tsipras & Vladu 2018, "Towards deep learning models resistant to
adversarial attacks", eq. (2.1); *Learning to Optimize: A Primer and A Benchmark*, eq. (8).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from l2o.optimizees.instances import Instances
from l2o.optimizees.networks import CLASSES, SIDE

FILTERS, HIDDEN, KERNEL = (16, 32), 100, 4


class Victim(nn.Module):
    """The classifier that is attacked: two convolutions 4 x 4 of stride 2, and two linear layers.

    16 and 32 filters, padded by 1, 100 units, ReLU between: 166,406 numbers. Source: the small
    ConvNet of Wong & Kolter 2018, "Provable defenses against adversarial examples via the convex
    outer adversarial polytope", section 5.

    Parameters
    ----------
    generator : draws the weights, uniform in +-1/sqrt(inputs of a unit), as torch does by default;
        None: they are zero, to be loaded
    """

    def __init__(self, generator: Generator | None = None) -> None:
        super().__init__()
        first, second = FILTERS
        flat = second * (SIDE // 4) ** 2
        shapes = ((first, 1, KERNEL, KERNEL), (second, first, KERNEL, KERNEL))
        for number, shape in enumerate((*shapes, (HIDDEN, flat), (CLASSES, HIDDEN)), start=1):
            bound = math.prod(shape[1:]) ** -0.5
            for name, tensor in ((f"weight{number}", shape), (f"bias{number}", shape[:1])):
                value = torch.zeros(tensor)
                if generator is not None:
                    value.uniform_(-bound, bound, generator=generator)
                self.register_parameter(name, nn.Parameter(value))

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, (count, 10), of images, (count, 784)."""
        values = images.view(-1, 1, SIDE, SIDE)
        for weight, bias in ((self.weight1, self.bias1), (self.weight2, self.bias2)):
            values = functional.conv2d(values, weight, bias, stride=2, padding=1).relu()
        values = functional.linear(values.flatten(1), self.weight3, self.bias3).relu()
        return functional.linear(values, self.weight4, self.bias4)


@dataclass(frozen=True)
class AdversarialAttack(Instances):
    """A batch of images to perturb; x, (..., batch, 784), are the perturbations.

    Parameters
    ----------
    images : (batch, 784), pixels from 0 to 1
    labels : (batch,) int64, the right classes
    victim : the classifier, of the type of the images; its weights are fixed
    eps : radius of the ball, of pixels
    """

    images: Tensor
    labels: Tensor
    victim: Victim
    eps: float

    def objective(self, x: Tensor) -> Tensor:
        """Return minus the cross-entropy, (..., batch), in nats."""
        return self.scored(self.logits(x))

    def scored(self, logits: Tensor) -> Tensor:
        """Return minus the cross-entropy of logits, (..., batch, 10), in nats: (..., batch)."""
        labels = self.labels.expand(logits.shape[:-1]).unsqueeze(-1)
        return logits.log_softmax(dim=-1).gather(-1, labels).squeeze(-1)

    def logits(self, x: Tensor) -> Tensor:
        """Return the logits of the perturbed images, (..., batch, 10)."""
        seen = self.images + x
        return self.victim(seen.reshape(-1, seen.shape[-1])).view(*x.shape[:-1], -1)

    def project(self, x: Tensor) -> Tensor:
        """Return the nearest perturbation in the ball under which all pixels are in [0, 1].

        A derivative passes through every coordinate that it does not move.
        """
        low = (-self.images).clamp_min(-self.eps)
        return x.clamp(low, (1 - self.images).clamp_max(self.eps))

    def to(self, kind: torch.dtype | torch.device) -> Self:
        """Return the same on another device.

        Raises
        ------
        TypeError : another precision is asked for; the classifier has its own.
        """
        if isinstance(kind, torch.dtype):
            raise TypeError(f"images of a classifier do not become {kind}")
        return super().to(kind)
