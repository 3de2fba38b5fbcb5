"""Extra-anchored gradient: extragradient that is pulled to its start, ever more weakly."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizees.minimax import Minimax
from l2o.optimizers.protocol import Optimizer, State


class AnchoredExtragradient(Optimizer):
    """p = z + (z_0 - z) / (k + 2);  z+ = p - rate F(p - rate F(z)).

    On convex-concave f with L-Lipschitz gradients ||F(z_k)|| falls as 1 / k for rates below
    1 / (8 L): as fast as any method's can. The state is (z, z_0, k).
    """

    name = "anchored_extragradient"
    label = "EAG"
    reference = "Yoon & Ryu 2021, EAG-C"
    hyperparameters = {"rate": 0.1}
    ranges = {"rate": "(0, inf)"}
    gradients = 2

    def init(self, optimizee: Minimax, x: Tensor) -> State:
        return x, x, x.new_zeros(())

    def step(self, optimizee: Minimax, state: State) -> State:
        z, start, k = state
        pulled = z + (start - z) / (k + 2)
        trial = pulled - self.hyper["rate"] * optimizee.gradient(z)
        return pulled - self.hyper["rate"] * optimizee.gradient(trial), start, k + 1
