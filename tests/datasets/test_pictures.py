"""Pictures: fetched whole or not at all, bundled ones without any network, cut into patches."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from l2o.datasets import picture_source as source
from l2o.datasets import pictures
from l2o.errors import InputError
from l2o.storage.fetching import MIRROR_VARIABLE


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror with two grey pictures, one of them with a palette, and the list of their sums."""
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    folder, lines = tmp_path / "mirror" / "set11", []
    folder.mkdir(parents=True)
    for seed, (name, mode) in enumerate({"house": "L", "Parrots": "P"}.items()):
        grey = np.random.default_rng(seed).integers(0, 256, (6, 8), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(grey).convert(mode).save(buffer, "TIFF")
        (folder / f"{name}.tif").write_bytes(buffer.getvalue())
        lines.append(f"{hashlib.sha256(buffer.getvalue()).hexdigest()}  {name}.tif\n")
    (tmp_path / "sums").write_text("".join(lines))
    return folder.parent


def test_set11_comes_from_a_mirror_and_is_not_fetched_twice(mirror, tmp_path, monkeypatch):
    pictures.fetch_set11(tmp_path / "here", tmp_path / "sums", mirror)
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == [
        "Parrots.tif",
        "house.tif",
    ]
    pictures.fetch_set11(tmp_path / "here", tmp_path / "sums", tmp_path)  # nothing is asked for
    monkeypatch.setenv(MIRROR_VARIABLE, str(mirror / "set11"))  # the folder itself
    (tmp_path / "here" / "house.tif").write_bytes(b"damaged")
    pictures.fetch_set11(tmp_path / "here", tmp_path / "sums")
    there = (mirror / "set11" / "house.tif").read_bytes()
    assert (tmp_path / "here" / "house.tif").read_bytes() == there


def test_a_wrong_picture_of_a_mirror_is_never_placed(mirror, tmp_path):
    (mirror / "set11" / "house.tif").write_bytes(b"something else")
    with pytest.raises(InputError, match=r"house\.tif: SHA-256: has the SHA-256 .*, not "):
        pictures.fetch_set11(tmp_path / "here", tmp_path / "sums", mirror)
    assert not (tmp_path / "here" / "house.tif").exists()
    (mirror / "set11" / "house.tif").unlink()
    with pytest.raises(InputError, match=r"house\.tif: image_mirror: cannot be read"):
        pictures.fetch_set11(tmp_path / "here", tmp_path / "sums", mirror)


def test_what_auto_means(mirror, tmp_path, monkeypatch):
    monkeypatch.setattr(source, "BSDS", tmp_path / "bsds500")
    monkeypatch.setattr(source, "SET11", tmp_path / "set11")
    assert source.picture_source("published") == "published"
    assert source.picture_source("auto") == "bundled"
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path / "nowhere"))
    assert source.picture_source("auto") == "bundled"
    monkeypatch.setenv(MIRROR_VARIABLE, str(mirror))
    assert (source.picture_source("auto"), source.picture_source("bundled")) == (
        "published",
        "bundled",
    )
    monkeypatch.delenv(MIRROR_VARIABLE)
    for name in ("bsds500", "set11"):
        (tmp_path / name).mkdir()
    assert source.picture_source("auto") == "published"  # they were fetched before


def test_bundled_pictures_need_nothing_but_the_package():
    parts = pictures.bundled_pictures()
    names = [name for part in parts.values() for name in part]
    assert [*parts] == ["train", "validation", "test"] and len(set(names)) == len(names)
    assert all(one.shape == (256, 256) for one in parts["test"].values())
    assert all(one.dtype == np.uint8 for part in parts.values() for one in part.values())


def test_patches_lie_in_the_pictures_and_each_gives_the_same_number():
    rng = np.random.default_rng(0)
    there = {name: rng.integers(0, 256, (9, 12), dtype=np.uint8) for name in "ab"}
    patches = pictures.cut(there, 4, 5, np.random.default_rng(1))
    again = pictures.cut(there, 4, 5, np.random.default_rng(1))
    assert np.array_equal(patches, again) and patches.dtype == np.float32
    for patch, name in zip(patches, "aaabb", strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(there[name], (4, 4))
        assert (windows == np.rint(patch * 255)).all(axis=(2, 3)).any()
    with pytest.raises(ValueError, match="a patch has 10 x 10"):
        pictures.cut(there, 10, 1, rng)
