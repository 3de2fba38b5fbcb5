"""Time of a training step: this project's, the same one written plainly, its matrix products alone.

Both forms are first checked to compute the same loss and gradients. Repetitions are interleaved,
times are CPU time of one thread, ratios are medians: noise hits all forms alike.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import mse_loss, normalize

from l2o.optimizers.unrolled.alista import Alista
from l2o.optimizers.unrolled.lista_cpss import ListaCpss
from l2o.optimizers.unrolled.net import UnrolledNet
from l2o.training.inputs import LayerInputs
from l2o.training.stages import Stage, trained_parameters

STEPS_A_TURN = 3
TABLE = """# One training step

{m} x {n}, {depth} layers, batch {batch}, float32, Adam; torch {torch}, 1 thread, {turns} turns.

| step                   | plain/ours | ours/products | ours, ms | plain, ms | products, ms |
|:-----------------------|-----------:|--------------:|---------:|----------:|-------------:|
{rows}

Products: those that no form can avoid; the cached ALISTA step has none: two of a plain layer.
"""
CASES = ((ListaCpss, "layer"), (Alista, "layer"), (ListaCpss, "final"))


class Size(NamedTuple):
    m: int = 256
    n: int = 512
    depth: int = 16
    batch: int = 128
    samples: int = 4096


class Step:
    """One training step; called with its number and the indices of its batch."""

    def __init__(self, net: UnrolledNet, stage: Stage, b: Tensor, x: Tensor) -> None:
        self.net, self.stage, self.b, self.x = net, stage, b, x
        self.chosen = trained_parameters(net.requires_grad_(False), stage, 1.0)
        trained = [p.requires_grad_(True) for _, p, _ in self.chosen]
        groups = [{"params": [p]} for p in trained] if self.fused else trained
        self.optimizer = torch.optim.Adam(groups, fused=self.fused)
        if self.fused:
            self.inputs = LayerInputs(net, b)
            self.inputs.move_to(stage.first)

    def __call__(self, step: int, index: Tensor) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.stage.rate_at(step)
        self.optimizer.zero_grad()
        self.log_loss(index).backward()
        self.optimizer.step()


class OurStep(Step):
    """The step of ProgressiveTrainer: cached inputs, fused thresholding, fused Adam."""

    fused = True

    def log_loss(self, index: Tensor) -> Tensor:
        net, stage, prepared = self.net, self.stage, self.inputs.batch(index)
        b, x = (tensor.index_select(0, index) for tensor in (self.b, self.x))
        for k in range(stage.first, stage.last):
            prepared = net.prepare(net.apply_layer(k, prepared, b), b)
        output = net.apply_layer(stage.last, prepared, b)[0]
        return (mse_loss(output, x, reduction="sum") / len(b)).log()


class PlainStep(Step):
    """The same step in elementary operations; ``net`` only holds the parameters."""

    fused = False

    def layer(self, k: int, x: Tensor, b: Tensor) -> Tensor:
        net, residual = self.net, b - x @ self.net.A.T
        alista = isinstance(net, Alista)
        v = x + (net.step[k] * (residual @ net.W) if alista else residual @ net.weight[k])
        threshold, magnitude = torch.exp(net.log_threshold[k]), torch.abs(v)
        shrunk = torch.sign(v) * torch.relu(magnitude - threshold)
        percent = net._support_percent(k)
        largest = magnitude.topk(int(percent / 100 * v.shape[1]), dim=1).indices
        among = torch.zeros_like(v, dtype=torch.bool).scatter(1, largest, True)
        return torch.where(among & (magnitude > threshold), v, shrunk)

    def log_loss(self, index: Tensor) -> Tensor:
        b = self.b[index]
        x = torch.zeros(len(b), self.net.A.shape[1], dtype=b.dtype)
        for k in range(self.stage.last + 1):
            with torch.set_grad_enabled(k >= self.stage.first):
                x = self.layer(k, x, b)
        return torch.log(torch.mean(torch.sum((x - self.x[index]) ** 2, dim=1)))


def products(net: UnrolledNet, stage: Stage, size: Size) -> Callable[..., None]:
    """Return a function that computes the matrix products that no form of a step can avoid.

    A layer has A x and W^T r, and the gradients to W, r and x; with a cached input remain W^T r and
    the gradient to W, for ALISTA nothing: it is given the two products of the plain layer.
    """
    alista = isinstance(net, Alista)
    x, r = torch.randn(size.batch, size.n), torch.randn(size.batch, size.m)
    x_out, r_out, w_out = torch.empty_like(x), torch.empty_like(r), torch.empty_like(net.A)

    def run(step: int, index: Tensor) -> None:
        for k in range(stage.first, stage.last + 1):
            W = net.W if alista else net.weight[k].detach()
            torch.mm(r, W, out=x_out)
            torch.mm(x, net.A.T, out=r_out) if alista else torch.mm(r.T, x, out=w_out)
            if k > stage.first:
                torch.mm(x, net.A.T, out=r_out)
                torch.mm(x, W.T, out=r_out)
                torch.mm(r, net.A, out=x_out)

    return run


def build(method: type[UnrolledNet], kind: str, size: Size, dtype: torch.dtype) -> tuple:
    """Return the net, its stage, and the step in both forms, from equal parameters."""
    generator = torch.Generator().manual_seed(0)
    A = normalize(torch.randn(size.m, size.n, generator=generator, dtype=torch.float64), dim=0)
    x = torch.randn(size.samples, size.n, generator=generator, dtype=torch.float64)
    x *= torch.rand(x.shape, generator=generator) < 0.1
    net, last = method(A.to(dtype), size.depth, {}), size.depth - 1
    stage = Stage(kind, last if kind == "layer" else 0, last, 10**6, 1e-4, 1.0)
    data = ((x @ A.T).to(dtype), x.to(dtype))
    return net, stage, OurStep(net, stage, *data), PlainStep(copy.deepcopy(net), stage, *data)


def check_equal_mathematics(method: type[UnrolledNet], kind: str, size: Size) -> None:
    """Raise AssertionError unless both forms give the same loss and gradients, in float64."""
    _, _, ours, plain = build(method, kind, size, torch.float64)
    losses = [form.log_loss(torch.arange(size.batch)) for form in (ours, plain)]
    torch.testing.assert_close(*losses, rtol=1e-9, atol=0.0)
    sum(losses).backward()
    for (name, p, _), (_, q, _) in zip(ours.chosen, plain.chosen, strict=True):
        scale = float(q.grad.abs().max())
        assert scale > 0.0, f"{name} has no gradient"
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-7, atol=1e-9 * scale)


def measure(method: type[UnrolledNet], kind: str, size: Size, turns: int) -> str:
    """Return one row of the table."""
    net, stage, *steps = build(method, kind, size, torch.float32)
    forms, seconds = (*steps, products(net, stage, size)), []
    for _ in range(1 + turns):  # the first turn warms up
        index = torch.randperm(size.samples)[: size.batch]
        seconds.append(row := [])
        for form in forms:
            form(0, index)  # fills the processor's caches after another form
            begin = time.process_time()
            for step in range(STEPS_A_TURN):
                form(step, index)
            row.append((time.process_time() - begin) / STEPS_A_TURN)
    t = torch.tensor(seconds[1:], dtype=torch.float64)
    slower, above = (t[:, 1] / t[:, 0]).median(), (t[:, 0] / t[:, 2]).median()
    own, other, bare = (1e3 * t).median(dim=0).values
    title = f"{net.label}, " + (f"layer {size.depth}" if kind == "layer" else "all layers")
    ratios = f"| {title:<22} | {slower:10.2f} | {above:13.2f} "
    return f"{ratios}| {own:8.2f} | {other:9.2f} | {bare:12.2f} |"


def main(argv: Sequence[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    parser.add_argument("--repetitions", type=int, default=60)
    for name, default in Size()._asdict().items():
        parser.add_argument(f"--{name}", type=int, default=default)
    given = vars(parser.parse_args(argv))
    out, turns, size = given.pop("out"), given.pop("repetitions"), Size(**given)
    threads, rows = torch.get_num_threads(), []
    torch.set_num_threads(1)
    for case in CASES:
        check_equal_mathematics(*case, size)
        rows.append(measure(*case, size, turns))
    torch.set_num_threads(threads)
    facts = {**size._asdict(), "torch": torch.__version__, "turns": turns}
    text = TABLE.format(**facts, rows="\n".join(rows))
    print(text)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    return text


if __name__ == "__main__":
    main()
