"""The jobs of sparse recovery at a tiny size: sets of both dictionaries, all kinds of method."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from conftest import told
from every_room import ROOT
from l2o.artifacts.production import produce
from l2o.errors import InputError
from l2o.experiments.sparse_recovery.experiment import SparseRecovery
from l2o.metrics import mean_nmse_db
from l2o.optimizers.classical.em_vamp import EmVamp
from l2o.storage.checkpoints import load_tensors
from l2o.storage.hdf5 import read_dictionary
from l2o.storage.sets import read_split
from parameter_files import changed
from small_network_jobs import bytes_again, made, make_folder

SAMPLES = {"train": 64, "validation": 16, "test": 24}
CHANGES = {
    "presets>smoke>samples": SAMPLES,
    "presets>smoke>training>samples": 64,
    "presets>smoke>gaussian>gaussian": [24, 48],
    "presets>smoke>depth": 3,
    "presets>smoke>opponent_iterations": 5,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made_in = make_folder(tmp_path_factory.mktemp("recovery"), "fig5", CHANGES)
    (made_in / "data/dictionaries").symlink_to(ROOT / "data/dictionaries")
    return made_in


@pytest.fixture
def room(folder, monkeypatch) -> SparseRecovery:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)
    return SparseRecovery("smoke")


@pytest.mark.parametrize(("setting", "shape"), [("snr20", (24, 48)), ("coherent", (256, 512))])
def test_a_set_is_the_same_twice_with_its_dictionary(room, setting, shape):
    job = made(room.sample(setting))
    assert bytes_again(job, "set") == {"set": True}
    A = read_dictionary(job.writes["set"])
    assert A.shape == shape == room.size(setting)
    if setting == "coherent":
        assert (read_dictionary(ROOT / "data/dictionaries/bsds500.h5") == A).all()
    for split, count in SAMPLES.items():
        b, x = read_split(job.writes["set"], split)
        assert b.shape == (count, shape[0]) and x.shape == (count, shape[1])
        noise = np.square(b - x.astype(float) @ A.T).mean() / np.square(b).mean()
        assert noise == pytest.approx(0.01, rel=0.2) if setting == "snr20" else noise < 1e-12
    with h5py.File(job.writes["set"]) as file:
        assert file.attrs["snr_db"] == ("none" if setting == "coherent" else 20)


def test_a_released_dictionary_of_another_size_is_told(room, tmp_path):
    path = changed(room.path, tmp_path, "learning>atoms", 300)
    with pytest.raises(InputError) as error:
        produce(SparseRecovery("smoke", path=path).sample("coherent"))
    told(error, room.parameters.released_dictionary, "A: is (256, 512), not (256, 300) as patch")


def test_a_net_goes_on_from_what_it_contains_also_where_that_takes_no_part(room):
    chain = ["glista", "tilista", "alista"]
    for alone in (room, SparseRecovery("smoke", only=["glista"])):
        job = alone.train("noiseless", "glista")
        for method, following in pairwise(chain):
            assert job.wildcards["method"] == method and job.parameters["method"] == method
            job = job.reads["start"].job
            assert job.wildcards["method"] == following
        assert "start" not in job.reads


def test_a_net_whose_numbers_do_not_depend_on_the_matrix_goes_on_from_another_setting(
    room, tmp_path
):
    chosen = {"large/alista": {"start": "noiseless/alista"}}
    path = changed(room.path, tmp_path, "presets>smoke>overrides", chosen)
    other = SparseRecovery("smoke", path=path)
    job = made(other.train("large", "alista"))
    assert job.reads["start"].job.wildcards["setting"] == "noiseless"
    begun, ended = (load_tensors(j["checkpoint"].path)[0] for j in (job.reads["start"].job, job))
    assert begun["A"].shape != ended["A"].shape and begun["step.0"].shape == ended["step.0"].shape


@pytest.mark.parametrize("there", ["coherent", "large"])  # one that goes on itself; its own
def test_a_net_does_not_go_on_in_a_circle(room, tmp_path, there):
    chosen = {"coherent/alista": {"start": "large/alista"}}
    chosen |= {"large/alista": {"start": f"{there}/alista"}}
    path = changed(room.path, tmp_path, "presets>smoke>overrides", chosen)
    with pytest.raises(InputError, match="alista: unknown key"):
        SparseRecovery("smoke", path=path)


@pytest.mark.parametrize(
    ("start", "problem"),
    [
        ("analitic", "did you mean `analytic`?"),
        ("lamp", "valid are"),
        ("large/alista", "did you mean `alista`?"),
    ],
)
def test_a_start_that_a_net_does_not_have_is_told(room, tmp_path, start, problem):
    path = changed(room.path, tmp_path, "presets>smoke>overrides>tilista", {"start": start})
    with pytest.raises(InputError) as error:
        SparseRecovery("smoke", path=path)
    told(error, path, f"noiseless/tilista.start.{start}", problem)


@pytest.mark.parametrize("method", ["alista", "fista", "amp", "em_vamp", "oracle"])
def test_an_evaluation_is_the_same_twice_whatever_the_kind(room, method):
    job = made(room.evaluate("noiseless", method))
    assert all(bytes_again(job, "curves", "finals", "runs").values())
    curves, finals, runs, seconds = (pd.read_csv(path) for path in job.writes.values())
    last = 5 if room.contestant(method).kind == "classical" else 3
    assert (curves["method"] == method).all() and [*curves["layer"]] == [*range(last + 1)]
    assert finals["nmse_db"][0] == pytest.approx(curves["nmse_db"][3]) and finals["layer"][0] == 3
    assert finals["runs"][0] == 24 and finals["failed"][0] in range(25)
    assert len(runs) == 24 and runs["end"].mean() == pytest.approx(curves["nmse_db"][3])
    assert math.isnan(seconds["seconds"][0]) == (method == "oracle")
    assert curves["kind"][0] == room.contestant(method).kind
    assert curves["lam"].isna().all() == (method != "fista")
    if method == "oracle":
        assert (curves["nmse_db"] < -130).all()  # up to the rounding of b


def test_a_job_reads_a_checkpoint_only_if_it_is_trained(room):
    roles = {name: [*room.evaluate("noiseless", name).inputs] for name in room.contestants}
    assert {name for name, given in roles.items() if "checkpoint" in given} == {
        name for name, who in room.contestants.items() if who.kind == "unrolled"
    }
    assert roles["oracle"] == ["set"] and roles["amp"] == ["set", "tuned"]


def test_the_search_goes_by_the_depth_on_the_validation_samples(room):
    job = made(room.tune("snr20", "em_vamp"))
    tuned = pd.read_csv(job.writes["tuned"])
    grid = room.parameters.grid["em_vamp"]["damping"]
    assert [json.loads(row)["damping"] for row in tuned["hyperparameters"]] == [*grid]
    assert (
        tuned["chosen"].sum() == 1 and tuned["loss"][tuned["chosen"]].item() == tuned["loss"].min()
    )
    b, x = read_split(room.sample("snr20").writes["set"], "validation")
    A = torch.from_numpy(read_dictionary(room.sample("snr20").writes["set"]))
    run = EmVamp(A, {"damping": grid[1]}).run(torch.from_numpy(b.astype(float)), 3)
    assert tuned["loss"][1] == pytest.approx(mean_nmse_db(run[-1].numpy(), x), abs=1e-6)


def test_all_methods_are_timed_to_their_own_end(room):
    room = SparseRecovery("smoke", ["alista", "vamp", "oracle"])
    seconds = pd.read_csv(made(room.time("noiseless")).writes["seconds"])
    ends = seconds.drop_duplicates("method", keep="last").set_index("method")
    assert ends["iteration"].to_dict() == {"alista": 3, "vamp": 5}
    assert (seconds["seconds"] > 0).all() and (seconds["batch"] == SAMPLES["test"]).all()
    per_layer = seconds["seconds"] / seconds["iteration"]
    assert per_layer.groupby(seconds["method"]).std().max() < 1e-9


def test_gaussian_panels_have_limits_and_evaluations_do_not_wait_for_them(room):
    assert room.optima("coherent") is None and room.held_against("snr20") is None
    job = made(room.optima("snr20"))
    assert bytes_again(job, "optima") == {"optima": True}
    rows = pd.read_csv(job.writes["optima"])
    assert rows.groupby("limit", sort=False)["layer"].max().to_dict() == dict.fromkeys(
        ("amp", "vamp", "fixed_point"), 3
    )
    assert (rows["setting"] == "snr20").all() and (rows["nmse_db"] < 1e-9).all()
    assert {*room.tables()["optima"].reads} == {"noiseless", "snr20", "large"}


def test_nets_are_tried_on_other_dictionaries(room):
    room = SparseRecovery("smoke", ["ada_lista", "lista", "ista"])
    job = made(room.tables()["dictionaries"].reads["dictionaries"].job)
    assert bytes_again(job, "table") == {"table": True}
    rows = pd.read_csv(job.writes["table"]).set_index(["dictionary", "method"])
    known = rows["knows"].groupby("method").first().to_dict()
    assert known == {m: "the new A" for m in ("ada_lista", "ista")} | {
        "lista": "the A of its training"
    }
    for name in ("ada_lista", "lista", "ista"):  # as the evaluation has it; b is drawn in float32
        end = pd.read_csv(made(room.evaluate("noiseless", name)).writes["curves"])["nmse_db"][3]
        assert rows["nmse_db"]["same", name] == pytest.approx(end, abs=1e-3)
    # The order of the columns is nothing to what has A for an input.
    for name in ("ada_lista", "ista"):
        same, permuted = (rows["nmse_db"][kind, name] for kind in ("same", "permuted"))
        assert permuted == pytest.approx(same, abs=1.5)
    draws = room.parameters.other_dictionaries.draws
    assert rows["runs"].groupby("dictionary").first().to_dict() == {
        "same": 24,
        **dict.fromkeys(("permuted", "perturbed", "fresh"), 24 * draws),
    }
    assert SparseRecovery("smoke", ["alista_at"]).tables().keys().isdisjoint({"dictionaries"})


def test_methods_and_settings_of_a_preset_may_be_left_out_but_for_those_named(room, tmp_path):
    assert "snr40" not in room.settings and "tista" not in room.contestants
    assert "snr40" in SparseRecovery("laptop").settings
    assert "tista" in SparseRecovery("laptop").contestants
    assert {*SparseRecovery("smoke", ["tista"]).contestants} == {"tista"}
    for given, problem in (
        (["snr41"], "did you mean `snr40`?"),
        ([*SparseRecovery("laptop").settings], "no setting is left"),
    ):
        path = changed(room.path, tmp_path, "presets>smoke>left_out", given)
        with pytest.raises(InputError) as error:
            SparseRecovery("smoke", path=path)
        told(error, path, "presets.smoke.left_out", problem)


def test_other_dictionaries_of_nobody_are_told(room, tmp_path):
    for key, value in (("setting", "noisless"), ("methods", ["listaa"])):
        path = changed(room.path, tmp_path, f"other_dictionaries>{key}", value)
        with pytest.raises(InputError) as error:
            SparseRecovery("smoke", path=path)
        told(error, path, f"other_dictionaries.{key}", "did you mean")
