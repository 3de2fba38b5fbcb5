"""Files written aside: their mode, what they may replace, what a killed process left behind."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import h5py
import pytest
import torch

from conftest import told
from l2o.errors import InputError
from l2o.storage.atomic import remove_leftovers, written_aside
from l2o.storage.checkpoints import save_tensors
from l2o.storage.hdf5 import created
from l2o.storage.json_files import write_json
from l2o.storage.tables import write_table
from ordinary_user import ordinary_user
from solve_command import a_socket

MARK = "0f" * 16


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def of_its_own(path: Path) -> None:
    """As a library may write: a file with a mode of its own, renamed."""
    with written_aside(path) as aside:
        other = path.with_name("other")
        os.close(os.open(other, os.O_CREAT | os.O_WRONLY, 0o600))
        other.replace(aside)


def hdf5(path: Path) -> None:
    with created(path, {"a": 1}) as file:
        file["x"] = 1.0


WRITERS = {
    "checkpoint": lambda path: save_tensors(path, {"w": torch.zeros(2)}, {}),
    "json": lambda path: write_json(path, [1]),
    "table": lambda path: write_table(path, [{"a": 1}]),
    "hdf5": hdf5,
    "another": of_its_own,
}


@pytest.fixture
def umask():
    """Sets the umask; it is put back."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


# Modes


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o027, 0o077])
def test_a_file_has_the_mode_of_any_new_file(tmp_path, umask, writer, mask):
    umask(mask)
    WRITERS[writer](tmp_path / "new")
    assert mode(tmp_path / "new") == 0o666 & ~mask
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize("old", [0o640, 0o444, 0o600, 0o777])
def test_the_mode_of_the_old_file_counts_for_nothing(tmp_path, umask, old):
    path = tmp_path / "x.json"
    path.touch()
    path.chmod(old)
    write_json(path, [1])
    assert mode(path) == 0o644


def test_the_umask_is_never_touched(tmp_path, umask, monkeypatch):
    """It belongs to the process: another thread would write its files without one meanwhile."""
    umask(0o027)
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("it was set"))
    names = [f"{number}.json" for number in range(8)]
    threads = [threading.Thread(target=write_json, args=(tmp_path / n, [1])) for n in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {path.name: mode(path) for path in tmp_path.iterdir()} == dict.fromkeys(names, 0o640)


def test_a_file_system_without_modes_is_written_all_the_same(tmp_path, monkeypatch):
    """There a mode cannot be set, and is that of any new file anyway."""
    monkeypatch.setattr(os, "fchmod", lambda *_: pytest.fail("not permitted"))
    write_json(tmp_path / "x.json", [1])


# What is replaced


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_what_a_store_holds_is_never_written(tmp_path, link):
    """DVC's cache may give links to read-only files."""
    stored, path = tmp_path / "stored", tmp_path / "x.json"
    stored.write_text("as it was")
    stored.chmod(0o444)
    link(stored, path)
    write_json(path, [1])
    assert path.read_text() == "[\n 1\n]\n" and not path.is_symlink() and mode(path) != 0o444
    assert stored.read_text() == "as it was" and mode(stored) == 0o444


SPECIAL = {"a folder": Path.mkdir, "a pipe": os.mkfifo, "a socket": a_socket}


@pytest.mark.parametrize("kind", SPECIAL)
def test_what_is_no_file_is_not_replaced(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "x"
    SPECIAL[kind](path)
    before = path.lstat()
    with pytest.raises(InputError) as error, written_aside(path):
        pytest.fail("it was written")
    told(error, path, f"is {kind}, not a file to write")
    assert path.lstat().st_ino == before.st_ino and [*tmp_path.iterdir()] == [path]


def test_a_device_is_not_replaced():
    ends = os.openpty()
    try:
        device = Path(os.ttyname(ends[1]))
        with pytest.raises(InputError) as error, written_aside(device):
            pytest.fail("it was written")
        told(error, device, "is a device")
    finally:
        for end in ends:
            os.close(end)


@pytest.mark.parametrize("path", [".", "..", "/", ""])
def test_a_path_without_a_name_is_a_folder(path):
    with pytest.raises(InputError, match="is a folder"), written_aside(path):
        pytest.fail("it was written")


def test_a_name_that_is_too_long_is_told_before_the_work(tmp_path):
    path = tmp_path / ("n" * 300)
    with pytest.raises(InputError) as error, written_aside(path):
        pytest.fail("it was written")
    told(error, path, "File name too long", "shorter name")


def test_a_folder_that_may_not_be_written_is_told():
    with ordinary_user() as folder:
        folder.chmod(0o500)
        path = folder / "x.json"
        with pytest.raises(InputError) as error:
            write_json(path, [1])
        told(error, path, "cannot be written (Permission denied)", "permission")
        with pytest.raises(InputError) as error:
            write_json(folder / "sub" / "x.json", [1])
        told(error, folder / "sub" / "x.json", "Permission denied")


# What a killed process left behind


@pytest.mark.parametrize("name", ["x.h5", "a[1]*?.h5", "no_suffix", "ü" * 100 + ".json", "n" * 255])
def test_leftovers_of_a_name_are_removed_and_nothing_else(tmp_path, name):
    path, others = tmp_path / name, ["x", f".x.{'f' * 31}.h5", f".x.{MARK}.h6", "a1.h5"]
    for other in others:
        (tmp_path / other).touch()
    with pytest.raises(KeyboardInterrupt), written_aside(path) as aside:
        aside.touch()
        aside.rename(left := tmp_path / "kept")
        raise KeyboardInterrupt
    left.rename(aside)
    write_json(path, [1])
    assert aside.exists() and aside.name.endswith(path.suffix[:8])
    remove_leftovers(path)
    assert {each.name for each in tmp_path.iterdir()} == {*others, name}


def test_what_another_process_is_writing_is_no_leftover(tmp_path):
    path = tmp_path / "x.h5"
    with created(path, {}) as file:
        remove_leftovers(path)
        file["x"] = 1.0
    with h5py.File(path) as file:
        assert file["x"][()] == 1.0
    assert [*tmp_path.iterdir()] == [path]


def test_leftovers_that_cannot_be_removed_are_no_error(tmp_path):
    remove_leftovers(tmp_path / "none" / "x.h5")
    with ordinary_user() as folder:
        left = folder / f".x.{MARK}.h5"
        left.touch()
        folder.chmod(0o500)
        remove_leftovers(folder / "x.h5")
        assert left.exists()
