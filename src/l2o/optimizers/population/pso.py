"""Particle swarm optimization with constriction: the classical swarm beside the learned one.

A file of our own: of the libraries that are kept up, none advances many instances at once with a
seed for each step, without bounds on x, and with the versions that this project pins.
"""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Hyperparameters, Optimizer, State
from l2o.seeds import named_seed


class Pso(Optimizer):
    """v+ = chi (v + p r1 (own best - x) + p r2 (best of all - x)); x+ = x + v+.

    r1, r2 are uniform in (0, 1), drawn for each entry; every particle knows all others. A step is
    one function value for each particle and no gradient. One particle begins at the given start,
    the others at draws from N(0, ``spread``^2), all at rest. The random numbers of step k come
    from a stream named by ``seed`` and k, so that the same start gives the same run. The optimizee
    must take points (particles, batch, n). The state is (best x, x, v, own bests, their values, k).
    """

    name = "pso"
    label = "PSO"
    reference = "Clerc & Kennedy 2002, type 1''; Bratton & Kennedy 2007"
    hyperparameters = {
        "particles": 20,
        "chi": 0.72984,
        "attraction": 2.05,
        "spread": 1.0,
        "seed": 0,
    }
    ranges = {
        "particles": "integers [1, 10000]",
        "chi": "(0, 1]",
        "attraction": "(0, inf)",
        "spread": "[0, inf)",
        "seed": "integers [0, 1e15]",
    }

    def __init__(self, hyper: Hyperparameters) -> None:
        super().__init__(hyper)
        self.particles = int(self.hyper["particles"])

    def _generator(self, step: int) -> torch.Generator:
        seed = named_seed(int(self.hyper["seed"]), "pso", step)
        return torch.Generator().manual_seed(seed)

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        shape, kind = (len(x), self.particles, x.shape[1]), {"dtype": torch.float64}
        drawn = torch.randn(shape, generator=self._generator(0), **kind).transpose(0, 1).to(x)
        places = self.hyper["spread"] * drawn
        places[0] = x
        values = optimizee.objective(places).nan_to_num(nan=torch.inf)
        count = torch.zeros((), dtype=torch.int64)
        return _lowest(places, values), places, torch.zeros_like(places), places, values, count

    def step(self, optimizee: Optimizee, state: State) -> State:
        best, x, v, own, values, count = state
        count = count + 1
        shape, kind = (x.shape[1], 2, *x.shape[::2]), {"dtype": torch.float64}
        drawn = torch.rand(shape, generator=self._generator(int(count)), **kind)
        r1, r2 = drawn.permute(1, 2, 0, 3).to(x)
        pull = self.hyper["attraction"] * (r1 * (own - x) + r2 * (best - x))
        v = self.hyper["chi"] * (v + pull)
        x = x + v
        reached = optimizee.objective(x)
        better = reached < values
        own = torch.where(better.unsqueeze(-1), x, own)
        values = torch.where(better, reached, values)
        return _lowest(own, values), x, v, own, values, count


def _lowest(places: Tensor, values: Tensor) -> Tensor:
    """Return the place of the lowest value of each instance, (batch, n)."""
    at = values.argmin(dim=0)
    return places[at, torch.arange(places.shape[1], device=places.device)]
