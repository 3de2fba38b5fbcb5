"""What is remembered of files: used only while nothing of them changed, and never in the way."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from l2o.artifacts import index as module
from l2o.artifacts.demand import verdicts
from l2o.artifacts.index import EDITION, FileIndex
from l2o.artifacts.proof import Status, examine, proof_path, require
from l2o.errors import InputError
from l2o.provenance.journal import WORN, Journal
from small_jobs import SmallJob, make

SECOND = 1_000_000_000


@pytest.fixture(autouse=True)
def _settled(monkeypatch) -> None:
    """Starts ten seconds from now, for which the files of a test are old."""
    monkeypatch.setattr(module, "_moment", lambda folder: time.time_ns() + 10 * SECOND)


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """The names of the files that the index opens."""
    found: list[str] = []
    read = FileIndex._read

    def counted(self, path, work):
        return read(self, path, lambda file: (found.append(Path(path).name), work(file))[1])

    monkeypatch.setattr(FileIndex, "_read", counted)
    return found


@pytest.fixture
def made(tmp_path) -> SmallJob:
    return make(tmp_path / "a.csv", "one")


def start(tmp_path: Path, *jobs: SmallJob) -> list[Status]:
    """What a start of Snakemake finds."""
    return [verdict.status for verdict in verdicts(jobs, FileIndex(tmp_path / "memory"))]


def test_what_did_not_change_is_read_once(tmp_path, made, reads):
    assert start(tmp_path, made) == [Status.VALID]
    assert sorted(reads) == ["a.csv", "a.csv.json"]
    reads.clear()
    assert start(tmp_path, made) == [Status.VALID] and not reads
    other = make(tmp_path / "b.csv", "two")
    assert start(tmp_path, made, other) == [Status.VALID] * 2
    assert sorted(reads) == ["b.csv", "b.csv.json"]


def times_restored(path: Path, change: Callable[[Path], object]) -> None:
    before = path.stat()
    change(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def replaced(path: Path) -> None:
    (path.parent / "new").write_text("CONTENT")
    (path.parent / "new").replace(path)


@pytest.mark.parametrize("change", [lambda path: path.write_text("CONTENT"), replaced])
def test_equal_size_and_mtime_hide_no_change(tmp_path, made, change):
    start(tmp_path, made)
    times_restored(tmp_path / "a.csv", change)
    assert start(tmp_path, made) == [Status.CORRUPT]


def test_another_proof_is_read(tmp_path, made):
    start(tmp_path, made)
    proof = proof_path(tmp_path / "a.csv")
    times_restored(
        proof, lambda path: path.write_text(path.read_text().replace(made.key, "0" * 64))
    )
    assert start(tmp_path, made) == [Status.STALE]
    proof.unlink()
    assert start(tmp_path, made) == [Status.STALE]
    (tmp_path / "a.csv").unlink()
    assert start(tmp_path, made) == [Status.MISSING]


@pytest.mark.parametrize("field", ["size", "ino", "dev", "mtime_ns", "ctime_ns"])
def test_size_inode_device_and_both_times_must_agree(tmp_path, made, reads, field, monkeypatch):
    start(tmp_path, made)
    reads.clear()
    assert start(tmp_path, made) == [Status.VALID] and not reads
    true = module._signature

    def changed(found: os.stat_result) -> str:
        fields = {name: getattr(found, name) for name in dir(found) if name.startswith("st_")}
        return true(SimpleNamespace(**{**fields, f"st_{field}": fields[f"st_{field}"] + 1}))

    monkeypatch.setattr(module, "_signature", changed)
    assert start(tmp_path, made) == [Status.VALID] and sorted(reads) == ["a.csv", "a.csv.json"]


def test_what_was_just_written_or_is_of_the_future_is_read_again(
    tmp_path, made, reads, monkeypatch
):
    path = tmp_path / "a.csv"
    monkeypatch.undo()
    for age in (1, -3600):  # in seconds
        at = time.time_ns() - age * SECOND
        os.utime(path, ns=(at, at))
        for _ in range(2):
            index = FileIndex(tmp_path / "memory")
            assert index.content(str(path)) and index.recall(str(path)) is None
    assert not Journal(tmp_path / "memory/files", EDITION).read()


def test_a_clock_that_was_ahead_when_a_file_was_read_does_not_count(tmp_path, made, monkeypatch):
    os.utime(tmp_path / "a.csv", ns=(0, time.time_ns() + 5 * SECOND))
    assert start(tmp_path, made) == [Status.VALID]
    assert FileIndex(tmp_path / "memory").recall(str(tmp_path / "a.csv"))
    monkeypatch.setattr(module, "_moment", lambda folder: time.time_ns())
    assert FileIndex(tmp_path / "memory").recall(str(tmp_path / "a.csv")) is None


def test_a_file_that_changes_while_it_is_read_is_not_remembered(tmp_path, made):
    index, path = FileIndex(tmp_path / "memory"), tmp_path / "a.csv"
    index._read(str(path), lambda file: path.write_text("half") and "hash")
    assert not index._recalled(str(path))


def test_verify_and_jobs_read_every_byte_whatever_is_remembered(tmp_path, made):
    path = tmp_path / "a.csv"
    start(tmp_path, made)
    memory = Journal(tmp_path / "memory/files", EDITION)
    fact = memory.read()[str(path)]
    path.write_text("CONTENT")
    content = fact.rpartition(" ")[2]
    memory.add({str(path): module._signature(path.stat()) + content})  # as if ctime were set
    assert start(tmp_path, made) == [Status.VALID]
    assert verdicts([made])[0].status is Status.CORRUPT
    with pytest.raises(InputError, match="corrupt"):
        require(path, made.key)
    with pytest.raises(InputError, match="corrupt"):
        make(tmp_path / "b.csv", "two", source=made)


def test_the_moment_is_never_later_than_the_clock_of_the_file_system(tmp_path, monkeypatch):
    monkeypatch.undo()
    ahead = time.time_ns() + 100 * SECOND
    monkeypatch.setattr(time, "time_ns", lambda: ahead)
    assert module._moment(None) == ahead > module._moment(tmp_path) + 90 * SECOND


# Damage


def damaged_line(memory: Path) -> None:
    content = bytearray(memory.read_bytes())
    content[len(content) // 2] ^= 1
    memory.write_bytes(bytes(content))


def folder_instead(memory: Path) -> None:
    memory.unlink()
    memory.mkdir()


@pytest.mark.parametrize(
    "damage",
    [
        damaged_line,
        folder_instead,
        lambda memory: memory.write_bytes(memory.read_bytes()[:-9]),  # a writer was killed
        lambda memory: memory.write_bytes(b"\xff" * 5000),
        lambda memory: memory.write_bytes(memory.read_bytes().replace(b" ", b"\n")),
        lambda memory: memory.unlink(),
    ],
)
def test_a_damaged_index_costs_a_reading_and_gives_no_wrong_answer(tmp_path, made, reads, damage):
    start(tmp_path, made)
    memory = tmp_path / "memory/files"
    damage(memory)
    reads.clear()
    assert start(tmp_path, made) == [Status.VALID] and len(reads) == 2
    if memory.is_file():  # it was mended
        reads.clear()
        assert start(tmp_path, made) == [Status.VALID] and not reads


def test_nowhere_to_write_is_no_error(tmp_path, made):
    (tmp_path / "memory").write_text("no folder")
    assert start(tmp_path, made) == start(tmp_path, made) == [Status.VALID]
    assert FileIndex(None).content(str(tmp_path / "a.csv")) == FileIndex(None).content(
        str(tmp_path / "a.csv")
    )


FULL_DISK = """
import resource, signal, sys, time
from pathlib import Path
from l2o.provenance.journal import Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
memory = Journal(Path(sys.argv[1]), "e")
for turn in range(3):
    memory.add({f"{turn} {i}": "x" * 50 for i in range(1000)})
memory.replace({str(i): "x" * 50 for i in range(9000)})
"""


def test_a_full_disk_loses_facts_and_nothing_else(tmp_path):
    path = tmp_path / "memory"
    subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], check=True)
    memory = Journal(path, "e")
    assert memory.read().keys() == {f"0 {i}" for i in range(1000)}
    memory.add({"later": 1})  # on a line of its own, behind the torn one
    assert memory.read()["later"] == 1
    assert [*tmp_path.iterdir()] == [path]


WRITER = """
import sys
from pathlib import Path
from l2o.provenance.journal import Journal
for i in range(200):
    Journal(Path(sys.argv[1]), "e").add({f"{sys.argv[2]} {i}": "x" * 3000})
"""


def test_many_writers_at_once_lose_nothing(tmp_path):
    path = tmp_path / "memory"
    commands = [[sys.executable, "-c", WRITER, str(path), str(n)] for n in range(4)]
    for run in [subprocess.Popen(command) for command in commands]:
        assert run.wait() == 0
    assert len(Journal(path, "e").read()) == 4 * 200


def test_a_worn_index_is_written_anew_without_what_is_gone(tmp_path, made):
    memory, gone = tmp_path / "memory/files", make(tmp_path / "b.csv", "two")
    start(tmp_path, made, gone)
    (tmp_path / "b.csv").unlink()
    with memory.open("ab") as file:
        file.write(b"x" * 2 * WORN)
    make(tmp_path / "c.csv", "three")
    assert start(tmp_path, made, make(tmp_path / "c.csv", "three"))
    assert memory.stat().st_size < 5000
    facts = {Path(path).name for path in Journal(memory, EDITION).read()}
    assert facts >= {"a.csv", "a.csv.json", "c.csv", "c.csv.json"} and "b.csv" not in facts


def test_threads_that_read_and_write_at_once_lose_nothing(tmp_path, monkeypatch):
    paths = [tmp_path / f"{number}.txt" for number in range(400)]
    for path in paths:
        path.write_text("content")
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory/files").write_bytes(b"x" * 2 * WORN)
    monkeypatch.setattr(module, "BATCH", 3)
    index = FileIndex(tmp_path / "memory")
    with ThreadPoolExecutor(8) as pool:
        assert len({*pool.map(index.content, map(str, paths))}) == 1
    index.keep()
    assert Journal(tmp_path / "memory/files", EDITION).read().keys() == {*map(str, paths)}


def test_an_index_and_a_reading_say_the_same(tmp_path, made):
    path = tmp_path / "a.csv"
    index = FileIndex(tmp_path / "memory")
    for key in (made.key, "0" * 64):
        assert examine(path, key, index) == examine(path, key)
