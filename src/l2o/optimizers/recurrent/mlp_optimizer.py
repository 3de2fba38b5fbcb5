"""The MLP optimizer of 2019: a network that sees means of the gradient, and the time."""

from __future__ import annotations

from torch import Tensor

from l2o.config.meta_training import AnalyticStart
from l2o.optimizers.recurrent.tensorwise import Block, Seen, TensorwiseRule

MAGNITUDE = 1e-3  # share of the second output in the logarithm of a step


class MlpOptimizer(TensorwiseRule):
    """x+ = x - rate_t d exp(0.001 m) with (d, m) = MLP 19-32-32-2 of what is known of a coordinate.

    Its inputs: g, x, six means of g, and 11 clocks. The drawn d is the mean of g with decay 0.9
    over its size.
    """

    name = "mlp_optimizer"
    label = "MLP optimizer"
    reference = "Metz, Maheswaranathan, Nixon, Freeman & Sohl-Dickstein 2019, as released (LOLv2)"
    departs = (
        "a rate that falls by itself instead of a constant 0.001, and a start close to an analytic "
        "rule"
    )
    hyperparameters = {"rate": 0.003, "units": 32}
    ranges = {"rate": "(0, inf)", "units": "integers [2, 1000]"}
    means = (0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)
    rows, clocks, outputs, floor = 8, True, 2, 1e-5
    start = {4: 1.0}

    def begin(self, start: AnalyticStart) -> None:
        """Start as it is drawn, with rates that fall."""
        self.fall(start)

    def inputs(self, seen: Seen) -> list[Tensor]:
        return [seen.gradient, seen.x, *seen.means]

    def direction(self, outputs: Tensor, block: Block) -> Tensor:
        return outputs[:, 0] * (MAGNITUDE * outputs[:, 1]).exp()
