"""Training of a black-box optimizer: backpropagation through whole runs, and through the functions.

Every update has draws from a Gaussian process of its own, from a named stream, so that nothing is
stored of them and no draw is met twice. Source: Chen et al. 2017, sections 2.1 and 2.3; the cosine
of the rate and the lengths of the horizons are ours.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from l2o.artifacts.job import Given
from l2o.compute import prepare_device
from l2o.config.search_training import SearchTraining
from l2o.optimizees.black_box import Draws, drawn
from l2o.optimizers.black_box_rnn import BlackBoxRnn
from l2o.optimizers.registry import methods
from l2o.seeds import named_generator
from l2o.training.recurrent import HISTORY, weights_generator
from l2o.training.results import store_training
from l2o.training.state import MetaState
from l2o.training.updates import UpdateTrainer

STREAM = "black-box training"


def train_search(given: Given) -> None:
    """Train a black-box optimizer, or go on with it, and store what came of it.

    Parameters
    ----------
    given : parameters ``setting``, ``method``, ``kind``, ``hyperparameters``, ``dimension``,
        ``lengthscales``, ``training`` (see :class:`SearchTraining`), ``seed``, ``device``,
        ``compute_threads``

    Raises
    ------
    InputError : no such device, every update diverged, or an output cannot be written.
    """
    p = given.parameters
    device = prepare_device(p["device"], p["compute_threads"])
    budget = SearchTraining.model_validate(p["training"])
    hyper = {**p["hyperparameters"], "dimension": p["dimension"]}
    method = methods(p["kind"])[p["method"]].load()
    optimizer = method(hyper, weights_generator(p["seed"])).to(device)
    state = MetaState(given.state, given.key, optimizer)

    def draws(part: str, number: int, count: int) -> Draws:
        names = STREAM, p["setting"], part, number
        random = named_generator(p["seed"], *names)
        size = count, p["dimension"], budget.features
        return drawn(random, *size, tuple(p["lengthscales"]), torch.float32).to(device)

    trainer = SearchTrainer(optimizer, draws, budget, state, f"{p['setting']} {optimizer.label}")
    trainer.run()
    trainer.check(p["setting"], p["method"])
    store_training(given, optimizer, state, device, HISTORY, {})


class SearchTrainer(UpdateTrainer):
    """Trains one optimizer; interrupted anywhere, a second run ends with the same bytes.

    Parameters
    ----------
    optimizer : at its drawn weights
    draws : returns functions: of a part, ``train`` or ``validation``, by number, as many as wanted
    budget : see :class:`SearchTraining`
    state, title : see :class:`UpdateTrainer`
    """

    def __init__(
        self,
        optimizer: BlackBoxRnn,
        draws: Callable[[str, int, int], Draws],
        budget: SearchTraining,
        state: MetaState,
        title: str,
    ) -> None:
        super().__init__(optimizer, budget, state, title)
        self.optimizer, self.draws = optimizer, draws

    def loss(self, number: int) -> Tensor:
        """Return the loss of runs on draws of this update."""
        budget, share = self.budget, number / self.budget.updates
        horizon = budget.horizons[int(share * len(budget.horizons))]
        f = self.draws("train", number, budget.batch_size)
        return self.optimizer.search_loss(searched(self.optimizer, f, horizon))

    def validation_loss(self) -> float:
        """Return the lowest value so far, averaged over all queries of a run and over the draws.

        Whatever the training loss: how low it gets, and how soon.
        """
        f = self.draws("validation", 0, self.budget.validation_draws)
        values = searched(self.optimizer, f, self.budget.validation_queries)
        return float(values.cummin(dim=0).values.mean())


def searched(optimizer: BlackBoxRnn, f: Draws, queries: int) -> Tensor:
    """Return the values of runs from the functions' first queries on, (queries, batch)."""
    state = optimizer.init(f, f.first)
    values = [state[1]]
    for _ in range(queries - 1):
        state = optimizer.step(f, state)
        values.append(state[1])
    return torch.stack(values)
