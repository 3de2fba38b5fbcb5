"""AddSign: a gradient counts twice where it agrees with its running mean in sign, else not."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizers.signs import SignRule


class AddSign(SignRule):
    """x+ = x - rate (offset + f(t) sign(g) sign(m)) g; m, f and state: see :class:`SignRule`."""

    name = "add_sign"
    label = "AddSign"
    reference = "Bello, Zoph, Vasudevan & Le 2017 (Neural Optimizer Search), section 5.1"
    hyperparameters = {"rate": 0.1, "offset": 1.0, "beta": 0.9, "schedule": 0, "steps": 10000}
    ranges = {
        "rate": "(0, inf)",
        "offset": "[0, inf)",
        "beta": "[0, 1)",
        "schedule": "integers [0, 2]",
        "steps": "integers [1, 1e15]",
    }

    def factor(self, agreement: Tensor) -> Tensor:
        return self.hyper["offset"] + agreement
