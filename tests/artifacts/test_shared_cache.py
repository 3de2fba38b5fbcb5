"""The cache that checkouts share: hits, misses, damage, many writers, a full disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from l2o.artifacts.cache import MANIFEST, SharedCache, shared_caches
from l2o.artifacts.production import produce
from l2o.artifacts.proof import require
from l2o.errors import InputError
from ordinary_user import ordinary_user
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


def test_of_several_caches_all_are_read_and_the_first_is_written(tmp_path, monkeypatch):
    one, other = (str(tmp_path / name) for name in ("one", "other"))
    monkeypatch.setenv("L2O_CACHE", other)
    old = make(tmp_path / "a.csv", "old").key
    monkeypatch.setenv("L2O_CACHE", os.pathsep.join((one, other)))
    new = make(tmp_path / "b.csv", "new").key
    produce(job("old", 0, tmp_path / "c.csv", forbidden))
    assert (tmp_path / "c.csv").read_text() == "content"
    there = [{e.name for e in Path(folder).glob("??/*")} for folder in (one, other)]
    assert there == [{new}, {old}]


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


def test_a_cache_that_may_not_be_read_costs_a_line_and_is_kept(capsys):
    key = "ab" + "0" * 62
    with ordinary_user() as folder:
        (folder / "a.csv").write_text("content")
        cache, out = SharedCache(folder / "cache"), {"file": folder / "out" / "b.csv"}
        cache.store(key, {"file": folder / "a.csv"})
        assert cache.restore(key, out)
        for closed in (cache.entry(key) / MANIFEST, cache.entry(key) / "file", cache.folder):
            before = closed.stat().st_mode
            closed.chmod(0)
            assert not cache.restore(key, out)
            cache.store(key, out)
            assert "Permission denied" in capsys.readouterr().err
            closed.chmod(before)
        assert cache.restore(key, out)


def test_a_disk_that_fails_while_the_cache_is_read_is_no_fault_of_the_output(
    tmp_path, cached, monkeypatch, capsys
):
    key = make(tmp_path / "a.csv", "one").key
    whole = Path.open

    def failing(path: Path, *arguments, **options):
        if path == cached.entry(key) / "file":
            raise OSError(5, "Input/output error")
        return whole(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", failing)
    make(tmp_path / "b.csv", "one", text="made again")
    assert (tmp_path / "b.csv").read_text() == "made again"
    assert "cannot read" in capsys.readouterr().err and cached.entry(key).is_dir()


def test_a_cache_in_the_home_of_nobody_is_told(monkeypatch):
    monkeypatch.setenv("L2O_CACHE", "~no_such_user/cache")
    with pytest.raises(InputError, match="L2O_CACHE: ~no_such_user/cache names no folder; "):
        shared_caches()
