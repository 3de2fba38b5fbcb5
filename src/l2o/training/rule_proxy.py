"""What an update rule is worth: the validation loss after a short training of a small network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.optimizees.network_training import Digits, NetworkTrainingFamily, evaluated
from l2o.optimizees.networks import CLASSES, Mlp, initial
from l2o.optimizees.small_digits import small_digits
from l2o.optimizers.protocol import Optimizer
from l2o.seeds import named_seed

STREAM = "rule search"


@dataclass(frozen=True)
class ProxyTraining:
    """The training of an MLP with ReLU on small digits from several starts, all as one batch.

    Parameters
    ----------
    family : the runs, one for each start
    starts : (starts, n) float32
    validation : digits that the loss is taken on, others than those of the training
    steps : of a run
    """

    family: NetworkTrainingFamily
    starts: Tensor
    validation: Digits
    steps: int

    @classmethod
    def drawn(
        cls,
        proxy: Mapping[str, Any],
        budget: tuple[int, int],
        seed: int,
        part: str,
        device: torch.device,
    ) -> ProxyTraining:
        """Return a training with starts and minibatches from the streams of a ``part``.

        Parameters
        ----------
        proxy : ``hidden`` and ``minibatch``, see :class:`l2o.config.rule_training.Proxy`
        budget : steps and starts
        """
        (steps, count), digits = budget, small_digits("train")
        network = Mlp((digits.images.shape[1], *proxy["hidden"], CLASSES), "relu")
        streams = count, seed, f"{STREAM} {part}", proxy["minibatch"]
        family = NetworkTrainingFamily(network, digits.to(device), *streams)
        starts = initial(network, count, named_seed(seed, STREAM, part)).to(device)
        return cls(family, starts, small_digits("validation").to(device), steps)

    @torch.no_grad()
    def losses(self, optimizer: Optimizer, rates: int = 1) -> np.ndarray:
        """Return the validation losses at the end, (rates, starts); infinite: not finite.

        Parameters
        ----------
        rates : how many an optimizer has; its instances are the starts at the first one, and so on
        """
        runs = self.family.batch(torch.arange(len(self.starts)).repeat(rates))
        state = optimizer.init(runs, self.starts.repeat(rates, 1))
        for _ in range(self.steps):
            state = optimizer.step(runs, state)
        loss, _ = evaluated(self.family.network, state[0], self.validation)
        return loss.nan_to_num(torch.inf, torch.inf).view(rates, -1).cpu().numpy()

    def median(self, optimizer: Optimizer) -> float:
        """Return the median of the losses over the starts, of an optimizer of one rate."""
        return float(np.median(self.losses(optimizer)))


def best_rate(losses: np.ndarray, rates: Sequence[float]) -> tuple[float, float]:
    """Return the lowest median over the starts, and the first rate that has it.

    ``losses`` are (rates, starts).
    """
    medians = np.median(losses, axis=1)
    at = int(medians.argmin())
    return float(medians[at]), rates[at]
