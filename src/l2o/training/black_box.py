"""Training of a black-box optimizer: backpropagation through whole runs, and through the functions.

Every update has draws from a Gaussian process of its own, from a named stream, so that nothing is
stored of them and no draw is met twice. Source: Chen et al. 2017, sections 2.1 and 2.3; the cosine
of the rate and the horizons that grow are ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from l2o.artifacts.job import Given
from l2o.compute import prepare_device
from l2o.config.search_training import SearchTraining
from l2o.errors import InputError
from l2o.optimizees.black_box import Draws, drawn
from l2o.optimizers.black_box_rnn import BlackBoxRnn
from l2o.optimizers.registry import methods
from l2o.seeds import named_generator
from l2o.training.adam import Adam
from l2o.training.progress import Progress
from l2o.training.recurrent import HISTORY, weights_generator
from l2o.training.results import store_training
from l2o.training.state import MetaState

STREAM = "black-box training"
MOST_FAILURES = 5  # updates in a row that diverged before the training is given up


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

    SearchTrainer(optimizer, draws, budget, state, f"{p['setting']} {optimizer.label}").run()
    if all(row["status"] == "diverged" for row in state.history):
        problem = "training diverged throughout"
        raise InputError(p["setting"], p["method"], problem, "lower its rate or its horizons")
    store_training(given, optimizer, state, device, HISTORY, {})


class SearchTrainer:
    """Trains one optimizer; interrupted anywhere, a second run ends with the same bytes.

    Parameters
    ----------
    optimizer : at its drawn weights
    draws : returns functions: of a part, ``train`` or ``validation``, by number, as many as wanted
    budget : see :class:`SearchTraining`
    state : where the training is kept between validations; its epochs are updates
    title : for messages
    """

    def __init__(
        self,
        optimizer: BlackBoxRnn,
        draws: Callable[[str, int, int], Draws],
        budget: SearchTraining,
        state: MetaState,
        title: str,
    ) -> None:
        self.optimizer, self.draws, self.budget, self.state = optimizer, draws, budget, state
        self.adam = Adam(optimizer.parameters())
        self.progress = Progress(title, budget.updates, "update")

    def run(self) -> None:
        """Train it all; the net ends with the weights that were best on the validation draws."""
        state, budget = self.state, self.budget
        state.resume(self.adam)
        while state.epoch < budget.updates and state.failures < MOST_FAILURES:
            losses = []
            last = min(state.epoch + budget.validate_every, budget.updates)
            while state.epoch < last and state.failures < MOST_FAILURES:
                losses.append(self._update(state.epoch))
                state.epoch += 1
            self._validated(losses)
            state.save(self.adam)
        self.optimizer.load_state_dict(state.best)
        self.progress.close()

    def _update(self, number: int) -> float:
        """Take a step of Adam; return the loss, NaN where something is not finite."""
        budget, share = self.budget, number / self.budget.updates
        horizon = budget.horizons[int(share * len(budget.horizons))]
        f = self.draws("train", number, budget.batch_size)
        loss = self.optimizer.search_loss(searched(self.optimizer, f, horizon))
        self.adam.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.optimizer.parameters(), budget.clip)
        if not (math.isfinite(loss.item()) and math.isfinite(norm.item())):
            self.state.failures += 1
            self.state.rate_factor *= 0.5
            return math.nan
        self.state.failures = 0
        rate = 0.5 * (1 + math.cos(math.pi * share)) * budget.rate * self.state.rate_factor
        self.adam.step(rate for _ in self.adam.parameters)
        return loss.item()

    @torch.no_grad()
    def _validated(self, losses: list[float]) -> None:
        """Keep the weights if best; add a row to the history.

        Whatever the training loss, the validation loss is the lowest value so far, averaged over
        all queries of a run and over the draws: how low it gets, and how soon.
        """
        f = self.draws("validation", 0, self.budget.validation_draws)
        values = searched(self.optimizer, f, self.budget.validation_queries)
        value = float(values.cummin(dim=0).values.mean())
        self.state.keep_if_best(value if math.isfinite(value) else math.inf)
        sound = [loss for loss in losses if math.isfinite(loss)]
        row = {
            "epoch": self.state.epoch,
            "meta_loss": sum(sound) / len(sound) if sound else math.nan,
            "validation_loss": value,
            "rate_factor": self.state.rate_factor,
            "status": "ok" if sound else "diverged",
        }
        self.state.history.append(row)
        text = f"loss {row['meta_loss']:.3f}, validation {value:.3f}"
        self.progress.show(row["epoch"], text, f"update {row['epoch']}, {text}")


def searched(optimizer: BlackBoxRnn, f: Draws, queries: int) -> Tensor:
    """Return the values of runs from the functions' first queries on, (queries, batch)."""
    state = optimizer.init(f, f.first)
    values = [state[1]]
    for _ in range(queries - 1):
        state = optimizer.step(f, state)
        values.append(state[1])
    return torch.stack(values)
