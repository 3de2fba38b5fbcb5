"""The parts of an optimizee's x, such as the layers of a network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

PIECE = 16384  # coordinates: few enough for the cache, enough to be worth some fifty operations


@dataclass(frozen=True)
class Parts:
    """Means over parts and their way back to coordinates.

    Parameters
    ----------
    sizes : coordinates of each part
    owner : the part of each coordinate, (n,); None where there is one part
    """

    sizes: tuple[int, ...]
    owner: Tensor | None

    @classmethod
    def of(cls, optimizee: object, x: Tensor) -> Parts:
        """Return the parts of an optimizee's x, (batch, n).

        They are its ``parts``, the coordinates of each in their order, where it has them; else x is
        one part.

        Raises
        ------
        ValueError : the sizes do not add up to n.
        """
        sizes = tuple(getattr(optimizee, "parts", (x.shape[1],)))
        if sum(sizes) != x.shape[1] or min(sizes) < 1:
            raise ValueError(f"the parts {sizes} of an x with {x.shape[1]} coordinates")
        return cls.sized(sizes, x.device)

    @classmethod
    def sized(cls, sizes: tuple[int, ...], device: torch.device) -> Parts:
        """Return parts of these sizes."""
        if len(sizes) == 1:
            return cls(sizes, None)
        each = torch.arange(len(sizes), device=device)
        return cls(sizes, each.repeat_interleave(torch.tensor(sizes, device=device)))

    @property
    def count(self) -> int:
        """The number of parts."""
        return len(self.sizes)

    @property
    def size(self) -> int:
        """The number of coordinates n."""
        return sum(self.sizes)

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Runs of at most :data:`PIECE` coordinates: whole parts, or pieces of a larger one."""
        return tuple(self._pieces())

    def _pieces(self) -> Iterator[Piece]:
        start, first, few = 0, 0, []
        for number, size in enumerate((*self.sizes, PIECE)):
            if few and sum(few) + size > PIECE:
                yield self._piece(start, first, few)
                start, first, few = start + sum(few), number, []
            if size <= PIECE:
                few.append(size)
                continue
            for left in range(size, 0, -PIECE):
                yield self._piece(start, first, [min(left, PIECE)])
                start += min(left, PIECE)
            first = number + 1

    def _piece(self, start: int, first: int, sizes: list[int]) -> Piece:
        device = None if self.owner is None else self.owner.device
        whole = slice(first, first + len(sizes))
        shares = torch.tensor(sizes) / torch.tensor(self.sizes[whole])
        columns = slice(start, start + sum(sizes))
        return Piece(columns, whole, Parts.sized(tuple(sizes), device), shares.to(device))

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over each part, (..., parts), of values, (..., n)."""
        if self.owner is None:
            return values.mean(dim=-1, keepdim=True)
        means = [part.mean(dim=-1) for part in values.split(self.sizes, dim=-1)]
        return torch.stack(means, dim=-1)

    def spread(self, values: Tensor) -> Tensor:
        """Return each part's value, (..., parts), at all its coordinates, (..., n)."""
        if self.owner is None:
            return values.expand(*values.shape[:-1], self.size)
        return values.index_select(-1, self.owner)


@dataclass(frozen=True)
class Piece:
    """A run of coordinates.

    Parameters
    ----------
    columns : which coordinates
    owners : the parts that they are of
    parts : its own parts: all of several, or a share of one
    shares : of each part's coordinates, (its own parts,)
    """

    columns: slice
    owners: slice
    parts: Parts
    shares: Tensor

    def spread(self, values: Tensor) -> Tensor:
        """Return the values of all parts, (..., parts), at its coordinates; one where all agree."""
        own = values[..., self.owners]
        return own if self.parts.count == 1 else self.parts.spread(own)
