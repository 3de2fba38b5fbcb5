"""A disk that is full: one clear line, the old file untouched, nothing left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from l2o.errors import InputError
from l2o.storage.atomic import written_aside

# The limit on the size of a file makes the kernel refuse to write on, as a full disk does.
CHILD = """
import json, resource, signal, sys
from pathlib import Path
import numpy as np
import torch
from l2o.errors import InputError
from l2o.storage.checkpoints import save_tensors
from l2o.storage.hdf5 import write_dictionary
from l2o.storage.sets import SPARSE_RECOVERY, write_set
from l2o.storage.json_files import write_json
from l2o.storage.tables import write_table

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = Path(sys.argv[1])
A = np.random.default_rng(0).standard_normal((24, 48))

def slices():
    for _ in range(4):
        yield np.tile(A[0], (1024, 1)), np.tile(A[:, 0], (1024, 1))

def write(kind, path):
    if kind == "set":
        splits = {name: (4096, slices()) for name in ("train", "validation", "test")}
        write_set(path, SPARSE_RECOVERY, A, splits, {"key": "k"})
    elif kind == "dictionary":
        write_dictionary(path, np.tile(A, (20, 1)), {"key": "k"})
    elif kind == "checkpoint":
        save_tensors(path, {"w": torch.zeros(60_000)}, {"key": "k"})
    elif kind == "table":
        write_table(path, [{"a": i / 7, "b": "text"} for i in range(12_000)])
    else:
        write_json(path, list(range(40_000)))

results = {}
for kind in ("set", "dictionary", "checkpoint", "table", "json"):
    for limit in (10, 700, 5_000, 50_000, 100_000):
        path = folder / f"{kind}_{limit}.h5"
        path.write_bytes(b"old")
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            write(kind, path)
            message = "written"
        except InputError as error:
            message = str(error)
        except BaseException as error:
            message = f"{type(error).__name__}: {error}"
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        results[path.name] = [message, path.read_bytes() == b"old"]
    write(kind, folder / f"{kind}.whole")
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory) -> tuple[Path, dict[str, list]]:
    folder = tmp_path_factory.mktemp("full")
    command = [sys.executable, "-c", CHILD, str(folder)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    return folder, json.loads(run.stdout)


@pytest.mark.parametrize("kind", ["set", "dictionary", "checkpoint", "table", "json"])
def test_a_full_disk_is_told_in_one_line_and_the_old_file_stays(outcome, kind):
    folder, results = outcome
    mine = {name: result for name, result in results.items() if name.startswith(kind)}
    assert len(mine) == 5
    for name, (message, untouched) in mine.items():
        assert message.startswith(f"{folder / name}: cannot be written ("), message
        assert message.endswith("; free disk space or choose another folder")
        assert "\n" not in message and len(message) < len(str(folder / name)) + 160, message
        assert "File too large" in message
        assert untouched
    assert (folder / f"{kind}.whole").stat().st_size > 100_000  # space again: it works


def test_a_full_disk_leaves_no_temporary_file(outcome):
    folder, results = outcome
    assert {path.name for path in folder.iterdir() if path.suffix != ".whole"} == set(results)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    target = tmp_path / "file" / "sub" / "out.csv"
    with pytest.raises(InputError) as error, written_aside(target):
        pytest.fail("there is nowhere to write")
    assert str(error.value).startswith(f"{target}: cannot be written (")


def test_any_failure_keeps_the_old_file_and_removes_the_new(tmp_path):
    target = tmp_path / "out.csv"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), written_aside(target) as aside:
        aside.write_text("half of the n")
        assert aside.parent == target.parent and aside.suffix == ".csv"
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
    assert target.read_text() == "old"


def test_writing_nothing_is_an_error_of_the_file(tmp_path):
    with pytest.raises(InputError, match="No such file"), written_aside(tmp_path / "out.csv"):
        pass
    assert not list(tmp_path.iterdir())


def test_success_replaces_the_old_file(tmp_path):
    target = tmp_path / "new" / "out.csv"
    for text in ("first", "second"):
        with written_aside(target) as aside:
            aside.write_text(text)
        assert target.read_text() == text
    assert len(list(target.parent.iterdir())) == 1
