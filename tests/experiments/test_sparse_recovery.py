"""The jobs of sparse recovery at a tiny size: sets of both dictionaries, all kinds of method."""

from __future__ import annotations

import math

import h5py
import numpy as np
import pandas as pd
import pytest

from conftest import told
from every_room import ROOT
from l2o.artifacts.production import produce
from l2o.errors import InputError
from l2o.experiments.sparse_recovery.experiment import SparseRecovery
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


@pytest.mark.parametrize("method", ["alista", "fista", "amp", "oracle"])
def test_an_evaluation_is_the_same_twice_whatever_the_kind(room, method):
    job = made(room.evaluate("noiseless", method))
    assert all(bytes_again(job, "curves", "finals").values())
    curves, finals, seconds = (pd.read_csv(path) for path in job.writes.values())
    assert (curves["method"] == method).all() and [*curves["layer"]] == [0, 1, 2, 3]
    assert finals["nmse_db"][0] == pytest.approx(curves["nmse_db"].iloc[-1])
    assert finals["runs"][0] == 24 and finals["failed"][0] in range(25)
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
    assert roles["oracle"] == roles["amp"] == ["set"]
