"""Images fetched whole or not at all, and the patches that are cut from them."""

from __future__ import annotations

import hashlib
import io
import urllib.error
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l2o.dictionaries.images import fetch_images, read_patches, read_sums
from l2o.errors import InputError
from l2o.storage.fetching import MIRROR_VARIABLE

NAMES = ["test/100.jpg", "test/7.jpg", "train/12.jpg", "train/3.jpg"]


def _jpeg(seed: int) -> bytes:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize((64, 48), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def _no_mirror_from_outside(monkeypatch):
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)


@pytest.fixture
def contents() -> dict[str, bytes]:
    return {name: _jpeg(seed) for seed, name in enumerate(NAMES)}


@pytest.fixture
def sums(tmp_path, contents) -> Path:
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}" for name, data in contents.items()]
    path = tmp_path / "images.sha256"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def mirror(tmp_path, contents) -> Path:
    for name, data in contents.items():
        path = tmp_path / "mirror" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "mirror"


def _zip(contents: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(f"BSDS500-a04b7c6/BSDS500/data/images/{name}", data)
        archive.writestr("BSDS500-a04b7c6/README.md", "not an image")
    return buffer.getvalue()


def _serve(monkeypatch, tmp_path, payload: bytes) -> None:
    """Let the download read ``payload`` through urllib, without a network."""
    path = tmp_path / "served.zip"
    path.write_bytes(payload)
    monkeypatch.setattr("l2o.dictionaries.images.ARCHIVE_URL", path.as_uri())


def _files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def _refused(*given: Path) -> str:
    """Fetch in vain; return the one line that tells why."""
    with pytest.raises(InputError) as error:
        fetch_images(*given)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("layout", [".", "bsds500", "BSDS500/data/images"])
def test_images_come_from_a_mirror_of_any_layout(tmp_path, mirror, contents, sums, layout):
    (tmp_path / "m" / layout).parent.mkdir(parents=True, exist_ok=True)
    mirror.rename(tmp_path / "m" / layout)
    fetch_images(tmp_path / "images", sums, tmp_path / "m")
    assert _files(tmp_path / "images") == contents


def test_the_environment_names_a_mirror(tmp_path, contents, sums, mirror, monkeypatch):
    monkeypatch.setenv(MIRROR_VARIABLE, str(mirror))
    fetch_images(tmp_path / "images", sums)
    assert _files(tmp_path / "images") == contents


def test_images_come_from_the_archive(tmp_path, contents, sums, monkeypatch):
    _serve(monkeypatch, tmp_path, _zip(contents))
    fetch_images(tmp_path / "images", sums)
    assert _files(tmp_path / "images") == contents


def test_right_images_stay_and_wrong_ones_are_replaced(
    tmp_path, contents, sums, mirror, monkeypatch
):
    folder = tmp_path / "images"
    fetch_images(folder, sums, mirror)
    before = (folder / NAMES[0]).stat().st_mtime_ns
    (folder / NAMES[1]).write_bytes(b"damaged")
    fetch_images(folder, sums, mirror)
    assert _files(folder) == contents
    assert (folder / NAMES[0]).stat().st_mtime_ns == before
    monkeypatch.setattr("urllib.request.urlopen", lambda *a, **k: pytest.fail("network"))
    fetch_images(folder, sums)  # complete images need no source


def test_what_a_mirror_lacks_is_named(tmp_path, contents, sums, mirror):
    (mirror / NAMES[2]).write_bytes(contents[NAMES[2]][:-1])
    told = _refused(tmp_path / "images", sums, mirror)
    assert NAMES[2] in told and "SHA-256" in told
    assert NAMES[2] not in _files(tmp_path / "images")
    (mirror / NAMES[2]).write_bytes(contents[NAMES[2]])
    (mirror / NAMES[3]).unlink()
    told = _refused(tmp_path / "images", sums, mirror)
    assert NAMES[3] in told and "mirror" in told
    told = _refused(tmp_path / "images", sums, tmp_path / "nowhere")
    assert "nowhere" in told and "image_mirror" in told


@pytest.mark.parametrize(
    "failure",
    [urllib.error.URLError("no route"), TimeoutError("timed out"), ConnectionResetError("reset")],
)
def test_without_network_the_message_says_how_to_name_a_mirror(
    tmp_path, sums, monkeypatch, failure
):
    def refuse(*args, **kwargs):
        raise failure

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    told = _refused(tmp_path / "images", sums)
    assert "L2O_IMAGE_MIRROR" in told and "image_mirror" in told
    assert _files(tmp_path / "images") == {}


def test_a_connection_that_ends_early_is_reported(tmp_path, contents, sums, monkeypatch):
    class Short(io.BytesIO):
        headers = {"Content-Length": "1000000"}

    monkeypatch.setattr("urllib.request.urlopen", lambda *a, **k: Short(_zip(contents)))
    with pytest.raises(InputError, match="of 1000000 bytes"):
        fetch_images(tmp_path / "images", sums)
    assert _files(tmp_path / "images") == {}


def test_garbage_instead_of_an_archive_is_reported(tmp_path, sums, monkeypatch):
    _serve(monkeypatch, tmp_path, b"<html>Sign in to continue</html>")
    with pytest.raises(InputError, match="not a whole zip archive"):
        fetch_images(tmp_path / "images", sums)
    assert _files(tmp_path / "images") == {}


def test_a_damaged_archive_leaves_only_right_images(tmp_path, contents, sums, monkeypatch):
    whole = _zip(contents)
    random = np.random.default_rng(0)
    damaged = [whole[: int(cut)] for cut in random.integers(1, len(whole), 10)]
    anywhere = random.integers(0, len(whole), 20)
    directory = random.integers(len(whole) - 120, len(whole), 30)  # zipfile's checks are weakest
    for position in np.concatenate([anywhere, directory]):
        flipped = bytearray(whole)
        flipped[position] ^= 0xFF
        damaged.append(bytes(flipped))
    reported = 0
    for number, payload in enumerate(damaged):
        _serve(monkeypatch, tmp_path, payload)
        folder = tmp_path / f"images{number}"
        try:
            fetch_images(folder, sums)
        except InputError as error:
            reported += 1
            assert "L2O_IMAGE_MIRROR" in str(error) and "\n" not in str(error)
        assert _files(folder).items() <= contents.items()
    assert reported >= 20


def test_what_the_archive_lacks_is_named(tmp_path, contents, sums, monkeypatch):
    _serve(monkeypatch, tmp_path, _zip({**contents, NAMES[0]: _jpeg(99)}))
    told = _refused(tmp_path / "images", sums)
    assert NAMES[0] in told and "SHA-256" in told
    del contents[NAMES[0]]
    _serve(monkeypatch, tmp_path, _zip(contents))
    assert NAMES[0] in _refused(tmp_path / "images", sums)


@pytest.mark.parametrize("text", ["", "abc  train/1.jpg\n", f"{'0' * 64}  ../train/1.jpg\n"])
def test_bad_sums_are_reported(tmp_path, text):
    path = tmp_path / "bad.sha256"
    path.write_text(text)
    with pytest.raises(InputError, match=r"bad\.sha256"):
        read_sums(path)


def test_the_released_sums_name_400_images():
    names = read_sums(Path(__file__).parents[2] / "data" / "bsds500.sha256")
    assert sum(name.startswith("train/") for name in names) == 200
    assert sum(name.startswith("test/") for name in names) == 200


# Patches


def test_patches_are_grey_values_spread_over_the_images(sums, mirror):
    patches = read_patches(mirror, sums, 40, 8, seed=1, remove_mean=False)
    assert patches.shape == (40, 64) and patches.dtype == np.float64
    assert 0.0 <= patches.min() < patches.max() <= 1.0
    grey = np.asarray(Image.open(mirror / sorted(NAMES)[0]).convert("L")) / 255.0
    windows = np.lib.stride_tricks.sliding_window_view(grey, (8, 8)).reshape(-1, 64)
    inside = [bool((windows == patch).all(axis=1).any()) for patch in patches]
    assert inside == [True] * 10 + [False] * 30


def test_patches_repeat_with_their_seed_and_lose_their_mean(sums, mirror):
    first = read_patches(mirror, sums, 10, 8, seed=1, remove_mean=True)
    assert np.abs(first.mean(axis=1)).max() < 1e-15
    assert first.tobytes() == read_patches(mirror, sums, 10, 8, seed=1, remove_mean=True).tobytes()
    assert not np.array_equal(first, read_patches(mirror, sums, 10, 8, seed=2, remove_mean=True))


def test_patches_refuse_wrong_or_small_images(sums, mirror):
    with pytest.raises(InputError, match="48 x 64"):
        read_patches(mirror, sums, 4, 49, seed=1, remove_mean=True)
    (mirror / NAMES[0]).write_bytes(_jpeg(99))
    with pytest.raises(InputError, match=NAMES[0]):
        read_patches(mirror, sums, 4, 8, seed=1, remove_mean=True)
