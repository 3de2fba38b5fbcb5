"""Backpropagation through long unrolls in little memory: of a step only its state is kept.

The backward pass computes the inside of every step again, from the state before it. A step then
costs its forward pass twice, and of n coordinates the memory of an unroll holds the states (x and
the recurrent ones) and the optimizee's gradients instead of all activations. The values are those
of plain backpropagation, to the bit: the same operations on the same numbers, in the same order.

The recomputation must not ask the optimizee again, which may be stochastic and would move on by a
minibatch: what it answered is recorded and replayed.

Source: Chen, Xu, Zhang & Guestrin 2016 ("Training deep nets with sublinear memory cost"), section
4; here every inner step is a segment.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from l2o.optimizees.protocol import Optimizee, Wrapped
from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.recurrent.base import RecurrentOptimizer


class Recorded(Wrapped):
    """An optimizee that notes its answers during one step.

    Parameters
    ----------
    inner : the optimizee that answers

    ``questions`` are their names, ``answers`` the tensors, in the order in which they were asked.
    """

    def __init__(self, inner: Optimizee) -> None:
        self.inner = inner
        self.questions: list[str] = []
        self.answers: list[Tensor] = []

    def _asked(self, question: str, x: Tensor) -> Tensor:
        answer = super()._asked(question, x).detach()
        self.questions.append(question)
        self.answers.append(answer)
        return answer


class Replayed(Wrapped):
    """Gives the answers of a :class:`Recorded` optimizee again, and does not ask it.

    Raises
    ------
    RuntimeError : the step asks otherwise than in its first pass, or it would take a derivative
        through an answer, which is a constant here.
    """

    def __init__(self, inner: Optimizee, questions: list[str], answers: list[Tensor]) -> None:
        self.inner, self.questions, self.answers = inner, questions, answers
        self._given = 0

    def _asked(self, question: str, x: Tensor) -> Tensor:
        if x.requires_grad:
            raise RuntimeError(f"a derivative through a recorded {question}: detach its x")
        if self.questions[self._given : self._given + 1] != [question]:
            raise RuntimeError(f"a step asks for the {question}, in its first pass it did not")
        self._given += 1
        return self.answers[self._given - 1]


class _CheckpointedStep(torch.autograd.Function):
    """One step: optimizer, optimizee, length of the state, state, weights -> state."""

    @staticmethod
    def forward(ctx: Any, optimizer, optimizee, size: int, *tensors: Tensor) -> State:
        # No graph is recorded in here: what the step computes is dropped, also by the LSTM, which
        # keeps its activations in memory of its own.
        recorded = Recorded(optimizee)
        state = optimizer.step(recorded, tensors[:size])
        ctx.optimizer, ctx.optimizee, ctx.size = optimizer, optimizee, size
        ctx.questions = recorded.questions
        # The weights are saved only so that autograd tells if one is changed before it is used.
        ctx.save_for_backward(*tensors, *recorded.answers)
        ctx.set_materialize_grads(False)
        return tuple(state)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        needed = ctx.needs_input_grad[3:]
        answers = list(ctx.saved_tensors[len(needed) :])
        state = [
            tensor.detach().requires_grad_(wanted)
            for tensor, wanted in zip(ctx.saved_tensors[: ctx.size], needed, strict=False)
        ]
        replayed = Replayed(ctx.optimizee, ctx.questions, answers)
        with torch.enable_grad():
            after = ctx.optimizer.step(replayed, tuple(state))
        outputs = [
            (tensor, gradient)
            for tensor, gradient in zip(after, gradients, strict=True)
            if gradient is not None and tensor.requires_grad
        ]
        inputs = [
            tensor
            for tensor, wanted in zip([*state, *ctx.optimizer.parameters()], needed, strict=True)
            if wanted
        ]
        if not outputs or not inputs:
            return (None,) * (3 + len(needed))
        roots, arriving = zip(*outputs, strict=True)
        found = iter(torch.autograd.grad(roots, inputs, arriving, allow_unused=True))
        return None, None, None, *(next(found) if wanted else None for wanted in needed)


class Checkpointed(RecurrentOptimizer):
    """A recurrent optimizer whose unrolls keep no activations.

    Parameters
    ----------
    inner : the optimizer

    It stands for the inner one everywhere, also in meta-training: name, label, settings, weights
    and their names are the same, and the weights are shared.
    """

    hyperparameters: ClassVar[Hyperparameters] = {}

    def __init__(self, inner: RecurrentOptimizer) -> None:
        super().__init__(inner.hyper, None)
        object.__setattr__(self, "inner", inner)  # no submodule: it would prefix all names
        self.name, self.label, self.reference = inner.name, inner.label, inner.reference
        self.hyperparameters = inner.hyperparameters
        # The registries themselves are shared, so that names, order and conversions agree.
        self._parameters, self._buffers = inner._parameters, inner._buffers
        self._modules = inner._modules

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        """Return the state at the start x, (batch, n)."""
        return self.inner.init(optimizee, x)

    def step(self, optimizee: Optimizee, state: State) -> State:
        """Return the state after one step; its graph holds ``state`` and the answers it got."""
        if not torch.is_grad_enabled():
            return self.inner.step(optimizee, state)
        weights = self.inner.parameters()
        return _CheckpointedStep.apply(self.inner, optimizee, len(state), *state, *weights)

    def meta_loss(self, optimizee: Optimizee, state: State) -> Tensor:
        """Return what meta-training minimises after a step, (), as the inner one says."""
        return self.inner.meta_loss(optimizee, state)
