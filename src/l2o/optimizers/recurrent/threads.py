"""Work on blocks of coordinates in as many threads as torch may use, to the bits of one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Block, Result = TypeVar("Block"), TypeVar("Result")
FEWEST = 4  # blocks for each thread: below that, threads cost what they save


def over_blocks(work: Callable[[Block], Result], blocks: Iterable[Block]) -> list[Result]:
    """Return what ``work`` returns of each block, in their order; no derivative is taken.

    An operation inside uses one thread. torch's own threads divide each operation, and a block is
    too small for that: they would wait for each other a hundred times in each. For the time of the
    call torch uses one thread in the whole process.
    """
    blocks, threads = list(blocks), torch.get_num_threads()
    if threads == 1 or len(blocks) < FEWEST * threads:
        return [work(block) for block in blocks]

    @torch.no_grad()
    def alone(block: Block) -> Result:
        return work(block)

    try:
        torch.set_num_threads(1)  # of MKL's, which all threads share
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(alone, blocks))
    finally:
        torch.set_num_threads(threads)
