"""Inverse problems on pictures against dense matrices, and what is drawn for them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d

from l2o.errors import InputError
from l2o.optimizees.imaging import FourierProblem, PixelProblem
from l2o.optimizees.imaging_draws import (
    MASKS,
    blur_transfer,
    cartesian_mask,
    draw,
    middles,
    radial_mask,
    random_mask,
)

SHAPE = (6, 5)
LAWS = {
    "fourier_random": {"share": 0.4},
    "fourier_radial": {"share": 0.4},
    "fourier_cartesian": {"share": 0.4},
    "deblurring": {"blur_size": 3, "blur_sigma": 0.8},
    "inpainting": {"share": 0.4},
}
each_law = pytest.mark.parametrize("name", LAWS)


def problem(name: str, noise: float = 0.1, count: int = 2) -> FourierProblem | PixelProblem:
    random = np.random.default_rng(3)
    law = {"problem": name, "noise": noise, **LAWS[name]}
    arrays = draw(random, random.uniform(size=(count, *SHAPE)), law)
    tensors = {key: torch.from_numpy(np.array(value)) for key, value in arrays.items()}
    return (PixelProblem if name == "inpainting" else FourierProblem)(**tensors)


def dense(f) -> tuple[np.ndarray, np.ndarray]:
    """The operator of the first picture as a matrix over real pixels, and what it measured."""
    size = np.prod(SHAPE)
    if isinstance(f, PixelProblem):
        return np.diag(f.mask[0].flatten().numpy()), f.pixels[0].flatten().numpy()
    rows = [np.fft.fft2(one.reshape(SHAPE), norm="ortho").ravel() for one in np.eye(size)]
    A = f.transfer[0].flatten().numpy()[:, None] * np.stack(rows).T
    y = f.real[0].flatten().numpy() + 1j * f.imaginary[0].flatten().numpy()
    return np.concatenate([A.real, A.imag]), np.concatenate([y.real, y.imag])


@each_law
def test_value_gradient_and_constants_are_those_of_the_matrix(name):
    f = problem(name)
    A, y = dense(f)
    x = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    flat = x[0].flatten().numpy()
    assert f.objective(x)[0] == pytest.approx(0.5 * np.sum((A @ flat - y) ** 2))
    gradient = f.gradient(x)[0].flatten().numpy()
    np.testing.assert_allclose(gradient, A.T @ (A @ flat - y), atol=1e-12)
    values = np.linalg.eigvalsh(A.T @ A)
    assert f.lipschitz == pytest.approx(values[-1]) and f.convexity == pytest.approx(
        max(values[0], 0), abs=1e-12
    )


@each_law
@pytest.mark.parametrize("step", [0.3, 40.0])
def test_the_proximal_operator_is_exact(name, step):
    f = problem(name)
    A, y = dense(f)
    x = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    wanted = np.linalg.solve(
        A.T @ A + np.eye(A.shape[1]) / step, A.T @ y + x[0].flatten().numpy() / step
    )
    np.testing.assert_allclose(f.prox(x, step)[0].flatten().numpy(), wanted, atol=1e-12)


@pytest.mark.parametrize("name", ["fourier_random", "fourier_cartesian"])
def test_zero_filling_is_the_adjoint_of_samples(name):
    f = problem(name)
    A, y = dense(f)
    np.testing.assert_allclose(f.adjoint_start()[0].flatten().numpy(), A.T @ y, atol=1e-12)


def test_unknown_pixels_start_at_the_mean_of_the_known_ones():
    f = problem("inpainting", noise=0)
    start, known = f.adjoint_start(), f.mask > 0
    assert torch.equal(start[known], f.originals[known])
    (filled,) = start[0][~known[0]].unique().tolist()
    assert filled == pytest.approx(f.originals[0][known[0]].mean().item())


def test_a_blur_is_the_circular_convolution_with_its_kernel():
    line = np.exp(-0.5 * (np.arange(-4, 5) / 1.6) ** 2)
    kernel = np.outer(line, line) / line.sum() ** 2
    x = np.random.default_rng(1).uniform(size=(12, 14))
    blurred = np.fft.ifft2(blur_transfer(x.shape, 9, 1.6) * np.fft.fft2(x)).real
    np.testing.assert_allclose(blurred, convolve2d(np.pad(x, 4, "wrap"), kernel, "valid"))
    arrays = draw(
        np.random.default_rng(1),
        x[None],
        {"problem": "deblurring", "noise": 0.0, "blur_size": 9, "blur_sigma": 1.6},
    )
    f = FourierProblem(**{k: torch.from_numpy(np.array(v)) for k, v in arrays.items()})
    np.testing.assert_allclose(f.adjoint_start()[0].numpy(), blurred, atol=1e-12)


@each_law
def test_noise_has_the_standard_deviation_that_is_asked_for(name):
    random, law = np.random.default_rng(5), {"problem": name, "noise": 0.2, **LAWS[name]}
    originals = random.uniform(size=(40, 32, 32))
    noisy, clean = (
        draw(np.random.default_rng(6), originals, law | {"noise": n}) for n in (0.2, 0.0)
    )
    if name == "inpainting":
        differ = (noisy["pixels"] - clean["pixels"])[clean["mask"] > 0]
    else:
        differ = noisy["real"] - clean["real"] + 1j * (noisy["imaginary"] - clean["imaginary"])
        unseen = clean["transfer"] == 0
        assert not np.any(differ[unseen])
        differ = differ[~unseen]
    assert np.sqrt(np.mean(np.abs(differ) ** 2)) == pytest.approx(0.2, rel=0.03)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.77, 1.0])
@pytest.mark.parametrize("shape", [(16, 16), (9, 20)])
def test_masks_have_the_share_and_frequency_zero(share, shape):
    random, size = np.random.default_rng(1), np.prod(shape)
    assert random_mask(random, shape, share).sum() == max(1, round(share * size))
    columns = cartesian_mask(random, shape, share)
    assert (columns == columns[:1]).all()
    assert columns[0].sum() == max(1, round(share * shape[1]))
    radial = radial_mask(random, shape, share)
    assert radial.mean() >= share
    for mask in (radial, columns, random_mask(random, shape, share)):
        assert mask[0, 0] == 1 and {*np.unique(mask)} <= {0, 1}
    if share == 1:
        assert radial.all()


def test_radial_lines_are_no_more_than_needed_and_cartesian_ones_are_dense_in_the_middle():
    mask = radial_mask(np.random.default_rng(1), (256, 256), 0.3)
    assert 0.3 <= mask.mean() < 0.31
    columns = cartesian_mask(np.random.default_rng(1), (64, 64), 0.3)[0]
    low = np.argsort(np.abs(np.fft.fftfreq(64)), kind="stable")[:5]
    assert columns.sum() == 19 and columns[low].all()


def test_masks_are_the_same_for_one_seed_and_differ_for_others():
    for name, mask in MASKS.items():
        one, again, other = (mask(np.random.default_rng(seed), (24, 24), 0.3) for seed in (1, 1, 2))
        assert (one == again).all() and (one != other).any(), name


def test_the_middle_of_pictures_is_cut_and_small_ones_are_told():
    picture = np.arange(80, dtype=np.uint8).reshape(8, 10)
    found = middles({"a": picture, "b": picture, "c": picture}, 4, 2)
    assert [*found] == ["a", "b"]
    np.testing.assert_array_equal(found["a"] * 255, picture[2:6, 3:7])
    with pytest.raises(InputError, match="pictures: a: has 8 x 10 pixels, 9 x 9 needed"):
        middles({"a": picture}, 9, 1)
