"""The commands of Figure 7 without Snakemake: the same bytes twice, kill and resume, bad input."""

from __future__ import annotations

import json
import os
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from conftest import told
from killed_trainings import kill_once_it_has_saved, trained_files
from l2o.artifacts.proof import write_proof
from l2o.commands.fig7.data import oracle, sample_set
from l2o.commands.fig7.reports import evaluate, grid_search
from l2o.commands.fig7.training import train
from l2o.errors import InputError
from l2o.evaluation.grid_search import chosen_hyperparameters
from l2o.steps.fig7 import UNTRAINED, Fig7Steps

ROOT = Path(__file__).parents[1]
GIVEN = (Path("params/fig7.yaml"), "smoke")
SETTING = "n2"


def outputs(folder: Path) -> dict[str, Path]:
    return {"curves": folder / "curves.csv", "solve_seconds": folder / "seconds.csv"}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[str, Path]:
    """A set, its oracle and its grid search."""
    folder, here = tmp_path_factory.mktemp("rastrigin"), Path.cwd()
    paths = {name: folder / name for name in ("set.h5", "oracle.csv", "grid.csv")}
    os.chdir(ROOT)
    try:
        sample_set(SETTING, paths["set.h5"], *GIVEN)
        oracle(SETTING, paths["set.h5"], paths["oracle.csv"], *GIVEN)
        grid_search(SETTING, paths["set.h5"], paths["grid.csv"], *GIVEN)
    finally:
        os.chdir(here)
    return paths


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_sets_and_oracles_are_the_same_twice(made, tmp_path):
    sample_set(SETTING, tmp_path / "set.h5", *GIVEN)
    assert (tmp_path / "set.h5").read_bytes() == made["set.h5"].read_bytes()
    oracle(SETTING, made["set.h5"], tmp_path / "oracle.csv", *GIVEN)
    assert (tmp_path / "oracle.csv").read_bytes() == made["oracle.csv"].read_bytes()
    found = pd.read_csv(made["oracle.csv"])
    assert (found["oracle"] >= found["lower_bound"]).all()
    assert (found["oracle"] >= found["grid"].fillna(-np.inf) - 1e-6).all()


def test_the_grid_search_tries_all_and_chooses_the_lowest(made):
    table = pd.read_csv(made["grid.csv"])
    assert table.groupby("method").size().to_dict() == {
        **{"adam": 12, "gd_line_search": 9, "nag": 9, "rmsprop": 4},
    }
    for method, rows in table.groupby("method"):
        best = rows.loc[rows["loss"].idxmin()]
        assert chosen_hyperparameters(made["grid.csv"])[method] == json.loads(
            best["hyperparameters"]
        )
    assert all(json.loads(text)["rate"] in (0.1, 0.3) for text in table["hyperparameters"])


def test_a_killed_training_goes_on_to_the_same_bytes(made, tmp_path):
    method, data = "l2o_scale", made["set.h5"]
    whole, cut = trained_files(tmp_path / "whole"), trained_files(tmp_path / "cut")
    train(SETTING, method, data, whole, tmp_path / "state1", *GIVEN)
    state = tmp_path / "state2"
    kill_once_it_has_saved("fig7", SETTING, method, data, cut, state)
    assert not cut["checkpoint"].exists()
    train(SETTING, method, data, cut, state, *GIVEN)
    for role in ("checkpoint", "history"):
        assert cut[role].read_bytes() == whole[role].read_bytes(), role
    assert not state.exists()


def test_an_evaluation_is_the_same_twice_and_a_swarm_pays_for_its_particles(made, tmp_path):
    trained = trained_files(tmp_path)
    train(SETTING, "l2o_swarm", made["set.h5"], trained, tmp_path / "state", *GIVEN)
    given = (made["set.h5"], made["oracle.csv"], trained["checkpoint"])
    for name in ("a", "b"):
        evaluate(SETTING, "l2o_swarm", *given, outputs(tmp_path / name), *GIVEN)
    first, second = (outputs(tmp_path / name)["curves"] for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    rows = pd.read_csv(first).set_index("iteration")
    assert rows.loc[1000, "evaluations"] == 4 + 1000 * 8  # 4 particles, values and gradients
    assert (rows["gap"] > -1e-9).all() and rows["loss"].is_monotonic_decreasing


def test_untrained_methods_run_with_what_the_search_chose(made, tmp_path):
    given = (made["set.h5"], made["oracle.csv"], made["grid.csv"])
    evaluate(SETTING, UNTRAINED, *given, outputs(tmp_path), *GIVEN)
    table = pd.read_csv(outputs(tmp_path)["curves"])
    main = table[table["variant"] == "main"].set_index(["method", "iteration"])
    assert set(main.index.get_level_values(0)) == {
        *("adam", "rmsprop", "gd_line_search", "nag", "pso"),
    }
    assert main.loc[("adam", 1000), "evaluations"] == 1000
    assert main.loc[("pso", 1000), "evaluations"] == 8 * 1001
    assert main.loc[("gd_line_search", 1000), "evaluations"] > 1000
    starts = main.xs(0, level="iteration")["loss"]
    assert starts.drop("pso").nunique() == 1
    assert set(table.loc[table["variant"] == "as_drawn", "method"]) == {"rmsprop"}


@pytest.mark.parametrize(("method", "near"), [("l2o_swam", "l2o_swarm"), ("l2o_dn", "l2o_dm")])
def test_an_unknown_method_is_told_with_the_nearest(method, near, made, tmp_path):
    with pytest.raises(InputError, match=f"did you mean `{near}`"):
        train(SETTING, method, made["set.h5"], trained_files(tmp_path), tmp_path / "state", *GIVEN)


def test_matrices_that_are_not_finite_are_refused(made, tmp_path):
    damaged = tmp_path / "set.h5"
    damaged.write_bytes(made["set.h5"].read_bytes())
    with h5py.File(damaged, "r+") as file:
        file["train/A"][3, 0, 1] = np.nan
    write_proof(damaged, Fig7Steps(*GIVEN).optimizee_set(SETTING).record())
    with pytest.raises(InputError) as error:
        train(SETTING, "l2o_dm", damaged, trained_files(tmp_path), tmp_path / "state", *GIVEN)
    told(error, damaged, "train/A", "NaN")


def test_another_table_than_a_grid_search_is_told(made, tmp_path):
    with pytest.raises(InputError) as error:
        chosen_hyperparameters(made["oracle.csv"])
    told(error, made["oracle.csv"], "grid search")
