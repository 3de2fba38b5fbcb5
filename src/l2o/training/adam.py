"""Adam, by torch's own function: its class imports a compiler, a second of CPU in each job."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.adam import adam


class Adam:
    """What ``torch.optim.Adam`` computes, to the bit, with a rate for each parameter.

    ``state`` is as there: by parameter ``step``, ``exp_avg`` and ``exp_avg_sq``.

    Parameters
    ----------
    parameters : to be trained
    fused : whether torch's fused implementation computes

    Source: Kingma & Ba 2015, algorithm 1.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], fused: bool = False) -> None:
        self.parameters, self.fused = list(parameters), fused or None
        self.state: dict[nn.Parameter, dict[str, Tensor]] = {}

    def zero_grad(self) -> None:
        """Drop all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, rates: Iterable[float]) -> None:
        """Move each parameter that has a gradient, with its rate."""
        for parameter, rate in zip(self.parameters, rates, strict=True):
            if parameter.grad is None:
                continue
            state = self.state.get(parameter) or self._begun(parameter)
            moments = [state["exp_avg"]], [state["exp_avg_sq"]], [], [state["step"]]
            settings = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0}
            options = {"amsgrad": False, "maximize": False, "fused": self.fused}
            adam([parameter], [parameter.grad], *moments, lr=rate, **settings, **options)

    def _begun(self, parameter: nn.Parameter) -> dict[str, Tensor]:
        place = parameter.device if self.fused else None
        state = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
        self.state[parameter] = {"step": torch.zeros((), device=place), **state}
        return self.state[parameter]
