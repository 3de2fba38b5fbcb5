"""Paths that users name: what may lie there, what is told of the rest."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from conftest import told
from l2o.datasets.mnist_sources import files_in_mirror
from l2o.dictionaries.image_source import images_in_mirror
from l2o.errors import InputError
from l2o.storage.fetching import MIRROR_VARIABLE, chosen_mirror
from l2o.storage.json_files import read_json
from l2o.storage.paths import kind_at, readable, written_to
from ordinary_user import ordinary_user

FOLDER = stat.S_IFDIR


def test_what_is_there_and_open_is_returned(tmp_path):
    path = tmp_path / "a"
    path.touch()
    (tmp_path / "link").symlink_to("a")
    assert readable(str(path)) == path and readable(tmp_path, FOLDER) == tmp_path
    assert readable(tmp_path / "link") == tmp_path / "link"
    assert written_to(path) == path and written_to(tmp_path / "new") == tmp_path / "new"


@pytest.mark.parametrize("kind", [stat.S_IFREG, FOLDER])
@pytest.mark.parametrize("name", ["none", "a/none", "n" * 300, "loop", "pipe", "nu\0ll", "x\ny"])
def test_what_cannot_be_read_is_told_in_one_line(tmp_path, name, kind):
    (tmp_path / "a").touch()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError) as error:
        readable(tmp_path / name, kind, "thing", "make one")
    text = str(error.value)
    assert len(text.splitlines()) == 1 and tmp_path.name in text and error.value.remedy
    assert kind_at(tmp_path / name) == (stat.S_IFIFO if name == "pipe" else 0)
    assert ("no such thing; make one" in text) == ("none" in name or "\n" in name)


def test_a_mirror_that_cannot_be_used_is_told(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    for name, part in {
        "file": "is a file",
        "none": "no such folder",
        "n" * 300: "too long",
    }.items():
        monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path / name))
        with pytest.raises(InputError) as error:
            chosen_mirror(None)
        told(error, tmp_path / name, part)
    with ordinary_user() as folder:
        (folder / "train").mkdir()
        folder.chmod(0)
        with pytest.raises(InputError) as error:
            chosen_mirror(folder)
        told(error, folder, "cannot be read (Permission denied)")
        for source in (files_in_mirror, images_in_mirror):
            with pytest.raises(InputError) as error:
                next(iter(source(folder, ["train/a.jpg"])))
            told(error, folder, "cannot be read (Permission denied)", "repair the mirror")
        folder.chmod(0o700)


def test_a_json_file_that_may_not_be_read_is_no_damaged_one(tmp_path):
    with ordinary_user() as folder:
        path = Path(folder / "a.json")
        path.write_text("[1]")
        path.chmod(0)
        with pytest.raises(InputError) as error:
            read_json(path)
        told(error, path, "cannot be read (Permission denied)", "ask for the permission")
    (tmp_path / "a.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="is not JSON"):
        read_json(tmp_path / "a.json")
