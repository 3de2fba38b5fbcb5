"""The handwritten digits of MNIST: fetched, verified, loaded.

MNIST: Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document
recognition", Proceedings of the IEEE 86(11), 1998.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from l2o.datasets.idx import FETCH_AGAIN, read_images, read_labels
from l2o.datasets.mnist_sources import Source, mnist_sources
from l2o.errors import InputError
from l2o.storage import fetching
from l2o.storage.atomic import remove_leftovers

# Images and labels of each split.
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def read_sums(sums: Path) -> dict[str, str]:
    """Return {name: SHA-256} of the four unpacked files.

    Raises
    ------
    InputError : as :func:`l2o.storage.fetching.read_sums`, or one of the four is not named.
    """
    names = [name for split in FILES.values() for name in split]
    found = fetching.read_sums(sums, "|".join(names), "one of " + ", ".join(names))
    for name in names:
        if name not in found:
            raise InputError(sums, name, "has no sum", "restore the file from the repository")
    return found


def fetch_mnist(folder: Path, sums: Path, mirror: Path | None = None) -> None:
    """Fill ``folder`` with the four files of MNIST, each verified before it is placed.

    Files already present and right are kept; wrong ones are replaced. The others come from the
    first source that has them: ``mirror`` or, where that is None, the mirror that the environment
    variable L2O_IMAGE_MIRROR names; then the sources of :mod:`l2o.datasets.mnist_sources` in their
    order. A source that fails is told in a line on standard error, and the next one is asked for
    what is still missing.

    Parameters
    ----------
    folder : receives four IDX files, 55 MB in all
    sums : file of SHA-256 sums of the unpacked files, see :func:`read_sums`
    mirror : a folder that holds the files, packed by gzip or not, or ``mnist`` or ``MNIST/raw``
        with them inside

    Raises
    ------
    InputError : no folder at the mirror's path; no source has all that is missing; a full disk.
        Files placed before the error are whole and right.
    """
    folder, digests = Path(folder), read_sums(sums)
    for name in digests:
        remove_leftovers(folder / name)
    wanted = fetching.still_wanted(folder, digests)
    if not wanted:
        return
    sources = mnist_sources(fetching.chosen_mirror(mirror))
    for source in sources:
        failure = _take(source, folder, wanted)
        if failure is None:
            return
        where = f"{failure.file}: {failure.key}" if failure.key else failure.file
        line = f"MNIST: not from {source.name}: {where}: {failure.problem}"
        print(line.replace("\n", " "), file=sys.stderr, flush=True)
        wanted = fetching.still_wanted(folder, wanted)
    tried = "; ".join(source.name for source in sources)
    problem = f"no source has what is missing ({', '.join(wanted)}); tried were: {tried}"
    raise InputError(folder, "MNIST", problem, fetching.TRY_AGAIN)


def load_mnist(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Load the images and labels of a split from the files that :func:`fetch_mnist` placed.

    Parameters
    ----------
    folder : of the four IDX files
    split : ``train`` or ``test``

    Returns
    -------
    images : (count, 784) uint8, rows of the image one after another, ink from 0 to 255
    labels : (count,) uint8, digits from 0 to 9

    Raises
    ------
    InputError : a file is missing or damaged, or the two differ in number.
    ValueError : an unknown split.
    """
    if split not in FILES:
        raise ValueError(f"split must be one of {', '.join(FILES)}, not {split!r}")
    images_file, labels_file = (Path(folder) / name for name in FILES[split])
    images, labels = read_images(images_file), read_labels(labels_file)
    if len(images) != len(labels):
        problem = f"is {len(labels)}, but {images_file} has {len(images)} images"
        raise InputError(labels_file, "count", problem, FETCH_AGAIN)
    return images.reshape(len(images), -1), labels


def _take(source: Source, folder: Path, wanted: dict[str, str]) -> InputError | None:
    """Place what is wanted and right in a source; return why it could not give all of it."""
    files = fetching.verified(source.files(wanted), wanted)
    while True:
        try:
            file = next(files, None)
        except InputError as failure:
            return failure
        if file is None:
            return None
        fetching.place(file, folder)  # its error is the disk's, not the source's
