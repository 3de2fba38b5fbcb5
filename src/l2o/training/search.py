"""A search of the few numbers of a net, by measurements alone: no signal is ever looked at.

Some rows of A are held out. The net runs on the other rows, and what it finds must explain the
measurements that it did not see: where it finds the signals, it does; where it finds any other
vector of the same measurements, it does not. Source of the criterion: Ward 2009, "Compressed
sensing with cross validation".
"""

from __future__ import annotations

import math
import time
from itertools import product
from pathlib import Path

import torch
from torch import Tensor

from l2o.config.training import Training
from l2o.optimizers.unrolled.net import UnrolledNet
from l2o.seeds import named_generator
from l2o.training.losses import RecoveryLoss
from l2o.training.progressive import Report, Samples
from l2o.training.stages import Stage
from l2o.training.state import SavedState

HELD_OUT = 16  # one row of so many
COARSE = (0.0, -math.log(2), math.log(2))  # grid about the start, in each number
MESH, FINEST = 0.5, 0.02  # of the refinement: at its begin, and where it ends
REFINED_ON = 4  # batches that a candidate is tried on; one batch on the grid
Point = tuple[float, ...]


class SearchState(SavedState):
    """The history of a search, which is all of it: what has been tried is not tried again."""

    kept = ("finished",)
    finished = False

    def resume(self) -> None:
        """Take up the file on disk, if there is one of this key."""
        self._load()

    def save(self) -> None:
        """Write everything, atomically."""
        self._save({})


class Search:
    """Finds the numbers of a net whose layers share them all.

    First a grid about the start, then a compass search from its best point: a step up or down in
    one number after the other, and a mesh of half the size where none is better. The net must be
    one of scalars, which are tried on a scale of their own, such as logarithms.

    Parameters
    ----------
    net : at its start; ends with the best numbers
    train : its measurements are used, four batches at most; its targets are not
    budget : ``final_steps`` is the largest number of candidates, ``batch_size`` as it says
    seed : root of the named random stream that chooses the rows
    state_path, key, report, save_seconds : as of the progressive training
    """

    def __init__(
        self,
        net: UnrolledNet,
        train: Samples,
        budget: Training,
        seed: int,
        state_path: Path,
        key: str,
        report: Report,
        save_seconds: float = 20.0,
    ) -> None:
        self.net, self.budget, self.report, self.save_seconds = net, budget, report, save_seconds
        self.stages = stages(net.depth, budget)
        self.state, self.loss = SearchState(state_path, key, net), RecoveryLoss()
        random = named_generator(seed, "rows held out")
        order = torch.from_numpy(random.permutation(len(net.A))).to(net.A.device)
        held = max(1, len(order) // HELD_OUT)
        self.seen, self.unseen = order[held:].sort().values, order[:held].sort().values
        self.b = train.b[: REFINED_ON * budget.batch_size]
        norms = torch.linalg.vector_norm(net.A[self.seen], dim=0).clamp_min(1e-6)
        self.reduced = type(net)(net.A[self.seen] / norms, net.depth, net.hyper, net.begun)
        self.reduced.to(net.A).requires_grad_(False)
        self.rest = (net.A / norms).double()
        self.tried: dict[tuple[Point, int], float] = {}
        self.known: list[dict] = []
        self._saved_at = time.monotonic()

    def run(self) -> SavedState:
        """Search; return the state with the history and the seconds spent."""
        self.state.resume()
        self.known, self.state.history = self.state.history, []
        here = tuple(float(getattr(self.net, name).detach()) for name in self.net.trainable)
        few = self.budget.batch_size
        offsets = product(COARSE, repeat=len(here))
        grid = [tuple(h + o for h, o in zip(here, offset, strict=True)) for offset in offsets]
        scores = [self._score(point, few) for point in grid]
        best = self._refined(grid[scores.index(min(scores))])
        if self._score(best, len(self.b)) < self._score(here, len(self.b), needed=True):
            self._give(self.net, best)
        if not self.state.finished:
            self.state.finished = True
            self.state.save()
        return self.state

    def _refined(self, best: Point) -> Point:
        """Return the end of the compass search from a point."""
        value, mesh = self._score(best, len(self.b)), MESH
        while mesh >= FINEST and self._left():
            moves = product(range(len(best)), (mesh, -mesh))
            tried = (tuple(v + step * (i == at) for i, v in enumerate(best)) for at, step in moves)
            better = next((p for p in tried if self._score(p, len(self.b)) < value), None)
            if better is None:
                mesh /= 2
            else:
                best, value = better, self._score(better, len(self.b))
        return best

    def _left(self) -> bool:
        return len(self.state.history) < self.budget.final_steps

    def _score(self, point: Point, count: int, needed: bool = False) -> float:
        """Return how far a candidate is from what it did not see, dB; infinity where not finite."""
        if (found := self.tried.get((point, count))) is not None:
            return found
        if not (self._left() or needed):
            return math.inf
        at = len(self.state.history)
        row = self.known[at] if at < len(self.known) else self._row(point, count, at + 1)
        self.state.history.append(row)
        sound = row["status"] == "ok"
        self.tried[point, count] = found = row["validation_loss_db"] if sound else math.inf
        if at >= len(self.known):
            self.report(self.stages[0], row)
            if time.monotonic() - self._saved_at >= self.save_seconds:
                self.state.save()
                self._saved_at = time.monotonic()
        return found

    @torch.no_grad()
    def _row(self, point: Point, count: int, step: int) -> dict:
        self._give(self.reduced, point)
        b = self.b[:count]
        x = self.reduced(b.index_select(1, self.seen))[-1].double()
        train, held = (self._distance(x, b, rows) for rows in (self.seen, self.unseen))
        sound = math.isfinite(train) and math.isfinite(held)
        row = {"stage": "search", "layer": self.net.depth, "step": step, "train_loss_db": train}
        row |= {"validation_loss_db": held, "status": "ok" if sound else "diverged"}
        return row | dict(zip(self.net.trainable, point, strict=True))

    def _distance(self, x: Tensor, b: Tensor, rows: Tensor) -> float:
        """Return the distance of A x from b in some rows, dB of b."""
        explained = x @ self.rest.index_select(0, rows).T
        return self.loss.score_db(explained, b, b.index_select(1, rows))

    @torch.no_grad()
    def _give(self, net: UnrolledNet, point: Point) -> None:
        for name, value in zip(net.trainable, point, strict=True):
            getattr(net, name).fill_(value)


def stages(depth: int, budget: Training) -> list[Stage]:
    """Return the one stage of a search."""
    return [Stage("search", 0, depth - 1, budget.final_steps, 1.0, 1.0)]
