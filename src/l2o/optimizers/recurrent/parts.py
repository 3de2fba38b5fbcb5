"""The parts of an optimizee's x, such as the layers of a network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


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
