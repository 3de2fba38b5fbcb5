"""Time of an inner step of meta-training: ours, torch.nn.LSTMCell's, the matrix products alone.

L2O-DM on LASSO instances of (25, 50), batch 128: 6,400 coordinates, unrolls of 20 steps, there and
back, and Adam's step. Both forms are first checked to compute the same loss and gradient.
Repetitions are interleaved, times are CPU time of one thread, ratios are medians: noise hits all
forms alike.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from l2o.dictionaries.gaussian import gaussian_dictionary
from l2o.optimizees.lasso import Lasso
from l2o.optimizees.lasso_optimum import lasso_optimum
from l2o.optimizees.sparse_recovery import sample_slices
from l2o.optimizers.recurrent.l2o_dm import L2oDm

LAM = 0.005
RATE = 1e-4  # of Adam
TABLE = """# One inner step of meta-training

L2O-DM, LASSO ({m}, {n}), batch {batch}, unroll {unroll}, float32; torch {torch}, 1 thread,
{turns} turns.

| form | ms | coordinates x steps / s | LSTMCell's time / its |
|:-----|---:|------------------------:|----------------------:|
| two torch.nn.LSTMCell | {plain:.2f} | {plain_rate:.3g} | 1 |
| this project | {ours:.2f} | {ours_rate:.3g} | {speedup:.2f} |
| the matrix products alone | {products:.2f} | {products_rate:.3g} | {bound:.2f} |
"""


class Size(NamedTuple):
    m: int = 25
    n: int = 50
    batch: int = 128
    unroll: int = 20


def instances(size: Size) -> Lasso:
    """Draw the optimizees."""
    A = gaussian_dictionary(size.m, size.n, seed=1)
    (_, b), *_ = sample_slices(A, size.batch, 0.1, None, 1, ("bench",))
    optimum = lasso_optimum(A, b.astype(np.float64), LAM).objective
    tensors = (torch.from_numpy(array).float() for array in (A, b, optimum))
    matrix, measured, best = tensors
    return Lasso(matrix, measured, LAM, best).batch(torch.arange(size.batch))


class Ours:
    """This project's form."""

    def __init__(self, size: Size, lasso: Lasso) -> None:
        self.size, self.lasso = size, lasso
        self.optimizer = L2oDm({}, torch.Generator().manual_seed(0))
        self.weights = list(self.optimizer.parameters())
        self.adam = torch.optim.Adam(self.weights, lr=RATE)

    def __call__(self) -> Tensor:
        state = self.optimizer.init(self.lasso, torch.zeros(self.size.batch, self.size.n))
        loss = torch.zeros(())
        for _ in range(self.size.unroll):
            state = self.optimizer.step(self.lasso, state)
            loss = loss + self.lasso.meta_loss(state[0]).mean()
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        return loss.detach()


class Plain:
    """Two torch.nn.LSTMCell with the same weights, written as in any tutorial."""

    def __init__(self, size: Size, lasso: Lasso, ours: Ours) -> None:
        self.size, self.lasso, self.features = size, lasso, ours.optimizer.inputs
        lstm, self.scale = ours.optimizer.lstm, ours.optimizer.hyper["scale"]
        hidden = lstm.hidden
        self.cells = [torch.nn.LSTMCell(2, hidden), torch.nn.LSTMCell(hidden, hidden)]
        self.out = torch.nn.Linear(hidden, 1)
        with torch.no_grad():
            for cell, weight in zip(self.cells, (lstm.weight1, lstm.weight2), strict=True):
                i, f, o, g = weight.split(hidden)
                ordered, inputs = torch.cat([i, f, g, o]), weight.shape[1] - hidden - 1
                cell.weight_ih.copy_(ordered[:, :inputs])
                cell.weight_hh.copy_(ordered[:, inputs:-1])
                cell.bias_ih.zero_()
                cell.bias_hh.zero_()
            self.out.weight.copy_(lstm.weight_out)
            self.out.bias.zero_()
        self.weights = [p for module in (*self.cells, self.out) for p in module.parameters()]
        self.adam = torch.optim.Adam(self.weights, lr=RATE)

    def __call__(self) -> Tensor:
        x = torch.zeros(self.size.batch, self.size.n)
        h1 = c1 = h2 = c2 = torch.zeros(x.numel(), self.cells[0].hidden_size)
        loss = torch.zeros(())
        for _ in range(self.size.unroll):
            rows, _ = self.features(self.lasso.gradient(x.detach()), ())
            h1, c1 = self.cells[0](rows.T, (h1, c1))
            h2, c2 = self.cells[1](h1, (h2, c2))
            x = x + self.scale * self.out(h2).view(x.shape)
            loss = loss + self.lasso.meta_loss(x).mean()
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        return loss.detach()


class Products:
    """The matrix products of the LSTM that no form can avoid, forward and backward."""

    def __init__(self, size: Size, hidden: int = 20) -> None:
        self.unroll, coordinates = size.unroll, size.batch * size.n
        widths = (2 + hidden, 2 * hidden)
        self.weights = [torch.randn(4 * hidden, width) for width in widths]
        self.inputs = [torch.randn(width, coordinates) for width in widths]
        self.back = [torch.randn(width, 4 * hidden) for width in (hidden, 2 * hidden)]
        self.grad = torch.randn(4 * hidden, coordinates)

    def __call__(self) -> None:
        for _ in range(self.unroll):
            for weight, inputs, back in zip(self.weights, self.inputs, self.back, strict=True):
                weight @ inputs
                inputs @ self.grad.T  # faster than the other way round
                back @ self.grad


def measured(forms: dict[str, Callable], turns: int) -> dict[str, list[float]]:
    """Return the CPU seconds of every form in every turn, after one that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in forms}
    for turn in range(turns + 1):
        for name, form in forms.items():
            start = time.process_time()
            form()
            if turn:
                seconds[name].append(time.process_time() - start)
    return seconds


def bench(size: Size, turns: int) -> dict[str, float]:
    """Return the columns of the table."""
    lasso = instances(size)
    ours = Ours(size, lasso)
    forms = {"ours": ours, "plain": Plain(size, lasso, ours), "products": Products(size)}
    torch.testing.assert_close(forms["ours"](), forms["plain"](), rtol=1e-4, atol=1e-4)
    theirs = forms["plain"].out.weight.grad
    torch.testing.assert_close(ours.optimizer.lstm.weight_out.grad, theirs, rtol=1e-3, atol=1e-3)
    seconds = measured(forms, turns)
    rounds = list(zip(seconds["ours"], seconds["plain"], seconds["products"], strict=True))
    result = {
        "speedup": median(plain / own for own, plain, _ in rounds),
        "bound": median(plain / products for _, plain, products in rounds),
    }
    for name, values in seconds.items():
        result[name] = 1e3 * median(values) / size.unroll
        result[f"{name}_rate"] = 1e3 * size.batch * size.n / result[name]
    return result


def main() -> None:
    """Write the table as Markdown and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--turns", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    size = Size()
    result = bench(size, arguments.turns)
    text = TABLE.format(**size._asdict(), torch=torch.__version__, turns=arguments.turns, **result)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
