"""Time of training ten small networks: together, one after another, with torch.nn.

Adam on random digits, minibatches of 128. The reference is what one would write without this
project: a torch.nn module, torch's cross-entropy and torch.optim.Adam, run after run, on the same
minibatches from the same starts. All forms are first checked to end at the same points.
Repetitions are interleaved, times are CPU time of one thread, ratios are medians: noise hits all
forms alike.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from l2o.compute import prepare_device
from l2o.optimizees.network_training import Digits, NetworkTrainingFamily
from l2o.optimizees.networks import NETWORKS, initial
from l2o.optimizers.first_order.adam import Adam
from l2o.optimizers.protocol import iterates

RATE = 1e-3  # of Adam
HEAD = """# Training {runs} small networks

Adam, {steps} steps, minibatches of {size} out of {count} images, float32; torch {torch}, 1 thread,
{turns} turns. The last columns are the time of the other forms over that of the runs together.

| network | ms a step of all runs | one after another | torch.nn, one after another |
|:--------|----------------------:|------------------:|----------------------------:|
"""
ROW = "| {name} | {together:.2f} | {alone:.2f} | {modules:.2f} |\n"


class Size(NamedTuple):
    runs: int = 10
    steps: int = 200
    count: int = 60_000
    size: int = 128


def digits(count: int) -> Digits:
    """Draw images and labels."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, 784, generator=generator)
    return Digits(images, torch.randint(10, (count,), generator=generator))


def module(name: str) -> nn.Module:
    """Return the network as a torch.nn module."""
    if name == "convnet":
        first = nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(2)
        second = nn.Conv2d(16, 32, 5, 2, 2), nn.ReLU(), nn.MaxPool2d(2)
        return nn.Sequential(
            nn.Unflatten(1, (1, 28, 28)), *first, *second, nn.Flatten(), nn.Linear(128, 10)
        )
    activation = nn.Sigmoid() if name == "mlp_sigmoid" else nn.ReLU()
    return nn.Sequential(nn.Linear(784, 20), activation, nn.Linear(20, 10))


class Forms:
    """The three forms of training one network; each returns the last iterates, (runs, n)."""

    def __init__(self, name: str, size: Size, images: Digits) -> None:
        self.name, self.size, network = name, size, NETWORKS[name]
        self.family = NetworkTrainingFamily(network, images, size.runs, 1, "bench", size.size)
        self.start = initial(network, size.runs, 1)

    def together(self) -> Tensor:
        """All runs as one batch."""
        return self._trained(torch.arange(self.size.runs))

    def alone(self) -> Tensor:
        """The same code, run after run."""
        runs = torch.arange(self.size.runs)
        return torch.cat([self._trained(run) for run in runs.split(1)])

    def modules(self) -> Tensor:
        """torch.nn and torch.optim, run after run."""
        return torch.stack([self._module_trained(run) for run in range(self.size.runs)])

    def _trained(self, runs: Tensor) -> Tensor:
        with torch.no_grad():
            steps = iterates(Adam({"rate": RATE}), self.family.batch(runs), self.start[runs])
            return next(islice(steps, self.size.steps - 1, None))

    def _module_trained(self, run: int) -> Tensor:
        net, data = module(self.name), self.family.digits
        vector_to_parameters(self.start[run], net.parameters())
        adam = torch.optim.Adam(net.parameters(), lr=RATE)
        minibatches = self.family.batch(torch.tensor([run])).minibatches
        for t in range(self.size.steps):
            index = minibatches[t][0]
            adam.zero_grad()
            logits = net(data.images[index])
            nn.functional.cross_entropy(logits, data.labels[index]).backward()
            adam.step()
        return parameters_to_vector(net.parameters()).detach()


def measured(forms: dict[str, Callable], turns: int) -> dict[str, list[float]]:
    """Return the CPU seconds of every form in every turn."""
    seconds: dict[str, list[float]] = {name: [] for name in forms}
    for _ in range(turns):
        for name, form in forms.items():
            start = time.process_time()
            form()
            seconds[name].append(time.process_time() - start)
    return seconds


def bench(name: str, size: Size, images: Digits, turns: int) -> dict[str, float]:
    """Return the columns of a network's row."""
    forms = Forms(name, size, images)
    short = Forms(name, size._replace(steps=min(5, size.steps)), images)
    for other in (short.alone, short.modules):
        # Adam's steps are of size RATE also where a gradient is rounding: on average, not each.
        assert (short.together() - other()).abs().mean() < 0.01 * RATE
    kinds = {"together": forms.together, "alone": forms.alone, "modules": forms.modules}
    seconds = measured(kinds, turns)
    ratios = {
        kind: median(
            other / own for own, other in zip(seconds["together"], seconds[kind], strict=True)
        )
        for kind in ("alone", "modules")
    }
    return {"together": 1e3 * median(seconds["together"]) / size.steps, **ratios}


def main() -> None:
    """Write the table as Markdown and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    arguments = parser.parse_args()
    prepare_device("cpu", 1)
    size = Size()
    images = digits(size.count)
    text = HEAD.format(**size._asdict(), torch=torch.__version__, turns=arguments.turns)
    for name in arguments.networks:
        text += ROW.format(name=name, **bench(name, size, images, arguments.turns))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
