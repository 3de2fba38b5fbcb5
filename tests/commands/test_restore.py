"""`l2o restore`: pictures of a user filled in and recovered, and every bad input in one line."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from l2o.optimizees.block_sensing import BLOCK, linear_start, second_moment, sensing_matrix
from l2o.optimizers.denoisers.convex_ridge import ConvexRidge
from l2o.optimizers.denoisers.real_sn import RealSn
from l2o.storage.checkpoints import save_tensors
from l2o.storage.picture_files import read_picture
from l2o.storage.sensing_sets import Sensing, write_sensing
from solve_command import ended

SIDE = 40
RESULTS = "results/laptop"


def smooth(seed: int, side: int = SIDE) -> np.ndarray:
    """A picture without sharp details, uint8."""
    coarse = np.random.default_rng(seed).integers(30, 226, (5, 5), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


def denoiser(kind: type, path) -> None:
    made = kind({}, torch.Generator().manual_seed(0))
    save_tensors(path, made.state_dict(), {"method": kind.name, "hyperparameters": made.hyper})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a picture, its damaged version, a mask, and what a clone trained."""
    monkeypatch.chdir(tmp_path)
    original, known = smooth(0), np.random.default_rng(1).random((SIDE, SIDE)) < 0.5
    Image.fromarray(original).save("original.png")
    Image.fromarray(np.where(known, original, 0).astype(np.uint8)).save("damaged.png")
    Image.fromarray(known).save("mask.png")
    for room, place in (
        ("plug_and_play", "checkpoints/denoising"),
        ("plug_and_play", "tuned/inpainting"),
        ("block_sensing", "sets"),
    ):
        (tmp_path / RESULTS / room / place).mkdir(parents=True)
    trained = tmp_path / RESULTS / "plug_and_play/checkpoints/denoising"
    denoiser(ConvexRidge, trained / "convex_ridge.safetensors")
    denoiser(RealSn, tmp_path / "real_sn.safetensors")
    tuned = 'setting,method,hyperparameters,loss,chosen\ninpainting,admm_tv,"{""step"": 10.0, ""weight"": 0.004}",-20,True\n'  # noqa: E501
    (tmp_path / RESULTS / "plug_and_play/tuned/inpainting/admm_tv.csv").write_text(tuned)
    phi = sensing_matrix(272, np.random.default_rng(2))
    blocks = np.stack([smooth(seed, BLOCK) for seed in range(9)]) / 255.0
    sensing = Sensing(phi, linear_start(phi, second_moment(blocks)), {})
    write_sensing(tmp_path / RESULTS / "block_sensing/sets/ratio_25.h5", sensing, {})
    return tmp_path


@pytest.mark.parametrize("method", ["admm_tv", "pnp_admm_ridge", "pnp_fbs_ridge"])
def test_missing_pixels_are_filled_in(folder, method):
    given = ["--mask", "mask.png", "--original", "original.png", "--method", method]
    code, out, err = ended("restore", "damaged.png", "--out", "out.png", *given)
    assert (code, err) == (0, "") and out.endswith("; out.png\n") and f"{SIDE} x {SIDE}" in out
    original, restored = read_picture(folder / "original.png"), read_picture(folder / "out.png")
    told, first = map(float, re.search(r"PSNR ([\d.]+) dB \(at first ([\d.]+)\)", out).groups())
    other = peak_signal_noise_ratio(original, restored, data_range=1)
    assert abs(other - told) < 0.1 and told > first + 1  # a file has 8 bits
    assert (folder / "out.png").read_bytes() and ended("restore", "damaged.png", "--out", "b.png",
                                                     *given)[0] == 0  # fmt: skip
    assert (folder / "b.png").read_bytes() == (folder / "out.png").read_bytes()


@pytest.mark.parametrize("method", ["linear_start", "fista_tv"])
def test_a_picture_is_recovered_from_its_blocks(folder, method):
    given = ["--ratio", "25", "--method", method, "--iterations", "8"]
    code, out, err = ended("restore", "original.png", "--out", "out.tif", *given)
    assert (code, err) == (0, "")
    restored = read_picture(folder / "out.tif")
    other = peak_signal_noise_ratio(read_picture(folder / "original.png"), restored, data_range=1)
    assert abs(other - float(out.split("PSNR ")[1].split()[0])) < 0.1


def image(array: np.ndarray, name: str) -> str:
    Image.fromarray(array).save(name)
    return name


GOOD = {"picture": "damaged.png", "mask": "mask.png", "out": "out.png"}
WRONG = {
    "another size": ({"mask": "small.png"}, "small.png: has 20 x 20 pixels, the picture 40 x 40"),
    "an original of another size": ({"original": "small.png"}, "small.png: has 20 x 20 pixels"),
    "colour": ({"picture": "colour.png"}, "colour.png: is in colour"),
    "16 bits": ({"picture": "deep.png"}, "deep.png: has more than 8 bits"),
    "alpha": ({"picture": "alpha.png"}, "alpha.png: has an alpha channel"),
    "no picture": ({"picture": "text.png"}, "text.png: is no picture that can be read"),
    "nothing known": ({"mask": "black.png"}, "black.png: is all black: no pixel is known"),
    "an input as output": ({"out": "mask.png"}, "mask.png: is an input as well"),
    "a lossy output": ({"out": "out.jpg"}, "out.jpg: ends in .jpg"),
    "both": ({"ratio": "25"}, "--mask: and --ratio were both given"),
    "neither": ({"mask": None}, "--mask: is missing, and so is --ratio"),
    "an unknown method": ({"method": "admm_tw"}, "did you mean `admm_tv`?"),
    "what is not trained": ({"method": "pnp_admm_real_sn"}, "run `make pnp`"),
    "another denoiser": ({"trained": "real_sn.safetensors"}, "runs with convex_ridge"),
    "no checkpoint": ({"trained": "text.png"}, "text.png"),
    "nothing to train": ({"method": "admm_tv", "trained": "real_sn.safetensors"}, "drop it"),
    "an unknown ratio": ({"mask": None, "ratio": "11"}, "no measuring of 11 % is built here; rat"),
    "between ratios": (
        {"mask": None, "ratio": "24.6"},
        "no measuring of 24.6 % is built here; rat",
    ),
    "no net": ({"mask": None, "ratio": "25"}, "run `make cs`"),
    "a missing file": ({"mask": "nothing.png"}, "nothing.png"),
}


@pytest.mark.parametrize("case", WRONG)
def test_bad_input_is_told_in_one_line_and_nothing_is_written(folder, case):
    image(np.full((20, 20), 9, np.uint8), "small.png")
    image(np.zeros((SIDE, SIDE), np.uint8), "black.png")
    image(np.dstack([smooth(0), smooth(1), smooth(2)]), "colour.png")
    image(smooth(0).astype(np.uint16) * 257, "deep.png")
    image(np.dstack([smooth(0), smooth(1)]), "alpha.png")
    (folder / "text.png").write_text("no picture")
    changes, problem = WRONG[case]
    given = {name: value for name, value in (GOOD | changes).items() if value}
    before = {path: path.read_bytes() for path in folder.glob("*.*")}
    options = [word for name, value in given.items() if name != "picture"
               for word in (f"--{name}", value)]  # fmt: skip
    code, out, err = ended("restore", given["picture"], *options)
    assert (code, out) == (2, "") and err.count("\n") == 1 and problem in err
    assert {path: path.read_bytes() for path in folder.glob("*.*")} == before
