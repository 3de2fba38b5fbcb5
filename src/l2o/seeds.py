"""Named seeds: every random stream has a name, and its seed is a hash of that name.

A name such as ``("noiseless", "train", 17)`` gives the same stream on every machine and in every
order of execution, and no two names share one.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np


def named_seed(root: int, *names: str | int) -> int:
    """Return the 63-bit seed of the stream ``names`` under the experiment's ``root`` seed."""
    text = json.dumps([root, *names]).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


def named_generator(root: int, *names: str | int) -> np.random.Generator:
    """Return numpy's PCG64 generator for the stream ``names``."""
    return np.random.Generator(np.random.PCG64(named_seed(root, *names)))
