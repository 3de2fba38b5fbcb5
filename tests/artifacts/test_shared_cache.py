"""The cache that checkouts share: hits, misses, damage, many writers, a full disk."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from l2o.artifacts.cache import MANIFEST, SharedCache
from l2o.artifacts.production import produce
from l2o.artifacts.proof import require
from small_jobs import job, make


@pytest.fixture
def cached(tmp_path, monkeypatch) -> SharedCache:
    monkeypatch.setenv("L2O_CACHE", str(tmp_path / "cache"))
    return SharedCache(tmp_path / "cache")


def forbidden(path: Path) -> None:
    raise AssertionError("the work was done")


def test_a_second_checkout_takes_the_result_without_work(tmp_path, cached):
    key = make(tmp_path / "a.csv", "one").key
    other = tmp_path / "second" / "b.csv"
    produce(job("one", 0, other, forbidden))
    assert other.read_text() == "content"
    require(other, key)


def test_another_key_shares_nothing(tmp_path, cached):
    make(tmp_path / "a.csv", "one")
    make(tmp_path / "b.csv", "one", 1, "other")
    assert (tmp_path / "b.csv").read_text() == "other"


def damage_file(entry: Path) -> None:
    (entry / "file").write_text("poison")


def truncate_file(entry: Path) -> None:
    (entry / "file").write_text("cont")


def damage_manifest(entry: Path) -> None:
    (entry / MANIFEST).write_text("{")


def rename_manifest_key(entry: Path) -> None:
    manifest = json.loads((entry / MANIFEST).read_text())
    (entry / MANIFEST).write_text(json.dumps({**manifest, "key": "0" * 64}))


def drop_manifest(entry: Path) -> None:
    (entry / MANIFEST).unlink()


@pytest.mark.parametrize(
    "damage",
    [damage_file, truncate_file, damage_manifest, rename_manifest_key, drop_manifest],
)
def test_a_damaged_entry_is_told_removed_and_made_again(tmp_path, cached, capsys, damage):
    damage(cached.entry(make(tmp_path / "a.csv", "one").key))
    make(tmp_path / "b.csv", "one", text="made again")
    assert (tmp_path / "b.csv").read_text() == "made again"
    assert "damaged" in capsys.readouterr().err
    produce(job("one", 0, tmp_path / "c.csv", forbidden))
    assert (tmp_path / "c.csv").read_text() == "made again"


def test_a_missing_file_of_an_entry_counts_as_no_entry(tmp_path, cached):
    key = make(tmp_path / "a.csv", "one").key
    (cached.entry(key) / "file").unlink()
    make(tmp_path / "b.csv", "one", text="made again")
    assert (tmp_path / "b.csv").read_text() == "made again"


def test_of_many_writers_at_once_one_wins_and_nothing_else_is_left(tmp_path):
    cache, key = SharedCache(tmp_path / "cache"), "ab" + "0" * 62
    sources = []
    for number in range(16):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(bytes([number]) * 300_000)
        sources.append(path)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda path: cache.store(key, {"file": path}), sources))
    assert [entry.name for entry in (tmp_path / "cache" / "ab").iterdir()] == [key]
    assert cache.restore(key, {"file": tmp_path / "out.bin"})
    assert (tmp_path / "out.bin").read_bytes() in {path.read_bytes() for path in sources}


def test_a_cache_that_cannot_be_written_costs_a_line_and_no_result(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("L2O_CACHE", str(tmp_path / "file"))
    require(tmp_path / "a.csv", make(tmp_path / "a.csv", "one").key)
    assert "cannot store" in capsys.readouterr().err


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from l2o.artifacts.cache import SharedCache
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
folder = Path(sys.argv[1])
SharedCache(folder / "cache").store("ab" + "0" * 62, {"file": folder / "big"})
"""


def test_a_full_disk_in_the_cache_leaves_no_entry_and_no_debris(tmp_path):
    (tmp_path / "big").write_bytes(b"x" * 300_000)
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "cannot store" in run.stderr
    assert list((tmp_path / "cache" / "ab").iterdir()) == []
