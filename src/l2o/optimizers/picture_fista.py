"""Monotone FISTA for pictures that are sensed by blocks, with any regulariser.

Minimises ||A x - y||^2 / 2 + R(x). The norm of A is 1, and so is the step.

Source: Beck & Teboulle, "Fast gradient-based algorithms for constrained total variation image
denoising and deblurring problems", IEEE TIP 2009, section 5 (MFISTA).
"""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.block_sensing import BlockSensing
from l2o.optimizers.protocol import Optimizer, State


class PictureFista(Optimizer):
    """Its state is (x, z, t, what the proximal operator remembers): where the next gradient is
    taken, z, and the momentum number, t.

    Of each picture the better one of two candidates is kept, the last x and the new point. A
    subclass defines ``penalty`` and ``proximal``, and perhaps what it ``remembers`` at the start.
    """

    def penalty(self, optimizee: BlockSensing, x: Tensor) -> Tensor:
        """Return R of each picture, (pictures,)."""
        raise NotImplementedError

    def proximal(self, optimizee: BlockSensing, v: Tensor, memory: State) -> tuple[Tensor, State]:
        """Return the minimiser of ||x - v||^2 / 2 + R(x), and what to remember."""
        raise NotImplementedError

    def remembers(self, x: Tensor) -> State:
        """Return the memory of the proximal operator at the start."""
        return ()

    def init(self, optimizee: BlockSensing, x: Tensor) -> State:
        return x, x, x.new_ones(()), *self.remembers(x)

    def total(self, optimizee: BlockSensing, x: Tensor) -> Tensor:
        """Return the objective with the regulariser, (pictures,)."""
        return optimizee.objective(x) + self.penalty(optimizee, x)

    def step(self, optimizee: BlockSensing, state: State) -> State:
        x, z, t, *memory = state
        new, memory = self.proximal(optimizee, z - optimizee.gradient(z), tuple(memory))
        better = self.total(optimizee, new) <= self.total(optimizee, x)
        kept = torch.where(better[:, None, None], new, x)
        following = (1 + torch.sqrt(1 + 4 * t * t)) / 2
        z = kept + (t / following) * (new - kept) + ((t - 1) / following) * (kept - x)
        return kept, z, following, *memory


def shrunk(v: Tensor, thresholds: Tensor | float) -> Tensor:
    """Return v moved by thresholds towards 0, but not beyond."""
    return v.sign() * (v.abs() - thresholds).clamp_min(0)
