"""The natural images behind the coherent dictionary: fetched, verified, cut into patches.

BSDS500: P. Arbelaez, M. Maire, C. Fowlkes and J. Malik, "Contour Detection and Hierarchical Image
Segmentation", IEEE TPAMI 33(5), 2011. The benchmark (section 4.1.1) uses 400 of its 500 images and
does not say which; train and test together have 400.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from l2o.dictionaries.image_source import ARCHIVE_URL, images_in_archive, images_in_mirror
from l2o.errors import InputError
from l2o.seeds import named_generator
from l2o.storage import fetching
from l2o.storage.fetching import Found


def read_sums(sums: Path) -> dict[str, str]:
    """Return {image name: SHA-256}, as :func:`l2o.storage.fetching.read_sums`."""
    return fetching.read_sums(sums, r"(?:train|test)/\w+\.jpg", "train|test/NAME.jpg")


def fetch_images(folder: Path, sums: Path, mirror: Path | None = None) -> None:
    """Fill ``folder`` with the images that ``sums`` names, each verified before it is placed.

    Images already present and right are kept; wrong ones are replaced. The others come from
    ``mirror`` or, where that is None, from the mirror that the environment variable
    L2O_IMAGE_MIRROR names, or else from the pinned archive (tens of MB, deleted afterwards).

    Parameters
    ----------
    folder : receives ``train/*.jpg`` and ``test/*.jpg``
    sums : file of SHA-256 sums, see :func:`read_sums`
    mirror : a folder that holds ``bsds500/train``, ``train`` or ``BSDS500/data/images/train``

    Raises
    ------
    InputError : no mirror at the path given; an image missing or wrong in the source; no network;
        a damaged archive; a full disk. Images placed before the error are whole and right.
    """
    folder = Path(folder)
    wanted = fetching.still_wanted(folder, read_sums(sums))
    if not wanted:
        return
    chosen = fetching.chosen_mirror(mirror)
    if chosen is not None:
        _place(images_in_mirror(chosen, wanted), folder, wanted)
        return
    archive = folder / "bsds500.zip"
    try:
        fetching.download(ARCHIVE_URL, archive, "BSDS500")
        _place(images_in_archive(archive, wanted), folder, wanted)
    finally:
        with contextlib.suppress(OSError):  # never hide the error that led here
            archive.unlink()


def read_patches(
    folder: Path, sums: Path, count: int, size: int, seed: int, *, remove_mean: bool
) -> np.ndarray:
    """Cut ``count`` square patches at random positions out of the images.

    Every image gives the same number of patches; where ``count`` is not a multiple of the number
    of images, the first ones give one more. Grey values are ITU-R 601 luma, rounded to 8 bits
    and divided by 255. Every image has its own random stream, so the patches of one do not
    depend on the others.

    Parameters
    ----------
    folder, sums : as for :func:`fetch_images`
    count : number of patches
    size : side of a patch in pixels
    seed : root seed of the positions
    remove_mean : subtract from each patch its own mean

    Returns
    -------
    (count, size * size) float64, one patch a row; in [0, 1], or of zero mean

    Raises
    ------
    InputError : an image is missing, has a wrong sum, cannot be decoded or is smaller than a patch.
    ValueError : ``count`` or ``size`` below one.
    """
    if count < 1 or size < 1:
        raise ValueError(f"count and size must be positive, not {count} and {size}")
    wanted = read_sums(sums)
    share, extra = divmod(count, len(wanted))
    patches, done = np.empty((count, size * size)), 0
    for index, (name, digest) in enumerate(wanted.items()):
        path = Path(folder) / name
        grey = read_grey(path, digest)
        if min(grey.shape) < size:
            problem = f"has {grey.shape[0]} x {grey.shape[1]} pixels, a patch {size} x {size}"
            raise InputError(path, "", problem, "choose smaller patches")
        windows = np.lib.stride_tricks.sliding_window_view(grey, (size, size))
        generator = named_generator(seed, "dictionary", "patches", name)
        number = share + (index < extra)
        tops = generator.integers(windows.shape[0], size=number)
        lefts = generator.integers(windows.shape[1], size=number)
        patches[done : done + number] = windows[tops, lefts].reshape(number, -1) / 255.0
        done += number
    if remove_mean:
        patches -= patches.mean(axis=1, keepdims=True)
    return patches


def read_grey(path: Path, digest: str) -> np.ndarray:
    """Return an image as 8-bit luma (ITU-R 601), (height, width), if it has the right SHA-256.

    Raises
    ------
    InputError : it is missing, has another sum or cannot be decoded.
    """
    remedy = "fetch the images again"
    try:
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != digest:
            raise InputError(path, "SHA-256", f"is {found}, not {digest}", remedy)
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image.convert("L"))
    except OSError as error:  # Pillow's decoding errors are OSErrors too
        raise InputError(path, "", f"cannot be read ({error})", remedy) from error


def _place(images: Iterable[Found], folder: Path, wanted: dict[str, str]) -> None:
    for image in fetching.verified(images, wanted):
        fetching.place(image, folder)
