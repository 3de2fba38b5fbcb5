"""Anderson mixing of the last steps of GDA."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizees.minimax import Minimax
from l2o.optimizers.anderson import empty_history, mixed, remembered
from l2o.optimizers.protocol import Optimizer, State


class Anderson(Optimizer):
    """z+ = z - sum_j c_j dz_j - rate (F(z) - sum_j c_j dF_j), c as in :mod:`l2o.optimizers.anderson`.

    On a linear F it is GMRES with a truncated memory. The state is (z, z-, F(z-), dz, dF, k).
    """

    name = "anderson"
    label = "Anderson"
    reference = "Anderson 1965; Walker & Ni 2011"
    hyperparameters = {"rate": 0.1, "memory": 10, "ridge": 1e-10}
    ranges = {"rate": "(0, inf)", "memory": "integers [1, 1000]", "ridge": "(0, inf)"}
    gradients = 1

    def init(self, optimizee: Minimax, x: Tensor) -> State:
        history = empty_history(x, int(self.hyper["memory"]))
        return x, x, x.new_zeros(x.shape), *history, x.new_zeros(())

    def step(self, optimizee: Minimax, state: State) -> State:
        z, before, last, dz, dF, k = state
        F = optimizee.gradient(z)
        if k > 0:
            dz, dF = remembered(dz, z - before), remembered(dF, F - last)
        way, change = mixed(F, dz, dF, self.hyper["ridge"])
        return z - way - self.hyper["rate"] * (F - change), z, F, dz, dF, k + 1
