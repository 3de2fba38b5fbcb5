"""Dictionaries: images fetched whole or not at all, learning, analytic weights."""

from __future__ import annotations

import hashlib
import io
import urllib.error
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.linalg import null_space

from l2o.dictionaries.analytic import analytic_weights, kkt_residual
from l2o.dictionaries.gaussian import gaussian_dictionary
from l2o.dictionaries.images import fetch_images, read_patches, read_sums
from l2o.dictionaries.learned import learn_dictionary
from l2o.dictionaries.properties import coherence, condition_number
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


def _message(error: pytest.ExceptionInfo[InputError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


# Images


@pytest.mark.parametrize("layout", [".", "bsds500", "BSDS500/data/images"])
def test_images_come_from_a_mirror_of_any_layout(tmp_path, contents, sums, layout):
    for name, data in contents.items():
        path = tmp_path / "m" / layout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    fetch_images(tmp_path / "images", sums, tmp_path / "m")
    assert _files(tmp_path / "images") == contents


def test_the_environment_names_a_mirror(tmp_path, contents, sums, mirror, monkeypatch):
    monkeypatch.setenv("L2O_IMAGE_MIRROR", str(mirror))
    fetch_images(tmp_path / "images", sums)
    assert _files(tmp_path / "images") == contents


def test_images_come_from_the_archive(tmp_path, contents, sums, monkeypatch):
    _serve(monkeypatch, tmp_path, _zip(contents))
    fetch_images(tmp_path / "images", sums)
    assert _files(tmp_path / "images") == contents


def test_right_images_stay_and_wrong_ones_are_replaced(tmp_path, contents, sums, mirror):
    folder = tmp_path / "images"
    fetch_images(folder, sums, mirror)
    before = (folder / NAMES[0]).stat().st_mtime_ns
    (folder / NAMES[1]).write_bytes(b"damaged")
    fetch_images(folder, sums, mirror)
    assert _files(folder) == contents
    assert (folder / NAMES[0]).stat().st_mtime_ns == before


def test_complete_images_need_no_source(tmp_path, sums, mirror, monkeypatch):
    fetch_images(tmp_path / "images", sums, mirror)
    monkeypatch.setattr("urllib.request.urlopen", lambda *a, **k: pytest.fail("network"))
    fetch_images(tmp_path / "images", sums)


def test_a_wrong_image_in_the_mirror_is_named(tmp_path, contents, sums, mirror):
    (mirror / NAMES[2]).write_bytes(contents[NAMES[2]][:-1])
    with pytest.raises(InputError) as error:
        fetch_images(tmp_path / "images", sums, mirror)
    assert NAMES[2] in _message(error) and "SHA-256" in _message(error)
    assert NAMES[2] not in _files(tmp_path / "images")


def test_an_image_missing_from_the_mirror_is_named(tmp_path, sums, mirror):
    (mirror / NAMES[3]).unlink()
    with pytest.raises(InputError) as error:
        fetch_images(tmp_path / "images", sums, mirror)
    assert NAMES[3] in _message(error) and "mirror" in _message(error)


def test_a_mirror_that_does_not_exist_is_named(tmp_path, sums):
    with pytest.raises(InputError) as error:
        fetch_images(tmp_path / "images", sums, tmp_path / "nowhere")
    assert "nowhere" in _message(error) and "image_mirror" in _message(error)


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
    with pytest.raises(InputError) as error:
        fetch_images(tmp_path / "images", sums)
    assert "L2O_IMAGE_MIRROR" in _message(error) and "image_mirror" in _message(error)
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


def test_a_wrong_image_in_the_archive_is_named(tmp_path, contents, sums, monkeypatch):
    _serve(monkeypatch, tmp_path, _zip({**contents, NAMES[0]: _jpeg(99)}))
    with pytest.raises(InputError) as error:
        fetch_images(tmp_path / "images", sums)
    assert NAMES[0] in _message(error) and "SHA-256" in _message(error)


def test_an_image_missing_from_the_archive_is_named(tmp_path, contents, sums, monkeypatch):
    del contents[NAMES[0]]
    _serve(monkeypatch, tmp_path, _zip(contents))
    with pytest.raises(InputError, match=NAMES[0]):
        fetch_images(tmp_path / "images", sums)


@pytest.mark.parametrize("text", ["", "abc  train/1.jpg\n", f"{'0' * 64}  ../train/1.jpg\n"])
def test_bad_sums_are_reported(tmp_path, text):
    path = tmp_path / "bad.sha256"
    path.write_text(text)
    with pytest.raises(InputError, match=r"bad\.sha256"):
        read_sums(path)


def test_the_released_sums_name_400_images():
    names = read_sums(Path(__file__).parents[1] / "data" / "bsds500.sha256")
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


# Learning


@pytest.fixture(scope="module")
def sparse_patches() -> np.ndarray:
    """Sparse combinations of 48 hidden atoms in R^24, and a little noise."""
    random = np.random.default_rng(3)
    hidden = gaussian_dictionary(24, 48, seed=5)
    codes = random.standard_normal((900, 48)) * (random.random((900, 48)) < 0.06)
    return codes @ hidden.T + 0.01 * random.standard_normal((900, 24))


def test_learning_never_increases_the_objective(sparse_patches):
    result = learn_dictionary(sparse_patches, 48, 0.05, 120, seed=0)
    assert result.objective.shape == (120,)
    assert (np.diff(result.objective) <= 1e-12 * result.objective[0]).all()
    assert result.objective[-1] < 0.6 * result.objective[0]
    assert result.unused == 0 and 0 < result.nonzeros < 24


def test_learned_atoms_have_unit_norm_and_explain_the_patches(sparse_patches):
    result = learn_dictionary(sparse_patches, 48, 0.05, 400, seed=0)
    assert result.dictionary.shape == (24, 48) and result.dictionary.dtype == np.float64
    np.testing.assert_allclose(np.linalg.norm(result.dictionary, axis=0), 1.0, rtol=1e-14)
    match = np.abs(gaussian_dictionary(24, 48, seed=5).T @ result.dictionary).max(axis=1)
    assert np.median(match) > 0.95  # most hidden atoms are found, up to sign


def test_the_reported_objective_is_that_of_the_problem():
    """One atom and two parallel patches of lengths 1 and 2: solved by hand."""
    patches = np.array([[1.0, -1.0], [2.0, -2.0]]) / np.sqrt(2.0)
    result = learn_dictionary(patches, 1, 0.5, 3, seed=0)
    # The atom is the common direction, the codes are 1 - lam and 2 - lam, the residuals lam.
    np.testing.assert_allclose(result.objective, 0.25 + 0.5 * 2.0, rtol=1e-12)


def test_unused_atoms_are_replaced():
    """Of 120 patches, 60 are shorter than lam: atoms that start along those go unused."""
    random = np.random.default_rng(2)
    patches = random.standard_normal((180, 24))
    patches[:60, 12:], patches[60:120, :12] = 0.0, 0.0
    patches /= np.linalg.norm(patches, axis=1, keepdims=True)
    patches[60:120] *= 10.0
    patches[120:] = 0.0  # no contrast: never an initial atom
    stuck = learn_dictionary(patches, 30, 1.2, 60, seed=0, replace_every=1000)
    replaced = learn_dictionary(patches, 30, 1.2, 60, seed=0, replace_every=5)
    assert stuck.unused > 0 and replaced.unused == 0
    assert (np.diff(replaced.objective) <= 1e-12 * replaced.objective[0]).all()
    assert replaced.objective[-1] < stuck.objective[-1]
    for result in (stuck, replaced):
        np.testing.assert_allclose(np.linalg.norm(result.dictionary, axis=0), 1.0, rtol=1e-14)


def test_learning_repeats_with_its_seed(sparse_patches):
    runs = [learn_dictionary(sparse_patches, 48, 0.05, 20, seed=s) for s in (0, 0, 1)]
    assert runs[0].dictionary.tobytes() == runs[1].dictionary.tobytes()
    assert runs[0].objective.tobytes() == runs[1].objective.tobytes()
    assert runs[0].dictionary.tobytes() != runs[2].dictionary.tobytes()


def test_learning_refuses_parameters_out_of_range(sparse_patches):
    with pytest.raises(ValueError, match="positive"):
        learn_dictionary(sparse_patches, 48, 0.0, 20, seed=0)
    with pytest.raises(ValueError, match="lower it"):
        learn_dictionary(sparse_patches, 48, 1e3, 20, seed=0)
    with pytest.raises(ValueError, match="give more patches"):
        learn_dictionary(sparse_patches, 800, 0.1, 20, seed=0)


# Properties and the Gaussian dictionary


def test_properties_of_matrices_known_by_hand():
    a = np.array([[1.0, 0.6, 0.0], [0.0, 0.8, 2.0]])
    assert coherence(a) == pytest.approx(0.8)
    assert condition_number(np.diag([4.0, 2.0])) == pytest.approx(2.0)
    assert condition_number(np.array([[4.0, 0.0], [0.0, 2.0], [0.0, 0.0]])) == pytest.approx(2.0)
    assert condition_number(np.ones((3, 3))) == pytest.approx(1.0)  # rank one: on its range


def test_the_gaussian_dictionary_is_unit_and_repeatable():
    a = gaussian_dictionary(256, 512, seed=4)
    assert a.shape == (256, 512) and a.dtype == np.float64
    np.testing.assert_allclose(np.linalg.norm(a, axis=0), 1.0, rtol=1e-14)
    assert a.tobytes() == gaussian_dictionary(256, 512, seed=4).tobytes()
    assert a.tobytes() != gaussian_dictionary(256, 512, seed=5).tobytes()
    assert abs(a.mean()) < 1e-3 and a.std() == pytest.approx(1 / 16, rel=0.01)


# Analytic weights


def _rank_deficient(rows: int, columns: int) -> np.ndarray:
    a = gaussian_dictionary(rows, columns, seed=1)
    a = a - a.mean(axis=0)  # orthogonal to the constant vector: rank rows - 1
    return a / np.linalg.norm(a, axis=0)


@pytest.mark.parametrize("a", [gaussian_dictionary(64, 128, 1), _rank_deficient(64, 128)])
def test_analytic_weights_satisfy_the_kkt_conditions(a):
    w = analytic_weights(a)
    assert w.shape == (64, 128) and w.dtype == np.float64
    assert kkt_residual(w, a) < 1e-12
    np.testing.assert_allclose(np.einsum("ij,ij->j", w, a), 1.0, rtol=1e-14)
    # Sensitive to a wrong answer: the dictionary itself is feasible, but not optimal.
    assert kkt_residual(a, a) > 1e-2


@pytest.mark.parametrize("a", [gaussian_dictionary(6, 10, 2), _rank_deficient(6, 10)])
def test_analytic_weights_match_constrained_least_squares(a):
    """Per column: w = a + N z with N a basis of the constraint's null space, z by lstsq."""
    w = analytic_weights(a)
    for i in range(a.shape[1]):
        basis = null_space(a[:, i : i + 1].T)
        z = np.linalg.lstsq(a.T @ basis, -a.T @ a[:, i], rcond=1e-10)[0]
        brute = a[:, i] + basis @ z
        np.testing.assert_allclose(a.T @ w[:, i], a.T @ brute, atol=1e-12)


def test_analytic_weights_beat_every_other_feasible_matrix():
    a = _rank_deficient(12, 24)
    best = np.linalg.norm(analytic_weights(a).T @ a)
    random = np.random.default_rng(0)
    for scale in (1e-3, 1e-1, 1.0):
        other = analytic_weights(a) + scale * random.standard_normal(a.shape)
        other /= np.einsum("ij,ij->j", other, a)
        assert np.linalg.norm(other.T @ a) > best


def test_analytic_weights_refuse_a_zero_column():
    a = gaussian_dictionary(8, 16, seed=0)
    a[:, 5] = 0.0
    with pytest.raises(ValueError, match="column 5"):
        analytic_weights(a)
