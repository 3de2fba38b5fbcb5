"""A rule like Celo2: some 330 weights give the direction of a tensor's step, its size is fixed."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.config.meta_training import AnalyticStart
from l2o.optimizers.recurrent.tensorwise import Block, Seen, TensorwiseRule

ITERATION = (3.4445, -4.7750, 2.0315)  # of Newton and Schulz
CUT = 0.1  # of a gradient, for its second appearance


class Celo2Like(TensorwiseRule):
    """x+ = x - rate_t d / |d|, |.| the root mean square over the tensor, d by an MLP 30-8-8-1.

    Its inputs: g, g cut to [-0.1, 0.1], x, three means m of g, the mean v of g^2, m / sqrt(v),
    1 / sqrt(v), g and m over the factored root of the square, g / sqrt(v), and of row and column
    the three means of squares and 1 / their roots. With ``orthogonal`` > 0 so many iterations of
    Newton and Schulz make the singular values of a matrix d near 1, as in Muon. The drawn d is
    m_0.9 over sqrt(v), and over the factored root, each over its size.
    """

    name = "celo2_like"
    label = "Celo2-like"
    reference = "after Moudgil et al. 2026 (Celo2), as in the released code PyLO"
    departs = (
        "one output instead of three, vectors by the same rule instead of AdamW, convolutions "
        "flattened to matrices, a rate that falls by itself instead of a given schedule, and a "
        "start close to an analytic rule"
    )
    hyperparameters = {"rate": 0.003, "units": 8, "orthogonal": 5, "epsilon": 1e-8}
    ranges = {
        "rate": "(0, inf)",
        "units": "integers [2, 1000]",
        "orthogonal": "integers [0, 20]",
        "epsilon": "(0, 1]",
    }
    means = (0.9, 0.99, 0.999)
    squares = 0.95
    factors = (0.9, 0.99, 0.999)
    rows, clocks, outputs, floor = 18, False, 1, 1e-9
    start = {7: 1.0, 15: 1.0}

    def begin(self, start: AnalyticStart) -> None:
        """Start as it is drawn, with rates that fall."""
        self.fall(start)

    def inputs(self, seen: Seen) -> list[Tensor]:
        g, m, inverse = seen.gradient, seen.means, (seen.square + self.hyper["epsilon"]).rsqrt()
        plain = g, g.clamp(-CUT, CUT), seen.x, *m, seen.square, *(m * inverse), inverse
        return [*plain, *(g * seen.factor), g * inverse, *(m * seen.factor)]

    def direction(self, outputs: Tensor, block: Block) -> Tensor:
        d, count = outputs[:, 0], int(self.hyper["orthogonal"])
        if count and not block.vector:
            d = orthogonal(d.unflatten(-1, (block.rows, block.columns)), count).flatten(-2)
        return d / (d.square().mean(dim=-1, keepdim=True) + self.floor).sqrt()


def orthogonal(d: Tensor, count: int) -> Tensor:
    """Return U V^T of d = U S V^T, (batch, rows, columns), roughly: singular values 0.7 to 1.2.

    Source: Jordan et al. 2024 (Muon), ``count`` iterations.
    """
    a, b, c = ITERATION
    wide = d if d.shape[-2] <= d.shape[-1] else d.mT
    x = wide / (torch.linalg.matrix_norm(wide, keepdim=True) + 1e-12)
    for _ in range(count):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x if d.shape[-2] <= d.shape[-1] else x.mT
