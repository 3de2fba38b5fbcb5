"""Sensing of patches at a tiny size: equal bytes, another scorer, what is known, faults."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from every_room import ROOT, content_of, fault, room
from l2o.artifacts.job import ordered
from l2o.datasets import pictures
from l2o.errors import InputError
from l2o.evaluation.patches import load_sensing
from l2o.experiments.patch_sensing.experiment import PatchSensing
from l2o.experiments.patch_sensing.problem import cut_patches, sample
from l2o.optimizees.patch_sensing import patches_of, picture_of
from l2o.optimizers.trained import load_net
from l2o.seeds import named_generator
from l2o.storage.hdf5 import write_dictionary
from l2o.storage.picture_sets import read_pictures
from parameter_files import changed
from small_network_jobs import bytes_again, made

SENSED, KNOWN, SIZE = "ratio_20", "ratio_20_known", 4


def waves(shape, number):
    """A picture, uint8, of a few waves."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    wave = np.sin(0.3 * number * x / 4 + 0.5 * y) + np.cos(0.21 * y * number / 3)
    return np.uint8(np.clip(127 + 50 * wave, 0, 255))


PICTURES = {
    "train": {f"t{i}": waves((24, 28), i) for i in range(1, 5)},
    "validation": {"v": waves((20, 20), 6)},
    "test": {"square": waves((24, 24), 7), "odd": waves((21, 18), 2)},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Patches of 4 x 4 pixels, a dictionary of 30 atoms, pictures of waves; two settings."""
    folder = tmp_path_factory.mktemp("patches")
    for name in ("params", "data/dictionaries"):
        (folder / name).mkdir(parents=True)
    (folder / "data/reference").symlink_to(ROOT / "data/reference")
    random = named_generator(1, "test")
    atoms = random.standard_normal((SIZE**2, 30))
    atoms -= atoms.mean(axis=0)
    path = folder / "data/dictionaries/bsds500.h5"
    write_dictionary(path, atoms / np.linalg.norm(atoms, axis=0), {})
    settings = content_of("patch_sensing")["settings"]
    changes = {
        "settings": {name: settings[name] | {"ratio": 50} for name in (SENSED, KNOWN)},
        "presets>smoke>left_out": [],
        "patch_size": SIZE,
        "grid": {name: {"lam": [0.1, 0.01]} for name in ("ista", "fista")},
    }
    for preset in ("laptop", "paper"):
        changes[f"presets>{preset}"] = None
    source = ROOT / "params/cs_patches.yaml"
    for place, value in changes.items():
        source = changed(source, folder / "params", place, value)
    return folder


@pytest.fixture
def sensing(folder, monkeypatch) -> PatchSensing:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)
    monkeypatch.setattr(pictures, "bundled_pictures", lambda: PICTURES)
    return PatchSensing("smoke")


def test_sets_are_the_same_twice_and_others_in_each_setting(sensing):
    jobs = [made(sensing.sample(setting)) for setting in (SENSED, KNOWN)]
    assert bytes_again(jobs[0], "set") == {"set": True}
    one, two = (load_sensing(job.writes["set"], job is jobs[0]) for job in jobs)
    assert one.phi.shape == two.phi.shape == (8, 16)  # as many measurements
    assert one.A.shape == (7, 30) and two.A.shape == (8, 30)


@pytest.mark.parametrize("method", ["lista", "alista", "fista", "linear"])
def test_jobs_are_the_same_twice(sensing, method):
    job = made(sensing.evaluate(SENSED, method))
    assert all(bytes_again(job, "curves", "finals", "runs").values())
    if method == "lista":
        assert all(bytes_again(sensing.train(SENSED, method), "checkpoint", "history").values())
    if method == "fista":
        assert all(bytes_again(sensing.tune(SENSED, method), "tuned").values())


@pytest.mark.parametrize("setting", [SENSED, KNOWN])
def test_another_scorer_says_the_same_of_a_net(sensing, setting):
    job = made(sensing.evaluate(setting, "lista_cpss"))
    rows = pd.read_csv(job.writes["runs"]).set_index("picture")
    known = load_sensing(job.reads["set"].path, setting == SENSED)
    net = load_net(job.reads["checkpoint"].path, known.A)
    for name, stored in read_pictures(job.reads["pictures"].path, "test").items():
        original = stored / 255
        b, mean = known.measured(patches_of(original, SIZE))
        x = net.double()(net.A.new_tensor(b).double())[-1].detach().numpy()
        restored = picture_of(x @ known.decoder.T + mean, original.shape, SIZE).clip(0, 1)
        score = peak_signal_noise_ratio(original, restored, data_range=1.0)
        assert rows.loc[name, "psnr"] == pytest.approx(score, abs=0.01)
        score = structural_similarity(original, restored, data_range=1.0)
        assert rows.loc[name, "ssim"] == pytest.approx(score, abs=1e-4)
        linear = picture_of(b @ known.linear.T + mean, original.shape, SIZE).clip(0, 1)
        score = peak_signal_noise_ratio(original, linear, data_range=1.0)
        assert rows.loc[name, "linear_psnr"] == pytest.approx(score, abs=0.01)


def test_training_makes_a_net_better_than_its_start(sensing):
    history = pd.read_csv(made(sensing.train(SENSED, "tilista")).writes["history"])
    first, last = history["validation_loss_db"].iloc[[0, -1]]
    assert last < first < 0


def test_all_begin_with_the_means_alone_and_solvers_go_on_beyond_the_nets(sensing):
    curves = {
        name: pd.read_csv(made(sensing.evaluate(SENSED, name)).writes["curves"])
        for name in ("glista", "ista", "fista", "linear")
    }
    assert curves["glista"]["psnr"][0] == curves["ista"]["psnr"][0] == curves["fista"]["psnr"][0]
    assert [len(rows) for rows in curves.values()] == [4, 7, 7, 4]
    assert curves["linear"]["psnr"].nunique() == 1
    finals = pd.read_csv(sensing.evaluate(SENSED, "ista").writes["finals"]).iloc[0]
    assert finals["psnr"] == curves["ista"]["psnr"][3] and finals["runs"] == 2
    assert finals["psnr_last"] == curves["ista"]["psnr"][6] and finals["layer_last"] == 6
    tuned = pd.read_csv(sensing.tune(SENSED, "ista").writes["tuned"])
    lam = json.loads(tuned.set_index("chosen").loc[True, "hyperparameters"])["lam"]
    assert curves["ista"]["lam"][0] == lam and f"λ = {lam:g}" in curves["ista"]["label"][0]
    assert tuned.loc[tuned["chosen"], "loss"].item() == tuned["loss"].min()


def test_training_and_moments_have_other_patches_and_all_settings_the_same(sensing):
    givens = [made(sensing.train(setting, "lista")).given() for setting in (SENSED, KNOWN)]
    one, two = (cut_patches(given, "train", 50, "nets") for given in givens)
    assert (one == two).all() and len(np.unique(one, axis=0)) > 40
    assert (one != cut_patches(givens[0], "train", 50, "moments")).any()
    assert ((one >= 0) & (one <= 1)).all() and one.shape == (50, SIZE**2)


def test_figure_and_table_are_the_same_twice(sensing):
    figure, table = made(sensing.figure(sensing.report_name)), made(sensing.table())
    assert all(bytes_again(figure, "pdf", "png").values())
    assert all(bytes_again(table, "csv", "markdown", "metrics").values())
    text = table.writes["markdown"].read_text()
    assert "LISTA-CPSS, as published" in text and "TVAL3, as published | 25.37" in text
    assert "What the known mean is worth" in text and "50 % (8)" in text
    rows = pd.read_csv(table.writes["csv"]).set_index(["setting", "method"])
    assert rows.loc[(KNOWN, "lista"), "paper_psnr"] == 28.17
    assert np.isnan(rows.loc[(SENSED, "lista"), "paper_psnr"])
    metrics = json.loads(table.writes["metrics"].read_text())
    assert metrics["cells"] == 2 and 0 <= metrics["cells_met"] <= 2
    finals = pd.read_csv(sensing.tables()["finals"].writes["table"])
    linear = finals.set_index(["setting", "method"]).loc[(SENSED, "linear")]
    assert metrics[SENSED]["linear_psnr"] == pytest.approx(linear["psnr"])
    assert linear["failed"] == 0


def test_classical_methods_alone_are_a_report_too(sensing):
    alone = PatchSensing("smoke", ["ista"])
    text = made(alone.table()).writes["markdown"].read_text()
    assert "ISTA" in text and "Pictures one by one" not in text
    assert made(alone.figure(alone.report_name)).writes["png"].exists()
    for job in ordered([alone.table()]):
        assert job.kind != "train"


def test_a_dictionary_of_other_patches_is_told(sensing):
    job = made(sensing.sample(SENSED))
    given = job.given()
    given.parameters["patch_size"] = 5
    with pytest.raises(InputError, match="has 16 rows, a patch of 5 x 5 has 25 pixels"):
        sample(given)


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("settings", SENSED, "ratio"), 0.5, "ratio: 0.5 % of 256 pixels are 1 measurements"),
        (("settings", KNOWN, "ratio"), 100, "give a ratio of 1 to 255 of them"),
        (("settings", SENSED, "mean"), "leaked", "mean: "),
        (("settings", SENSED, "targets"), [30], "PSNR goes up"),
        (("classical", "amp"), {}, "classical.amp: has no weight `lam`"),
        (("presets", "smoke", "pictures"), "mine", "presets.smoke.pictures: "),
        (("presets", "smoke", "solver_iterations"), 2, "are fewer than the nets' depth 3"),
        (("presets", "smoke", "training", "samples"), 300, "training.samples"),
    ],
)
def test_what_makes_no_sense_is_told(place, value, told):
    content = content_of("patch_sensing")
    section = content
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    assert told in fault("patch_sensing", content)


def test_the_published_pictures_are_named_where_they_are_used(monkeypatch):
    content = content_of("patch_sensing")
    for source, of in (("published", "Set11"), ("bundled", "scikit-image")):
        content["presets"]["smoke"]["pictures"] = source
        assert of in room("patch_sensing", content).pooled()
