"""The natural images behind the coherent dictionary: fetched, verified, cut into patches.

BSDS500: P. Arbelaez, M. Maire, C. Fowlkes and J. Malik, "Contour Detection and Hierarchical Image
Segmentation", IEEE TPAMI 33(5), 2011. The benchmark (section 4.1.1) uses 400 of its 500 images and
does not say which; train and test together have 400.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from l2o.dictionaries.image_source import (
    ARCHIVE_URL,
    MIRROR_VARIABLE,
    Found,
    download,
    images_in_archive,
    images_in_mirror,
)
from l2o.errors import InputError
from l2o.seeds import named_generator
from l2o.storage.atomic import written_aside


def read_sums(sums: Path) -> dict[str, str]:
    """Return {image name: SHA-256}, sorted by name, from lines such as ``<hex>  train/12003.jpg``.

    Raises
    ------
    InputError : the file is missing, empty or has a line of another form (line number as the key).
    """
    remedy = "restore the file from the repository"
    try:
        lines = Path(sums).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(sums, "", f"cannot be read ({error})", remedy) from error
    found = {}
    for number, line in enumerate(lines, 1):
        match = re.fullmatch(r"([0-9a-f]{64})  ((?:train|test)/\w+\.jpg)", line)
        if match is None:
            problem = f"{line!r} is not '<64 hex digits>  train|test/NAME.jpg'"
            raise InputError(sums, f"line {number}", problem, remedy)
        found[match[2]] = match[1]
    if not found:
        raise InputError(sums, "", "names no image", remedy)
    return dict(sorted(found.items()))


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
    wanted = {
        name: digest
        for name, digest in read_sums(sums).items()
        if not _is_right(folder / name, digest)
    }
    if not wanted:
        return
    mirror = mirror or os.environ.get(MIRROR_VARIABLE)
    if mirror:
        _place(images_in_mirror(Path(mirror), wanted), folder, wanted)
        return
    archive = folder / "bsds500.zip"
    try:
        download(ARCHIVE_URL, archive)
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
        grey = _grey(path, digest)
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


def _grey(path: Path, digest: str) -> np.ndarray:
    """Return the verified image as 8-bit luma (height, width)."""
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


def _is_right(path: Path, digest: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == digest
    except OSError:  # absent or unreadable: fetched anew
        return False


def _place(images: Iterable[Found], folder: Path, wanted: dict[str, str]) -> None:
    """Verify each image, then put it into ``folder`` atomically."""
    for image in images:
        found = hashlib.sha256(image.content).hexdigest()
        if found != wanted[image.name]:
            key = image.key or "SHA-256"
            problem = f"has the SHA-256 {found}, not {wanted[image.name]}"
            raise InputError(image.file, key, problem, image.remedy)
        with written_aside(folder / image.name) as aside:
            aside.write_bytes(image.content)
