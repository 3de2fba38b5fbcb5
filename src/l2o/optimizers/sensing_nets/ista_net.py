"""ISTA-Net: ISTA unrolled, with a learned transform and its learned left inverse."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from l2o.optimizers.sensing_net import SensingNet, drawn, drawn_details, soft, transform


class IstaNet(SensingNet):
    """x' = F~(soft(F(r), theta)), F and F~ a convolution, a ReLU and a convolution each.

    It begins as the linear start: the first two filters of F are the pixel itself and its negative,
    which pass the ReLU apart, and F~ joins these two only.

    Source: Zhang & Ghanem 2018, eqs. 7 to 11.
    """

    name = "ista_net"
    label = "ISTA-Net"
    reference = "Zhang & Ghanem 2018"
    hyperparameters = {"phases": 9, "filters": 32}
    ranges = {"phases": "integers [1, 100]", "filters": "integers [2, 256]"}
    paper = {"phases": 9, "filters": 32}
    departs = (
        "begins as the linear start (two filters pass the picture, the others see no flat ground, "
        "thresholds 0, steps 1)"
    )
    threshold = 0.0

    def build(self, generator: Generator) -> dict[str, nn.Parameter]:
        """Return both filters of F and of its left inverse."""
        n = self.filters
        found = {"forward_1": drawn_details(1, n, generator)}
        found |= {name: drawn(n, n, generator) for name in ("forward_2", "backward_1")}
        found["backward_2"] = drawn(n, 1, generator)
        with torch.no_grad():
            self._pass_the_picture(found)
        return found

    @staticmethod
    def _pass_the_picture(found: dict[str, nn.Parameter]) -> None:
        signs = torch.tensor([1.0, -1.0])
        for name, weight in found.items():
            if name == "forward_1":
                weight[:2] = 0
                weight[:2, 0, 1, 1] = signs
            elif name == "backward_2":
                weight.zero_()
                weight[0, :2, 1, 1] = signs
            else:
                weight[:2] = 0
                weight[[0, 1], [0, 1], 1, 1] = 1

    def proximal(self, k: int, r: Tensor) -> tuple[Tensor, Tensor]:
        """Return F~(soft(F(r))), and the mean squared error of F~(F(r)) = r."""
        w = self.phases[k]
        coded = transform(r, w["forward_1"], w["forward_2"])
        shrunk = soft(coded, self.thresholds[k])
        found = transform(shrunk, w["backward_1"], w["backward_2"])
        if not (self.judged and torch.is_grad_enabled()):
            return found, found.new_zeros(())
        again = transform(coded, w["backward_1"], w["backward_2"])
        return found, (again - r).square().mean()
