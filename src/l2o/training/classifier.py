"""Training of the classifier that is attacked, on clean or on attacked images."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from l2o.config.classifier import ClassifierTraining
from l2o.optimizees.adversarial_attack import AdversarialAttack, Victim
from l2o.optimizees.network_training import Digits, Minibatches
from l2o.optimizers.first_order.pgd import Pgd
from l2o.optimizers.projected import Projected
from l2o.seeds import named_seed
from l2o.training.adam import Adam

STREAM = "classifier"  # of minibatches and starts
SLICE = 1000  # images classified at once
STRIDE = 2.5  # steps of an attack, all together, over the radius of the ball


def train_classifier(
    digits: Digits, budget: ClassifierTraining, eps: float, seed: int
) -> tuple[Victim, list[dict[str, Any]]]:
    """Return a trained classifier, and a row of its history for every ``report_every`` steps.

    With ``attack_steps`` of k > 0 it sees images attacked by PGD with k steps of 2.5 eps / k, from
    a uniform start in the ball, whose radius grows linearly to ``eps`` in the first part
    ``warmup`` of all steps. Adam's rate falls as a cosine.

    Source: Madry et al. 2018 (adversarial training); Gowal et al. 2018, "On the effectiveness of
    interval bound propagation" (a radius that grows: without, the training may never begin).
    """
    generator = torch.Generator().manual_seed(named_seed(seed, STREAM, "weights"))
    drawn = torch.Generator().manual_seed(named_seed(seed, STREAM, "starts"))
    victim = Victim(generator)
    adam, history, recent = Adam(victim.parameters()), [], []
    batches = Minibatches(len(digits), [0], seed, STREAM, budget.batch_size)
    for step in range(budget.steps):
        (index,) = batches[step]
        share = step / budget.steps
        radius = eps * min(1.0, share / budget.warmup) if budget.warmup else eps
        f = AdversarialAttack(digits.images[index], digits.labels[index], victim, radius)
        x = torch.zeros_like(f.images)
        if budget.attack_steps and radius:
            victim.requires_grad_(False)
            x = attacked(f, budget.attack_steps, drawn)
            victim.requires_grad_(True)
        loss = -f.objective(x).mean()
        adam.zero_grad()
        loss.backward()
        adam.step(0.5 * budget.rate * (1 + math.cos(math.pi * share)) for _ in adam.parameters)
        recent.append(loss.item())
        if (step + 1) % budget.report_every == 0 or step + 1 == budget.steps:
            history.append({"step": step + 1, "loss": sum(recent) / len(recent), "radius": radius})
            recent.clear()
    return victim.requires_grad_(False), history


def attacked(f: AdversarialAttack, steps: int, drawn: torch.Generator) -> Tensor:
    """Return perturbations by PGD from a uniform start, (batch, 784)."""
    attack = Projected(Pgd({"rate": STRIDE * f.eps / steps}))
    x = f.eps * (2 * torch.rand(f.images.shape, generator=drawn) - 1)
    with torch.no_grad():
        state = attack.init(f, x)
        for _ in range(steps):
            state = attack.step(f, state)
    return state[0]


@torch.no_grad()
def accuracy(victim: Victim, digits: Digits) -> float:
    """Return the share of clean images that are classified right."""
    pieces = zip(digits.images.split(SLICE), digits.labels.split(SLICE), strict=True)
    right = sum(int((victim(images).argmax(1) == labels).sum()) for images, labels in pieces)
    return right / len(digits)
