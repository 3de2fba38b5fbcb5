"""The commands of Figure 6 without Snakemake: the same bytes twice, kill and resume, bad input."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conftest import told
from killed_trainings import kill_once_it_has_saved, trained_files
from l2o.commands.fig6.data import sample_set
from l2o.commands.fig6.reports import evaluate
from l2o.commands.fig6.training import train
from l2o.errors import InputError
from l2o.steps.fig6 import Fig6Steps

ROOT = Path(__file__).parents[1]
GIVEN = (Path("params/fig6.yaml"), "smoke")
SETTING = "m5_n10"


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("lasso") / "set.h5"
    here = Path.cwd()
    os.chdir(ROOT)
    try:
        sample_set(SETTING, path, *GIVEN)
    finally:
        os.chdir(here)
    return path


def test_a_set_is_the_same_twice(data, tmp_path):
    sample_set(SETTING, tmp_path / "again.h5", *GIVEN)
    assert (tmp_path / "again.h5").read_bytes() == data.read_bytes()


@pytest.mark.parametrize("method", ["l2o_enhanced", "alista"])
def test_a_killed_training_goes_on_to_the_same_bytes(method, data, tmp_path):
    whole, cut = trained_files(tmp_path / "whole"), trained_files(tmp_path / "cut")
    train(SETTING, method, data, whole, tmp_path / "state1", *GIVEN)
    state = tmp_path / "state2"
    kill_once_it_has_saved("fig6", SETTING, method, data, cut, state)
    assert not cut["checkpoint"].exists()
    train(SETTING, method, data, cut, state, *GIVEN)
    for role in ("checkpoint", "history"):
        assert cut[role].read_bytes() == whole[role].read_bytes(), role
    assert not state.exists()


def test_an_evaluation_is_the_same_twice_and_starts_count(data, tmp_path):
    checkpoint = trained_files(tmp_path)
    train(SETTING, "l2o_dm", data, checkpoint, tmp_path / "state", *GIVEN)
    for name in ("a.csv", "b.csv"):
        out = tmp_path / name
        evaluate(SETTING, "l2o_dm", data, [checkpoint["checkpoint"]], out, *GIVEN)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_an_unproven_input_is_refused(data, tmp_path):
    damaged = tmp_path / "set.h5"
    damaged.write_bytes(data.read_bytes())
    with pytest.raises(InputError) as error:
        train(SETTING, "l2o_dm", damaged, trained_files(tmp_path), tmp_path / "state", *GIVEN)
    told(error, damaged, "no proof", "snakemake")


@pytest.mark.parametrize(("method", "near"), [("l2o_dn", "l2o_dm"), ("listaa", "lista")])
def test_an_unknown_method_is_told_with_the_nearest(method, near, data, tmp_path):
    with pytest.raises(InputError, match=f"did you mean `{near}`"):
        train(SETTING, method, data, trained_files(tmp_path), tmp_path / "state", *GIVEN)


def test_a_meta_training_that_only_diverges_is_told(data, tmp_path, monkeypatch):
    monkeypatch.setattr("l2o.optimizees.lasso.Lasso.gradient", lambda self, x: x / 0.0)
    with pytest.raises(InputError, match="diverged in every epoch") as error:
        train(SETTING, "l2o_dm", data, trained_files(tmp_path), tmp_path / "state", *GIVEN)
    assert error.value.remedy and "\n" not in str(error.value)
    assert not trained_files(tmp_path)["checkpoint"].exists()


def test_a_missing_checkpoint_is_told_in_one_line(data, tmp_path):
    with pytest.raises(InputError, match="0 checkpoints were given for 1 nets") as error:
        evaluate(SETTING, "lista", data, [], tmp_path / "out.csv", *GIVEN)
    assert error.value.remedy and "\n" not in str(error.value)


def test_every_output_has_one_place():
    paths = [path for task in Fig6Steps(*GIVEN).tasks() for path in task.outputs]
    assert len(paths) == len(set(paths))
