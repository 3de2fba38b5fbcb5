"""Proofs beside artifacts, and what they make of every kind of damage."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from conftest import told
from l2o.artifacts.job import PARTS, key_of
from l2o.artifacts.production import produce
from l2o.artifacts.proof import Status, examine, proof_path, read_proof, require, write_proof
from l2o.errors import InputError
from l2o.storage.json_files import write_json
from ordinary_user import ordinary_user
from small_jobs import job, make


def test_what_a_job_produced_is_valid_under_its_key_alone(tmp_path):
    path = tmp_path / "a.csv"
    made = make(path, "one")
    assert examine(path, made.key).status is Status.VALID
    assert examine(path, job("one", 1).key).status is Status.STALE
    proof = read_proof(path)
    assert {*PARTS, "key", "sha256"} == set(proof)
    assert key_of(proof) == proof["key"] == made.key


def test_times_of_files_count_for_nothing(tmp_path):
    path = tmp_path / "a.csv"
    key = make(path, "one").key
    path.touch()
    copied = shutil.copytree(tmp_path, tmp_path.parent / f"{tmp_path.name}-copy")
    for folder in (tmp_path, copied):
        assert examine(folder / "a.csv", key).status is Status.VALID


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_text("edited"),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes() + b"\0"),
        lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
    ],
)
def test_other_bytes_are_corrupt(tmp_path, damage):
    path = tmp_path / "a.csv"
    key = make(path, "one").key
    damage(path)
    assert examine(path, key).status is Status.CORRUPT


PROOFS = [None, "a folder", "", "[1]", "{", '{"key": "k"}', "[" * 100_000]
PROOFS += ['{"key": "k", "sha256": "s", "step": "one"}']


@pytest.mark.parametrize("proof", PROOFS)
def test_a_file_without_a_readable_proof_is_stale(tmp_path, proof):
    path = tmp_path / "a.csv"
    key = make(path, "one").key
    if proof is None:
        proof_path(path).unlink()
    elif proof == "a folder":
        proof_path(path).unlink()
        proof_path(path).mkdir()
    else:
        proof_path(path).write_text(proof)
    assert examine(path, key).status is Status.STALE


def test_the_proof_of_another_file_proves_nothing(tmp_path):
    key = make(tmp_path / "a.csv", "one", text="a").key
    (tmp_path / "b.csv").write_text("b")
    shutil.copy(proof_path(tmp_path / "a.csv"), proof_path(tmp_path / "b.csv"))
    assert examine(tmp_path / "b.csv", key).status is Status.CORRUPT


def test_a_file_that_cannot_be_read_is_corrupt_and_no_crash(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    key = make(path, "one").key

    def broken(path: Path) -> str:
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr("l2o.artifacts.proof.file_hash", broken)
    finding = examine(path, key)
    assert finding.status is Status.CORRUPT and os.strerror(5) in finding.reason


def test_what_may_not_be_read_is_a_finding_and_no_crash():
    made = job("one")
    key, record = made.key, made.record
    with ordinary_user() as folder:
        path = folder / "closed" / "a.csv"
        path.parent.mkdir()
        path.write_text("content")
        write_proof(path, record)
        assert examine(path, key).status is Status.VALID
        proof_path(path).chmod(0)
        found = examine(path, key)
        assert (found.status, found.reason) == (
            Status.STALE,
            "no proof of what made it can be read",
        )
        proof_path(path).chmod(0o644)
        for closed in (path, path.parent):
            before = closed.stat().st_mode
            closed.chmod(0)
            found = examine(path, key)
            assert found.status is Status.CORRUPT and "(Permission denied)" in found.reason
            with pytest.raises(InputError) as error:
                require(path, key)
            told(error, path, "is corrupt", "Permission denied")
            closed.chmod(before)


@pytest.mark.parametrize("name", ["n" * 300, "loop", "a.csv/b.csv"])
def test_a_path_that_leads_nowhere_is_a_finding_and_no_crash(tmp_path, name):
    key = make(tmp_path / "a.csv", "one").key
    (tmp_path / "loop").symlink_to("loop")
    assert examine(tmp_path / name, key).status in (Status.MISSING, Status.CORRUPT)


def test_an_input_that_is_not_valid_is_never_used(tmp_path):
    source, target = tmp_path / "a.csv", tmp_path / "b.csv"
    one = job("one", 0, source)
    with pytest.raises(InputError) as error:
        make(target, "two", one=one)
    told(error, source, "missing")
    make(source, "one", 1)
    with pytest.raises(InputError) as error:
        make(target, "two", one=one)
    told(error, source, "stale")
    make(source, "one")
    source.write_text("edited")
    with pytest.raises(InputError) as error:
        make(target, "two", one=one)
    told(error, source, "corrupt")
    assert not target.exists()
    make(source, "one")
    require(target, make(target, "two", one=one).key)


def test_work_that_fails_leaves_no_proof_of_the_old_file(tmp_path):
    path = tmp_path / "a.csv"
    old = make(path, "one")

    def fail(path: Path) -> None:
        path.write_text("half")
        raise RuntimeError

    new = job("one", 1, path, fail)
    with pytest.raises(RuntimeError):
        produce(new)
    assert examine(path, old.key).status is Status.STALE
    assert examine(path, new.key).status is Status.STALE


def test_what_a_killed_process_left_behind_is_removed(tmp_path):
    left = [f".a.{'0f' * 16}.csv", ".provenance/.a.csv." + "0f" * 16 + ".json"]
    kept = [".a.csv", f".ab.{'0f' * 16}.csv", ".a.other.csv", f".a.{'0f' * 16}.h5"]
    (tmp_path / ".provenance").mkdir()
    for name in (*left, *kept):
        (tmp_path / name).write_text("half")
    make(tmp_path / "a.csv", "one")
    assert not any((tmp_path / name).exists() for name in left)
    assert all((tmp_path / name).exists() for name in kept)


def test_what_is_no_file_is_corrupt_and_what_cannot_be_read_is_told(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    key = make(path, "one").key
    path.unlink()
    no_file = "a folder, or a link to no file"
    for put, reason in (
        (Path.mkdir, no_file),
        (lambda at: at.symlink_to("nowhere"), no_file),
        (lambda at: at.symlink_to(at), "it cannot be read (Too many levels of symbolic links)"),
    ):
        put(path)
        found = examine(path, key)
        assert (found.status, found.reason) == (Status.CORRUPT, reason)
        path.unlink() if path.is_symlink() else path.rmdir()

    def refuse(path: Path, **_: bool) -> os.stat_result:
        raise PermissionError(13, "Permission denied", str(path))  # the folder may not be entered

    monkeypatch.setattr(Path, "stat", refuse)
    found = examine(path, key)
    assert found.status is Status.CORRUPT
    assert found.reason == "it cannot be read (Permission denied)"


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_a_link_is_replaced_and_never_written_through(tmp_path, link):
    """As DVC links artifacts and proofs into its cache, read-only."""
    path, kept = tmp_path / "a.csv", tmp_path / "cache"
    make(path, "one", text="old")
    kept.mkdir()
    for file in (path, proof_path(path)):
        file.rename(kept / file.name)
        (kept / file.name).chmod(0o444)
        link(kept / file.name, file)
    before = {file: file.read_bytes() for file in kept.iterdir()}
    made = job("one", 1, path, lambda to: write_json(to, "new"))
    produce(made)
    assert examine(path, made.key).status is Status.VALID and path.read_text() == '"new"\n'
    assert {file: file.read_bytes() for file in kept.iterdir()} == before
    assert not path.is_symlink() and path.stat().st_nlink == 1


def test_a_job_that_cannot_put_its_files_anywhere_does_not_begin(tmp_path):
    def begun(path: Path) -> None:
        pytest.fail("the work has begun")

    (tmp_path / "file").touch()
    for path, at, problem in (
        (tmp_path / "file/a.csv", tmp_path / "file", "you may not write a.csv in here"),
        (tmp_path / "file/sub/a.csv", tmp_path / "file", "you may not write a.csv in here"),
        (tmp_path, tmp_path, "is a folder, where a file is to be written"),
    ):
        with pytest.raises(InputError, match=problem) as error:
            produce(job("one", 0, path, begun))
        told(error, at, problem)
    proof_path(tmp_path / "a.csv").mkdir(parents=True)
    with pytest.raises(InputError, match="is a folder") as error:
        produce(job("one", 0, tmp_path / "a.csv", begun))
    told(error, proof_path(tmp_path / "a.csv"), "is a folder")
