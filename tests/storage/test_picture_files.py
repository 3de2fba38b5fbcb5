"""Picture files: what is taken, and each bad one told in one line."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from l2o.errors import InputError
from l2o.storage.picture_files import read_mask, read_picture, write_picture

GREY = np.random.default_rng(0).integers(0, 256, (8, 10), dtype=np.uint8)


def stored(tmp_path, image: Image.Image, name: str = "picture.png", **options):
    image.save(tmp_path / name, **options)
    return tmp_path / name


@pytest.mark.parametrize("name", ["picture.png", "picture.tif", "picture.bmp", "picture.gif"])
def test_grey_pictures_are_taken(tmp_path, name):
    path = stored(tmp_path, Image.fromarray(GREY), name)
    assert np.array_equal(read_picture(path) * 255, GREY)


def test_what_is_written_comes_back(tmp_path):
    picture = GREY / 255
    for name in ("a.png", "b.TIF", "c.tiff"):
        write_picture(tmp_path / name, picture + 1e-4)
        assert np.array_equal(read_picture(tmp_path / name), picture)
    write_picture(tmp_path / "a.png", np.array([[-1.0, 2.0]]))
    assert read_picture(tmp_path / "a.png").tolist() == [[0, 1]]
    with pytest.raises(InputError, match=r"ends in \.jpg; name a file that ends in \.png"):
        write_picture(tmp_path / "a.jpg", picture)


COLOUR = Image.fromarray(np.dstack([GREY, GREY, 255 - GREY]))
REFUSED = {
    "in colour": COLOUR,
    "is in colour": COLOUR.quantize(16),
    "an alpha channel": Image.fromarray(GREY).convert("LA"),
    "has an alpha channel": COLOUR.convert("RGBA"),
    "more than 8 bits": Image.fromarray(GREY.astype(np.uint16) * 257),
}


@pytest.mark.parametrize("problem", REFUSED)
def test_other_pictures_are_refused_with_a_remedy(tmp_path, problem):
    path = stored(tmp_path, REFUSED[problem])
    with pytest.raises(InputError) as error:
        read_picture(path)
    line = str(error.value)
    assert line.startswith(f"{path}: ") and problem in line and "-depth 8" in line
    assert "\n" not in line


def test_transparency_of_a_palette_and_several_frames_are_refused(tmp_path):
    grey = Image.fromarray(GREY)
    with pytest.raises(InputError, match="alpha channel"):
        read_picture(stored(tmp_path, grey.convert("P"), transparency=3))
    frames = {"save_all": True, "append_images": [Image.fromarray(255 - GREY)]}
    with pytest.raises(InputError, match="several pictures"):
        read_picture(stored(tmp_path, grey, "two.tif", **frames))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "BMP", "GIF"])
def test_damaged_files_are_told_in_one_line(tmp_path, kind):
    buffer = io.BytesIO()
    Image.fromarray(GREY).save(buffer, kind)
    whole, rng = buffer.getvalue(), np.random.default_rng(1)
    for trial in range(40):
        content = bytearray(whole[: rng.integers(len(whole) + 1)] if trial % 2 else whole)
        for at in rng.integers(max(1, len(content)), size=4) if content else ():
            content[at] = rng.integers(256)
        path = tmp_path / "damaged"
        path.write_bytes(content)
        try:
            assert read_picture(path).ndim == 2
        except InputError as error:
            assert "\n" not in str(error) and str(error).startswith(f"{path}: ")


def test_masks_fit_the_picture_and_know_something(tmp_path):
    mask = Image.fromarray((GREY > 100).astype(np.uint8) * 255).convert("1")
    path = stored(tmp_path, mask)
    assert np.array_equal(read_mask(path, (8, 10)), GREY > 100)
    with pytest.raises(InputError, match="has 10 x 8 pixels, the picture 8 x 10"):
        read_mask(path, (10, 8))
    with pytest.raises(InputError, match="no pixel is known"):
        read_mask(stored(tmp_path, Image.fromarray(0 * GREY)), (8, 10))
