"""Sensing of patches: orthonormal rows, means, scalings, and pictures cut and put together."""

from __future__ import annotations

import numpy as np
import pytest

from l2o.optimizees.patch_sensing import (
    measurements,
    patches_of,
    picture_of,
    second_moments,
    sense,
    sensing_matrix,
)

SIZE, ATOMS = 4, 30
PIXELS = SIZE**2


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture
def dictionary(random) -> np.ndarray:
    """Atoms without mean and of norm 1, as those of the released dictionary."""
    atoms = random.standard_normal((PIXELS, ATOMS))
    atoms -= atoms.mean(axis=0)
    return atoms / np.linalg.norm(atoms, axis=0)


@pytest.fixture
def patches(random) -> np.ndarray:
    mixed = random.standard_normal((500, 5)) @ random.standard_normal((5, PIXELS))
    return mixed + 0.1 * random.standard_normal((500, PIXELS)) + 2.0


def test_ratios_are_rounded_to_the_nearest_count():
    counts = [measurements(percent, 256) for percent in (20, 30, 40, 50, 60, 100)]
    assert counts == [51, 77, 102, 128, 154, 256]
    assert measurements(12.5, 12) == 2  # halves up


@pytest.mark.parametrize("mean_sensed", [True, False])
def test_rows_are_orthonormal_and_the_first_one_measures_the_mean_where_it_is_sensed(
    mean_sensed, random
):
    phi = sensing_matrix(6, PIXELS, mean_sensed, random)
    assert phi @ phi.T == pytest.approx(np.eye(6), abs=1e-12)
    sums = phi.sum(axis=1)
    if mean_sensed:
        assert phi[0] == pytest.approx(np.full(PIXELS, 1 / SIZE)) and abs(sums[1:]).max() < 1e-12
    else:
        assert abs(sums).min() > 1e-3
    again = sensing_matrix(6, PIXELS, mean_sensed, np.random.default_rng(6))
    assert abs(phi - again).max() > 0.1


@pytest.mark.parametrize(("m", "mean_sensed"), [(0, False), (1, True), (PIXELS + 1, False)])
def test_no_matrix_of_impossible_size(m, mean_sensed, random):
    with pytest.raises(ValueError, match="measurements of 16 pixels"):
        sensing_matrix(m, PIXELS, mean_sensed, random)


@pytest.mark.parametrize("mean_sensed", [True, False])
def test_what_is_decoded_from_a_code_is_what_was_sensed(mean_sensed, random, dictionary, patches):
    phi = sensing_matrix(6, PIXELS, mean_sensed, random)
    known = sense(phi, dictionary, mean_sensed, second_moments(patches))
    assert known.A.shape == (6 - mean_sensed, ATOMS)
    rows = known.A @ known.A.T
    assert rows == pytest.approx(np.eye(len(rows)), abs=1e-10)
    # The decoder is D up to the scale of the columns, which the codes take up.
    scale = np.linalg.norm(known.decoder, axis=0)
    assert known.decoder / scale == pytest.approx(dictionary, abs=1e-12)
    codes = random.standard_normal((3, ATOMS))
    means = random.random((3, 1))
    b, mean = known.measured(codes @ known.decoder.T + means)
    assert b == pytest.approx(codes @ known.A.T, abs=1e-10)
    assert mean == pytest.approx(means, abs=1e-12)


def test_with_the_mean_sensed_nothing_but_the_measurements_is_used(random, dictionary, patches):
    phi = sensing_matrix(6, PIXELS, True, random)
    known = sense(phi, dictionary, True, second_moments(patches))
    unseen = np.linalg.svd(phi)[2][6:]  # directions that Phi does not see
    other = patches[:4] + random.standard_normal((4, PIXELS - 6)) @ unseen
    for one, two in zip(known.measured(patches[:4]), known.measured(other), strict=True):
        assert one == pytest.approx(two, abs=1e-9)
    leaked = sense(
        phi := sensing_matrix(6, PIXELS, False, random), dictionary, False, np.eye(PIXELS)
    )
    unseen = np.linalg.svd(phi)[2][6:]
    other = patches[:4] + 9 * unseen[0]
    assert abs(leaked.measured(patches[:4])[1] - leaked.measured(other)[1]).min() > 1e-3


def test_the_linear_estimate_is_that_of_least_squares(random, dictionary, patches):
    phi = sensing_matrix(6, PIXELS, True, random)
    known = sense(phi, dictionary, True, second_moments(patches))
    b, mean = known.measured(patches)
    least, *_ = np.linalg.lstsq(b, patches - mean, rcond=None)
    assert known.linear == pytest.approx(least.T, abs=1e-8)


def test_dependent_rows_are_refused(dictionary):
    with pytest.raises(ValueError, match="linearly dependent"):
        sense(np.eye(PIXELS), dictionary, False, np.eye(PIXELS))  # D knows no means


@pytest.mark.parametrize("shape", [(8, 12), (9, 12), (3, 5), (8, 11)])
def test_a_picture_of_any_size_is_the_same_when_put_together(shape, random):
    picture = random.random(shape)
    cut = patches_of(picture, SIZE)
    assert cut.shape == (-(-shape[0] // SIZE) * -(-shape[1] // SIZE), PIXELS)
    assert (picture_of(cut, shape, SIZE) == picture).all()
    corner = picture[:SIZE, :SIZE]
    assert (cut[0].reshape(SIZE, SIZE)[: corner.shape[0], : corner.shape[1]] == corner).all()
    last = picture[-1, -1]  # what is continued is the last pixel
    assert cut[-1].reshape(SIZE, SIZE)[-1, -1] == last
