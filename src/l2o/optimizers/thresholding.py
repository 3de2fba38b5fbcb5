"""Soft-thresholding and support selection, fused for training.

Both operators are one autograd node with a hand-written backward pass: a layer's point-wise part
then costs a few passes over memory instead of a dozen recorded operations.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class _SoftThreshold(torch.autograd.Function):
    @staticmethod
    def forward(ctx, v: Tensor, threshold: Tensor) -> Tensor:
        output = v - v.clamp(-threshold, threshold)
        ctx.save_for_backward(output)
        ctx.threshold_shape = threshold.shape
        return output

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor | None]:
        (output,) = ctx.saved_tensors
        sign = output.sign()
        grad_v = gradient * sign.abs()
        grad_threshold = None
        if ctx.needs_input_grad[1]:
            grad_threshold = -(gradient * sign).sum_to_size(ctx.threshold_shape)
        return grad_v, grad_threshold


def _row_quantile(magnitude: Tensor, count: int) -> Tensor:
    """Return the ``count``-th largest entry of each row, (batch, 1)."""
    if magnitude.device.type == "cpu":  # numpy's selection is five times faster than topk here
        at = magnitude.shape[-1] - count
        chosen = np.partition(magnitude.detach().numpy(), at, axis=-1)[..., at : at + 1]
        return torch.from_numpy(np.ascontiguousarray(chosen))
    return magnitude.topk(count, dim=-1, sorted=True).values[..., -1:]


class _SoftThresholdWithSupport(torch.autograd.Function):
    @staticmethod
    def forward(ctx, v: Tensor, threshold: Tensor, count: int) -> Tensor:
        magnitude = v.abs()
        selected = magnitude >= torch.maximum(_row_quantile(magnitude, count), threshold)
        clipped = v.clamp(-threshold, threshold).masked_fill_(selected, 0.0)
        output = v - clipped
        ctx.save_for_backward(output, selected)
        ctx.threshold_shape = threshold.shape
        return output

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor | None, None]:
        output, selected = ctx.saved_tensors
        sign = output.sign()
        grad_v = gradient * sign.abs()
        grad_threshold = None
        if ctx.needs_input_grad[1]:
            shrunk = (gradient * sign).masked_fill_(selected, 0.0)
            grad_threshold = -shrunk.sum_to_size(ctx.threshold_shape)
        return grad_v, grad_threshold, None


def soft_threshold(v: Tensor, threshold: Tensor) -> Tensor:
    """Soft-thresholding eta_t(v) = sign(v) max(|v| - t, 0).

    Parameters
    ----------
    v : (batch, n)
    threshold : scalar or broadcastable to ``v``; negative values count as zero

    Source: Daubechies, Defrise & De Mol (2004); paper eq. (18) and 4.1.2.
    """
    return _SoftThreshold.apply(v, threshold.clamp_min(0.0))


def soft_threshold_with_support(v: Tensor, threshold: Tensor, percent: float) -> Tensor:
    """Soft-thresholding that leaves the surest entries unshrunk.

    In each row, of the entries above the threshold in magnitude, those among the ``percent`` % of
    all entries that are largest keep their value. No gradient passes through the selection.

    Parameters
    ----------
    v : (batch, n)
    threshold : scalar; negative values count as zero
    percent : share of the n entries that may bypass the shrinkage, in percent

    Source: Chen, Liu, Wang & Yin (2018), LISTA-SS, eq. (15).
    """
    count = int(percent / 100.0 * v.shape[-1])
    if count == 0:
        return soft_threshold(v, threshold)
    return _SoftThresholdWithSupport.apply(v, threshold.clamp_min(0.0), count)
