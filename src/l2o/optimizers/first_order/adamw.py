"""AdamW: Adam with decoupled weight decay, both falling as a cosine."""

from __future__ import annotations

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.first_order.adam_cosine import AdamCosine
from l2o.optimizers.protocol import State
from l2o.optimizers.schedules import cosine


class AdamW(AdamCosine):
    """x+ = x - rate_t (m^ / (sqrt(v^) + eps) + decay x), rate_t = rate (1 + cos(pi t / s)) / 2.

    The decay enters neither moment. Written as torch does: the paper's decay is that of a step at
    the highest rate, ``rate`` times ``weight_decay``. s is ``steps``; the state is that of Adam.
    """

    name = "adamw"
    label = "AdamW + cosine"
    reference = "Loshchilov & Hutter 2019, algorithm 2"
    hyperparameters = {
        "rate": 1e-3,
        "weight_decay": 0.01,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "steps": 10000,
    }
    ranges = {
        "rate": "(0, inf)",
        "weight_decay": "[0, inf)",
        "beta1": "[0, 1)",
        "beta2": "[0, 1)",
        "epsilon": "(0, 1]",
        "steps": "integers [1, 1e15]",
    }

    def step(self, optimizee: Optimizee, state: State) -> State:
        x, hyper = state[0], self.hyper
        decay = hyper["weight_decay"] * cosine(hyper["rate"], state[-1], hyper["steps"])
        new, *moments = super().step(optimizee, state)
        return new - decay * x, *moments
