"""Bias and variance of estimators of the meta-gradient, against the unroll length.

The target is one vector: the gradient, by the weights w of L2O-DM, of

    E L(w + n), n from N(0, sigma^2 I), L the mean loss over all H steps of an episode,

where the mean is also over episodes: starts and minibatches. An *estimate* at unroll length T goes
through one whole episode in truncations of T steps, the last one shorter where T does not divide H,
and is the mean of their estimates, each weighted by its steps. So all estimates take H steps of a
run, and an estimator is unbiased if it is so at T = H or by its construction.

The target is estimated by antithetic evolution strategies over whole episodes, which see all
derivatives, with as many orthogonal perturbations as there are weights: each by itself has the same
law as before, so that the mean is the same, and together they leave no direction out
(Choromanski et al. 2018).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from l2o.errors import InputError
from l2o.evaluation.batched_episodes import BatchedEpisodes
from l2o.optimizees.network_training import NetworkTrainingFamily
from l2o.optimizees.networks import initial
from l2o.optimizers.recurrent.l2o_dm import L2oDm
from l2o.seeds import named_seed
from l2o.storage.checkpoints import load_tensors, save_tensors
from l2o.training.estimators import KINDS, Evolution, Sample

SHARED = ("reparameterisation", "evolution", "merged")  # that one set of perturbed runs serves
TIMES = 2.0  # standard errors that a squared bias has to exceed to count as one


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Parameters
    ----------
    lengths : unroll lengths T
    horizon : steps H of an episode
    sigma, pairs : of the perturbations
    estimates : R of each estimator, on episodes of their own
    episodes : B that the target is estimated from
    seed, point : root and name of the random streams
    """

    lengths: Sequence[int]
    horizon: int
    sigma: float
    pairs: int
    estimates: int
    episodes: int
    seed: int
    point: str

    def generator(self, *names: str | int) -> Generator:
        """Return the stream of some perturbations."""
        seed = named_seed(self.seed, "meta-gradients", self.point, *names)
        return torch.Generator().manual_seed(seed)


@dataclass(frozen=True)
class Target:
    """The reference, by its independent estimates, (B, P)."""

    estimates: Tensor

    @property
    def gradient(self) -> Tensor:
        """The mean of the estimates, (P,)."""
        return self.estimates.mean(dim=0)

    @property
    def error2(self) -> float:
        """The trace of the covariance of that mean."""
        return spread2(self.estimates) / len(self.estimates)

    @property
    def norm(self) -> float:
        """The length of the gradient, less what noise adds to it."""
        square = float(self.gradient.square().sum())
        return math.sqrt(max(square - self.error2, 1e-4 * square))


def measured(
    optimizer: L2oDm,
    family: NetworkTrainingFamily,
    estimators: Sequence[str],
    plan: Plan,
    state: Path,
    key: str,
) -> list[dict[str, Any]]:
    """Return a row for each estimator and unroll length, see :func:`row_of`.

    ``estimator``, ``unroll`` and ``gradients``, the inner gradients of one estimate, come before.

    Parameters
    ----------
    state : file that keeps the target and the lengths that are done: killed at any time, a
        measurement goes on to the same rows
    key : the state of another key is ignored
    """
    try:
        tensors, record = load_tensors(state)
    except InputError:
        tensors, record = {}, {}
    rows: list[dict[str, Any]] = []
    if record.get("key") == key:
        rows = [dict(pairs) for pairs in record["rows"]]
    else:
        tensors = {"target": reference(optimizer, family, plan)}
        save_tensors(state, tensors, {"key": key, "rows": []})
    target, done = Target(tensors["target"]), {row["unroll"] for row in rows}
    for unroll in plan.lengths:
        if unroll in done:
            continue
        found = estimated(optimizer, family, estimators, plan, unroll)
        for name in estimators:
            head = {"estimator": name, "unroll": unroll, "gradients": cost(name, plan)}
            rows.append(head | row_of(found[name], target))
        kept = [list(row.items()) for row in rows]  # pairs: a record's keys lose their order
        save_tensors(state, tensors, {"key": key, "rows": kept})
    return rows


def cost(estimator: str, plan: Plan) -> int:
    """Return the inner gradients of an estimate, which goes through one episode."""
    perturbed = 0 if estimator == "backpropagation" else 2 * plan.pairs
    return plan.horizon * (perturbed + (not KINDS[estimator].persistent))


def row_of(estimates: Tensor, target: Target) -> dict[str, Any]:
    """Return what estimates, (R, P), are worth; lengths are relative to that of the target.

    The squared ``bias`` is the squared distance of their mean from the target, less what the errors
    of both add to it, so that its own mean is right. Its standard error is a jackknife's, over the
    estimates and over those of the target: ``low`` and ``high`` are one such error below and above,
    ``bound`` is two above, and ``resolved`` says whether it is more than two above nothing. (The
    length of the noise is no error of the bias: noise in many directions adds a length that is
    known well.) ``deviation`` is the root of the trace of the covariance of one estimate,
    ``cosine`` the mean of its cosine with the target, ``target_error`` the length of the target's
    noise, and ``target_norm`` its length (nats). ``broken`` estimates are not finite; what is
    computed from them is NaN then, and nothing resolved.
    """
    square, variance = squared_bias(estimates, target.estimates), 0.0
    for sizes in jackknifed(estimates, target.estimates):
        variance += (len(sizes) - 1) / len(sizes) * float((sizes - sizes.mean()).square().sum())
    error = math.sqrt(variance)
    cosines = torch.nn.functional.cosine_similarity(estimates, target.gradient, dim=1)

    def length(squared: float) -> float:
        known = not math.isnan(squared)
        return math.sqrt(max(squared, 0.0)) / target.norm if known else math.nan

    return {
        "bias": length(square),
        "low": length(square - error),
        "high": length(square + error),
        "bound": length(square + TIMES * error),
        "resolved": square > TIMES * error,
        "deviation": length(spread2(estimates)),
        "cosine": float(cosines.mean()),
        "broken": int((~estimates.isfinite().all(dim=1)).sum()),
        "target_error": math.sqrt(target.error2) / target.norm,
        "target_norm": target.norm,
    }


def squared_bias(estimates: Tensor, target: Tensor) -> float:
    """Return the squared distance between two means, less what noise adds to it.

    The estimates are (R, P), those of the target (B, P), all independent.
    """
    distance = float((estimates.mean(dim=0) - target.mean(dim=0)).square().sum())
    return distance - sum(spread2(each) / len(each) for each in (estimates, target))


def jackknifed(estimates: Tensor, target: Tensor) -> Iterator[Tensor]:
    """Yield the squared biases without each of the estimates, and without each of the target's."""
    for first, second in ((estimates, target), (target, estimates)):
        kept = ~torch.eye(len(first), dtype=torch.bool)
        left = [squared_bias(first[rows], second) for rows in kept]
        yield torch.tensor(left, dtype=torch.float64)


def spread2(vectors: Tensor) -> float:
    """Return the trace of the covariance of vectors, (count, P)."""
    return float(vectors.var(dim=0).sum())


def truncations(horizon: int, unroll: int) -> Iterator[tuple[int, int]]:
    """Yield the first step of each truncation of an episode, and its steps."""
    for first in range(0, horizon, unroll):
        yield first, min(unroll, horizon - first)


def estimated(
    optimizer: L2oDm,
    family: NetworkTrainingFamily,
    estimators: Sequence[str],
    plan: Plan,
    unroll: int,
) -> dict[str, Tensor]:
    """Return the estimates at one unroll length, (R, P) float64, by estimator.

    All are on the same episodes, and those of ``SHARED`` from the same runs.
    """
    shape = (plan.estimates,)
    total: dict[str, Tensor | float] = dict.fromkeys(estimators, 0.0)
    shared = [name for name in SHARED if name in total]
    own = begun(optimizer, family, plan, range(plan.estimates))
    beside = begun(optimizer, family, plan, range(plan.estimates))
    sampling = max((KINDS[name] for name in shared), key=lambda k: k.slopes, default=Evolution)
    sampler = sampling(plan.sigma, plan.pairs, shape)
    persistent = KINDS["persistent"](plan.sigma, plan.pairs, shape)
    noise = [plan.generator(name, unroll) for name in ("shared", "persistent")]
    for first, steps in truncations(plan.horizon, unroll):
        own.span = beside.span = first, steps
        found: dict[str, Tensor] = {}
        if shared:
            sample = sampler.sampled(own, noise[0])
            found = {name: KINDS[name].combined(sample) for name in shared}
        if "backpropagation" in total:
            found["backpropagation"] = own.through()[1]
        elif shared:
            own.past()
        if "persistent" in total:
            found["persistent"] = persistent.estimate(beside, noise[1])[0]
        for name, gradient in found.items():
            total[name] = total[name] + steps / plan.horizon * gradient.double()
    return total


def reference(optimizer: L2oDm, family: NetworkTrainingFamily, plan: Plan) -> Tensor:
    """Return independent estimates of the target, (B, P) float64, on episodes of their own."""
    found = []
    for number in range(plan.episodes):
        episode = begun(optimizer, family, plan, [plan.estimates + number])
        episode.span = 0, plan.horizon
        random = plan.generator("reference", number)
        drawn = plan.sigma * orthogonal(len(episode.weights), random)
        moves = torch.stack([drawn, -drawn])[None].to(episode.weights)
        losses, _ = episode.perturbed(moves, False, False)
        found.append(Evolution.combined(Sample(losses, moves, None, plan.sigma))[0].double())
    return torch.stack(found)


def orthogonal(size: int, generator: Generator) -> Tensor:
    """Return orthogonal rows, (size, size), each by itself from N(0, I)."""
    drawn, lengths = torch.randn(2, size, size, generator=generator, dtype=torch.float64)
    q, r = torch.linalg.qr(drawn)
    turned = q * r.diagonal().sign()  # uniform among all rotations: Mezzadri 2007
    return lengths.norm(dim=1)[:, None] * turned


def begun(
    optimizer: L2oDm, family: NetworkTrainingFamily, plan: Plan, runs: Sequence[int]
) -> BatchedEpisodes:
    """Return some episodes at their starts; run i is the same whoever else is there."""
    numbers = torch.tensor(list(runs))
    starts = initial(family.network, int(numbers.max()) + 1, named_seed(plan.seed, "episodes"))
    return BatchedEpisodes(optimizer, family.batch(numbers), starts[numbers])
