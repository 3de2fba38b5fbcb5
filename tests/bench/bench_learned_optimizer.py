"""Learned optimizers on three networks that none of them has seen, beside a tuned Adam.

An MLP on scikit-learn's digits, a ConvNet on MNIST, a transformer on sequences that are drawn; all
as torch.nn starts them. Learned optimizers run as they come, lr = 1; Adam has the rate that is best
on runs of its own, by the mean log loss at the end, constant, or falling to 0 as a cosine over the
whole run. Each run is kept in a file of its own, so that a second call goes on where the first one
was stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from l2o.datasets.mnist import fetch_mnist, load_mnist
from l2o.optimizers.trained import load_recurrent
from l2o.seeds import named_seed
from l2o.storage.atomic import written_aside
from l2o.torch import LearnedOptimizer

RATES = 1e-3, 3e-3, 1e-2, 3e-2, 1e-1  # of Adam
RUNS, SEARCHED = range(5), range(100, 101)
RECORDED = 1000, 5000
BATCH, MONITORED = 32, 2000
ROOT = Path(__file__).parents[2]
TOKENS, LENGTH, WIDTH = 8, 12, 16


@dataclass(frozen=True)
class Data:
    """Inputs and labels, (count, ...)."""

    inputs: Tensor
    labels: Tensor

    def batches(self, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield minibatches, each drawn from all."""
        drawn = torch.Generator().manual_seed(seed)
        while True:
            index = torch.randint(len(self.labels), (BATCH,), generator=drawn)
            yield self.inputs[index], self.labels[index]


@cache
def digits() -> tuple[Data, Data]:
    """Return scikit-learn's digits, four fifths of them to train on."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    inputs = torch.from_numpy(pixels[order]).float() / 16
    found, cut = torch.from_numpy(labels[order]), len(labels) * 4 // 5
    return Data(inputs[:cut], found[:cut]), Data(inputs[cut:], found[cut:])


@cache
def mnist() -> tuple[Data, Data]:
    """Return MNIST."""
    folder = ROOT / "data" / "mnist"
    fetch_mnist(folder, ROOT / "data" / "mnist.sha256")
    pair = []
    for split in ("train", "test"):
        images, labels = load_mnist(folder, split)
        inputs = torch.tensor(images).float().view(-1, 1, 28, 28) / 255
        pair.append(Data(inputs, torch.tensor(labels).long()))
    return pair[0], pair[1]


@cache
def sequences() -> tuple[Data, Data]:
    """Return random tokens a_t, and at each place a_t a_(t-1) + a_(t-2) modulo their number."""
    drawn = torch.Generator().manual_seed(0)
    pair = []
    for count in (50_000, MONITORED):
        tokens = torch.randint(TOKENS, (count, LENGTH), generator=drawn)
        one, two = (functional.pad(tokens[:, :-lag], (lag, 0)) for lag in (1, 2))
        pair.append(Data(tokens, (tokens * one + two) % TOKENS))
    return pair[0], pair[1]


class Transformer(nn.Module):
    """One causal layer, norms first; logits are (batch, tokens, length)."""

    def __init__(self) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(TOKENS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(2))
        self.rest = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU())
        self.back, self.head = nn.Linear(4 * WIDTH, WIDTH), nn.Linear(WIDTH, TOKENS)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.token(tokens) + self.place.weight
        heads = self.qkv(self.norms[0](x)).unflatten(-1, (3, 2, WIDTH // 2)).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(*heads, is_causal=True)
        x = x + self.out(seen.transpose(1, 2).flatten(2))
        return self.head(x + self.back(self.rest(self.norms[1](x)))).mT


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10)
    )


def convnet() -> nn.Module:
    first = nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(2)
    second = nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(2)
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(64, 10))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], Callable[[], tuple[Data, Data]]]] = {
    "MLP on digits": (mlp, digits),
    "ConvNet on MNIST": (convnet, mnist),
    "transformer on sequences": (Transformer, sequences),
}


def judged(net: nn.Module, data: Data) -> tuple[float, float]:
    """Return the mean loss and accuracy on the first samples, at most ``MONITORED``."""
    inputs, labels = data.inputs[:MONITORED], data.labels[:MONITORED]
    with torch.no_grad():
        logits = net(inputs)
        loss = functional.cross_entropy(logits, labels).item()
    return loss, (logits.argmax(dim=1) == labels).double().mean().item()


def run(network: str, number: int, made: Callable, recorded: tuple[int, ...]) -> dict:
    """Train once; return loss and accuracies at the recorded steps, and seconds of CPU a step."""
    build, loaded = NETWORKS[network]
    train, test = loaded()
    torch.manual_seed(named_seed(0, "learned optimizer", network, number) % 2**32)
    net = build()
    optimizer = made(net.parameters())
    batches = train.batches(named_seed(0, "learned optimizer", network, number, "minibatches"))
    result, start = {"losses": {}, "test": {}}, time.process_time()
    for at in range(1, max(recorded) + 1):
        inputs, labels = next(batches)
        optimizer.zero_grad()
        functional.cross_entropy(net(inputs), labels).backward()
        optimizer.step()
        if at in recorded:
            if isinstance(optimizer, LearnedOptimizer):
                optimizer.eval()
            result["losses"][str(at)] = judged(net, train)[0]
            result["test"][str(at)] = judged(net, test)[1]
            if isinstance(optimizer, LearnedOptimizer):
                optimizer.train()
    return result | {"seconds": (time.process_time() - start) / max(recorded)}


def kept(path: Path, work: Callable[[], dict]) -> dict:
    """Return what a file holds, or do the work and write it."""
    if not path.is_file():
        result = work()
        with written_aside(path) as aside:
            aside.write_text(json.dumps(result), encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def tuned(
    network: str, folder: Path, recorded: tuple[int, ...], name: str, made: Callable
) -> float:
    """Return the best rate of Adam: that of the least mean log loss at the last step of its runs.

    ``name`` begins the names of its files, and ``made`` returns it, from parameters and rate.
    """

    def score(rate: float) -> float:
        losses = []
        for number in SEARCHED:
            path = folder / network / f"{name}_{rate:g}_{number}.json"
            work = partial(run, network, number, partial(made, rate=rate), recorded)
            found = kept(path, work)
            losses.append(found["losses"][str(max(recorded))])
        log = statistics.fmean(math.log(max(loss, 1e-300)) for loss in losses)
        return log if math.isfinite(log) else math.inf

    return min(RATES, key=score)


def adam(parameters: Iterable[Tensor], rate: float) -> torch.optim.Adam:
    return torch.optim.Adam(parameters, lr=rate)


def adam_cosine(parameters: Iterable[Tensor], rate: float, steps: int) -> torch.optim.Adam:
    optimizer = adam(parameters, rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    optimizer.register_step_post_hook(lambda *_: schedule.step())
    return optimizer


def entries(checkpoints: list[Path]) -> dict[str, tuple[str, Callable]]:
    """Return learned optimizers by their labels, each with what tells its weights from others."""
    found = {}
    for path in checkpoints:
        optimizer, digest = load_recurrent(path), hashlib.sha256(path.read_bytes()).hexdigest()
        found[optimizer.label] = digest[:8], partial(LearnedOptimizer, weights=optimizer)
    return found


def rows(
    networks: list[str],
    checkpoints: list[Path],
    folder: Path,
    recorded: tuple[int, ...],
    start: bool = True,
) -> list[dict]:
    """Return a row for each network and optimizer; of the runs there are, or of all."""
    found, cosine = [], partial(adam_cosine, steps=max(recorded))
    for network in networks:
        rivals = {}
        for word, name, made in (("Adam", "adam", adam), ("Adam, cosine", "adam_cosine", cosine)):
            rate = tuned(network, folder, recorded, name, made)
            rivals[f"{word}, rate {rate:g}"] = f"{name}_{rate:g}", partial(made, rate=rate)
        for label, (name, made) in (rivals | entries(checkpoints)).items():
            paths = [folder / network / f"{name}_{number}.json" for number in RUNS]
            works = [partial(run, network, number, made, recorded) for number in RUNS]
            pairs = [pair for pair in zip(paths, works, strict=True) if start or pair[0].is_file()]
            if not pairs:
                continue
            runs = [kept(*pair) for pair in pairs]
            row = {"network": network, "optimizer": label, "runs": len(runs)}
            for at in recorded:
                losses = [each["losses"][str(at)] for each in runs]
                row |= {f"loss_{at}": statistics.fmean(losses)}
                row |= {f"spread_{at}": statistics.stdev(losses) if len(losses) > 1 else 0.0}
            row["accuracy"] = statistics.fmean(each["test"][str(max(recorded))] for each in runs)
            row["milliseconds"] = 1e3 * statistics.median(each["seconds"] for each in runs)
            found.append(row)
            print(row, flush=True)
    return found


def table(found: list[dict], recorded: tuple[int, ...]) -> str:
    """Return the rows as Markdown."""
    head = [f"loss after {at:,}" for at in recorded]
    head = ["network", "optimizer", "runs", *head, "test accuracy", "ms of CPU a step"]
    lines = [head, [":--", ":--", *["--:"] * (len(head) - 2)]]
    for row in found:
        losses = [f"{row[f'loss_{at}']:.2g}" for at in recorded]
        if row["runs"] > 1:
            spreads = [row[f"spread_{at}"] for at in recorded]
            losses = [f"{a} ± {b:.1g}" for a, b in zip(losses, spreads, strict=True)]
        last = f"{100 * row['accuracy']:.1f} %", f"{row['milliseconds']:.1f}"
        lines.append([row["network"], row["optimizer"], str(row["runs"]), *losses, *last])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main(arguments: list[str] | None = None) -> str:
    """Run all that is not there yet, write the tables, return the Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", type=Path, nargs="*")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--runs", type=Path, default=ROOT / "results" / "learned_optimizer")
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "learned_optimizer")
    parser.add_argument("--finished", action="store_true", help="tell what is there, start no run")
    parser.add_argument("--steps", type=int, nargs="+", default=RECORDED)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    recorded = tuple(given.steps)
    found = rows(given.networks, given.checkpoints, given.runs, recorded, not given.finished)
    text = table(found, recorded)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.with_suffix(".md").write_text(text, encoding="utf-8")
    lines = [",".join(found[0]), *(",".join(map(str, row.values())) for row in found)]
    lines = [line.replace(", ", "; ") for line in lines]
    given.out.with_suffix(".csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return text


if __name__ == "__main__":
    print(main())
