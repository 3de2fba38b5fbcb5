"""Plug-and-play restoration at a tiny size: equal bytes, proofs that hold, what reports say."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from every_room import ROOT, content_of, fault, keys, room
from l2o.errors import InputError
from l2o.evaluation.restorations import followed, load_denoiser, problem_of, restorer
from l2o.experiments.plug_and_play.experiment import PlugAndPlay
from l2o.experiments.plug_and_play.parameters import HOME
from l2o.optimizees.imaging import FourierProblem, PixelProblem
from l2o.optimizers.denoiser import Denoiser
from l2o.optimizers.plug_and_play.admm_tv import AdmmTv
from l2o.optimizers.plug_and_play.admm_wavelet import AdmmWavelet
from l2o.optimizers.plug_and_play.pnp_admm_real_sn import PnpAdmmRealSn
from l2o.optimizers.registry import methods
from l2o.optimizers.splitting import GROWTH
from l2o.optimizers.total_variation import adjoint, denoised, differences, total_variation
from l2o.optimizers.wavelets import shrunk
from l2o.storage.pixels import pixels_of
from parameter_files import changed
from small_network_jobs import bytes_again, made

SETTINGS = ("fourier_random", "inpainting")
METHODS = ("zero_filling", "admm_tv", "pnp_admm_real_sn", "pnp_admm_ridge", "pnp_fbs_ridge")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    content, folder = content_of("plug_and_play"), tmp_path_factory.mktemp("pnp")
    changes = {
        "settings": {name: content["settings"][name] for name in SETTINGS},
        "plug_and_play": {name: content["plug_and_play"][name] for name in METHODS},
        "grid": {"admm_tv": {"weight": [0.004, 0.03]}, "pnp_admm_ridge": {"step": [3, 10]}},
        "learned": {name: content["learned"][name] for name in ("real_sn", "convex_ridge")},
        "presets>smoke>left_out": [],
        "presets>laptop": None,
        "presets>paper": None,
    }
    (folder / "params").mkdir()
    (folder / "data").symlink_to(ROOT / "data")
    source = ROOT / "params/pnp.yaml"
    for place, value in changes.items():
        source = changed(source, folder / "params", place, value)
    return folder


@pytest.fixture
def pnp(folder, monkeypatch) -> PlugAndPlay:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)
    return PlugAndPlay("smoke")


def picture_problem(side: int = 12) -> FourierProblem:
    """A picture of which a mask of frequencies is known, without noise."""
    random = np.random.default_rng(4)
    originals = np.cumsum(random.standard_normal((1, side, side)), axis=2) / 20 + 0.5
    mask = (random.uniform(size=(1, side, side)) < 0.5).astype(float)
    measured = mask * np.fft.fft2(originals, norm="ortho")
    arrays = originals, mask, measured.real, measured.imag
    return FourierProblem(*map(torch.from_numpy, arrays))


# Methods


class Expanding(Denoiser):
    """A map that no plug-and-play iteration converges with as it is."""

    name = label = "expanding"
    hyperparameters, ranges = {"sigma": 15.0}, {"sigma": "(0, 255]"}

    def denoise(self, x, strength, memory):
        """Return x enlarged."""
        return self.factor * x, memory


class Trusted(Expanding):
    """The same, said to be safe: the guard is off."""

    firm = True


def followed_with(kind, factor: float):
    denoiser = kind({}, torch.Generator())
    denoiser.factor = factor
    return followed(PnpAdmmRealSn({}, denoiser), picture_problem(), 60)


def test_admm_with_tv_reaches_the_minimum_of_its_objective():
    f, weight = picture_problem(), 0.01
    end = followed(AdmmTv({"step": 5.0, "weight": weight}), f, 150).state[0]
    value = f.objective(end) + weight * total_variation(end)
    generator = torch.Generator().manual_seed(1)
    for scale in (1e-1, 1e-2, 1e-3):
        other = end + scale * torch.randn(end.shape, generator=generator, dtype=end.dtype)
        assert f.objective(other) + weight * total_variation(other) > value - 1e-7
    far = followed(AdmmTv({"step": 20.0, "weight": weight}), f, 150).state[0]
    assert (f.objective(far) + weight * total_variation(far) - value).abs() < 1e-3 * value


def test_the_first_steps_of_admm_are_those_of_the_survey():
    f, hyper = picture_problem(), {"step": 2.0, "weight": 0.02}
    method = AdmmTv(hyper)
    state = method.init(f, f.adjoint_start())
    y = f.prox(f.adjoint_start(), 2.0)
    u = f.adjoint_start() - y
    for _ in range(3):
        state = method.step(f, state)
        x, _ = denoised(y - u, 0.04, y.new_empty(0))
        y, u = f.prox(x + u, 2.0), x + u - f.prox(x + u, 2.0)
        torch.testing.assert_close(state[0], y, atol=1e-3, rtol=0)


def test_tv_differences_and_their_adjoint_agree_and_a_constant_has_none():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 5, 7, generator=generator, dtype=torch.float64)
    p = torch.randn(2, 2, 5, 7, generator=generator, dtype=torch.float64)
    torch.testing.assert_close((differences(x) * p).sum(), (x * adjoint(p)).sum())
    assert total_variation(torch.ones(1, 5, 7)).item() == 0
    step = torch.zeros(1, 4, 4)
    step[:, :, 2:] = 3
    assert total_variation(step).item() == 12
    flat, _ = denoised(x, 1e3, x.new_empty(0))
    torch.testing.assert_close(flat, x.mean((1, 2), keepdim=True).expand_as(x), atol=2e-3, rtol=0)


def test_wavelets_keep_a_picture_without_threshold_and_shrink_it_firmly():
    generator = torch.Generator().manual_seed(1)
    x, y = torch.rand(2, 1, 32, 32, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(shrunk(x, 0.0), x)
    sx, sy = shrunk(x, 0.3), shrunk(y, 0.3)
    assert (sx - sy).square().sum() <= ((sx - sy) * (x - y)).sum() + 1e-12
    assert shrunk(torch.full_like(x, 0.4), 0.3).sub(0.4).abs().max() < 1e-9
    assert torch.equal(shrunk(x[:, :9, :9], 0.3), x[:, :9, :9])  # too small for any scale


@pytest.mark.parametrize("kind", [AdmmTv, AdmmWavelet])
def test_residuals_of_proximal_operators_never_grow(kind):
    runs = followed(kind({"step": 5.0, "weight": 0.01}), picture_problem(16), 60)
    assert not runs.grew().any() and runs.residual[-1] < 0.2 * runs.residual[0]


def test_the_guard_settles_a_map_that_overshoots():
    free, held = (followed_with(kind, -3.0) for kind in (Trusted, Expanding))
    assert free.residual[-1] > 1e3 * free.residual[0] and free.state[3].item() == 1
    assert held.residual[-1] < 1e-2 * held.residual[0] and held.state[3].item() < 1


def test_the_guard_bounds_a_map_that_nothing_settles():
    free, held = (followed_with(kind, 3.0) for kind in (Trusted, Expanding))
    assert free.state[1].abs().max() > 1e6
    assert held.state[1].abs().max() < 1e2
    assert held.residual[-1] > GROWTH * held.residual.min(axis=0)  # it tells that it did not settle
    assert held.state[3].max() < 1e-3  # steps were halved, again and again


# The jobs


def test_jobs_are_the_same_twice(pnp):
    for job, roles in (
        (pnp.sample(SETTINGS[0]), ["set"]),
        (pnp.train(HOME, "real_sn"), ["checkpoint", "history"]),
        (pnp.tune(SETTINGS[1], "pnp_admm_ridge"), ["tuned"]),
        (pnp.evaluate(SETTINGS[1], "pnp_admm_ridge"), ["curves", "finals", "runs"]),
    ):
        assert all(bytes_again(made(job), *roles).values()), job.name


def test_scores_are_those_of_scikit_image(pnp):
    job = made(pnp.evaluate(SETTINGS[1], "admm_tv"))
    f, names = problem_of(job.inputs["set"], "test")
    assert isinstance(f, PixelProblem) and len(names) == len(f) == 2
    rows = pd.read_csv(job.writes["runs"])
    (best,) = (row for _, row in pd.read_csv(job.inputs["tuned"]).iterrows() if row["chosen"])
    method = AdmmTv(json.loads(best["hyperparameters"]))
    ends = followed(method, f, 4).pictures.double().numpy()
    originals = f.originals.double().numpy()
    for row, original, end in zip(rows.itertuples(), originals, ends, strict=True):
        psnr = peak_signal_noise_ratio(original, end, data_range=1)
        assert row.psnr == pytest.approx(psnr, abs=0.01) and row.end == row.psnr
        assert row.ssim == pytest.approx(structural_similarity(original, end, data_range=1))
        energy = 10 * np.log10(np.sum(original**2) / np.sum((original - end) ** 2))
        assert row.snr == pytest.approx(energy)
    assert [*rows["picture"]] == names
    curves = pd.read_csv(job.writes["curves"])
    assert curves["psnr"].iloc[-1] == pytest.approx(rows["psnr"].mean())
    assert (curves["psnr_q25"] <= curves["psnr_median"]).all()


def test_all_methods_start_alike_and_zero_filling_stays_there(pnp):
    for setting in SETTINGS:
        curves = {m: pd.read_csv(made(pnp.evaluate(setting, m)).writes["curves"]) for m in METHODS}
        assert len({rows["psnr"].iloc[0] for rows in curves.values()}) == 1
        assert curves["zero_filling"]["psnr"].nunique() == 1
        assert (curves["zero_filling"]["residual"].iloc[1:] == 0).all()
        assert {rows["iteration"].iloc[-1] for rows in curves.values()} == {4}


def test_denoisers_are_trained_once_and_guarded_where_nothing_is_proven(pnp):
    trained = [job for job in pnp.jobs() if job.kind == "train"]
    assert [*dict.fromkeys(job.wildcards["setting"] for job in trained)] == [HOME]
    assert {job.wildcards["method"] for job in trained} == {"real_sn", "convex_ridge"}
    for setting in SETTINGS:
        for method, denoiser in (("pnp_admm_ridge", "convex_ridge"), ("admm_tv", "")):
            training = pnp.training_of(setting, method)
            assert (training.wildcards["method"] if training else "") == denoiser
    finals = {m: pd.read_csv(made(pnp.evaluate(SETTINGS[0], m)).writes["finals"]) for m in METHODS}
    guarded = {name: rows["guarded"].iloc[0] for name, rows in finals.items()}
    assert guarded == dict.fromkeys(METHODS, 0) | {"pnp_admm_real_sn": 1}
    for name in ("pnp_admm_ridge", "pnp_fbs_ridge", "admm_tv"):
        assert finals[name]["monotone"].iloc[0] == finals[name]["runs"].iloc[0] == 2
    kinds = {name: rows["kind"].iloc[0] for name, rows in finals.items()}
    assert kinds["admm_tv"] == "classical" and kinds["pnp_admm_ridge"] == "plug_and_play"


def test_a_denoiser_changes_what_runs_with_it_and_nothing_else(pnp):
    before, content = keys(room("plug_and_play").jobs()), content_of("plug_and_play")
    content["learned"]["real_sn"] = {"sigma": 15, "lipschitz": 0.5}
    after = keys(room("plug_and_play", content).jobs())
    changed_ = {name for name in before if before[name] != after[name]}
    methods_ = {
        dict(n[1:]).get("method") for n in changed_ if n[0] in ("tune", "evaluate", "train")
    }
    assert methods_ == {"real_sn", "pnp_admm_real_sn", "pnp_fbs_real_sn"}


def test_a_checkpoint_gives_the_trained_denoiser_back(pnp, tmp_path):
    path = made(pnp.train(HOME, "real_sn")).writes["checkpoint"]
    net = load_denoiser(path)
    assert net.name == "real_sn" and net.residual_bound() == pytest.approx(1, rel=1e-5)
    assert not any(parameter.requires_grad for parameter in net.parameters())
    who = {"kind": "plug_and_play", "method": "pnp_admm_real_sn"}
    assert restorer(who, {"step": 2.0}, path).learned.name == "real_sn"
    with pytest.raises(InputError, match="no such checkpoint"):
        load_denoiser(tmp_path / "nothing.safetensors")


def test_reports_are_the_same_twice_and_say_what_is_certain(pnp):
    assert all(bytes_again(made(pnp.figure("pnp")), "png").values())
    made(pnp.figure("pnp_gallery"))
    table = made(pnp.table())
    assert all(bytes_again(table, "csv", "markdown", "metrics").values())
    text = table.writes["markdown"].read_text()
    for words in ("Pictures: bundled", "yes: firmly nonexpansive", "no: guarded", "layer 4"):
        assert words in text
    certain = pd.read_csv(pnp.tables()["certificates"].writes["table"])
    whole = certain[certain["layer"] == 0].set_index("denoiser")
    assert (whole["norm"] <= whole["bound"] * (1 + 1e-3)).all()
    assert whole.loc["convex_ridge", "bound"] < 1
    metrics = json.loads(table.writes["metrics"].read_text())
    assert metrics["contests"] == 3 * len(SETTINGS)
    pixels = pd.read_csv(pnp.tables()["gallery"].writes["table"])
    one = pixels[(pixels["setting"] == SETTINGS[0]) & (pixels["label"] == "Original")]
    original = pixels_of(one.to_dict("records"))
    f, _ = problem_of(pnp.sample(SETTINGS[0]).writes["set"], "test")
    np.testing.assert_allclose(original, f.originals[0].numpy(), atol=1e-5)


def test_some_methods_alone_are_a_report_without_certificates():
    alone = room("plug_and_play", None, "smoke", ["zero_filling", "admm_tv"])
    assert "certificates" not in alone.tables() and "gallery" in alone.tables()
    assert not [job for job in alone.jobs() if job.kind == "train"]


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("settings", "deblurring", "blur_size"), 8, "blur_size: is 8: such a blur has no middle"),
        (("settings", "deblurring", "share"), 0.3, "deblurring.share: unknown key"),
        (("settings", "inpainting", "share"), 0, "greater than 0"),
        (("settings", "inpainting", "problem"), "inpaintin", "problem: Input should be"),
        (("settings", "inpainting", "targets"), [1.0], "PSNR goes up"),
        (("settings", "denoising"), {"title": "x", "problem": "inpainting", "noise": 0, "share": 1},
         "is where denoisers are trained"),
        (("learned", "dncn"), {}, "learned.dncn: unknown key; did you mean `dncnn`"),
        (("learned", "real_sn"), {"lipschitz": 0}, "is 0, out of range"),
        (("plug_and_play", "pnp_admm_dncnn"), {}, "denoiser dncnn, which is not under `learned`"),
        (("presets", "smoke", "denoising_overrides"), {"dncnn": {"steps": 1}}, "unknown key"),
        (("presets", "smoke", "test", "side"), 8, "greater than or equal to 16"),
        (("presets", "smoke", "pictures"), "mine", "'auto', 'published' or 'bundled'"),
        (("grid", "zero_filling"), {"step": [1]}, "grid.zero_filling.step: unknown key"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told(place, value, told):
    content = content_of("plug_and_play")
    section = content
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    assert told in fault("plug_and_play", content)


def test_a_missing_share_is_told():
    content = content_of("plug_and_play")
    del content["settings"]["inpainting"]["share"]
    assert "settings.inpainting.share: this key is missing" in fault("plug_and_play", content)
    with pytest.raises(InputError, match="learned\\.real_s: unknown key; did you mean `real_sn`"):
        room("plug_and_play").train(HOME, "real_s")


@pytest.mark.parametrize("name", methods("plug_and_play"))
def test_every_method_keeps_the_shape_of_pictures(name):
    head, f = methods("plug_and_play")[name], picture_problem(16).to(torch.float32)
    generator = torch.Generator().manual_seed(0)
    net = methods("denoisers")[head.denoiser].load()({}, generator) if head.denoiser else None
    runs = followed(head.load()({}, net), f, 2)
    assert runs.mse.shape == (3, 1) and runs.residual.shape == (2, 1)
    assert runs.pictures.shape == f.originals.shape and np.isfinite(runs.mse).all()
