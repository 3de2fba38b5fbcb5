"""Optimizee sets: content, bytes, bounded memory, damaged files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from conftest import told
from l2o.dictionaries.gaussian import gaussian_dictionary
from l2o.errors import InputError
from l2o.optimizees.sparse_recovery import sample_slices
from l2o.storage import sets
from l2o.storage.hdf5 import read_dictionary

M, N, DENSITY = 24, 48, 0.1
A = gaussian_dictionary(M, N, seed=3)
COUNTS = {"train": 1500, "validation": 40, "test": 60}


def write(path: Path, counts=COUNTS, snr_db=None, setting="noiseless", seed=1, density=DENSITY):
    splits = {}
    for split, count in counts.items():
        slices = sample_slices(A, count, density, snr_db, seed, (setting, split))
        splits[split] = (count, slices)
    sets.write_set(
        path, sets.SPARSE_RECOVERY, A, splits, {"setting": setting, "record": {"b": 1, "a": [2]}}
    )
    return path


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("sets") / "set.h5")


@pytest.fixture
def damaged(tmp_path, good) -> Path:
    path = tmp_path / "damaged.h5"
    path.write_bytes(good.read_bytes())
    return path


# Sampling


def test_a_set_reads_back_as_it_was_sampled(good):
    assert read_dictionary(good).tobytes() == A.tobytes()
    for split, count in COUNTS.items():
        b, x = sets.read_split(good, split)
        slices = list(sample_slices(A, count, DENSITY, None, 1, ("noiseless", split)))
        assert (b.dtype, x.dtype) == (np.float32, np.float32)
        assert x.tobytes() == b"".join(part.tobytes() for part, _ in slices)
        assert b.tobytes() == b"".join(part.tobytes() for _, part in slices)
        np.testing.assert_allclose(b, x.astype(np.float64) @ A.T, rtol=0, atol=1e-6)
    with h5py.File(good) as file:
        assert json.loads(file.attrs["record"]) == {"a": [2], "b": 1}
        assert file["train/x"].attrs["axes"] == "samples x n"


def test_the_first_rows_can_be_read_alone(good):
    for few, all_ in zip(
        sets.read_split(good, "train", 50), sets.read_split(good, "train"), strict=True
    ):
        assert few.tobytes() == all_[:50].tobytes()


def test_a_sample_is_the_same_in_sets_of_different_size(tmp_path, good):
    smaller = write(tmp_path / "s.h5", {"train": 1100, "validation": 7, "test": 60})
    for split, count in (("train", 1100), ("validation", 7), ("test", 60)):
        for short, long in zip(
            sets.read_split(smaller, split), sets.read_split(good, split), strict=True
        ):
            assert len(short) == count
            assert short.tobytes() == long[:count].tobytes()


def test_splits_settings_and_seeds_share_no_samples(tmp_path, good):
    other_setting = write(tmp_path / "setting.h5", setting="large")
    other_seed = write(tmp_path / "seed.h5", seed=2)
    signals = [sets.read_split(good, split)[1] for split in COUNTS]
    signals += [sets.read_split(path, "train")[1] for path in (other_setting, other_seed)]
    rows = np.concatenate(signals)
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_signals_have_the_stated_density_and_law(good):
    x = sets.read_split(good, "train")[1]
    assert (x != 0).mean() == pytest.approx(DENSITY, rel=0.04)
    values = x[x != 0]
    assert values.mean() == pytest.approx(0.0, abs=0.04)
    assert values.std() == pytest.approx(1.0, rel=0.03)
    np.testing.assert_allclose(np.linalg.norm(A, axis=0), 1.0, rtol=1e-14)


def test_no_signal_is_all_zero(tmp_path):
    path = write(tmp_path / "s.h5", density=1e-3)
    x = sets.read_split(path, "train")[1]
    assert (x != 0).any(axis=1).all()
    assert np.median((x != 0).sum(axis=1)) == 1


def test_noise_has_the_stated_level(tmp_path):
    b, x = sets.read_split(write(tmp_path / "s.h5", snr_db=20.0, setting="snr20"), "train")
    clean = x.astype(np.float64) @ A.T
    ratio = np.square(b - clean).mean(axis=1) / np.square(clean).mean(axis=1)
    assert 10 * np.log10(ratio.mean()) == pytest.approx(-20.0, abs=0.1)
    assert ratio.std() / ratio.mean() == pytest.approx(np.sqrt(2 / M), rel=0.15)  # per sample


def test_two_writes_give_the_same_bytes(tmp_path, good):
    assert write(tmp_path / "again.h5").read_bytes() == good.read_bytes()


def test_slices_of_another_count_are_a_programming_error(tmp_path):
    slices = sample_slices(A, 10, DENSITY, None, 1, ("s", "t"))
    with pytest.raises(ValueError, match="10 samples were given for 11"):
        sets.write_set(tmp_path / "s.h5", sets.SPARSE_RECOVERY, A, {"train": (11, slices)}, {})
    assert not list(tmp_path.iterdir())


MEMORY = """
import resource, sys
from pathlib import Path
from l2o.dictionaries.gaussian import gaussian_dictionary
from l2o.optimizees.sparse_recovery import sample_slices
from l2o.storage import sets

A, folder = gaussian_dictionary(24, 48, seed=3), Path(sys.argv[1])

def written(name, count):
    splits = {split: (n, sample_slices(A, n, 0.1, None, 1, ("s", split)))
              for split, n in {"train": count, "validation": 1, "test": 1}.items()}
    sets.write_set(folder / name, sets.SPARSE_RECOVERY, A, splits, {})
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

print(-written("warm.h5", 1500) + written("large.h5", 100_000))
"""


def test_a_large_set_needs_little_memory(tmp_path):
    """All samples at once would take 100,000 x (48 + 24) x 4 bytes = 27 MiB."""
    command = [sys.executable, "-c", MEMORY, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) < 9
    with sets.opened_set(tmp_path / "large.h5") as file:
        assert file["train/x"].shape == (100_000, N)


def test_a_set_holds_no_pickle(good):
    content = good.read_bytes()
    assert content.startswith(b"\x89HDF\r\n\x1a\n") and b"numpy" not in content
    kinds = []
    with h5py.File(good) as file:
        file.visititems(lambda _, item: kinds.append(getattr(item, "dtype", np.dtype("f8")).kind))
        assert set(kinds) == {"f"}
        assert all(isinstance(value, str) for value in file.attrs.values())


# Damaged sets


@pytest.mark.parametrize("size", [0, 50, 0.5, 0.99])
def test_a_truncated_set_is_told_in_one_line(damaged, size):
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: int(size * len(whole)) if size < 1 else size])
    with pytest.raises(InputError) as error:
        sets.read_split(damaged, "train")
    told(error, damaged, "truncated or damaged", "delete the file")
    with pytest.raises(InputError, match="truncated"):
        read_dictionary(damaged)


def test_damaged_compressed_data_are_told_in_one_line(damaged):
    with h5py.File(damaged) as file:
        chunk = file["train/x"].id.get_chunk_info(0)
    content = bytearray(damaged.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    damaged.write_bytes(content)
    with pytest.raises(InputError) as error:
        sets.read_split(damaged, "train")
    told(error, damaged, "truncated or damaged", "delete the file")


def test_a_missing_set_is_told_in_one_line(tmp_path):
    with pytest.raises(InputError) as error:
        sets.read_split(tmp_path / "none.h5", "test")
    told(error, tmp_path / "none.h5", "no such file", "build it")


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("key", ["test/x", "test/b"])
def test_values_that_are_not_finite_are_told(damaged, key, value):
    with h5py.File(damaged, "r+") as file:
        file[key][3, 5] = value
    with pytest.raises(InputError) as error:
        sets.read_split(damaged, "test")
    told(error, damaged, key, "NaN or infinity", "delete the file")
    sets.read_split(damaged, "validation")


@pytest.mark.parametrize("key", ["A", "train/x", "test/b", "validation"])
def test_a_missing_dataset_is_named(damaged, key):
    with h5py.File(damaged, "r+") as file:
        del file[key]
    with pytest.raises(InputError) as error:
        sets.read_split(damaged, "train")
    told(error, damaged, key, "missing", "delete the file")


@pytest.mark.parametrize("shape", [(60, M + 1), (59, M), (60, M, 1)])
def test_shapes_that_do_not_agree_are_told(damaged, shape):
    with h5py.File(damaged, "r+") as file:
        del file["test/b"]
        file["test/b"] = np.zeros(shape, np.float32)
    with pytest.raises(InputError) as error:
        sets.read_split(damaged, "train")
    told(error, damaged, "test", str(shape), str((M, N)))


@pytest.mark.parametrize("kind", ["group", "vector", "text"])
def test_a_foreign_matrix_is_told(damaged, kind):
    with h5py.File(damaged, "r+") as file:
        del file["A"]
        if kind == "group":
            file.create_group("A")
        else:
            file["A"] = np.zeros(M) if kind == "vector" else "no matrix"
    for read in (lambda: sets.read_split(damaged, "train"), lambda: read_dictionary(damaged)):
        with pytest.raises(InputError) as error:
            read()
        told(error, damaged, "A")
