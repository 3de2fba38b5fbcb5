"""Trained recurrent optimizers as a :class:`torch.optim.Optimizer`."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from l2o.errors import InputError
from l2o.optimizers.recurrent import apart
from l2o.optimizers.recurrent.base import GradientOptimizer, RecurrentOptimizer
from l2o.optimizers.recurrent.joined import JoinedMemory
from l2o.optimizers.recurrent.tensorwise import TensorwiseRule
from l2o.optimizers.trained import load_recurrent

NAME = "LearnedOptimizer"
OWN = "l2o"  # key of a state_dict that torch's optimizers have not
HALVES = torch.float16, torch.bfloat16
TYPES = *HALVES, torch.float32, torch.float64
Active = list[tuple[Tensor, dict[str, Any]]]  # parameters with a gradient, and their groups
DropIn = GradientOptimizer | TensorwiseRule
DROP_INS = "Celo2-like, small_fc_lopt, L2O-Scale or RNNprop"


class LearnedOptimizer(Optimizer):
    """A trained recurrent optimizer that trains any torch module.

    Celo2-like, small_fc_lopt and the MLP optimizer see a tensor at a time, and its values as well;
    with the others all parameters advance together. The learned arithmetic is float32. A parameter
    of float64 keeps its own digits; one of half precision is rounded from an iterate x in float32,
    which is ``state[p]["x"]``.

    L2O-Scale asks for gradients at a point ahead of its iterate x. As in schedule-free optimizers
    the parameters hold that point while training (``train()``, the mode at the start), and x after
    ``eval()``: call ``eval()`` before a test and before the weights are saved, ``train()`` before
    going on. With the others the parameters always hold x, and both calls do nothing.

    Parameters
    ----------
    params : tensors, (name, tensor) pairs or groups, as in torch.optim; of a group its own may be
        ``lr`` and ``maximize``
    weights : path of a checkpoint, a gradient optimizer, or the name of weights in the box
        (``l2o weights`` lists them): ``celo2_like/mnist``, or ``celo2_like`` for the same
    lr : multiplies every step; 1 is what was trained
    maximize : go up

    Raises
    ------
    InputError : unknown weights or some that cannot be a drop-in, a parameter that is not real, or
        an ``lr`` that is negative or not a number.
    """

    def __init__(
        self,
        params: Iterable[Any],
        weights: str | Path | RecurrentOptimizer = "celo2_like",
        lr: float | Tensor = 1.0,
        *,
        maximize: bool = False,
    ) -> None:
        self._method = _drop_in(weights)
        self._fingerprint = _fingerprint(self._method)
        self._training, self._shared, self._joined = True, {}, None
        super().__init__(params, {"lr": lr, "maximize": maximize})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters; those of a running training keep their memory, the new ones start."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        try:
            if not float(group["lr"]) >= 0:
                raise _error("lr", f"{float(group['lr']):g} is not in [0, inf)", "give another one")
            for p in group["params"]:
                if p.dtype not in TYPES:
                    problem = f"a parameter of {str(p.dtype).removeprefix('torch.')}"
                    raise _error("params", problem, "parameters are real, of 16, 32 or 64 bits")
        except InputError:
            self.param_groups.pop()
            raise

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take a step; parameters without a gradient stay as they are, and so does their memory.

        Parameters
        ----------
        closure : evaluates the model again and returns the loss, which is returned

        Raises
        ------
        RuntimeError : after ``eval()``, where the parameters hold x.
        InputError : a sparse gradient, or parameters on several devices, where the learned
            optimizer lets all advance together.
        """
        if not self._training:
            raise RuntimeError("step() after eval(): call train() of this optimizer before it")
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        active = [
            (p, group)
            for group in self.param_groups
            for p in group["params"]
            if p.grad is not None and p.numel()
        ]
        if active:
            rows = [_row(p.grad, group["maximize"]) for p, group in active]
            single = isinstance(self._method, TensorwiseRule)
            (self._step_apart if single else self._step_together)(active, rows)
        return loss

    def _step_together(self, active: Active, rows: list[Tensor]) -> None:
        """Let all parameters advance as one."""
        memory = self._memory([p for p, _ in active])
        gradient = torch.cat(rows)[None]
        dx = self._method.advance(gradient, memory.tensors, memory.parts)
        for (p, group), change in zip(active, dx[0].split(memory.sizes), strict=True):
            lr = float(group["lr"])
            self._move(p, change.view(p.shape) if lr == 1 else change.view(p.shape) * lr)

    def _step_apart(self, active: Active, rows: list[Tensor]) -> None:
        """Let each parameter advance by itself."""
        for (p, group), row in zip(active, rows, strict=True):
            held = self._with_iterate(p)
            self._method.to(p.device)
            x, lr = held.get("x", p), float(group["lr"])
            before = x.detach().float()
            after, memory = apart.moved(self._method, before, row.view(p.shape), held)
            held.update(memory)
            if lr == 1 and x.dtype == torch.float32:
                x.copy_(after)  # to the bit, which a sum of differences is not
            else:
                x.add_((after - before) * lr)
            if x is not p:
                p.copy_(x)

    def _move(self, p: Tensor, dx: Tensor) -> None:
        """Move a parameter, or its iterate where it holds another point or fewer digits."""
        x = self.state[p].get("x", p)
        if self._ahead is not None:
            p.copy_(x + self._ahead * dx)
        x.add_(dx)
        if self._ahead is None and x is not p:
            p.copy_(x)

    @property
    def _ahead(self) -> float | None:
        return getattr(self._method, "ahead", None)

    def _with_iterate(self, p: Tensor) -> dict[str, Any]:
        """Return what is kept of a parameter; its iterate is there where it needs one."""
        held, half = self.state[p], p.dtype in HALVES
        if "x" not in held and (half or self._ahead is not None):
            held["x"] = p.detach().to(torch.float32 if half else p.dtype, copy=True)
        return held

    @torch.no_grad()
    def train(self, mode: bool = True) -> None:
        """Let the parameters hold the points where gradients are taken."""
        if self._ahead is None or mode == self._training:
            return
        for p, held in self.state.items():
            if mode and "attended" in held:
                p.copy_(held.pop("attended"))
            elif not mode and "x" in held:
                held["attended"] = p.detach().clone()
                p.copy_(held["x"])
        self._training = mode

    def eval(self) -> None:
        """Let the parameters hold the iterate x."""
        self.train(False)

    def state_dict(self) -> dict[str, Any]:
        """Return all that a run needs to go on to the same bits, but the parameters.

        It knows the weights of the learned optimizer by their SHA-256. Save the parameters in the
        same mode, ``train()`` or ``eval()``.
        """
        self._settle()
        own = {"weights": self._fingerprint, "training": self._training, "shared": self._shared}
        return super().state_dict() | {OWN: own}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` returned.

        Raises
        ------
        InputError : the state of another kind of optimizer, of other weights or other parameters.
        ValueError : other groups.
        """
        own = state_dict.get(OWN)
        if own is None:
            raise _error("state_dict", f"is not of a {NAME}", f"load what a {NAME} saved")
        if own["weights"] != self._fingerprint:
            problem = f"of other weights: {own['weights'][:12]}, here {self._fingerprint[:12]}"
            raise _error("state_dict", problem, "build the optimizer with the weights of that run")
        indices = [index for group in state_dict["param_groups"] for index in group["params"]]
        saved = state_dict["state"]
        for index, p in zip(indices, self._parameters(), strict=False):
            self._check(saved.get(index, {}), p)
        super().load_state_dict(state_dict)
        # The base class has rounded the memory of half-precision parameters.
        for index, p in zip(indices, self._parameters(), strict=True):
            if index in saved:
                held = {k: v.detach().to(p.device, copy=True) for k, v in saved[index].items()}
                self.state[p] = held
        self._shared = {name: tensor.detach().clone() for name, tensor in own["shared"].items()}
        self._training, self._joined = own["training"], None

    def __getstate__(self) -> dict[str, Any]:
        self._settle()
        own = ("_method", "_fingerprint", "_training", "_shared", "_joined")
        return super().__getstate__() | {name: getattr(self, name) for name in own}

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def _check(self, held: dict[str, Tensor], p: Tensor) -> None:
        """Refuse a state that is not that of a parameter of this shape."""
        widths = {"coordinate": p.numel(), "part": 1}
        levels = getattr(self._method, "levels", apart.REMEMBERS)
        for name, level in levels.items():
            if held and level in widths and held[name].shape[-1] != widths[level]:
                problem = f"{held[name].shape[-1]} coordinates, for a parameter of {p.numel()}"
                raise _error("state_dict", problem, "build the optimizer over the same parameters")

    def _memory(self, params: list[Tensor]) -> JoinedMemory:
        """Return the memory of these parameters as one; new ones start."""
        if self._joined is not None:
            known, memory = self._joined
            if len(known) == len(params) and all(map(lambda a, b: a is b, known, params)):
                return memory
        self._settle()
        (device, *others) = {p.device for p in params}
        if others:
            raise _error("params", "are on several devices", "move the model to one device")
        self._method.to(device)
        levels = self._method.levels
        held = [{k: v for k, v in self.state[p].items() if k in levels} for p in params]
        sizes = [p.numel() for p in params]
        memory = JoinedMemory(self._method, sizes, held, self._shared, device)
        for number, p in enumerate(params):
            self._with_iterate(p).update(memory.of(number))
        self._joined = params, memory
        return memory

    def _settle(self) -> None:
        """Let each parameter have a memory of its own, which no later step touches."""
        if self._joined is not None:
            params, memory = self._joined
            for number, p in enumerate(params):
                self.state[p].update({k: v.clone() for k, v in memory.of(number).items()})
            self._shared, self._joined = memory.shared(), None


def _row(gradient: Tensor, maximize: bool) -> Tensor:
    """Return a gradient as one float32 row, downhill."""
    if gradient.layout != torch.strided:
        problem = "a sparse gradient, and a learned optimizer moves every coordinate"
        raise _error("params", problem, "build the layer with sparse=False")
    row = gradient.reshape(-1).float()
    return -row if maximize else row


def _drop_in(weights: str | Path | RecurrentOptimizer) -> DropIn:
    """Return a copy of the learned optimizer, without derivatives."""
    if isinstance(weights, RecurrentOptimizer):
        method = copy.deepcopy(weights)
    elif not isinstance(weights, str | Path):
        remedy = "give a file, a name of `l2o weights`, or a recurrent optimizer of `l2o.load`"
        raise _error("weights", f"{weights!r} is no gradient optimizer", remedy)
    else:
        method = load_recurrent(_path(weights))
    if not isinstance(method, DropIn):
        problem = f"{method.label} needs more than the gradient and the values of a tensor"
        raise _error("weights", problem, f"take those of {DROP_INS}")
    return method.float().requires_grad_(False)


def _path(weights: str | Path) -> Path:
    """Return the path of a checkpoint, or of weights in the box."""
    if isinstance(weights, Path) or weights.endswith(".safetensors"):
        return Path(weights)
    from l2o.weights import path

    return path(weights)


def _fingerprint(method: DropIn) -> str:
    """Return the SHA-256 of a learned optimizer: its method, hyperparameters and weights."""
    digest = hashlib.sha256(json.dumps([method.name, method.hyper], sort_keys=True).encode())
    for name, tensor in sorted(method.state_dict().items()):
        values = tensor.detach().cpu().contiguous()
        digest.update(f"{name}{tuple(values.shape)}".encode())
        digest.update(values.numpy().tobytes())
    return digest.hexdigest()


def _error(key: str, problem: str, remedy: str) -> InputError:
    return InputError(NAME, key, problem, remedy)
