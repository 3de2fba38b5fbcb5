"""L2O-Swarm: particles that look at each other, moved by one LSTM.

What of the paper is realised, and where (section 3 of the paper):

- k particles for each instance. The LSTM's weights are those of all particles, as in the released
  implementation; its state is each particle's (and coordinate's) own. The order of the particles
  means nothing, and k may change after training.
- Four features of a particle: the gradient g, its momentum m, the velocity x_i - y_i from the best
  position y_i that it has had, and the attraction sum_j w_ij (x_i - x_j), w_ij ~
  exp(-|x_i - x_j|^2 / (2 n reach^2)) over the j with f_j < f_i, normalised, and 0 for the best
  particle. All four point the same way: against the step that they call for.
- Attention over the features (intra-particle): s = sum_r p_r s_r with p = softmax of
  v^T tanh(W |s_r| + U h + b_r), h the LSTM's state.
- Attention over the particles (inter-particle): e_i = s_i + share sum_j a_ij s_j with
  a_ij ~ exp(s_i s_j / n) exp(-|x_i - x_j|^2 / (2 n reach^2)), the paper's product of similarities
  of features and of positions, normalised over j. e_i is the LSTM's input.
- Meta-loss: the objective of all particles plus the entropy of the posterior over the optimum, the
  sharpness of which follows from the entropy of a first estimate.

Our choices: g and m are in units of the root mean square gradient (as in RNNprop), velocity and
attraction in units of ``reach``, since their sum needs one unit; |s_r| and h are the root mean
square and the mean over the coordinates, so that weights fit every n and no coordinate is special;
the step is bounded by tanh; for a constant of the posterior, see
:func:`l2o.optimizers.recurrent.posterior.posterior_entropy`. Features are taken as given: no
derivative runs through positions or gradients.

Left out: the posterior over all visited points and over a whole region, for which the state would
have to grow with every step. Here it is over the population before and after a step, at every step.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from l2o.optimizees.protocol import Optimizee
from l2o.optimizees.repeated import Repeated
from l2o.optimizers.moments import corrected, no_moments
from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.optimizers.recurrent.lstm import CoordinateLstm
from l2o.optimizers.recurrent.posterior import posterior_entropy
from l2o.seeds import named_generator

FEATURES = 4


class L2oSwarm(RecurrentOptimizer):
    """x_i+ = x_i + scale tanh(LSTM(e_i)); the iterate is the best position so far.

    The state is (best position, particles, their positions before the last step, their values,
    the best position of each, its value, m, v, t, the LSTM's): (batch, n), (batch k, n) twice,
    (batch k,), (batch k, n), (batch k,), moments of (batch k, n), and columns batch k n. The best
    is x at the start, and then over all positions of all particles.
    """

    name = "l2o_swarm"
    label = "L2O-Swarm"
    reference = "Cao, Chen, Wang & Shen 2019, section 3"
    departs = (
        "features in units of the root mean square gradient and of a length, attention by their "
        "sizes, a bounded step, and a posterior over the particles before and after a step alone"
    )
    hyperparameters = {
        "particles": 4,
        "spread": 1.0,
        "hidden": 20,
        "attention": 10,
        "scale": 0.1,
        "beta1": 0.95,
        "beta2": 0.95,
        "epsilon": 1e-8,
        "reach": 1.0,
        "share": 0.25,
        "entropy": 0.01,
        "sharpness": 1.0,
        "noise": 2.1,
    }
    ranges = {
        "particles": "integers [1, 1000]",
        "spread": "[0, inf)",
        "hidden": "integers [1, 1000]",
        "attention": "integers [1, 1000]",
        "scale": "(0, inf)",
        "beta1": "[0, 1)",
        "beta2": "[0, 1)",
        "epsilon": "(0, 1]",
        "reach": "(0, inf)",
        "share": "[0, inf)",
        "entropy": "[0, inf)",
        "sharpness": "(0, inf)",
        "noise": "(0, inf)",
    }

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        super().__init__(hyper, generator)
        self.k, units = int(self.hyper["particles"]), int(self.hyper["attention"])
        hidden = int(self.hyper["hidden"])
        self.lstm = CoordinateLstm(1, hidden)
        self.lstm.reset(generator)
        self.attend_size = nn.Parameter(torch.empty(units, 1, 1))
        self.attend_hidden = nn.Parameter(torch.empty(units, hidden))
        self.attend_feature = nn.Parameter(torch.empty(units, FEATURES, 1))
        self.attend_out = nn.Parameter(torch.empty(units))
        with torch.no_grad():
            for weight in (self.attend_size, self.attend_feature):
                weight.uniform_(-1.0, 1.0, generator=generator)
            self.attend_hidden.uniform_(-(hidden**-0.5), hidden**-0.5, generator=generator)
            self.attend_out.uniform_(-(units**-0.5), units**-0.5, generator=generator)

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        """Return the state at the start x, (batch, n): x itself is the first particle.

        The others are at x + spread z with z normal, drawn from a named seed: the same for every
        instance and every call.
        """
        others = named_generator(0, "l2o_swarm").standard_normal((self.k - 1, x.shape[1]))
        offsets = x.new_zeros(self.k, x.shape[1])
        offsets[1:] = self.hyper["spread"] * torch.from_numpy(others).to(x)
        particles = (x[:, None] + offsets).flatten(0, 1)
        values = Repeated(optimizee, self.k).objective(particles.detach()).detach()
        memory = *no_moments(particles), *self.lstm.init(particles.numel(), x)
        return x, particles, particles, values, particles, values, *memory

    def step(self, optimizee: Optimizee, state: State) -> State:
        """Return the state after one step; no derivative is taken through the gradient."""
        _, particles, _, values, best, lowest, *memory = state
        moments, lstm = tuple(memory[:-4]), tuple(memory[-4:])
        swarm, at = Repeated(optimizee, self.k), particles.detach()
        seen, near = self.seen(swarm, at, values, best.detach())
        features, moments = self._features(*seen, moments)
        attended = (self.focus(features, lstm[2])[:, :, None] * features).sum(dim=0)
        together = attended.view(-1, self.k, at.shape[1])
        others = self.exchange(together, near) @ together
        inputs = torch.add(together, others, alpha=self.hyper["share"])
        output, lstm = self.lstm(inputs.view(1, -1), lstm)
        moved = particles + self.hyper["scale"] * output.tanh().view(particles.shape)
        values = swarm.objective(moved.detach()).detach()
        better = values < lowest
        best = torch.where(better[:, None], moved, best)
        lowest = torch.where(better, values, lowest)
        place = lowest.view(-1, self.k).argmin(dim=1)
        x = best.view(len(place), self.k, -1)[torch.arange(len(place), device=place.device), place]
        return x, moved, particles, values, best, lowest, *moments, *lstm

    def meta_loss(self, optimizee: Optimizee, state: State) -> Tensor:
        """Return what training minimises after a step, ().

        The optimizee's own meta-loss over all particles, plus ``entropy`` times the mean entropy
        of the posterior over the optimum, given the population before and after the step.
        """
        swarm, (moved, before) = Repeated(optimizee, self.k), state[1:3]
        positions = torch.cat([x.view(-1, self.k, x.shape[1]) for x in (before, moved)], dim=1)
        values = [swarm.objective(x).view(-1, self.k) for x in (before, moved)]
        settings = (self.hyper[key] for key in ("reach", "noise", "sharpness"))
        entropy = posterior_entropy(positions, torch.cat(values, dim=1), *settings)
        return swarm.meta_loss(moved) + self.hyper["entropy"] * entropy.mean()

    def seen(
        self, swarm: Optimizee, x: Tensor, values: Tensor, best: Tensor
    ) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
        """Return gradient, velocity and attraction, (batch k, n) each, and how near particles are.

        Parameters
        ----------
        swarm : the optimizee of all particles
        x, values : their positions, (batch k, n), and objectives, (batch k,)
        best : the best position of each so far, (batch k, n)

        The last is the logarithm of a weight, (batch, k, k).
        """
        rows = x.view(-1, self.k, x.shape[1])
        apart = rows[:, :, None] - rows[:, None]
        near = apart.square().mean(dim=3) / (-2.0 * self.hyper["reach"] ** 2)
        pull = self.attraction(near, values.view(-1, self.k))
        attraction = torch.einsum("bij,bijn->bin", pull, apart).view(x.shape)
        return (swarm.gradient(x).detach(), x - best, attraction), near

    def _features(
        self, gradient: Tensor, velocity: Tensor, attraction: Tensor, moments: State
    ) -> tuple[Tensor, State]:
        """Return gradient, momentum, velocity and attraction, (4, batch k, n), and the moments."""
        hyper = self.hyper
        mean, size, moments = corrected(gradient, moments, hyper["beta1"], hyper["beta2"])
        size = size + hyper["epsilon"]
        units = velocity / hyper["reach"], attraction / hyper["reach"]
        return torch.stack([gradient / size, mean / size, *units]), moments

    @staticmethod
    def attraction(near: Tensor, values: Tensor) -> Tensor:
        """Return w_ij, (batch, k, k): 1 in sum over j, or 0 where no particle is better.

        Parameters
        ----------
        near : log of how near particles are, (batch, k, k)
        values : their objectives, (batch, k)
        """
        better = values[:, None] < values[:, :, None]
        weights = near.masked_fill(~better, -torch.inf).softmax(dim=2)
        return weights.nan_to_num(0.0)

    def focus(self, features: Tensor, h: Tensor) -> Tensor:
        """Return each particle's attention to its features, (4, batch k).

        Parameters
        ----------
        features : (4, batch k, n)
        h : state of the LSTM, (hidden, batch k n)
        """
        sizes = features.square().mean(dim=2).sqrt()
        known = self.attend_hidden @ h.view(len(h), *features.shape[1:]).mean(dim=2)
        units = self.attend_size * sizes + known[:, None] + self.attend_feature
        return torch.einsum("a,arp->rp", self.attend_out, units.tanh()).softmax(dim=0)

    def exchange(self, attended: Tensor, near: Tensor) -> Tensor:
        """Return each particle's attention to all particles, (batch, k, k).

        Parameters
        ----------
        attended : features after :meth:`focus`, (batch, k, n)
        near : log of how near particles are, (batch, k, k)
        """
        alike = attended @ attended.transpose(1, 2) / attended.shape[2]
        return (alike + near).softmax(dim=2)
