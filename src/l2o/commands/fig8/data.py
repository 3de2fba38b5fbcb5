"""Commands that make the data of Figure 8."""

from __future__ import annotations

from pathlib import Path


def fetch_digits(folder: Path, sums: Path, mirror: str) -> None:
    """Fetch the MNIST digits from a mirror folder, or download them."""
    from l2o.datasets.mnist import fetch_mnist

    fetch_mnist(folder, sums, Path(mirror) if mirror else None)
