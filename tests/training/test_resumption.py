"""Interrupted trainings go on to the very bits of an uninterrupted one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from l2o.config.training import Training
from l2o.storage.checkpoints import load_tensors, save_tensors
from small_trainings import HEADS, make_trainer, outcome

TESTS = Path(__file__).parents[1]
each_method = pytest.mark.parametrize("name", HEADS)


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


class PowerCutError(Exception):
    """Raised in place of a power cut."""


class After:
    """A report callback that interrupts at its ``calls``-th call."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self, stage, row) -> None:
        self.left -= 1
        if self.left == 0:
            raise PowerCutError


@each_method
def test_cut_off_at_validations_training_ends_with_the_same_bits(name, budget, tmp_path):
    """The cuts fall in a stage of one layer, at the start of a later one, and at the end."""
    expected = outcome(make_trainer(name, tmp_path / "whole", budget))
    many = len(expected[1]) > 16
    for calls in (2, 8, len(expected[1]) - 8) if many else (1,):
        with pytest.raises(PowerCutError):
            make_trainer(name, tmp_path / "cut", budget, After(calls)).run()
    assert outcome(make_trainer(name, tmp_path / "cut", budget)) == expected


@each_method
def test_cut_off_after_each_save_training_ends_with_the_same_bits(
    name, budget, tmp_path, monkeypatch
):
    expected = outcome(make_trainer(name, tmp_path / "whole", budget))

    def save_and_fail(*arguments) -> None:
        save_tensors(*arguments)
        raise PowerCutError

    monkeypatch.setattr("l2o.training.state.save_tensors", save_and_fail)
    stages = make_trainer(name, tmp_path / "cut", budget).stages
    for _ in range(len(expected[1]) + len(stages)):
        with pytest.raises(PowerCutError):
            make_trainer(name, tmp_path / "cut", budget).run()
    assert outcome(make_trainer(name, tmp_path / "cut", budget)) == expected


def cut_short(path: Path, budget: Training, **changes) -> None:
    with pytest.raises(PowerCutError):
        make_trainer("lista_cp", path, budget, After(9), **changes).run()
    assert path.exists()


def test_the_state_of_another_training_is_ignored(budget, tmp_path):
    expected = outcome(make_trainer("lista_cp", tmp_path / "whole", budget))
    cut_short(tmp_path / "cut", budget, key="another", seed=6)
    assert outcome(make_trainer("lista_cp", tmp_path / "cut", budget)) == expected
    # The same file under its own key would have been taken up, with other numbers.
    cut_short(tmp_path / "own", budget, seed=6)
    assert outcome(make_trainer("lista_cp", tmp_path / "own", budget)) != expected


DAMAGES = ["half", "empty", "garbage", "foreign", "no record", "list", "a bit", "history", "name"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_ignored(damage, budget, tmp_path):
    expected = outcome(make_trainer("lista_cp", tmp_path / "whole", budget))
    path = tmp_path / "cut"
    cut_short(path, budget)
    whole = path.read_bytes()
    tensors = {"net.A": torch.zeros(2)}
    if damage == "foreign":
        save_file(tensors, path, {"format": "pt"})
    elif damage == "no record":
        save_tensors(path, tensors, {})
    elif damage == "list":
        save_tensors(path, tensors, [])
    elif damage == "a bit":
        path.write_bytes(whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:])
    elif damage == "history":
        found, record = load_tensors(path)
        save_tensors(path, found, record | {"history": []})
    elif damage == "name":
        found, record = load_tensors(path)
        save_tensors(path, found | {"loose": torch.zeros(2).bfloat16()}, record)
    else:
        damaged = {"half": whole[: len(whole) // 2], "empty": b"", "garbage": b"x" * 999}
        path.write_bytes(damaged[damage])
    assert outcome(make_trainer("lista_cp", path, budget)) == expected


CHILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
from small_trainings import make_trainer
from conftest import BUDGET
from l2o.config.training import Training

def report(stage, row):
    print(row["step"], flush=True)
    time.sleep(0.05)

torch.set_num_threads(1)
make_trainer("glista", Path(sys.argv[2]), Training(**BUDGET), report).run()
"""


def test_a_killed_process_goes_on_to_the_same_bytes(budget, tmp_path):
    expected = outcome(make_trainer("glista", tmp_path / "whole", budget))
    arguments = [sys.executable, "-c", CHILD, str(TESTS), str(tmp_path / "cut")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as child:
        for _ in range(7):
            assert child.stdout.readline()
        time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    seen = []
    trainer = make_trainer("glista", tmp_path / "cut", budget, lambda stage, row: seen.append(row))
    assert outcome(trainer) == expected
    assert 0 < len(seen) < len(expected[1])
