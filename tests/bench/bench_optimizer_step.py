"""Time of one step of learned optimizers on a network of a million parameters, beside Adam's.

Adam is torch.optim.Adam as it is by default. Repetitions are interleaved, and the best counts: of
CPU time for one thread, which work beside this does not lengthen much, of wall-clock time for
several. The bound is what the products of the learned optimizer alone would take at the rate that
the machine reaches on them; none is given for rules that see rows and columns of a tensor.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from l2o.optimizers.recurrent.base import GradientOptimizer
from l2o.optimizers.registry import methods
from l2o.torch import LearnedOptimizer

NAMES = "l2o_scale", "l2o_rnnprop", "l2o_dm", "l2o_enhanced", "celo2_like", "small_fc_lopt"
WIDTHS = 784, 1000, 200, 70, 10
COLUMNS = 4096
HEAD = """# A step on {parameters:,} parameters

torch {torch}, float32, the best of {turns} interleaved turns.

| threads | optimizer | ms | over Adam's | products alone, ms | bound, over Adam's |
|--------:|:----------|---:|------------:|-------------------:|-------------------:|
"""
ROW = "| {threads} | {name} | {ms:.1f} | {ratio:.1f} | {products} | {bound} |\n"


class Size(NamedTuple):
    widths: tuple[int, ...] = WIDTHS
    turns: int = 5


def network(widths: tuple[int, ...]) -> nn.Module:
    """Return an MLP with gradients drawn at random."""
    torch.manual_seed(0)
    net = nn.Sequential(*(nn.Linear(*pair) for pair in pairwise(widths)))
    for p in net.parameters():
        p.grad = 0.01 * torch.randn_like(p)
    return net


def operations(optimizer: GradientOptimizer) -> int:
    """Return the multiplications and additions of a coordinate: two for each weight that it meets.

    Of L2O-Scale, the weights that parts and the instance meet are left out.
    """
    above = "part.", "instance.", "coordinate.bias", "coordinate.weight_context"
    named = optimizer.named_parameters()
    return sum(2 * weight.numel() for name, weight in named if not name.startswith(above))


def best(works: dict[str, Callable[[], object]], turns: int, threads: int) -> dict[str, float]:
    """Return the least seconds of each."""
    clock = time.process_time if threads == 1 else time.perf_counter
    found = dict.fromkeys(works, float("inf"))
    for work in works.values():
        work()
    for _ in range(turns):
        for name, work in works.items():
            start = clock()
            work()
            found[name] = min(found[name], clock() - start)
    return found


def bench(size: Size, threads: int) -> list[dict[str, object]]:
    """Return the rows of the table for a number of threads."""
    torch.set_num_threads(threads)
    works, needed = {}, {}
    works["Adam"] = torch.optim.Adam(network(size.widths).parameters()).step
    count = sum(p.numel() for p in network(size.widths).parameters())
    for name in NAMES:
        head = methods("recurrent")[name]
        optimizer = head.load()({}, torch.Generator().manual_seed(0))
        params = network(size.widths).parameters()
        works[head.label] = LearnedOptimizer(params, optimizer, lr=1e-4).step
        if isinstance(optimizer, GradientOptimizer):
            needed[head.label] = count * operations(optimizer)
    # The products of an LSTM's layer, one thread: of such are all, and threads do not share one.
    weight, inputs, out = torch.randn(80, 41), torch.randn(41, COLUMNS), torch.empty(80, COLUMNS)

    def products() -> None:
        for _ in range(20):
            torch.mm(weight, inputs, out=out)

    seconds = best(works, size.turns, threads)
    torch.set_num_threads(1)
    alone = best({"products": products}, 2 * size.turns, 1)["products"]
    rate = 20 * 2 * weight.numel() * COLUMNS / alone * threads
    rows = []
    for name in works:
        least = needed[name] / rate if name in needed else None
        rows.append(
            {
                "threads": threads,
                "name": name,
                "ms": 1e3 * seconds[name],
                "ratio": seconds[name] / seconds["Adam"],
                "products": "–" if least is None else f"{1e3 * least:.1f}",
                "bound": "–" if least is None else f"{least / seconds['Adam']:.1f}",
            }
        )
    return rows


def main(arguments: list[str] | None = None) -> str:
    """Measure, write a table, and return it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=Size().turns)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(arguments)
    size = Size(turns=given.turns)
    count = sum(p.numel() for p in network(size.widths).parameters())
    text = HEAD.format(parameters=count, torch=torch.__version__, turns=size.turns)
    for threads in given.threads:
        text += "".join(ROW.format(**row) for row in bench(size, threads))
    print(text)
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    return text


if __name__ == "__main__":
    main()
