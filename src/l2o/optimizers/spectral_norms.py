"""Norms of convolutions with many channels: at one size, and a bound for every size.

A power iteration gives what a norm at least is, by the convolution itself at the size and with the
padding that are used. What it at most is, for pictures of any size, follows from the symbol, the
matrix of Fourier series of the filters: its largest singular value over all frequencies.

Source: Ryu et al. 2019, section 4.3 (power iteration with the convolution itself); Sedghi, Gupta &
Long 2019, "The singular values of convolutional layers"; Ehlich & Zeller 1964 (a trigonometric
polynomial of degree d is at most its largest value at n places over cos(pi d / n)).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d

PLACES = 64  # frequencies in each direction at which symbols are looked at


def norm_at(weight: Tensor, shape: tuple[int, int], iterations: int, seed: int = 0) -> float:
    """Return the norm of a convolution with zero padding, from below, by power iteration.

    Parameters
    ----------
    weight : (outputs, inputs, k, k), k odd
    shape : height and width of the pictures
    """
    weight = weight.detach().double()
    generator = torch.Generator().manual_seed(seed)
    v = torch.randn(1, weight.shape[1], *shape, generator=generator, dtype=torch.float64)
    norm, padding = 0.0, weight.shape[-1] // 2
    for _ in range(iterations):
        v = v / v.norm().clamp_min(1e-300)
        u = conv2d(v, weight, padding=padding)
        norm = u.norm().item()
        v = conv_transpose2d(u, weight, padding=padding)
    return norm


def norm_bound(weight: Tensor, places: int = PLACES) -> float:
    """Return what the norm of a convolution is at most, at any size, padded by zeros or circular.

    Raises
    ------
    ValueError : so few places that they bound nothing for filters of that size.
    """
    weight = weight.detach().double()
    degree = weight.shape[-1] // 2
    if places <= 2 * degree:
        raise ValueError(f"{places} places bound no filter of size {weight.shape[-1]}")
    offsets = torch.arange(weight.shape[-1]) - degree
    # The symbol at minus a frequency is the conjugate one: half of the rows are enough.
    rows = torch.arange(places // 2 + 1) * (2 * math.pi / places)
    columns = torch.arange(places) * (2 * math.pi / places)
    waves = [torch.exp(-1j * torch.outer(at, offsets).double()) for at in (rows, columns)]
    symbol = torch.einsum("oiab,ra,cb->rcoi", weight.to(torch.complex128), *waves)
    gram = symbol @ symbol.mH if len(weight) < weight.shape[1] else symbol.mH @ symbol
    largest = torch.linalg.eigvalsh(gram)[..., -1].max().clamp_min(0).sqrt().item()
    return largest / math.cos(math.pi * degree / places) ** 2


def power_step(weight: Tensor, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return v, u and the norm <u, K v> after one step of a power iteration from u.

    The derivative of the norm by the weight is that at fixed u and v.

    Parameters
    ----------
    weight : (outputs, inputs, k, k)
    u : (1, outputs, height, width)
    """
    padding = weight.shape[-1] // 2
    with torch.no_grad():
        v = conv_transpose2d(u, weight, padding=padding)
        v = v / v.norm().clamp_min(1e-12)
        u = conv2d(v, weight, padding=padding)
        u = u / u.norm().clamp_min(1e-12)
    return v, u, (u * conv2d(v, weight, padding=padding)).sum()
