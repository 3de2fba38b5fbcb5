"""Tree-structured Parzen estimators: densities of good and of bad queries, and their ratio."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from l2o.optimizers.black_box_search import Sequential
from l2o.optimizers.protocol import State


class Tpe(Sequential):
    """The query is that candidate at which good queries are densest beside bad ones.

    After ``startup`` random queries, the best part ``good`` of all queries makes a density l, the
    rest a density g: in each unknown a mixture of normal distributions, cut off at the box, one
    around each query and a wide one around the centre. ``candidates`` are drawn from l in each
    unknown by itself, and the one with the highest l / g is taken. The width at a query is the
    distance to the farther one of its neighbours, between 1 / min(100, k + 2) and 1.
    """

    name = "tpe"
    label = "TPE"
    reference = "Bergstra, Bardenet, Bengio & Kegl 2011, section 4"
    hyperparameters = {"startup": 10, "good": 0.25, "candidates": 24, "seed": 0}
    ranges = {
        "startup": "integers [2, 1e6]",
        "good": "(0, 1)",
        "candidates": "integers [1, 1e6]",
        "seed": "integers [0, 1e15]",
    }
    departs = "a program of ours, without trees, for unknowns in a box"

    def chosen(self, queries: Tensor, values: Tensor, *memory: Tensor) -> State:
        count = queries.shape[1]
        if count < self.hyper["startup"]:
            return (self.uniform("startup", queries, 1)[:, 0],)
        order = values.argsort(dim=1, stable=True).unsqueeze(-1).expand_as(queries)
        ranked = queries.gather(1, order).mT  # (batch, d, k): the unknowns go their own ways
        some = math.ceil(self.hyper["good"] * count)
        good, bad = (with_widths(part) for part in (ranked[..., :some], ranked[..., some:]))
        wanted = int(self.hyper["candidates"])
        which, where = (self.uniform(w, queries, wanted).mT for w in ("component", "place"))
        candidates = sampled(*good, which, where)
        ratio = log_density(*good, candidates) - log_density(*bad, candidates)
        best = ratio.argmax(dim=-1, keepdim=True)
        return (candidates.gather(-1, best).squeeze(-1),)


def with_widths(points: Tensor) -> tuple[Tensor, Tensor]:
    """Return centres and widths of the mixture around points (..., k), (..., k + 1) each."""
    centres = torch.cat([points, torch.full_like(points[..., :1], 0.5)], dim=-1)
    ordered, order = centres.sort(dim=-1, stable=True)
    ends = torch.zeros_like(ordered[..., :1]), torch.ones_like(ordered[..., :1])
    gaps = torch.cat([ends[0], ordered, ends[1]], dim=-1).diff(dim=-1)
    widths = torch.maximum(gaps[..., 1:], gaps[..., :-1])
    widths = torch.zeros_like(widths).scatter(-1, order, widths)
    widths = widths.clamp(1 / min(100, points.shape[-1] + 2), 1.0)
    return centres, torch.cat([widths[..., :-1], ends[1]], dim=-1)


def _mass(centres: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
    """Return the probabilities below the box, and in it."""
    low, high = (torch.special.ndtr((end - centres) / widths) for end in (0.0, 1.0))
    return low, high - low


def sampled(centres: Tensor, widths: Tensor, which: Tensor, where: Tensor) -> Tensor:
    """Return draws from the mixture, (..., n), by two uniform numbers each, (..., n)."""
    count = centres.shape[-1]
    component = (which * count).long().clamp_max(count - 1)
    low, mass = _mass(centres, widths)
    low, mass, centres, widths = (
        part.gather(-1, component) for part in (low, mass, centres, widths)
    )
    drawn = centres + widths * torch.special.ndtri((low + mass * where).clamp(1e-12, 1 - 1e-12))
    return drawn.clamp(0.0, 1.0)


def log_density(centres: Tensor, widths: Tensor, at: Tensor) -> Tensor:
    """Return the logarithm of the mixture's density at points, (..., n)."""
    _, mass = _mass(centres, widths)
    far = (at.unsqueeze(-1) - centres.unsqueeze(-2)) / widths.unsqueeze(-2)
    each = -0.5 * far.square() - (widths * mass).log().unsqueeze(-2)
    return each.logsumexp(dim=-1) - math.log(centres.shape[-1] * math.sqrt(2 * math.pi))
