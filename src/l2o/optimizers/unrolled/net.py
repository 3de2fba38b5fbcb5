"""The protocol of an unrolled network: K learned layers of one classical iteration.

A layer is split in two. ``prepare`` holds what needs no learned parameter (a residual, a momentum
state); ``apply`` holds the learned rest. Training one layer at a time caches the prepared inputs of
the whole training set, so that a step costs the learned part of a single layer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from l2o.dictionaries.analytic import analytic_weights
from l2o.optimizers.protocol import Hyperparameters, State


class UnrolledNet(nn.Module):
    """Base of all unrolled networks for b = A x + noise.

    Parameters
    ----------
    dictionary : A, (m, n), unit columns
    depth : number of layers K
    hyper : fixed settings of the method, by name; what is absent takes its default
    start : one of ``starts``; none: the first one

    A subclass declares, as literals at its head (read without importing torch), ``name``,
    ``label``, ``reference``, ``trainable`` (its parameters), ``starts`` (by name, the classical
    algorithm that it equals before training), perhaps ``contains`` (a method whose trained nets it
    can go on from, see ``adopt``), ``hyperparameters`` (names and defaults: ``lam`` is the LASSO
    weight of the classical start) and their ``ranges``. ``searched`` says that its numbers, scalars
    that all layers share, are found without gradients and without signals. It defines
    ``apply_layer``, and ``prepare`` where a layer needs anything but x and b - A x. States and
    prepared inputs are tuples whose
    first entry is the iterate x, (batch, n).
    """

    name: ClassVar[str]
    label: ClassVar[str]
    reference: ClassVar[str]
    trainable: ClassVar[tuple[str, ...]]
    starts: ClassVar[Mapping[str, str]]
    contains: ClassVar[str] = ""
    hyperparameters: ClassVar[Mapping[str, float]]
    ranges: ClassVar[Mapping[str, str]]
    searched: ClassVar[bool] = False
    free_of_matrix: ClassVar[bool] = False  # whether what it learned may stand beside another A
    calibrated: ClassVar[tuple[str, ...]] = ()  # buffers that ``calibrate`` sets
    rate_factors: ClassVar[Mapping[str, float]] = {}  # on the rate of a parameter list, by name

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__()
        self.depth, self.hyper = depth, {**self.hyperparameters, **hyper}
        self.begun = start or next(iter(self.starts))
        self.register_buffer("A", dictionary.detach().clone())
        # The step size 1/L of ISTA; the margin keeps the start a strict descent.
        self.lipschitz = 1.001 * float(torch.linalg.matrix_norm(dictionary.double(), 2)) ** 2

    def start(self, b: Tensor) -> State:
        """Return the state before the first layer: x = 0, (batch, n), and the method's memory."""
        return (b.new_zeros(b.shape[0], self.A.shape[1]),)

    def prepare(self, state: State, b: Tensor) -> State:
        """Compute what layer k needs and no learned parameter enters: x and b - A x by default."""
        x = state[0]
        return x, torch.addmm(b, x, self.A.T, alpha=-1)

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        """Compute the state after layer ``k`` (0-based) from its prepared input and b."""
        raise NotImplementedError

    def layer(self, k: int, state: State, b: Tensor) -> State:
        """Run layer ``k`` (0-based)."""
        return self.apply_layer(k, self.prepare(state, b), b)

    def forward(self, b: Tensor) -> list[Tensor]:
        """Return the iterates x_1 ... x_K, each (batch, n)."""
        state, iterates = self.start(b), []
        for k in range(self.depth):
            state = self.layer(k, state, b)
            iterates.append(state[0])
        return iterates

    def layer_parameters(self, k: int) -> list[nn.Parameter]:
        """Return the parameters that belong to layer ``k`` alone."""
        return [getattr(self, name)[k] for name in self.per_layer]

    def shared_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that all layers share; they train only in joint stages."""
        return [getattr(self, name) for name in self.trainable if name not in self.per_layer]

    @property
    def per_layer(self) -> tuple[str, ...]:
        """Names of the trainable parameter lists that hold one tensor a layer."""
        return tuple(n for n in self.trainable if isinstance(getattr(self, n), nn.ParameterList))

    def calibrate(self, b: Tensor) -> None:
        """Set what a net keeps of its training measurements, (samples, m), before it is trained."""

    @torch.no_grad()
    def given(self, dictionary: Tensor) -> UnrolledNet:
        """Return the net for another A, (m, n), with what this one learned, if it is free of A."""
        other = type(self)(dictionary.to(self.A), self.depth, self.hyper, self.begun).to(self.A)
        kept = [*(name for name, _ in self.named_parameters()), *self.calibrated]
        tensors = self.state_dict()
        other.load_state_dict({**other.state_dict(), **{name: tensors[name] for name in kept}})
        return other.requires_grad_(False)

    def adopt(self, other: UnrolledNet) -> None:
        """Take over a trained net of the method that this one ``contains``: as good as that.

        A method that contains itself takes over what was learned for another dictionary, too.
        """
        raise NotImplementedError

    @torch.no_grad()
    def warm_start(self, k: int) -> None:
        """Start layer ``k`` from the trained parameters of layer ``k - 1``."""
        for new, old in zip(self.layer_parameters(k), self.layer_parameters(k - 1), strict=True):
            new.copy_(old)

    def _per_layer(self, value: Tensor | float) -> nn.ParameterList:
        """Return one learned copy of ``value`` for each layer, in the dictionary's precision."""
        start = torch.as_tensor(value, dtype=self.A.dtype, device=self.A.device)
        return nn.ParameterList(nn.Parameter(start.clone()) for _ in range(self.depth))

    def _start_weights(self) -> Tensor:
        """Return W, (m, n), of the start, for x + W^T (b - A x)."""
        if self.begun == "analytic":
            return self._analytic_weights()
        return self.A if self.begun == "amp" else self.A / self.lipschitz

    def _analytic_weights(self) -> Tensor:
        """Return ALISTA's W, (m, n), in the dictionary's precision."""
        return torch.from_numpy(analytic_weights(self.A.double().cpu().numpy())).to(self.A)

    def _ista_thresholds(self) -> nn.ParameterList:
        """Return the logarithm of ISTA's threshold lam / L, learned for each layer."""
        return self._per_layer(math.log(self.hyper["lam"] / self.lipschitz))

    def _support_percent(self, k: int) -> float:
        """Return the share of entries, in percent, that layer ``k`` (0-based) may select."""
        return min(self.hyper["support_step"] * (k + 1), self.hyper["support_max"])
