"""Checkpoints: every bit kept, the same bytes twice, damaged files told."""

from __future__ import annotations

import json
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
    told(error, checkpoint, "truncated or damaged", "delete the file")


def test_garbage_and_pickles_are_no_checkpoints(checkpoint):
    for content in (b"\xff" * 500, pickle.dumps({"w": [1.0]}), b"{}"):
        checkpoint.write_bytes(content)
        with pytest.raises(InputError) as error:
            load_tensors(checkpoint)
        told(error, checkpoint, "truncated or damaged")


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"l2o": "[]"}, {"l2o": "{"}])
def test_foreign_metadata_are_told_in_one_line(checkpoint, metadata):
    save_file({"a": torch.ones(2)}, checkpoint, metadata)
    with pytest.raises(InputError) as error:
        load_tensors(checkpoint)
    told(error, checkpoint, "delete the file")


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
