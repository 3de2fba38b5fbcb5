"""Sensing by blocks against dense matrices, and what weighs regularisers against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.fft import dctn

from l2o.optimizees.block_sensing import (
    BLOCK,
    PIXELS,
    BlockSensing,
    blocks_of,
    linear_start,
    picture_of,
    second_moment,
    sensing_matrix,
)
from l2o.optimizees.picture_scales import LEVELS, cosines, dct_scale, wavelet_scale

ROWS = 20


@pytest.fixture
def random():
    return np.random.default_rng(3)


@pytest.fixture
def phi(random):
    return sensing_matrix(ROWS, random)


def problem(phi, pictures):
    matrix = torch.from_numpy(phi)
    return BlockSensing.of(matrix, matrix.T.contiguous(), pictures)


def dense(phi, height, width):
    """The whole operator as a matrix, by its definition: each block, row by row, padded with 0."""
    columns = []
    for place in range(height * width):
        picture = np.zeros((-(-height // BLOCK) * BLOCK, -(-width // BLOCK) * BLOCK))
        picture[place // width, place % width] = 1
        parts = [
            phi @ picture[top : top + BLOCK, left : left + BLOCK].ravel()
            for top in range(0, picture.shape[0], BLOCK)
            for left in range(0, picture.shape[1], BLOCK)
        ]
        columns.append(np.concatenate(parts))
    return np.stack(columns, axis=1)


def test_the_matrix_has_orthonormal_rows_and_depends_on_its_stream_only(phi):
    assert phi.shape == (ROWS, PIXELS)
    np.testing.assert_allclose(phi @ phi.T, np.eye(ROWS), atol=1e-12)
    again, other = (sensing_matrix(ROWS, np.random.default_rng(seed)) for seed in (3, 4))
    assert np.array_equal(again, phi) and not np.allclose(other, phi)
    # QR leaves the signs of the rows free: here they are those of the Gaussian's own projection.
    gaussian = np.random.default_rng(3).standard_normal((PIXELS, ROWS))
    assert ((phi * gaussian.T).sum(axis=1) > 0).all()


@pytest.mark.parametrize("shape", [(40, 35), (33, 33), (20, 66)])
def test_operator_gradient_and_objective_are_those_of_a_dense_matrix(random, phi, shape):
    truth, x = (torch.from_numpy(random.random((2, *shape))) for _ in range(2))
    f, A = problem(phi, truth), dense(phi, *shape)
    y = truth.flatten(1).numpy() @ A.T
    np.testing.assert_allclose(f.y.flatten(1), y, atol=1e-12)
    residual = x.flatten(1).numpy() @ A.T - y
    np.testing.assert_allclose(f.gradient(x).flatten(1), residual @ A, atol=1e-12)
    np.testing.assert_allclose(f.objective(x), 0.5 * (residual**2).sum(axis=1), atol=1e-12)
    assert np.linalg.norm(A, 2) <= 1 + 1e-12


def test_the_gradient_is_the_derivative_of_the_objective(random, phi):
    f = problem(phi, torch.from_numpy(random.random((1, 40, 50))))
    x = torch.from_numpy(random.random((1, 40, 50))).requires_grad_()
    (expected,) = torch.autograd.grad(f.objective(x).sum(), x)
    torch.testing.assert_close(f.gradient(x.detach()), expected)


def test_blocks_join_to_the_picture_they_were_cut_from():
    picture = torch.arange(2 * 70 * 40.0).reshape(2, 70, 40)
    blocks = blocks_of(picture)
    assert blocks.shape == (2, 3, 2, PIXELS)
    torch.testing.assert_close(blocks[1, 1, 0].reshape(BLOCK, BLOCK), picture[1, 33:66, :33])
    whole = picture_of(blocks)
    torch.testing.assert_close(whole[:, :70, :40], picture)
    assert whole.shape == (2, 99, 66) and not whole[:, 70:].any() and not whole[:, :, 40:].any()
    assert blocks_of(torch.zeros(1, 66, 33)).shape == (1, 2, 1, PIXELS)  # nothing is added


def test_the_linear_start_is_the_least_squares_fit_and_keeps_the_measurements(random, phi):
    mixing = random.standard_normal((PIXELS, 60)) / 8
    blocks = (random.standard_normal((500, 60)) @ mixing.T).reshape(-1, BLOCK, BLOCK)
    inverse = linear_start(phi, second_moment(blocks))
    x = blocks.reshape(500, PIXELS)
    fitted, *_ = np.linalg.lstsq(x @ phi.T, x, rcond=None)
    np.testing.assert_allclose(inverse, fitted.T, atol=1e-6)
    np.testing.assert_allclose(phi @ inverse, np.eye(ROWS), atol=1e-6)
    few = linear_start(phi, second_moment(blocks[: ROWS // 2]))  # singular without its ridge
    assert np.isfinite(few).all()


def test_the_second_moment_does_not_depend_on_slices(random, monkeypatch):
    blocks = random.random((50, BLOCK, BLOCK), dtype=np.float32)
    whole = second_moment(blocks)
    monkeypatch.setattr("l2o.optimizees.block_sensing.SLICE", 7)
    np.testing.assert_allclose(second_moment(blocks), whole, rtol=1e-12)
    x = blocks.reshape(50, -1).astype(float)
    np.testing.assert_allclose(whole, x.T @ x / 50, rtol=1e-12)


def test_scales_are_those_of_the_coefficients_themselves(random):
    blocks = random.random((40, BLOCK, BLOCK))
    coefficients = dctn(blocks, norm="ortho", axes=(1, 2))
    scale = dct_scale(second_moment(blocks))
    np.testing.assert_allclose(scale, np.sqrt((coefficients**2).mean(axis=0)), rtol=1e-9)
    basis = cosines(BLOCK)
    np.testing.assert_allclose(basis @ blocks[0] @ basis.T, coefficients[0], atol=1e-12)
    picture = np.zeros((70, 40), np.uint8)
    assert wavelet_scale([picture]).tolist() == [[0.0] * 3] * LEVELS
    picture[::2] = 255  # lines across, as fine as they can be
    scales = wavelet_scale([picture])
    assert scales[-1].argmax() == 0 and scales[-1, 0] > 0.9 and scales[:-1].max() < 1e-9
