"""The training of one net, from arrays to a finished trainer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from l2o.compute import prepare_device
from l2o.config.training import Training
from l2o.optimizers.unrolled.net import UnrolledNet
from l2o.training.losses import TrainingLoss
from l2o.training.progress import ProgressReport
from l2o.training.progressive import ProgressiveTrainer, Samples
from l2o.training.state import TrainingState

Split = tuple[np.ndarray, np.ndarray]
MakeLoss = Callable[[Tensor], TrainingLoss]


@dataclass(frozen=True)
class TrainingJob:
    """What one training needs beside its data.

    Parameters
    ----------
    net_class : the method
    hyperparameters, depth : of the net
    make_loss : the training loss, given the dictionary on the device of the training
    budget : stages and rates
    seed : root of the named random streams
    device : auto, cpu or cuda
    compute_threads : threads of one job on the CPU
    title : what the progress bar shows
    state : file that keeps an unfinished training
    key : the state of another key is ignored
    """

    net_class: type[UnrolledNet]
    hyperparameters: dict[str, float]
    depth: int
    make_loss: MakeLoss
    budget: Training
    seed: int
    device: str
    compute_threads: int
    title: str
    state: Path
    key: str

    def run(
        self, dictionary: np.ndarray, train: Split, validation: Split
    ) -> tuple[UnrolledNet, TrainingState, str]:
        """Train; return the net, the state with history and seconds, and the device used.

        Parameters
        ----------
        dictionary : A, (m, n)
        train, validation : b (samples, m) and the loss's targets (samples, ...)
        """
        device = prepare_device(self.device, self.compute_threads)
        A = torch.from_numpy(dictionary).float()
        net = self.net_class(A, self.depth, self.hyperparameters).to(device)

        def samples(split: Split) -> Samples:
            return Samples(*(torch.from_numpy(part).float().to(device) for part in split))

        report = ProgressReport(f"{self.title} {net.label}", self.budget, self.depth)
        trainer = ProgressiveTrainer(
            net,
            samples(train),
            samples(validation),
            self.make_loss(net.A),
            self.budget,
            self.seed,
            self.state,
            self.key,
            report,
        )
        done = trainer.run()
        report.close()
        return net, done, device.type
