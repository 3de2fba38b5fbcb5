"""The loss of nets on patches against plain sums, and its gradient against differences."""

from __future__ import annotations

import math

import pytest
import torch

from l2o.training.patch_loss import PatchLoss


@pytest.fixture
def drawn():
    generator = torch.Generator().manual_seed(3)
    shapes = ((6, 9), (4, 9), (4, 6))  # D, x, f
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]


def test_the_error_is_half_the_squared_distance_and_the_weighted_norm(drawn):
    D, x, f = drawn
    loss = PatchLoss(D, 0.3)
    each = [
        0.5 * sum((float(D[i] @ x[s]) - float(f[s, i])) ** 2 for i in range(6))
        + 0.3 * float(x[s].abs().sum())
        for s in range(4)
    ]
    assert float(loss.error(x, x, f)) == pytest.approx(sum(each) / 4)
    assert loss.scale(f) == pytest.approx(float(PatchLoss(D).error(0 * x, x, f)))


def test_the_score_is_relative_and_knows_no_norm(drawn):
    D, x, f = drawn
    missed = ((x @ D.T - f) ** 2).sum() / (f**2).sum()
    for weight in (0.0, 0.3):
        assert PatchLoss(D, weight).score_db(x, x, f) == pytest.approx(10 * math.log10(missed))
    assert PatchLoss(D).score_db(0 * x, x, f) == pytest.approx(0)


def test_gradients_are_those_of_the_error(drawn):
    D, x, f = drawn
    x.requires_grad_(True)
    PatchLoss(D, 0.3).error(x, x, f).backward()
    assert torch.allclose(x.grad, ((x @ D.T - f) @ D + 0.3 * x.sign()).detach() / 4)


def test_a_patch_that_is_hit_has_a_finite_logarithm(drawn):
    D, x, _ = drawn
    assert math.isfinite(float(PatchLoss(D).error(x, x, x @ D.T).log()))
    assert math.isfinite(PatchLoss(D).score_db(x, x, x @ D.T))
