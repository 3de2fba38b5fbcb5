"""Which pictures the image rooms use: what is published, or what every installation has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from l2o.storage.fetching import MIRROR_VARIABLE

BSDS, SET11 = Path("data/bsds500"), Path("data/set11")  # where fetched images lie
BSDS_SUMS, SET11_SUMS = Path("data/bsds500.sha256"), Path("data/set11.sha256")
PUBLISHED, BUNDLED = "published", "bundled"
Wanted = Literal["auto", "published", "bundled"]


def picture_source(wanted: str) -> str:
    """Return ``published`` (BSDS500 and Set11) or ``bundled`` (scikit-image's pictures).

    ``auto`` is ``published`` where the environment variable L2O_IMAGE_MIRROR names a folder with
    ``set11`` in it, or where the images were fetched before, and else ``bundled``, which needs no
    network.
    """
    if wanted != "auto":
        return wanted
    mirror = os.environ.get(MIRROR_VARIABLE)
    there = bool(mirror) and Path(mirror, "set11").is_dir()
    fetched = all(path.is_dir() for path in (BSDS, SET11))
    return PUBLISHED if there or fetched else BUNDLED
