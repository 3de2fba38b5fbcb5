"""Learned Krasnosel'skii-Mann: perturbations that spoil convergence under no weights."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.config.meta_training import AnalyticStart
from l2o.optimizees.protocol import Composite
from l2o.optimizers.protocol import State
from l2o.optimizers.structured import StructuredOptimizer


class LearnedKm(StructuredOptimizer):
    """x+ = x + relaxation (T x - x) + e_k, with T x = prox_{h / L}(x - grad s(x) / L).

    e_k = d_k min(1, bound_k / ||d_k||), each instance for itself, is what an LSTM asks for,

        d_k = (P - 1) (T x - x) + A (T x - z),    P, A in (0, 2), z = T x of the step before,

    cut to bound_k = radius ||T x_0 - x_0|| / (1 + k / horizon)^2; a d_k that is not finite counts
    as 0. With relaxation 1, and where nothing is cut, it is a method like Math-L2O: x+ = x +
    P (T x - x) + A (T x - z).

    **It converges whatever the weights are**, for convex s and h with a minimiser:

    - Summable: sum_k ||e_k|| <= sum_k bound_k <= radius ||T x_0 - x_0|| (1 + horizon), since
      sum_{k >= 0} (1 + k / H)^-2 <= 1 + integral_0^inf (1 + t / H)^-2 dt = 1 + H.
    - T is averaged with constant 2/3: a gradient step of 1 / L and a proximal operator are
      averaged with 1/2 each. With 0 < relaxation < 3/2 the step without e_k is averaged, too, and
      its fixed points are the minimisers x*. So ||x+ - x*|| <= ||x - x*|| + ||e_k||: the distances
      converge, the sum over k of ||T x_k - x_k||^2 is finite, and x_k converges to a minimiser
      (Combettes 2001, "Quasi-Fejerian analysis of some optimization algorithms"). So does T x_k,
      the iterate that is returned.

    Of the source only the abstract was at hand: a Krasnosel'skii-Mann step and a learned
    perturbation that is summable. This construction of it is ours. The state is (z, x - z, steps
    done, ||T x_0 - x_0||, LSTM's); both latter are (batch, 1).
    """

    name = "learned_km"
    label = "Learned KM"
    reference = "ours, after Martin & Belgioioso 2026"
    departs = "the perturbation and its bound are ours: of the paper only the abstract was at hand"
    hyperparameters = {"hidden": 20, "relaxation": 1.0, "radius": 1.0, "horizon": 100.0}
    ranges = {
        "hidden": "integers [1, 1000]",
        "relaxation": "(0, 1.5)",
        "radius": "(0, 1e6]",
        "horizon": "[1, 1e6]",
    }

    def begin(self, start: AnalyticStart) -> None:
        """Start with a constant momentum, cut to its bound; gain 1, memory 2: no perturbation."""
        self.constant(start)

    def remembered(self, x: Tensor) -> State:
        return x.new_zeros(len(x), 1), x.new_zeros(len(x), 1)

    def step(self, optimizee: Composite, state: State) -> State:
        z, v, done, first, *memory = state
        x, step = z + v, 1.0 / optimizee.lipschitz
        gradient = optimizee.smooth_gradient(x)
        P, A, memory = self.chosen(gradient, x, tuple(memory))
        new = optimizee.proximal(x - step * gradient, step)
        moved = new - x
        first = torch.where(done == 0, moved.detach().norm(dim=-1, keepdim=True), first)
        wanted = (P - 1.0) * moved + A * (new - z)
        bound = self.hyper["radius"] * first / (1.0 + done / self.hyper["horizon"]).square()
        e = within(wanted, bound)
        return new, (self.hyper["relaxation"] - 1.0) * moved + e, done + 1, first, *memory


def within(d: Tensor, bound: Tensor) -> Tensor:
    """Return d, (batch, n), cut to the 2-norm ``bound``, (batch, 1); 0 where it is not finite."""
    # Of a row of zeros the norm has no derivative; it is far from being cut.
    size = d.square().sum(dim=-1, keepdim=True).clamp_min(torch.finfo(d.dtype).tiny).sqrt()
    cut = d * (bound / size).clamp(max=1.0)
    return torch.where(size.isfinite(), cut, 0.0)
