"""Episodes: runs of an optimizer beside each other, some at perturbed weights, cut into pieces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Optimizer, State, iterates

Draw = Callable[[], tuple[Optimizee, Tensor]]
Window = Callable[[Optimizee, State], tuple[Tensor, State]]


class Episode(Protocol):
    """What estimators of the meta-gradient ask of the runs of an episode.

    Time goes by truncations: in each the estimator asks for the optimizer's own run (``through``
    or ``past``), for perturbed ones (``perturbed``), or for both. Losses are means over the steps
    of the truncation. ``moves`` are (..., P), P the number of weights: what is added to them.
    """

    @property
    def weights(self) -> Tensor:
        """The weights of the optimizer, (P,)."""
        ...

    def through(self) -> tuple[Tensor, Tensor]:
        """Move the own run on; return its loss, (...), and the derivative, (..., P)."""
        ...

    def past(self) -> Tensor:
        """Move the own run on; return its loss, (...)."""
        ...

    def perturbed(
        self, moves: Tensor, slopes: bool, persistent: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Return the losses of runs at other weights, (...), and their derivatives or None.

        Parameters
        ----------
        moves : (..., P)
        slopes : whether derivatives by the weights, (..., P), are wanted
        persistent : each goes on from where it is; else from where the own run is, so this is
            asked before that moves on
        """
        ...


@dataclass
class Run:
    """One run, with an optimizee of its own: that may be stochastic and have a place in a stream.

    ``state`` may be changed.
    """

    optimizee: Optimizee
    state: State


class ModuleEpisode:
    """The runs of an optimizer that is a module, one after the other in every truncation.

    The module's weights are changed for a run at others, and then set back, to the bit.

    Parameters
    ----------
    optimizer : the module; what its steps are is in ``window``
    draw : returns the optimizees of the episode and their starts, the same in every call
    begin : returns the state at a start
    window : runs through a truncation: from a state to the mean loss, (), and the state after it;
        may be replaced between truncations
    """

    def __init__(
        self,
        optimizer: nn.Module,
        draw: Draw,
        begin: Callable[[Optimizee, Tensor], State],
        window: Window,
    ) -> None:
        self.draw, self.begin, self.window = draw, begin, window
        self._parameters = list(optimizer.parameters())
        self.own = self._drawn()
        self._copies: list[Run] = []

    def _drawn(self) -> Run:
        optimizee, x = self.draw()
        return Run(optimizee, self.begin(optimizee, x))

    @property
    def weights(self) -> Tensor:
        """The weights, (P,), a copy."""
        return parameters_to_vector(self._parameters).detach()

    def through(self) -> tuple[Tensor, Tensor]:
        """Move the own run on; return its loss, (), and the derivative, (P,)."""
        return self._derived(self.own)

    @torch.no_grad()
    def past(self) -> Tensor:
        """Move the own run on; return its loss, ()."""
        return self._moved(self.own)

    @torch.no_grad()
    def perturbed(
        self, moves: Tensor, slopes: bool, persistent: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Return the losses, (...) float64, and derivatives of runs at other weights."""
        rows, found = moves.reshape(-1, moves.shape[-1]), []
        # All copies go as many steps in a truncation, so their streams are where the own one is.
        self._copies += [self._drawn() for _ in range(len(rows) - len(self._copies))]
        middle, start = self.weights, self.own.state
        for run, move in zip(self._copies, rows, strict=True):
            set_weights(self._parameters, middle + move)
            if not persistent:
                run.state = start
            found.append(self._derived(run) if slopes else (self._moved(run), None))
        set_weights(self._parameters, middle)
        losses = torch.stack([loss.double() for loss, _ in found]).view(moves.shape[:-1])
        if not slopes:
            return losses, None
        return losses, torch.stack([slope for _, slope in found]).view(moves.shape)

    def _moved(self, run: Run) -> Tensor:
        loss, state = self.window(run.optimizee, run.state)
        run.state = tuple(tensor.detach() for tensor in state)
        return loss.detach()

    @torch.enable_grad()
    def _derived(self, run: Run) -> tuple[Tensor, Tensor]:
        state = tuple(tensor.detach() for tensor in run.state)
        loss, state = self.window(run.optimizee, state)
        slopes = torch.autograd.grad(loss, self._parameters, allow_unused=True)
        run.state = tuple(tensor.detach() for tensor in state)
        pairs = zip(slopes, self._parameters, strict=True)
        flat = [(torch.zeros_like(p) if s is None else s).reshape(-1) for s, p in pairs]
        return loss.detach(), torch.cat(flat)


@torch.no_grad()
def end_loss(optimizer: Optimizer, optimizee: Optimizee, x: Tensor, steps: int, last: int) -> float:
    """Return the mean meta-loss over the ``last`` of some steps from x: minibatches scatter."""
    first = max(steps - last, 0)
    ends = islice(iterates(optimizer, optimizee, x), first, steps)
    return sum(float(optimizee.meta_loss(end)) for end in ends) / (steps - first)


@torch.no_grad()
def set_weights(weights: list[nn.Parameter], vector: Tensor) -> None:
    """Copy a vector into the weights: torch's own function makes them views of the vector."""
    for weight, part in zip(weights, split(vector, weights), strict=True):
        weight.copy_(part)


def set_gradients(weights: list[nn.Parameter], vector: Tensor) -> None:
    """Let the parts of a vector be the gradients of the weights."""
    for weight, part in zip(weights, split(vector, weights), strict=True):
        weight.grad = part.clone()


def split(vector: Tensor, weights: list[nn.Parameter]) -> list[Tensor]:
    """Return the parts of a vector, (P,), in the shapes of the weights."""
    parts = vector.split([weight.numel() for weight in weights])
    return [part.view_as(weight) for part, weight in zip(parts, weights, strict=True)]
