"""The command that fetches MNIST and stores it."""

from __future__ import annotations

from pathlib import Path

from l2o.artifacts.production import produce
from l2o.commands.common import stored_provenance
from l2o.steps.digits import SUMS, digits_step


def store_digits(out: Path, folder: Path, mirror: str) -> None:
    """Fetch the files of MNIST to ``folder``, unless they are there, and store them as HDF5.

    Parameters
    ----------
    out : the HDF5 file
    folder : where the four unpacked files are kept
    mirror : folder that has them, packed or not; empty: as the environment says, else downloads
    """
    step = digits_step()

    def work() -> None:
        from l2o.datasets.mnist import FILES, fetch_mnist, load_mnist
        from l2o.storage.digit_sets import write_digits

        fetch_mnist(folder, SUMS, Path(mirror) if mirror else None)
        splits = {split: load_mnist(folder, split) for split in FILES}
        write_digits(out, splits, {"source": "MNIST", **stored_provenance(step)})

    produce(step, {"digits": out}, {}, work)
