"""Checkpoints: every bit kept, the same bytes twice, damaged files told."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from conftest import told
from l2o.errors import InputError
from l2o.storage.checkpoints import load_tensors, save_tensors


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    path = tmp_path / "net.safetensors"
    record = {"key": "k", "number": 0.1, "text": "ü"}
    save_tensors(path, {"b": torch.arange(6.0).reshape(2, 3), "a": torch.ones(()).half()}, record)
    return path


def test_a_checkpoint_reads_back_and_repeats_to_the_byte(checkpoint, tmp_path):
    tensors, record = load_tensors(checkpoint)
    assert record == {"key": "k", "number": 0.1, "text": "ü"}
    assert {k: (t.shape, t.dtype) for k, t in tensors.items()} == {
        "a": ((), torch.float16),
        "b": ((2, 3), torch.float32),
    }
    again = tmp_path / "again.safetensors"
    save_tensors(again, dict(reversed(tensors.items())), dict(reversed(record.items())))
    assert again.read_bytes() == checkpoint.read_bytes()


@pytest.mark.parametrize("size", [0, 5, 60, -1])
def test_a_truncated_checkpoint_is_told_in_one_line(checkpoint, size):
    checkpoint.write_bytes(checkpoint.read_bytes()[:size])
    with pytest.raises(InputError) as error:
        load_tensors(checkpoint)
    told(error, checkpoint, "truncated or damaged", "makes a damaged one again")


def test_garbage_and_pickles_are_no_checkpoints(checkpoint):
    for content in (b"\xff" * 500, pickle.dumps({"w": [1.0]}), b"{}"):
        checkpoint.write_bytes(content)
        with pytest.raises(InputError) as error:
            load_tensors(checkpoint)
        told(error, checkpoint, "truncated or damaged")


FOREIGN = [
    *(None, {"format": "pt"}, {"l2o": "[]"}, {"l2o": "{"}, {"l2o": ""}, {"l2o": "NaN"}),
    *({"l2o": '{"lam": 0.02, "lam": 5}'}, {"l2o": '{"a": {"b": 1, "b": 1}}'}),
    *({"l2o": "[" * 100_000}, {"l2o": '{"a": ' + "[" * 9000 + "]" * 9000 + "}"}),
    {"l2o": '{"a": ' + "9" * 5000 + "}"},
]


@pytest.mark.parametrize("metadata", FOREIGN, ids=range(len(FOREIGN)))
def test_foreign_metadata_are_told_in_one_line(checkpoint, metadata):
    save_file({"a": torch.ones(2)}, checkpoint, metadata)
    with pytest.raises(InputError) as error:
        load_tensors(checkpoint)
    told(error, checkpoint, "give a checkpoint that the training wrote")
    assert "delete" not in str(error.value)


def test_a_file_that_the_system_does_not_open_is_not_called_damaged(checkpoint, monkeypatch):
    def refusing(*arguments) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "open", refusing)
    with pytest.raises(InputError) as error:
        load_tensors(checkpoint)
    told(error, checkpoint, "cannot be read (Permission denied)", "permissions")


@pytest.mark.parametrize("place", ["folder", "x" * 300, "file/inside", "loop"])
def test_what_is_no_file_is_told_in_one_line(tmp_path, place):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError) as error:
        load_tensors(tmp_path / place)
    told(error, tmp_path / place)
    assert "damaged" not in error.value.problem


@pytest.mark.parametrize("kind", ["F4", "F8_E8M0", "I7", "", "C64", "U16"])
def test_tensors_of_types_that_torch_may_lack_are_told(tmp_path, kind):
    tensor = {"dtype": kind, "shape": [2], "data_offsets": [0, 4]}
    header = {"__metadata__": {"l2o": "{}"}, "a": tensor}
    text = json.dumps(header).encode()
    (tmp_path / "a").write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    with contextlib.suppress(InputError):
        assert load_tensors(tmp_path / "a")[0]["a"].shape == (2,)


def test_a_missing_checkpoint_is_told_in_one_line(tmp_path):
    with pytest.raises(InputError) as error:
        load_tensors(tmp_path / "none.safetensors")
    told(error, tmp_path / "none.safetensors", "no such checkpoint", "train it")


def test_a_checkpoint_holds_no_pickle(checkpoint):
    content = checkpoint.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert list(header["__metadata__"]) == ["l2o"]
    assert b"torch" not in content and b"pickle" not in content
    with pytest.raises((pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError)):
        pickle.loads(content)
