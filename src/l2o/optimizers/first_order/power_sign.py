"""PowerSign: a gradient counts e where it agrees with its running mean in sign, else 1 / e."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizers.signs import SignRule


class PowerSign(SignRule):
    """x+ = x - rate base^(f(t) sign(g) sign(m)) g; m, f and state: see :class:`SignRule`."""

    name = "power_sign"
    label = "PowerSign"
    reference = "Bello, Zoph, Vasudevan & Le 2017 (Neural Optimizer Search), section 5.1"
    hyperparameters = {
        "rate": 0.1,
        "base": 2.718281828459045,
        "beta": 0.9,
        "schedule": 0,
        "steps": 10000,
    }
    ranges = {
        "rate": "(0, inf)",
        "base": "(0, inf)",
        "beta": "[0, 1)",
        "schedule": "integers [0, 2]",
        "steps": "integers [1, 1e15]",
    }

    def factor(self, agreement: Tensor) -> Tensor:
        return self.hyper["base"] ** agreement
