"""The memories that a gradient optimizer has of several tensors, joined as one of their parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from l2o.optimizers.recurrent.base import GradientOptimizer
from l2o.optimizers.recurrent.parts import Parts

Named = Mapping[str, Tensor]


class JoinedMemory:
    """One memory for all tensors; of each there are views, of what all share there is one.

    Parameters
    ----------
    optimizer : whose memory it is
    sizes : number of coordinates of each tensor
    known : memory of each tensor by name, as :meth:`of` returned it; empty for a new one
    shared : memory of all, as :meth:`shared` returned it; empty at the start
    device : where it is to be
    """

    def __init__(
        self,
        optimizer: GradientOptimizer,
        sizes: Sequence[int],
        known: Sequence[Named],
        shared: Named,
        device: torch.device,
    ) -> None:
        self.sizes, self.levels = tuple(sizes), optimizer.levels
        self.parts = Parts.sized(self.sizes, device)
        pairs = zip(known, self.sizes, strict=True)
        each = [memory or fresh_memory(optimizer, size, device) for memory, size in pairs]
        start = fresh_memory(optimizer, 1, device) | dict(shared)
        self.tensors = tuple(
            self._one(level, [start[name]] if level == "instance" else [m[name] for m in each])
            for name, level in self.levels.items()
        )

    def _one(self, level: str, tensors: list[Tensor]) -> Tensor:
        """Return what the parts remember as one tensor; counts that all agree stay one count."""
        if level != "count":
            return torch.cat(tensors, dim=-1)
        if all(torch.equal(count, tensors[0]) for count in tensors):
            return tensors[0].clone()
        counts = [count.expand(1, size) for count, size in zip(tensors, self.sizes, strict=True)]
        return torch.cat(counts, dim=-1)

    def of(self, number: int) -> dict[str, Tensor]:
        """Return views of the memory of a tensor, all but what is shared."""
        start, size, found = sum(self.sizes[:number]), self.sizes[number], {}
        for (name, level), tensor in zip(self.levels.items(), self.tensors, strict=True):
            if level == "coordinate":
                found[name] = tensor[..., start : start + size]
            elif level == "part":
                found[name] = tensor[..., number : number + 1]
            elif level == "count":
                found[name] = tensor[0, start] if tensor.ndim else tensor
        return found

    def shared(self) -> dict[str, Tensor]:
        """Return what is remembered once for all tensors."""
        pairs = zip(self.levels.items(), self.tensors, strict=True)
        return {name: tensor for (name, level), tensor in pairs if level == "instance"}


def fresh_memory(
    optimizer: GradientOptimizer, size: int, device: torch.device
) -> dict[str, Tensor]:
    """Return the memory of a tensor of ``size`` coordinates at the start, by name, float32."""
    x = torch.zeros(1, size, device=device)
    tensors = optimizer.memory(x, Parts.sized((size,), device))
    return dict(zip(optimizer.levels, tensors, strict=True))
