"""ISTA-Net+: ISTA unrolled, its learned transform acting on what is missing in the picture."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from l2o.optimizers.sensing_net import (
    SensingNet,
    convolution,
    drawn,
    drawn_details,
    soft,
    transform,
)


class IstaNetPlus(SensingNet):
    """x' = r + G H~(soft(H(D r), theta)): the high frequencies are learned, the rest is kept.

    Source: Zhang & Ghanem 2018, eqs. 12 to 15.
    """

    name = "ista_net_plus"
    label = "ISTA-Net+"
    reference = "Zhang & Ghanem 2018"
    hyperparameters = {"phases": 9, "filters": 32}
    ranges = {"phases": "integers [1, 100]", "filters": "integers [2, 256]"}
    paper = {"phases": 9, "filters": 32}
    departs = "begins as the linear start (G = 0, steps 1; D sees no flat ground)"
    threshold = 0.01

    def build(self, generator: Generator) -> dict[str, nn.Parameter]:
        """Return D, both filters of H and of its left inverse, and G, which is 0."""
        n = self.filters
        names = ("forward_1", "forward_2", "backward_1", "backward_2")
        found = {"D": drawn_details(1, n, generator)}
        found |= {name: drawn(n, n, generator) for name in names}
        return found | {"G": nn.Parameter(torch.zeros(1, n, 3, 3))}

    def proximal(self, k: int, r: Tensor) -> tuple[Tensor, Tensor]:
        """Return r + G H~(soft(H(D r))), and the mean squared error of H~(H(D r)) = D r."""
        w = self.phases[k]
        features = convolution(r, w["D"])
        coded = transform(features, w["forward_1"], w["forward_2"])
        shrunk = soft(coded, self.thresholds[k])
        found = r + convolution(transform(shrunk, w["backward_1"], w["backward_2"]), w["G"])
        if not (self.judged and torch.is_grad_enabled()):
            return found, found.new_zeros(())
        again = transform(coded, w["backward_1"], w["backward_2"])
        return found, (again - features).square().mean()
