"""Adam, its rate falling as a cosine."""

from __future__ import annotations

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.first_order.adam import Adam
from l2o.optimizers.moments import corrected
from l2o.optimizers.protocol import State
from l2o.optimizers.schedules import cosine


class AdamCosine(Adam):
    """Adam's step with rate_t = rate (1 + cos(pi t / s)) / 2, t = 0, 1, ...

    After s = ``steps`` steps x stands still. The state is that of Adam, (x, m, v, t).
    """

    name = "adam_cosine"
    label = "Adam + cosine"
    reference = "Kingma & Ba 2015, algorithm 1; Loshchilov & Hutter 2017, eq. (5)"
    hyperparameters = {"rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "steps": 10000}
    ranges = {
        "rate": "(0, inf)",
        "beta1": "[0, 1)",
        "beta2": "[0, 1)",
        "epsilon": "(0, 1]",
        "steps": "integers [1, 1e15]",
    }

    def step(self, optimizee: Optimizee, state: State) -> State:
        (x, *moments), hyper = state, self.hyper
        rate = cosine(hyper["rate"], moments[-1], hyper["steps"])
        betas = hyper["beta1"], hyper["beta2"]
        mean, size, moments = corrected(optimizee.gradient(x), tuple(moments), *betas)
        return x - rate * mean / (size + hyper["epsilon"]), *moments
