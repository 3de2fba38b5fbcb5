"""FISTA with the total variation of the whole picture."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.block_sensing import BlockSensing
from l2o.optimizers.picture_fista import PictureFista
from l2o.optimizers.protocol import State


class FistaTv(PictureFista):
    """R(x) = lam TV(x), isotropic, over all of a picture, whatever the blocks.

    The proximal operator is computed by ``inner`` steps of projected gradient descent with momentum
    on its dual, which begin where those of the last iteration ended.

    Source: Beck & Teboulle, IEEE TIP 2009, sections 4 (FGP) and 5 (MFISTA); Rudin, Osher & Fatemi
    1992 (total variation).
    """

    name = "fista_tv"
    label = "FISTA, TV"
    reference = "Beck & Teboulle 2009 (TIP)"
    hyperparameters = {"lam": 0.01, "inner": 5}
    ranges = {"lam": "(0, inf)", "inner": "integers [1, 1000]"}

    def remembers(self, x: Tensor) -> State:
        """Return the dual variables, (2, pictures, height, width)."""
        return (x.new_zeros((2, *x.shape)),)

    def penalty(self, optimizee: BlockSensing, x: Tensor) -> Tensor:
        return self.hyper["lam"] * differences(x).square().sum(0).sqrt().sum(dim=(1, 2))

    def proximal(self, optimizee: BlockSensing, v: Tensor, memory: State) -> tuple[Tensor, State]:
        lam, (p,) = self.hyper["lam"], memory
        q, t = p, 1.0
        for _ in range(int(self.hyper["inner"])):
            new = q + differences(v - lam * adjoint(q)) / (8 * lam)
            new = new / new.square().sum(0, keepdim=True).sqrt_().clamp_min_(1)
            following = (1 + (1 + 4 * t * t) ** 0.5) / 2
            q, p, t = new + ((t - 1) / following) * (new - p), new, following
        return v - lam * adjoint(p), (p,)


def differences(x: Tensor) -> Tensor:
    """Return what a pixel's neighbours below and to the right are more, 0 at the last ones.

    (pictures, height, width) -> (2, pictures, height, width)
    """
    found = x.new_zeros((2, *x.shape))
    torch.sub(x[:, 1:], x[:, :-1], out=found[0, :, :-1])
    torch.sub(x[:, :, 1:], x[:, :, :-1], out=found[1, :, :, :-1])
    return found


def adjoint(p: Tensor) -> Tensor:
    """Return the adjoint of :func:`differences`."""
    found = torch.zeros_like(p[0])
    found[:, 1:] += p[0, :, :-1]
    found[:, :-1] -= p[0, :, :-1]
    found[:, :, 1:] += p[1, :, :, :-1]
    found[:, :, :-1] -= p[1, :, :, :-1]
    return found
