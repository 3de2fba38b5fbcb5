"""small_fc_lopt: a network of some 200 weights that sees 39 numbers of every coordinate."""

from __future__ import annotations

from torch import Tensor

from l2o.config.meta_training import AnalyticStart
from l2o.optimizers.recurrent.tensorwise import Block, Seen, TensorwiseRule

MAGNITUDE = 1e-3  # share of the second output in the logarithm of a step


class SmallFcLopt(TensorwiseRule):
    """x+ = x - rate_t d exp(0.001 m) with (d, m) = MLP 39-4-4-2 of what is known of a coordinate.

    Its inputs: g, x, three means m of g, the mean v of g^2, m / sqrt(v), 1 / sqrt(v), g over the
    factored root of the square, of row and column the three means of squares and 1 / their roots, m
    over the factored root, and 11 clocks. The drawn d is m_0.9 over sqrt(v), and over the factored
    root, each over its size.
    """

    name = "small_fc_lopt"
    label = "small_fc_lopt"
    reference = "Metz, Freeman, Harrison, Maheswaranathan & Sohl-Dickstein 2022, as released"
    departs = (
        "its decays are not learned, convolutions are flattened to matrices, a rate that falls by "
        "itself instead of a constant 0.001, and a start close to an analytic rule"
    )
    hyperparameters = {"rate": 0.003, "units": 4, "epsilon": 1e-6}
    ranges = {"rate": "(0, inf)", "units": "integers [2, 1000]", "epsilon": "(0, 1]"}
    means = (0.9, 0.99, 0.999)
    squares = 0.999
    factors = (0.9, 0.99, 0.999)
    rows, clocks, outputs, floor = 16, True, 2, 1e-5
    start = {6: 0.5, 13: 0.5}

    def begin(self, start: AnalyticStart) -> None:
        """Start as it is drawn, with rates that fall."""
        self.fall(start)

    def inputs(self, seen: Seen) -> list[Tensor]:
        g, m, inverse = seen.gradient, seen.means, (seen.square + self.hyper["epsilon"]).rsqrt()
        plain = g, seen.x, *m, seen.square, *(m * inverse), inverse
        return [*plain, *(g * seen.factor), *(m * seen.factor)]

    def direction(self, outputs: Tensor, block: Block) -> Tensor:
        return outputs[:, 0] * (MAGNITUDE * outputs[:, 1]).exp()
