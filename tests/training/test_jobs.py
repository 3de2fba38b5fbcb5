"""The jobs that train: what they write and in which order, interrupted or not."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch

from l2o.errors import InputError
from l2o.optimizers.registry import methods
from l2o.optimizers.trained import load_net, load_recurrent
from l2o.solvers.opening import load
from l2o.storage.checkpoints import load_tensors, save_tensors
from l2o.training import recurrent, results, unrolled
from l2o.training.progress import Progress
from small_training_jobs import META_BUDGET, do, given_to, kill_once_it_has_saved
from solve_cases import LAM, A, B

METHODS = ["lista_cp", "l2o_rnnprop"]  # of both kinds
each_kind = pytest.mark.parametrize("method", METHODS)
COLUMNS = {"lista_cp": unrolled.HISTORY, "l2o_rnnprop": recurrent.HISTORY}


class PowerCutError(Exception):
    """Raised in place of a power cut."""


def files(given) -> dict[str, bytes]:
    """The outputs that must not depend on interruptions."""
    return {role: given.outputs[role].read_bytes() for role in ("checkpoint", "history")}


@each_kind
def test_a_job_leaves_all_that_others_read(method, tmp_path):
    given = given_to(tmp_path, method)
    do(given)
    assert not given.state.exists()
    tensors, record = load_tensors(given.outputs["checkpoint"])
    about = {"setting": "small", "method": method, "lam": LAM, "provenance": dict(given.record)}
    assert about.items() <= record.items()
    assert record.get("depth") == given.parameters.get("depth")
    kind = "unrolled" if method in methods("unrolled") else "recurrent"
    assert record["hyperparameters"] == dict(methods(kind)[method].hyperparameters)
    loaded = load_net(given.outputs["checkpoint"], A) if kind == "unrolled" else None
    loaded = loaded or load_recurrent(given.outputs["checkpoint"])
    assert all(torch.equal(t, tensors[name]) for name, t in loaded.state_dict().items())
    with given.outputs["history"].open() as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS[method] and {row[-1] for row in rows} == {"ok"}
    seconds = json.loads(given.outputs["training_seconds"].read_text())
    assert seconds.pop("training_seconds") > 0
    assert seconds == {"setting": "small", "method": method, "device": "cpu"}
    assert np.isfinite(load(given.outputs["checkpoint"], A).solve(B, 2).x).all()


@each_kind
def test_an_interrupted_job_goes_on_to_the_same_bytes(method, tmp_path, monkeypatch):
    """A saved state gives the history back in another order of columns."""
    whole, cut = given_to(tmp_path / "whole", method), given_to(tmp_path / "cut", method)
    do(whole)
    left = [5]

    def interrupted(*arguments) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise PowerCutError

    with monkeypatch.context() as patched:
        patched.setattr(Progress, "show", interrupted)
        with pytest.raises(PowerCutError):
            do(cut)
    assert cut.state.exists() and not cut.outputs["history"].exists()
    do(cut)
    assert files(cut) == files(whole) and not cut.state.exists()


@each_kind
def test_a_state_whose_weights_are_not_those_saved_is_not_taken_up(method, tmp_path, monkeypatch):
    whole, cut = given_to(tmp_path / "whole", method), given_to(tmp_path / "cut", method)
    do(whole)
    with monkeypatch.context() as patched:
        patched.setattr(results, "save_tensors", lambda *arguments: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            do(cut)
    tensors, record = load_tensors(cut.state)
    changed = {name: t if name.startswith("adam.") else t * 1.001 for name, t in tensors.items()}
    save_tensors(cut.state, changed, record)
    do(cut)
    assert files(cut) == files(whole)


@each_kind
def test_a_killed_job_goes_on_to_the_same_bytes(method, tmp_path):
    whole, cut = given_to(tmp_path / "whole", method), given_to(tmp_path / "cut", method)
    do(whole)
    kill_once_it_has_saved(cut)
    assert not cut.outputs["checkpoint"].exists()
    shown = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Progress, "show", lambda *arguments: shown.append(arguments))
        do(cut)
    assert files(cut) == files(whole) and not cut.state.exists()
    rows = len(whole.outputs["history"].read_text().splitlines()) - 1
    assert 0 < len(shown) < rows


@each_kind
def test_the_checkpoint_is_the_last_file_and_the_state_outlives_it(method, tmp_path, monkeypatch):
    given = given_to(tmp_path, method)
    with monkeypatch.context() as patched:
        patched.setattr(results, "save_tensors", lambda *arguments: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            do(given)
    assert given.outputs["history"].exists() and given.outputs["training_seconds"].exists()
    assert given.state.exists()
    first = given.outputs["history"].read_bytes()
    do(given)  # nothing is left to train
    assert given.outputs["history"].read_bytes() == first and given.outputs["checkpoint"].exists()


def test_a_meta_training_that_only_diverges_is_told_with_its_place(tmp_path):
    given = given_to(tmp_path, "l2o_dm", hyperparameters={"hidden": 4, "scale": 1e30})
    with pytest.raises(InputError, match="small: l2o_dm: meta-training diverged in every epoch"):
        do(given)
    assert not given.outputs["checkpoint"].exists()


def test_without_a_teacher_nothing_is_imitated(tmp_path):
    plain = {**META_BUDGET, "imitation": 0.0}
    with_one = given_to(tmp_path / "a", "l2o_dm")
    without = given_to(tmp_path / "b", "l2o_dm", meta_training=plain, teacher={})
    do(with_one), do(without)
    assert files(with_one)["checkpoint"] != files(without)["checkpoint"]


@each_kind
def test_a_log_has_lines_and_no_bar(method, tmp_path, capsys):
    do(given_to(tmp_path, method))
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert len(lines) > 2 and not said.err
    assert all(line.startswith("small ") and line.endswith("(ok)") for line in lines)
