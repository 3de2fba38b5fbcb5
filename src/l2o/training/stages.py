"""The schedule of progressive training: which layers train, on what, for how long."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import nn

from l2o.config.training import Training
from l2o.optimizers.unrolled.net import UnrolledNet


@dataclass(frozen=True)
class Stage:
    """Train the layers ``first`` .. ``last`` (0-based) on the error after layer ``last``."""

    kind: str  # layer | window | final
    first: int
    last: int
    steps: int
    rate: float
    decay: float

    def rate_at(self, step: int) -> float:
        """Return the rate of a step: a cosine from ``rate`` down to zero."""
        return self.rate * 0.5 * (1.0 + math.cos(math.pi * step / self.steps))

    @property
    def title(self) -> str:
        """The stage in words, layers counted from 1."""
        if self.first == self.last:
            return f"{self.kind} {self.last + 1}"
        return f"{self.kind} {self.first + 1}-{self.last + 1}"


def schedule(depth: int, budget: Training) -> list[Stage]:
    """Return the stages in order: each layer, now and then a window; at the end all layers.

    Source: progressive (layer-wise) training as in Borgerding et al. 2017 and paper 4.1.1; the
    window in place of all earlier layers, and the decay by age, are our choice: most of the gain at
    a fraction of the cost.
    """
    stages = []
    for k in range(depth):
        first = max(0, k - budget.window + 1)
        stages.append(Stage("layer", k, k, budget.layer_steps, budget.layer_rate, 1.0))
        if first < k and (k + 1) % budget.window_every == 0:
            window = (budget.window_steps, budget.window_rate, budget.window_decay)
            stages.append(Stage("window", first, k, *window))
    final = (budget.final_steps, budget.final_rate, budget.final_decay)
    stages.append(Stage("final", 0, depth - 1, *final))
    return [stage for stage in stages if stage.steps > 0]


def trained_parameters(
    net: UnrolledNet, stage: Stage, scalar_factor: float
) -> list[tuple[str, nn.Parameter, float]]:
    """Return name, parameter and factor on the rate of all that a stage trains.

    Parameters shared by all layers train in the final stage only: before it they would change the
    layers whose outputs are cached. Scalars (steps, log-thresholds, gates) get ``scalar_factor``,
    lists named in the net's ``rate_factors`` the factor there.
    """
    names = {id(parameter): name for name, parameter in net.named_parameters()}
    chosen = []
    for k in range(stage.first, stage.last + 1):
        factor = stage.decay ** (stage.last - k)
        chosen += [(p, factor) for p in net.layer_parameters(k)]
    if stage.kind == "final":
        chosen += [(p, 1.0) for p in net.shared_parameters()]

    def factor_of(name: str, parameter: nn.Parameter) -> float:
        own = net.rate_factors.get(name.split(".")[0], 1.0)
        return own * (scalar_factor if parameter.ndim == 0 else 1.0)

    return [(names[id(p)], p, f * factor_of(names[id(p)], p)) for p, f in chosen]
