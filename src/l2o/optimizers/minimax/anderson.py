"""Anderson mixing of the last steps of GDA."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizees.minimax import Minimax
from l2o.optimizers.anderson import empty_history, mixed_where, remembered, resting
from l2o.optimizers.protocol import Optimizer, State


class Anderson(Optimizer):
    """z+ = z - sum_j c_j dz_j - rate (F(z) - sum_j c_j dF_j).

    For c see :mod:`l2o.optimizers.anderson`. On a linear F it is GMRES with a truncated memory; no
    more differences are kept than z has unknowns. What is solved rests. The state is (z, z-, F(z-),
    dz, dF, ||F|| at the start, k).
    """

    name = "anderson"
    label = "Anderson"
    reference = "Anderson 1965; Walker & Ni 2011"
    hyperparameters = {"rate": 0.1, "memory": 100, "ridge": 1e-10}
    ranges = {"rate": "(0, inf)", "memory": "integers [1, 1000]", "ridge": "(0, inf)"}
    gradients = 1

    def init(self, optimizee: Minimax, x: Tensor) -> State:
        history = empty_history(x, int(self.hyper["memory"]))
        none = x.new_zeros(len(x), 1)
        return x, x, x.new_zeros(x.shape), *history, none, x.new_zeros(())

    def step(self, optimizee: Minimax, state: State) -> State:
        z, before, last, dz, dF, first, k = state
        F, known = optimizee.gradient(z), int(k)
        first = first if known else F.norm(dim=-1, keepdim=True)
        if known:
            dz, dF = remembered(dz, z - before), remembered(dF, F - last)
        awake = ~resting(F, first)
        recent = dz[:, :known], dF[:, :known]
        way, change = mixed_where(awake[:, 0], F, *recent, self.hyper["ridge"])
        move = way + self.hyper["rate"] * (F - change)
        return z - awake * move, z, F, dz, dF, first, k + 1
