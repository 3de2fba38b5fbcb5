"""Update rules of the grammar as optimizers: their operands, their steps, which ones are alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Generator, Tensor, nn

from l2o.errors import InputError
from l2o.optimizees.protocol import Optimizee
from l2o.optimizers import rule_grammar as grammar
from l2o.optimizers.draws import normal_draws, uniform_draws
from l2o.optimizers.protocol import Hyperparameters, Optimizer, State
from l2o.optimizers.rule_grammar import Term, parsed
from l2o.optimizers.schedules import cosine, linear
from l2o.optimizers.trained import read_checkpoint
from l2o.seeds import named_generator

SMALL = 1e-8  # in denominators and logarithms
DECAYS = {"m": 0.9, "v": 0.999, "gamma": 0.999, "square": 0.99}  # of the running means
MEANS = {  # that operands are made of
    **{name: (name,) for name in ("m", "v", "gamma")},
    **{"adam": ("m", "v"), "rmsprop": ("square",)},
}
NOISE = 0.1  # its standard deviation: N(0, 0.01)
RESTARTS = 20  # periods of ``rd``
RUN = 100  # steps of the run whose begin tells equal rules: rd falls within them
KIND = "symbolic"  # of the methods that a search of rules has found


@dataclass(frozen=True)
class Moment:
    """What the operands of a rule are made of at a step.

    Parameters
    ----------
    x, g : iterate and gradient, (batch, n)
    t : number of the step, from 1, ()
    means : running means after this gradient, by name, (batch, n)
    steps : of the run, for the operands that fall
    seed : of what is drawn
    """

    x: Tensor
    g: Tensor
    t: Tensor
    means: Mapping[str, Tensor]
    steps: int
    seed: int

    def hat(self, name: str) -> Tensor:
        """Return a running mean, corrected for its start at 0."""
        return self.means[name] / (1 - DECAYS[name] ** self.t)

    def left_out(self, part: float, place: int) -> Tensor:
        """Return 0 for that part of the coordinates, drawn anew at each step, else 1 / (1 - part).

        ``place`` is that of the function in its rule: each one draws for itself.
        """
        names = "rule", "drop", place, int(self.t)
        (draws,) = uniform_draws(self.seed, *names, like=self.x, count=1)
        return (draws >= part).to(self.x) / (1 - part)

    def noise(self) -> Tensor:
        """Return draws from N(0, 0.01), (batch, n)."""
        (draws,) = normal_draws(self.seed, "rule", "noise", int(self.t), like=self.x, count=1)
        return NOISE * draws

    def restarted(self) -> Tensor:
        """Return (1 + cos(pi s)) / 2 with s the part of the current period that is over."""
        return cosine(1.0, RESTARTS * (self.t - 1) / self.steps % 1, 1)


OPERANDS: Mapping[str, Callable[[Moment], Tensor]] = {
    "g": lambda at: at.g,
    "g^2": lambda at: at.g.square(),
    "g^3": lambda at: at.g * at.g.square(),
    "m": lambda at: at.hat("m"),
    "v": lambda at: at.hat("v"),
    "gamma": lambda at: at.hat("gamma"),
    "1": lambda at: at.x.new_ones(()),
    "2": lambda at: at.x.new_full((), 2.0),
    "noise": Moment.noise,
    **{
        name: lambda at, part=float(name[:-1]): part * at.x
        for name in grammar.OPERANDS
        if name.endswith("w")
    },
    "adam": lambda at: at.hat("m") / (at.hat("v").sqrt() + SMALL),
    "rmsprop": lambda at: at.g / (at.means["square"].sqrt() + SMALL),
    "ld": lambda at: linear(at.t - 1, at.steps),
    "cd": lambda at: cosine(1.0, at.t - 1, at.steps),
    "rd": Moment.restarted,
}
UNARY: Mapping[str, Callable[[Tensor], Tensor]] = {
    "-": torch.neg,
    "exp": torch.exp,
    "log": lambda x: (x.abs() + SMALL).log(),
    "sqrt": lambda x: x.abs().sqrt(),
    "sign": torch.sign,
}
BINARY: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "+": torch.add,
    "-": torch.sub,
    "*": torch.mul,
    "/": lambda x, y: x / (y + SMALL),
}


class UpdateRule(Optimizer):
    """x+ = x - rate u, where u is a formula of the grammar.

    Operands: the gradient g and its powers; m, v and gamma, running means of g, g^2 and g^3 with
    decays 0.9, 0.999 and 0.999, corrected for their start at 0; 1, 2, noise from N(0, 0.01), parts
    of the weights w; the steps of Adam and of RMSProp with the settings of the methods of those
    names; ld, cd and rd, which fall from 1 along a line, as a cosine, and as 20 cosines. log and
    sqrt are of the absolute value, clip(x, c) is to [-c, c], drop(x, p) is dropout: 0 with
    probability p, else x / (1 - p); x / y is x / (y + 1e-8). The state is (x, t) and the running
    means that the formula needs.

    Source: Bello et al. 2017, section 4. Ours: log(|x| + 1e-8), since weights of pixels that are
    never inked have no gradient; cd is half a cosine.

    Parameters
    ----------
    term : the formula
    rate : one for all instances, or (batch, 1)
    steps : of the run, for ld, cd and rd
    seed : of noise and drop, in streams named by the step
    """

    hyperparameters: ClassVar[Hyperparameters] = {}

    def __init__(self, term: Term, rate: float | Tensor, steps: int, seed: int = 0) -> None:
        super().__init__({})
        self.term, self.rate, self.steps, self.seed = term, rate, steps, seed
        self.operands = sorted(term.operands)
        needed = {mean for name in self.operands for mean in MEANS.get(name, ())}
        self.kept = [name for name in DECAYS if name in needed]

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        return x, x.new_zeros(()), *(torch.zeros_like(x) for _ in self.kept)

    def step(self, optimizee: Optimizee, state: State) -> State:
        update, (x, *rest) = self.update(optimizee.gradient(state[0]), state)
        return x - self.rate * update, *rest

    def update(self, g: Tensor, state: State) -> tuple[Tensor, State]:
        """Return u, (batch, n) or (), and the state after the gradient g, but with the same x."""
        x, t, *means = state
        t = t + 1
        powers = {"m": lambda: g, "gamma": lambda: g * g.square()}
        new = [
            mean.lerp(powers.get(name, g.square)(), 1 - DECAYS[name])
            for name, mean in zip(self.kept, means, strict=True)
        ]
        at = Moment(x, g, t, dict(zip(self.kept, new, strict=True)), self.steps, self.seed)
        known = {name: OPERANDS[name](at) for name in self.operands}
        return _value(self.term, known, at), (x, t, *new)


def _value(term: Term, known: Mapping[str, Tensor], at: Moment, place: int = 1) -> Tensor:
    """Return what a term is worth; ``place`` is its number in the tree of its rule."""
    if not term.parts:
        return known[term.name]
    parts = [_value(part, known, at, 2 * place + i) for i, part in enumerate(term.parts)]
    if len(parts) == 2:
        return BINARY[term.name](*parts)
    if term.name == "clip":
        return parts[0].clamp(-float(term.number), float(term.number))
    if term.name == "drop":
        return parts[0] * at.left_out(float(term.number), place)
    return UNARY[term.name](parts[0])


@cache
def _looked_at() -> tuple[Tensor, Tensor]:
    """Return weights, (1, 24), and two runs of gradients, (2, 5, 1, 24) float64.

    Gradients of a coordinate have a mean of their own, and sizes from 1e-6 to 10; two are 0.
    """
    random = named_generator(0, "rules", "fingerprint")
    sizes = 10.0 ** random.uniform(-6, 1, (2, 1, 1, 24))
    sizes[..., :2] = 0
    gradients = sizes * (random.normal(size=(2, 1, 1, 24)) + random.normal(size=(2, 5, 1, 24)))
    return torch.from_numpy(0.1 * random.normal(size=(1, 24))), torch.from_numpy(gradients)


def fingerprint(term: Term) -> str | None:
    """Return what equal rules have in common, or None for one that is good for nothing.

    It is a hash of the steps on a fixed input, up to a positive factor, which the rate has as well.
    Good for nothing is what is not finite there, does not depend on the gradient, or goes uphill
    on the whole.
    """
    weights, runs = _looked_at()
    rule, found = UpdateRule(term, 1.0, RUN), []
    for gradients in runs:
        state, steps = rule.init(None, weights), []
        for g in gradients:
            u, state = rule.update(g, state)
            steps.append(u.expand_as(g))
        found.append(torch.stack(steps))
    first, second = found
    size = first.square().mean().sqrt().item()
    if not (np.isfinite(size) and torch.isfinite(second).all()) or size == 0:
        return None
    uphill = min(float((u * g).sum()) for u, g in zip(found, runs, strict=True)) <= 0
    if uphill or torch.equal(first, second):
        return None
    text = " ".join(f"{value + 0.0:.5e}" for value in (first / size).flatten().tolist())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class SymbolicOptimizer(nn.Module, Optimizer):
    """An update rule that a search has found, with its rate; see :class:`UpdateRule`.

    Parameters
    ----------
    hyper : ``seed`` of what the rule draws, ``steps`` of its run, and its ``rate``
    generator : draws nothing: before a search the rule is g, gradient descent

    Attributes
    ----------
    formula : of the rule
    evolved : whether rules come from earlier ones, or all from the same distribution
    """

    evolved: ClassVar[bool]

    def __init__(self, hyper: Hyperparameters, generator: Generator | None = None) -> None:
        nn.Module.__init__(self)
        Optimizer.__init__(self, hyper)
        self.adopt("g", float(self.hyper["rate"]))

    def adopt(self, formula: str, rate: float, source: str | Path = "update rule") -> None:
        """Become a rule with a rate; errors as of :func:`l2o.optimizers.rule_grammar.parsed`."""
        self.formula, self.hyper = formula, {**self.hyper, "rate": rate}
        self.rate = nn.Parameter(torch.tensor(rate, dtype=torch.float32), requires_grad=False)
        how = int(self.hyper["steps"]), int(self.hyper["seed"])
        self.rule = UpdateRule(parsed(formula, source), rate, *how)

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        return self.rule.init(optimizee, x)

    def step(self, optimizee: Optimizee, state: State) -> State:
        return self.rule.step(optimizee, state)


def load_rule(path: Path, steps: int) -> SymbolicOptimizer:
    """Return the rule of a checkpoint, for runs of so many steps.

    Raises
    ------
    InputError : see :func:`l2o.optimizers.trained.read_checkpoint`; no formula in its record, or
        one that is none.
    """
    checkpoint = read_checkpoint(path, KIND)
    formula = checkpoint.record.get("formula")
    if not isinstance(formula, str):
        raise InputError(path, "formula", "is missing in its record", "search for it again")
    hyper = checkpoint.record["hyperparameters"]
    optimizer = checkpoint.head.load()({**hyper, "steps": steps})
    optimizer.adopt(formula, hyper["rate"], path)
    return optimizer
