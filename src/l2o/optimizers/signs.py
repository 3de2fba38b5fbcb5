"""Update rules whose steps are longer where the gradient agrees with its running mean in sign."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Optimizer, State
from l2o.optimizers.schedules import cosine, linear

CONSTANT, LINEAR, COSINE = range(3)  # of the hyperparameter ``schedule``


class SignRule(Optimizer):
    """x+ = x - rate c(s) g with s = f(t) sign(g) sign(m+) and m+ = beta m + (1 - beta) g.

    f is 1 (``schedule`` 0), falls along a line (1) or as a cosine (2) to 0 within ``steps`` steps;
    the rate itself stays. m is 0 at t = 0, without correction. A subclass says what c is. The
    state is (x, m, t).

    Source: Bello et al. 2017, section 5.1, and the rules as released with TensorFlow.
    """

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        return x, x.new_zeros(x.shape), x.new_zeros(())

    def step(self, optimizee: Optimizee, state: State) -> State:
        (x, m, t), hyper = state, self.hyper
        gradient = optimizee.gradient(x)
        m = m.lerp(gradient, 1 - hyper["beta"])
        agreement = self._share(t) * gradient.sign() * m.sign()
        return x - hyper["rate"] * self.factor(agreement) * gradient, m, t + 1

    def _share(self, t: Tensor) -> Tensor | float:
        """Return f(t)."""
        schedule, steps = self.hyper["schedule"], self.hyper["steps"]
        if schedule == CONSTANT:
            return 1.0
        return linear(t, steps) if schedule == LINEAR else cosine(1.0, t, steps)

    @abstractmethod
    def factor(self, agreement: Tensor) -> Tensor:
        """Return what the gradient is multiplied by, of s, from -1 to 1."""
