"""Compressive sensing by blocks at a tiny size: equal bytes, what is kept, what is compared."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch

from every_room import content_of, fault, room
from l2o.artifacts.job import ordered
from l2o.artifacts.production import produce
from l2o.errors import InputError
from l2o.evaluation.sensing import final_pictures, held_out_pictures
from l2o.experiments.block_sensing import report
from l2o.experiments.block_sensing.experiment import BlockSensing
from l2o.figures.about import About
from l2o.optimizees.block_sensing import as_tensor
from l2o.optimizers.trained import read_checkpoint
from l2o.storage.pixels import pixels_of
from l2o.storage.sensing_sets import Sensing, read_sensing, write_sensing
from l2o.training.sensing import crops_of_step
from parameter_files import changed
from small_network_jobs import ROOT, bytes_again, made

FEW, MANY = "ratio_10", "ratio_25"
LEARNED = "ista_net_plus"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sensing")
    (folder / "params").mkdir()
    (folder / "data").symlink_to(ROOT / "data")
    source, content = ROOT / "params/cs.yaml", content_of("block_sensing")
    changes = {
        "settings": {name: content["settings"][name] for name in (FEW, MANY)},
        "sensing_nets": {LEARNED: {"filters": 3}, "ista_net_whole": {}},
        "gallery>methods": ["linear_start", LEARNED],
        "gallery>settings": [FEW],
        "gallery>zoom": 8,
        "grid": {"fista_tv": {"lam": [0.001, 0.1]}},
        "presets>smoke>left_out": [],
        "presets>smoke>net_training>steps": 6,
    }
    for preset in ("laptop", "paper"):
        changes[f"presets>{preset}"] = None
    for place, value in changes.items():
        source = changed(source, folder / "params", place, value)
    return folder


@pytest.fixture
def sensing(folder, monkeypatch) -> BlockSensing:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)
    return BlockSensing("smoke")


def rows_of(job, role):
    return pd.read_csv(made(job).writes[role])


def test_jobs_are_the_same_twice(sensing):
    assert all(bytes_again(made(sensing.sample(FEW)), "set").values())
    assert all(bytes_again(made(sensing.tune(FEW, "fista_tv")), "tuned").values())
    assert all(bytes_again(made(sensing.train(MANY, LEARNED)), "checkpoint", "history").values())
    for method in ("fista_tv", LEARNED):
        job = made(sensing.evaluate(FEW, method))
        assert all(bytes_again(job, "curves", "finals", "runs").values())


def test_a_training_that_was_interrupted_ends_the_same(sensing, monkeypatch):
    job = made(sensing.train(MANY, LEARNED))
    whole = job.writes["checkpoint"].read_bytes()

    class KilledError(Exception):
        pass

    def killed(pictures, batch, side, seed, step):
        if step == 4:
            raise KilledError
        return crops_of_step(pictures, batch, side, seed, step)

    with monkeypatch.context() as patch:
        patch.setattr("l2o.training.sensing.crops_of_step", killed)
        with pytest.raises(KilledError):
            produce(job)
    assert job.state.is_file()
    produce(job)
    assert job.writes["checkpoint"].read_bytes() == whole and not job.state.exists()


def test_a_net_ends_no_worse_than_the_linear_start_and_its_history_says_so(sensing):
    history = rows_of(sensing.train(MANY, LEARNED), "history")
    assert history["step"].tolist() == [0, 2, 4, 6]
    job = sensing.train(MANY, LEARNED)
    begun = history["validation_psnr"].iloc[0]
    net = read_checkpoint(job.writes["checkpoint"], "sensing_nets").optimizer()
    assert net.hyper == {"phases": 2, "filters": 3}
    matrix = read_sensing(job.reads["set"].path)
    pictures = as_tensor(held_out_pictures(job.reads["pictures"].path, 2, 1).values())
    start = pictures.flatten(1) @ torch.from_numpy(matrix.phi.T).float()
    start = (start @ torch.from_numpy(matrix.inverse.T).float()).clamp(0, 1)
    error = (start - pictures.flatten(1)).square().mean()
    assert begun == pytest.approx(-10 * np.log10(error.item()), abs=0.02)
    assert history["validation_psnr"].max() >= begun


def test_a_bad_rate_leaves_the_linear_start(sensing, folder, tmp_path, monkeypatch):
    path = changed(folder / "params/cs.yaml", tmp_path, "presets>smoke>net_training>rate", 0.99)
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    wild = BlockSensing("smoke", path=path)
    history = rows_of(wild.train(MANY, "ista_net_whole"), "history")
    best = history["validation_psnr"].max()
    net = read_checkpoint(wild.train(MANY, "ista_net_whole").writes["checkpoint"], "sensing_nets")
    assert best >= history["validation_psnr"].iloc[0]
    assert all(tensor.isfinite().all() for tensor in net.tensors.values())


def test_a_net_goes_on_from_that_of_another_ratio(sensing):
    job = sensing.train(FEW, LEARNED)
    assert job.reads["start"].job is sensing.train(MANY, LEARNED)
    assert "start" not in sensing.train(FEW, "ista_net_whole").reads
    history = rows_of(job, "history")
    assert history["step"].tolist() == [0, 0, 2, 4, 6]  # untrained, then taken up


def test_all_begin_at_the_linear_start_and_ends_are_those_of_scikit_image(sensing):
    from skimage.metrics import peak_signal_noise_ratio

    starts = set()
    for method in sensing.contestants:
        curves = rows_of(sensing.evaluate(FEW, method), "curves")
        starts.add(round(curves["psnr"].iloc[0], 4))
        assert curves["iteration"].iloc[-1] == (2 if "ista_net" in method else 3)
    assert len(starts) == 1
    gallery = rows_of(sensing.measure("gallery"), "table")
    pictures = {m: pixels_of(own.to_dict("records")) for m, own in gallery.groupby("method")}
    ends = rows_of(sensing.evaluate(FEW, LEARNED), "runs").set_index("picture")["end"]
    value = peak_signal_noise_ratio(pictures["original"], pictures[LEARNED], data_range=1)
    assert value == pytest.approx(ends[gallery["name"].iloc[0]], abs=0.01)
    assert pictures["original"].shape == (48, 48)


def test_figures_and_table_are_the_same_twice_and_count_gains(sensing):
    figure, table = made(sensing.figure("cs")), made(sensing.table())
    assert all(bytes_again(figure, "pdf", "png").values())
    assert all(bytes_again(table, "csv", "markdown", "metrics").values())
    assert made(sensing.figure("cs_seconds")).writes["pdf"].stat().st_size > 1000
    text = table.writes["markdown"].read_text()
    assert "as published" not in text and "bundled with scikit-image" in text
    rows = pd.read_csv(table.writes["csv"]).set_index(["setting", "method"])
    finals = rows_of(sensing.tables()["finals"], "table").set_index(["setting", "method"])
    place = (FEW, LEARNED)
    assert rows.loc[place, "psnr"] == pytest.approx(finals.loc[place, "psnr"], rel=1e-5)
    start = finals.loc[(FEW, "linear_start"), "psnr"]
    assert rows.loc[place, "gain"] == pytest.approx(finals.loc[place, "psnr"] - start, abs=1e-3)
    metrics = json.loads(table.writes["metrics"].read_text())
    assert metrics["contests"] == 4 and f"{LEARNED}_ssim" in metrics[FEW]


def test_what_is_published_stands_beside_results_on_the_same_pictures(sensing):
    tables = {name: rows_of(sensing.tables()[name], "table") for name in ("finals", "runs")}
    told = sensing.told()
    published = pd.read_csv(sensing.parameters.published_curves)
    for source, here in (("published", True), ("bundled", False)):
        about = About(**{**told, "facts": told["facts"] | {"pictures": source}})
        made_of = report.table(tables, published, about)
        rows = made_of.rows.set_index(["setting", "method"])
        assert (rows.loc[(FEW, LEARNED), "published"] == 26.49) == here
        assert any("as published" in str(block) for block in made_of.blocks) == here


def test_classical_methods_alone_are_a_report_without_pictures(sensing):
    alone = BlockSensing("smoke", ["linear_start", "fista_dct"])
    assert "gallery" not in alone.tables()
    assert "Learned" not in made(alone.table()).writes["markdown"].read_text()
    made(alone.figure(alone.report_name))


def test_parts_of_the_pictures(sensing):
    path = made(sensing.sample(FEW)).reads["pictures"].path
    whole, small = final_pictures(path, 3, 0), final_pictures(path, 2, 40)
    assert [len(whole), len(small)] == [3, 2] and {p.shape for p in small.values()} == {(40, 40)}
    name = next(iter(small))
    assert np.array_equal(small[name], whole[name][108:148, 108:148])


def test_crops_of_a_step_are_the_same_each_time_and_other_ones_in_the_next():
    random = np.random.default_rng(0)
    pictures = {"a": random.integers(0, 256, (80, 70), np.uint8)}
    pictures["small"] = np.full((20, 90), 255, np.uint8)
    crops = [crops_of_step(pictures, 6, 2, 7, step) for step in (0, 0, 1)]
    assert torch.equal(crops[0], crops[1]) and not torch.equal(crops[0], crops[2])
    assert crops[0].shape == (6, 66, 66) and crops[0].max() <= 1
    sides = {int(crop.sum()) for crop in crops[2] if set(crop.unique().tolist()) <= {0.0, 1.0}}
    assert sides <= {20 * 66}


def test_a_damaged_matrix_is_told(tmp_path):
    path, phi = tmp_path / "set.h5", np.eye(3, 5)
    write_sensing(path, Sensing(phi, phi, {}), {})
    with pytest.raises(InputError, match="do not fit each other"):
        read_sensing(path)
    write_sensing(path, Sensing(phi, phi.T, {"dct": np.array([np.nan])}), {})
    with pytest.raises(InputError, match="dct: holds NaN"):
        read_sensing(path)
    write_sensing(path, Sensing(phi, phi.T, {"dct": np.ones(2)}), {})
    assert read_sensing(path).scales["dct"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("settings", FEW, "rows"), 1090, "settings.ratio_10.rows: "),
        (("settings", FEW, "targets"), [0.1], "a PSNR goes up"),
        (("followed",), ["ratio_11"], "followed.ratio_11: unknown key"),
        (("gallery", "methods"), ["ista_nett"], "gallery.methods.ista_nett: unknown key"),
        (("gallery", "settings"), ["ratio"], "gallery.settings.ratio: unknown key"),
        (("presets", "smoke", "pictures"), "mine", "'auto', 'published' or 'bundled'"),
        (
            ("presets", "smoke", "net_overrides"),
            {"ista_net": {"start": "ratio_26"}},
            "start.ratio_26: unknown key; did you mean `ratio_25`",
        ),
        (
            ("presets", "smoke", "net_overrides"),
            {"ratio_25/ista_net": {"start": FEW}, "ratio_10/ista_net": {"start": "ratio_30"}},
            "goes on from another net itself",
        ),
    ],
)
def test_what_makes_no_sense_is_told(place, value, told):
    content = content_of("block_sensing")
    section = content
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    assert told in fault("block_sensing", content)


def test_nets_have_the_sizes_of_the_preset_if_not_their_own():
    content = content_of("block_sensing")
    content["sensing_nets"]["ista_net"] = {"filters": 7}
    one = room("block_sensing", content)
    assert one.train(FEW, "ista_net").parameters["hyperparameters"] == {"phases": 2, "filters": 7}
    assert one.contestant(LEARNED).hyperparameters == {"phases": 2, "filters": 4}
    told = one.departures()["ISTA-Net"]
    assert "`phases` 2, in its paper 9" in told and "`filters` 7" in told
    jobs = [*ordered([one.table()])]
    assert {job.kind for job in jobs} >= {"sample", "train", "tune", "evaluate"}
