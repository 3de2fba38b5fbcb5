"""Picture files of a user: grey, 8 bits a pixel, read whole or refused in one line."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from l2o.errors import InputError
from l2o.storage.atomic import written_aside

MOST_PIXELS = 1 << 23  # methods take up to 400 bytes a pixel
FORMATS = ("PNG", "TIFF", "JPEG", "BMP", "PPM", "GIF", "WEBP")
ENDINGS = (".png", ".tif", ".tiff")  # of files that are written: without loss
GREY = "convert it: `magick FILE -alpha off -colorspace Gray -depth 8 OUT.png`"
# Damaged files make Pillow stumble in many ways.
_DAMAGE = (OSError, ValueError, SyntaxError, TypeError, LookupError, EOFError, OverflowError)
_DAMAGE += (struct.error, zlib.error, Image.DecompressionBombError, Image.DecompressionBombWarning)


def read_picture(path: Path) -> np.ndarray:
    """Return a picture, (height, width) float64 from 0 to 1.

    Black and white pictures, grey ones of 8 bits, and palettes of nothing but grey are taken.

    Raises
    ------
    InputError : no picture, a damaged one, in colour, with an alpha channel, of more than 8 bits,
        of several frames or of more than 2^23 pixels.
    """
    problem = remedy = ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    problem, remedy = f"has over {MOST_PIXELS:,} pixels", "cut it into parts"
                elif getattr(image, "n_frames", 1) > 1:
                    problem, remedy = "holds several pictures", "give a file with one"
                else:
                    problem = _unlike_grey(image)
                    grey = np.asarray(image.convert("L"), np.float64) / 255
    except _DAMAGE as error:
        told = " ".join(str(error).split()) or type(error).__name__
        problem, remedy = f"is no picture that can be read ({told})", f"give {', '.join(FORMATS)}"
        raise InputError(path, "", problem, remedy) from error
    if problem:
        raise InputError(path, "", problem, remedy or GREY)
    return grey


def _unlike_grey(image: Image.Image) -> str:
    """Return what a picture is, if it is not grey with 8 bits; else nothing."""
    if "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        return "has an alpha channel"
    if image.mode == "P":
        colours = np.asarray(image.convert("RGB"))
        return "" if (colours == colours[..., :1]).all() else "is in colour"
    if image.mode.startswith(("I", "F")):
        return "has more than 8 bits a pixel"
    return "" if image.mode in ("1", "L") else "is in colour"


def read_mask(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Return which pixels are known, (height, width) bool: those that are not black.

    Raises
    ------
    InputError : as :func:`read_picture`; another shape than ``shape``, or nothing is known.
    """
    mask = read_picture(path) > 0
    check_shape(path, mask, shape)
    if not mask.any():
        raise InputError(path, "", "is all black: no pixel is known", "white are the known pixels")
    return mask


def check_shape(path: Path, picture: np.ndarray, shape: tuple[int, int]) -> None:
    """Refuse what is not as large as the picture.

    Raises
    ------
    InputError : it has another shape, (height, width).
    """
    if picture.shape != tuple(shape):
        told = f"has {picture.shape[1]} x {picture.shape[0]} pixels"
        problem = f"{told}, the picture {shape[1]} x {shape[0]}"
        raise InputError(path, "", problem, "give one of the same size")


def check_ending(path: Path) -> None:
    """Refuse a name to which no picture can be written without loss.

    Raises
    ------
    InputError : its ending is not one of :data:`ENDINGS`.
    """
    if path.suffix.lower() not in ENDINGS:
        problem = f"ends in {path.suffix or 'nothing'}"
        raise InputError(path, "", problem, f"name a file that ends in {', '.join(ENDINGS)}")


def write_picture(path: Path, picture: np.ndarray) -> None:
    """Write a picture, (height, width) from 0 to 1, clipped and rounded to 8 bits, atomically.

    Raises
    ------
    InputError : see :func:`check_ending`; or the file cannot be written.
    """
    check_ending(path)
    levels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    kind = "PNG" if path.suffix.lower() == ".png" else "TIFF"
    with written_aside(path) as aside, aside.open("wb") as file:
        Image.fromarray(levels).save(file, kind)
