"""Time of a training step: this project's, the same one written plainly, its matrix products alone.

Run as ``python tests/bench/bench_training_step.py``. Both forms are first checked to compute the
same loss and gradients. Repetitions are interleaved, so that noise of the machine hits all forms
alike; times are CPU time of one thread, which other programs disturb little; ratios are medians.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from l2o.optimizers.unrolled.alista import Alista
from l2o.optimizers.unrolled.lista_cpss import ListaCpss
from l2o.optimizers.unrolled.net import UnrolledNet, support_percent
from l2o.training.inputs import LayerInputs
from l2o.training.stages import Stage, trained_parameters

RATE, SCALAR_FACTOR, STEPS_A_TURN = 1e-4, 1.0, 3
CASES = ((ListaCpss, "layer"), (Alista, "layer"), (ListaCpss, "final"))


@dataclass(frozen=True)
class Size:
    m: int
    n: int
    depth: int
    batch: int
    samples: int


class OurStep:
    """The step of ProgressiveTrainer: cached inputs, fused thresholding, fused Adam."""

    def __init__(self, net: UnrolledNet, stage: Stage, b: Tensor, x: Tensor) -> None:
        self.net, self.stage, self.b, self.x = net, stage, b, x
        self.inputs = LayerInputs(net, b)
        self.inputs.move_to(stage.first)
        self.chosen = trained_parameters(net, stage, SCALAR_FACTOR)
        net.requires_grad_(False)
        for _, parameter, _ in self.chosen:
            parameter.requires_grad_(True)
        self.optimizer = torch.optim.Adam([{"params": [p]} for _, p, _ in self.chosen], fused=True)

    def log_loss(self, index: Tensor) -> Tensor:
        net, stage, b = self.net, self.stage, self.b[index]
        prepared = self.inputs.batch(index)
        for k in range(stage.first, stage.last):
            prepared = net.prepare(net.apply_layer(k, prepared, b), b)
        output = net.apply_layer(stage.last, prepared, b)[0]
        return (output - self.x[index]).square().sum(dim=1).mean().log()

    def __call__(self, step: int, index: Tensor) -> None:
        for group, (_, _, factor) in zip(self.optimizer.param_groups, self.chosen, strict=True):
            group["lr"] = self.stage.rate_at(step) * factor
        loss = self.log_loss(index)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


class PlainStep:
    """The same step in elementary operations; ``net`` only holds the parameters."""

    def __init__(self, net: UnrolledNet, stage: Stage, b: Tensor, x: Tensor) -> None:
        self.net, self.stage, self.b, self.x = net, stage, b, x
        self.chosen = trained_parameters(net, stage, SCALAR_FACTOR)
        net.requires_grad_(False)
        for _, parameter, _ in self.chosen:
            parameter.requires_grad_(True)
        self.optimizer = torch.optim.Adam([p for _, p, _ in self.chosen], lr=RATE, fused=False)

    def layer(self, k: int, x: Tensor, b: Tensor) -> Tensor:
        net = self.net
        residual = b - x @ net.A.T
        if isinstance(net, Alista):
            v = x + net.step[k] * (residual @ net.W)
        else:
            v = x + residual @ net.weight[k]
        threshold = torch.exp(net.log_threshold[k])
        magnitude = torch.abs(v)
        shrunk = torch.sign(v) * torch.relu(magnitude - threshold)
        percent = support_percent(k, net.hyper["support_step"], net.hyper["support_max"])
        largest = magnitude.topk(int(percent / 100 * v.shape[1]), dim=1).indices
        among = torch.zeros_like(v, dtype=torch.bool).scatter(1, largest, True)
        return torch.where(among & (magnitude > threshold), v, shrunk)

    def log_loss(self, index: Tensor) -> Tensor:
        b = self.b[index]
        x = torch.zeros(len(b), self.net.A.shape[1], dtype=b.dtype)
        with torch.no_grad():
            for k in range(self.stage.first):
                x = self.layer(k, x, b)
        for k in range(self.stage.first, self.stage.last + 1):
            x = self.layer(k, x, b)
        return torch.log(torch.mean(torch.sum((x - self.x[index]) ** 2, dim=1)))

    def __call__(self, step: int, index: Tensor) -> None:
        self.optimizer.param_groups[0]["lr"] = self.stage.rate_at(step)
        self.optimizer.zero_grad()
        self.log_loss(index).backward()
        self.optimizer.step()


def products(net: UnrolledNet, stage: Stage, size: Size) -> tuple[int, Callable[..., None]]:
    """Return the number of matrix products of a step, and a function that computes them all.

    A layer's forward pass has two, A x and W^T r; its backward pass has the gradients to W, r and
    x. The inputs of the first layer are cached, so that A x and the gradients to r and x fall away
    there. ALISTA's layer then needs none: counted are the two of the layer written plainly.
    """
    x, r = torch.randn(size.batch, size.n), torch.randn(size.batch, size.m)
    x_out, r_out, w_out = torch.empty_like(x), torch.empty_like(r), torch.empty(size.m, size.n)
    fixed = isinstance(net, Alista)
    weights = [net.W] * size.depth if fixed else [w.detach() for w in net.weight]
    inner = range(stage.first + 1, stage.last + 1)

    def run(step: int, index: Tensor) -> None:
        for k in range(stage.first, stage.last + 1):
            torch.mm(r, weights[k], out=x_out)
            if fixed or k in inner:
                torch.mm(x, net.A.T, out=r_out)
        for k in range(stage.first, stage.last + 1):
            if not fixed:
                torch.mm(r.T, x, out=w_out)
            if k in inner:
                torch.mm(x, weights[k].T, out=r_out)
                torch.mm(r, net.A, out=x_out)

    return (2 if fixed else 2 + 5 * len(inner)), run


def build(method: type[UnrolledNet], kind: str, size: Size, dtype: torch.dtype) -> tuple:
    """Return the net, its stage, and the step in both forms, from equal parameters."""
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(size.m, size.n, generator=generator, dtype=torch.float64)
    A /= A.norm(dim=0)
    x = torch.randn(size.samples, size.n, generator=generator, dtype=torch.float64)
    x *= torch.rand(x.shape, generator=generator) < 0.1
    net = method(A.to(dtype), size.depth, {})
    stage = Stage(kind, size.depth - 1 if kind == "layer" else 0, size.depth - 1, 10**6, RATE, 1.0)
    data = ((x @ A.T).to(dtype), x.to(dtype))
    return net, stage, OurStep(net, stage, *data), PlainStep(copy.deepcopy(net), stage, *data)


def check_equal_mathematics(method: type[UnrolledNet], kind: str, size: Size) -> None:
    """Raise AssertionError unless both forms give the same loss and gradients, in float64."""
    _, _, ours, plain = build(method, kind, size, torch.float64)
    index = torch.arange(size.batch)
    loss, plain_loss = ours.log_loss(index), plain.log_loss(index)
    torch.testing.assert_close(loss, plain_loss, rtol=1e-9, atol=0.0)
    loss.backward()
    plain_loss.backward()
    for (name, p, _), (_, q, _) in zip(ours.chosen, plain.chosen, strict=True):
        scale = float(q.grad.abs().max())
        assert scale > 0.0, f"{name} has no gradient"
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-7, atol=1e-9 * scale)


def measure(method: type[UnrolledNet], kind: str, size: Size, repetitions: int) -> str:
    """Return one row of the table."""
    net, stage, ours, plain = build(method, kind, size, torch.float32)
    count, multiply = products(net, stage, size)
    forms = (ours, plain, multiply)
    order = torch.Generator().manual_seed(1)
    seconds = []
    for turn in range(-1, repetitions):  # turn -1 warms up
        index = torch.randperm(size.samples, generator=order)[: size.batch]
        row = []
        for form in forms:
            form(0, index)  # fills the processor's caches after another form
            begin = time.process_time()
            for step in range(STEPS_A_TURN):
                form(step, index)
            row.append((time.process_time() - begin) / STEPS_A_TURN)
        if turn >= 0:
            seconds.append(row)
    t = torch.tensor(seconds, dtype=torch.float64)
    slower, above = (t[:, 1] / t[:, 0]).median(), (t[:, 0] / t[:, 2]).median()
    own, other, bare = (1e3 * t).median(dim=0).values.tolist()
    title = f"{net.label}, " + (f"layer {size.depth}" if kind == "layer" else "all layers")
    return (
        f"| {title:<22} | {slower:11.2f} | {above:13.2f} "
        f"| {own:8.3f} | {other:8.3f} | {bare:11.3f} | {count:8d} |"
    )


def main(argv: Sequence[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    parser.add_argument("--repetitions", type=int, default=60)
    for name, default in Size(m=256, n=512, depth=16, batch=128, samples=4096).__dict__.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    given = vars(parser.parse_args(argv))
    out, repetitions = given.pop("out"), given.pop("repetitions")
    size, threads = Size(**given), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for method, kind in CASES:
            check_equal_mathematics(method, kind, size)
        rows = [measure(method, kind, size, repetitions) for method, kind in CASES]
    finally:
        torch.set_num_threads(threads)
    text = "\n".join(
        [
            "# One training step",
            "",
            f"{size.m} x {size.n}, {size.depth} layers, batch {size.batch}, float32, Adam; "
            f"torch {torch.__version__}, 1 thread, medians of {repetitions} interleaved turns.",
            "",
            "| step                   | plain/ours | ours/products | ours, ms | plain, ms "
            "| products, ms | products |",
            "|:--|--:|--:|--:|--:|--:|--:|",
            *rows,
            "",
            "Both forms give the same loss and gradients (checked in float64). Products: the matrix",
            "products that no form of the step can do without; the cached ALISTA step does none, its",
            "row has the two of a layer written plainly.",
            "",
        ]
    )
    print(text)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    return text


if __name__ == "__main__":
    main()
