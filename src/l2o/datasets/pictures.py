"""The pictures of the image rooms: BSDS500 and Set11, or those that scikit-image brings along.

BSDS500: see :mod:`l2o.dictionaries.images`; 388 of its train and test images are for training, 12
for validation. Set11: the eleven test pictures of K. Kulkarni et al., "ReconNet", CVPR 2016, as in
the ISTA-Net repository of J. Zhang and B. Ghanem, 2018.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from l2o.datasets.picture_source import BSDS, SET11
from l2o.dictionaries.images import fetch_images, read_grey
from l2o.dictionaries.images import read_sums as read_bsds_sums
from l2o.errors import InputError
from l2o.storage import fetching
from l2o.storage.fetching import REPAIR_THE_MIRROR, TRY_AGAIN, Found, content_in_mirror

Parts = dict[str, dict[str, np.ndarray]]
VALIDATION = 12  # of BSDS500's images, evenly spaced
# A pinned commit of jianzhangcs/ISTA-Net-PyTorch.
SET11_URL = (
    "https://raw.githubusercontent.com/jianzhangcs/ISTA-Net-PyTorch/"
    "329249c8e86cb786b47f84751e6048a44a625fed/data/Set11/"
)
SIDE = 256  # of bundled test pictures
BUNDLED: Mapping[str, tuple[str, ...]] = {  # of scikit-image's wheel, by part
    "train": (
        *("brick.png", "cell.png", "grass.png", "gravel.png", "hubble_deep_field.jpg"),
        *("ihc.png", "moon.png", "motorcycle_left.png", "page.png", "retina.jpg", "text.png"),
    ),
    "validation": ("clock_motion.png", "rocket.jpg"),
    "test": ("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "coins.png"),
}


def fetch_set11(folder: Path, sums: Path, mirror: Path | None = None) -> None:
    """Fill ``folder`` with the eleven pictures that ``sums`` names, verified before placed.

    Those already present and right are kept. The others come from ``mirror``, or the mirror that
    L2O_IMAGE_MIRROR names (``set11`` in it, or the folder itself), or else from the pinned source.

    Raises
    ------
    InputError : a picture is missing or wrong in the source; no network; a full disk.
    """
    wanted = fetching.still_wanted(folder, read_set11_sums(sums))
    chosen = fetching.chosen_mirror(mirror)
    for file in fetching.verified(_set11_files(chosen, wanted), wanted):
        fetching.place(file, folder)


def read_set11_sums(sums: Path) -> dict[str, str]:
    """Return {file name: SHA-256}, as :func:`l2o.storage.fetching.read_sums`."""
    return fetching.read_sums(sums, r"\w+\.tif", "NAME.tif")


def _set11_files(mirror: Path | None, wanted: Mapping[str, str]) -> Iterator[Found]:
    for name in wanted:
        if mirror is not None:
            inside = mirror / "set11"
            path = (inside if inside.is_dir() else mirror) / name
            yield Found(name, content_in_mirror(path), str(path), "", REPAIR_THE_MIRROR)
        else:
            content = b"".join(fetching.received(SET11_URL + name, name))
            yield Found(name, content, SET11_URL + name, "", TRY_AGAIN)


def published_pictures(bsds_sums: Path, set11_sums: Path) -> Parts:
    """Return BSDS500's pictures for training and validation and Set11's for tests, fetched first.

    Raises
    ------
    InputError : as :func:`fetch_set11` and :func:`l2o.dictionaries.images.fetch_images`.
    """
    fetch_images(BSDS, bsds_sums)
    fetch_set11(SET11, set11_sums)
    sums = read_bsds_sums(bsds_sums)
    images = {
        name.replace("/", "_").removesuffix(".jpg"): read_grey(BSDS / name, digest)
        for name, digest in sums.items()
    }
    kept = {[*images][i * len(images) // VALIDATION] for i in range(VALIDATION)}
    return {
        "train": {name: image for name, image in images.items() if name not in kept},
        "validation": {name: image for name, image in images.items() if name in kept},
        "test": {
            name.removesuffix(".tif"): read_grey(SET11 / name, digest)
            for name, digest in read_set11_sums(set11_sums).items()
        },
    }


def bundled_pictures() -> Parts:
    """Return scikit-image's pictures, in grey; those for tests are cut to 256 x 256.

    Raises
    ------
    InputError : a file of the package is missing or damaged.
    """
    import skimage

    folder = Path(os.fspath(skimage.__file__)).parent / "data"
    parts = {
        part: {name.partition(".")[0]: _bundled(folder / name) for name in names}
        for part, names in BUNDLED.items()
    }
    return parts | {"test": {name: _centre(image) for name, image in parts["test"].items()}}


def _bundled(path: Path) -> np.ndarray:
    remedy = "install scikit-image again"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(path, "", f"cannot be read ({error.strerror})", remedy) from error
    try:
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image.convert("L"))
    except OSError as error:
        digest = hashlib.sha256(content).hexdigest()
        raise InputError(path, "SHA-256", f"is {digest}: {error}", remedy) from error


def _centre(image: np.ndarray) -> np.ndarray:
    """Return the middle, 256 x 256, of a picture, halved before where it is large enough."""
    while min(image.shape) >= 2 * SIDE:
        height, width = (side // 2 for side in image.shape)
        quarters = image[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
        image = np.rint(quarters.mean(axis=(1, 3))).astype(np.uint8)
    top, left = ((side - SIDE) // 2 for side in image.shape)
    return image[top : top + SIDE, left : left + SIDE]


def cut(
    pictures: Mapping[str, np.ndarray], size: int, count: int, generator: np.random.Generator
) -> np.ndarray:
    """Cut ``count`` square patches at random positions, from each picture the same number.

    Where ``count`` is no multiple of the number of pictures, the first ones give one more.

    Parameters
    ----------
    pictures : (height, width) uint8, by name
    size : side of a patch in pixels
    count : number of patches
    generator : of the positions

    Returns
    -------
    (count, size, size) float32 from 0 to 1, in the order of the pictures

    Raises
    ------
    ValueError : a picture is smaller than a patch.
    """
    share, extra = divmod(count, len(pictures))
    patches, done = np.empty((count, size, size), np.float32), 0
    for index, (name, picture) in enumerate(pictures.items()):
        number = share + (index < extra)
        if min(picture.shape) < size:
            raise ValueError(f"{name}: {picture.shape} pixels, a patch has {size} x {size}")
        windows = np.lib.stride_tricks.sliding_window_view(picture, (size, size))
        tops = generator.integers(windows.shape[0], size=number)
        lefts = generator.integers(windows.shape[1], size=number)
        patches[done : done + number] = windows[tops, lefts] / np.float32(255)
        done += number
    return patches
