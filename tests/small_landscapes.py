"""Small families to test optimizers on, in the form that recurrent optimizers see."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from l2o.optimizees.rastrigin import Rastrigin


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@dataclass(frozen=True)
class Landscape:
    """factor (0.5 |A x - b|^2 + ripples sum_i (1 - cos(2 pi x_i))), A (batch, n, n)."""

    A: Tensor
    b: Tensor
    ripples: float = 0.0
    factor: float = 1.0

    def objective(self, x: Tensor) -> Tensor:
        residual = torch.einsum("bij,...bj->...bi", self.A, x) - self.b
        ripples = (1.0 - torch.cos(2.0 * math.pi * x)).sum(dim=-1)
        return self.factor * (0.5 * residual.square().sum(dim=-1) + self.ripples * ripples)

    def gradient(self, x: Tensor) -> Tensor:
        residual = torch.einsum("bij,...bj->...bi", self.A, x) - self.b
        slope = 2.0 * math.pi * torch.sin(2.0 * math.pi * x)
        pull = torch.einsum("bij,...bi->...bj", self.A, residual)
        return self.factor * (pull + self.ripples * slope)

    def meta_loss(self, x: Tensor) -> Tensor:
        return self.objective(x).mean()

    def rows(self, index: slice) -> Landscape:
        return Landscape(self.A[index], self.b[index], self.ripples, self.factor)

    def permuted(self, order: Tensor) -> Landscape:
        """The same landscape with its coordinates in another order."""
        return Landscape(self.A[:, :, order], self.b, self.ripples, self.factor)


def draw(seed: int, batch: int, n: int, ripples: float = 0.0, dtype=torch.float32) -> Landscape:
    A = torch.randn(batch, n, n, generator=generator(seed), dtype=dtype)
    b = torch.randn(batch, n, generator=generator(seed + 1), dtype=dtype)
    return Landscape(A, b, ripples)


def classical_rastrigin(n: int) -> Rastrigin:
    """The function of Rastrigin, eq. (20), as a batch of one instance, float64."""
    kind = torch.float64
    A, zero = torch.eye(n, dtype=kind), torch.zeros(1, n, dtype=kind)
    return Rastrigin(A[None], zero, torch.ones(1, n, dtype=kind))


def start(batch: int, n: int, seed: int = 5, dtype=torch.float32) -> Tensor:
    return torch.randn(batch, n, generator=generator(seed), dtype=dtype)


def run(optimizer, optimizee, x: Tensor, steps: int) -> tuple[Tensor, ...]:
    """The state after some steps."""
    state = optimizer.init(optimizee, x)
    for _ in range(steps):
        state = optimizer.step(optimizee, state)
    return state


def train(optimizer, loss_of, epochs: int, n: int, ripples: float, rate: float = 1e-2) -> None:
    """Meta-train on fresh landscapes: two unrolls of ten steps each, cut between."""
    adam = torch.optim.Adam(optimizer.parameters(), lr=rate)
    for epoch in range(epochs):
        optimizee = draw(100 + 2 * epoch, 32, n, ripples)
        state = optimizer.init(optimizee, start(32, n, 1000 + epoch))
        for _ in range(2):
            state = tuple(tensor.detach() for tensor in state)
            loss = 0.0
            for _ in range(10):
                state = optimizer.step(optimizee, state)
                loss = loss + loss_of(optimizee, state) / 10
            adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(optimizer.parameters(), 1.0)
            adam.step()


@torch.no_grad()
def reached(optimizer, n: int, ripples: float, steps: int = 20) -> float:
    """The mean objective after some steps on landscapes that no training saw."""
    optimizee = draw(7, 128, n, ripples)
    return float(optimizee.objective(run(optimizer, optimizee, start(128, n), steps)[0]).mean())
