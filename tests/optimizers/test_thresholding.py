"""Soft-thresholding and support selection: values, gradients, properties."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from l2o.optimizers.thresholding import soft_threshold, soft_threshold_with_support
from reference_algorithms import shrink, shrink_with_support

ROWS, N = 6, 40
THRESHOLD = 0.6
quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)
rows = arrays(np.float64, (2, 9), elements=st.floats(-1e6, 1e6))
thresholds = st.floats(0.0, 1e6)


@pytest.fixture
def v() -> torch.Tensor:
    """Normal entries, none within 1e-3 of the kinks at +-THRESHOLD."""
    values = np.random.default_rng(3).standard_normal((ROWS, N))
    near = np.abs(np.abs(values) - THRESHOLD) < 1e-3
    return torch.from_numpy(np.where(near, values + 0.01, values))


def composed(v: torch.Tensor, threshold: torch.Tensor, percent: float) -> torch.Tensor:
    """Support selection from recorded torch operations, the selection held constant."""
    threshold = threshold.clamp_min(0.0)
    count = int(percent / 100 * v.shape[-1])
    ranks = v.detach().abs().argsort(dim=-1, descending=True).argsort(dim=-1)
    selected = (ranks < count) & (v.detach().abs() > threshold.detach())
    return torch.where(selected, v, v.sign() * torch.relu(v.abs() - threshold))


def as_threshold(kind: str) -> torch.Tensor:
    """A scalar threshold or one for each row."""
    scale = torch.ones((), dtype=torch.float64)
    if kind == "row":
        scale = torch.linspace(0.5, 2.0, ROWS, dtype=torch.float64)[:, None]
    return THRESHOLD * scale


@pytest.mark.parametrize("threshold", [0.0, THRESHOLD, 10.0])
def test_values_of_soft_thresholding(v, threshold):
    ours = soft_threshold(v, torch.tensor(threshold, dtype=torch.float64)).numpy()
    np.testing.assert_allclose(ours, shrink(v.numpy(), threshold), rtol=0, atol=1e-15)


@pytest.mark.parametrize("percent", [0.0, 2.4, 2.5, 13.0, 60.0, 100.0])
@pytest.mark.parametrize("threshold", [0.0, THRESHOLD, 10.0])
def test_values_of_support_selection(v, threshold, percent):
    t = torch.tensor(threshold, dtype=torch.float64)
    ours = soft_threshold_with_support(v, t, percent).numpy()
    expected = [shrink_with_support(row, threshold, percent) for row in v.numpy()]
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-15)


def test_selected_entries_keep_their_very_bits(v):
    output = soft_threshold_with_support(v, torch.tensor(THRESHOLD), 10.0)
    kept = (output == v) & (v != 0)
    assert kept.sum(dim=1).tolist() == [4] * ROWS
    largest = v.abs().topk(4, dim=1).indices
    assert kept.gather(1, largest).all()


def test_the_selection_does_not_depend_on_the_device_path(v, monkeypatch):
    monkeypatch.setattr(np, "partition", lambda *a, **k: pytest.fail("the path of the CPU"))
    with pytest.raises(pytest.fail.Exception):
        soft_threshold_with_support(v, torch.tensor(THRESHOLD), 10.0)
    monkeypatch.undo()
    quantile = soft_threshold_with_support.__globals__["_row_quantile"]

    class Elsewhere(torch.Tensor):
        device = torch.device("meta")

    on_other = quantile(v.abs().as_subclass(Elsewhere), 7)
    assert torch.equal(on_other.as_subclass(torch.Tensor), quantile(v.abs(), 7))


@pytest.mark.parametrize("kind", ["scalar", "row"])
def test_gradients_of_soft_thresholding(v, kind):
    inputs = v.clone().requires_grad_(), as_threshold(kind).requires_grad_()
    assert torch.autograd.gradcheck(soft_threshold, inputs)


@pytest.mark.parametrize("percent", [5.0, 30.0])
def test_gradients_of_support_selection(v, percent):
    inputs = v.clone().requires_grad_(), as_threshold("scalar").requires_grad_()
    assert torch.autograd.gradcheck(lambda v, t: soft_threshold_with_support(v, t, percent), inputs)


@pytest.mark.parametrize("kind", ["scalar", "row"])
@pytest.mark.parametrize("percent", [0.0, 5.0, 30.0, 100.0])
def test_no_gradient_passes_through_the_selection(v, kind, percent):
    weights = torch.from_numpy(np.random.default_rng(4).standard_normal((ROWS, N)))
    gradients = []
    for operator in (soft_threshold_with_support, composed):
        inputs = v.clone().requires_grad_(), as_threshold(kind).requires_grad_()
        (operator(*inputs, percent) * weights).sum().backward()
        gradients.append([i.grad for i in inputs])
    for ours, plain in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, plain, rtol=0, atol=1e-13)
    assert gradients[0][0].abs().max() > 0


@pytest.mark.parametrize("kind", ["scalar", "row"])
@pytest.mark.parametrize("percent", [0.0, 5.0, 30.0, 60.0, 80.0])
def test_values_without_gradients_are_the_same_bits(v, kind, percent):
    t = as_threshold(kind)
    recorded = soft_threshold_with_support(v, t, percent)
    before = v.clone()
    with torch.no_grad():
        plain = soft_threshold_with_support(v, t, percent)
    assert plain.numpy().tobytes() == recorded.numpy().tobytes()
    assert torch.equal(v, before)


@pytest.mark.parametrize("crowded", [0, 2, 5, 6])
def test_rows_of_many_and_of_few_large_entries_are_selected_alike(v, crowded):
    v[crowded:] *= 0.5
    v[crowded:, 10:] *= 0.01  # at most ten of these reach the threshold
    t = torch.tensor(THRESHOLD, dtype=torch.float64)
    ours = soft_threshold_with_support(v, t, 30.0).numpy()
    expected = [shrink_with_support(row, THRESHOLD, 30.0) for row in v.numpy()]
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-15)


def test_percent_zero_is_plain_soft_thresholding(v):
    t = torch.tensor(THRESHOLD)
    assert torch.equal(soft_threshold_with_support(v, t, 0.0), soft_threshold(v, t))


@pytest.mark.parametrize("percent", [0.0, 30.0])
def test_negative_thresholds_count_as_zero_and_get_no_gradient(v, percent):
    t = torch.tensor(-0.4, dtype=torch.float64, requires_grad=True)
    output = soft_threshold_with_support(v, t, percent)
    assert torch.equal(output, v)
    (output.square().sum()).backward()
    assert t.grad == 0


@quick
@given(rows, thresholds)
def test_shrinking_goes_towards_zero_and_keeps_the_sign(v, threshold):
    output = soft_threshold(torch.from_numpy(v), torch.tensor(threshold, dtype=torch.float64))
    output = output.numpy()
    assert (np.abs(output) <= np.abs(v)).all()
    assert (output * v >= 0).all()
    assert (output[np.abs(v) <= threshold] == 0).all()
    assert (output[np.abs(v) > threshold] != 0).all()


@quick
@given(rows, rows, thresholds)
def test_shrinking_never_moves_two_points_apart(u, v, threshold):
    t = torch.tensor(threshold, dtype=torch.float64)
    images = (soft_threshold(torch.from_numpy(w), t).numpy() for w in (u, v))
    distance = np.abs(next(images) - next(images))
    rounding = 1e-15 * (np.abs(u) + np.abs(v) + threshold)
    assert (distance <= np.abs(u - v) + rounding).all()


@quick
@given(rows, thresholds, st.floats(0.0, 100.0))
def test_support_selection_lies_between_shrinking_and_identity(v, threshold, percent):
    t = torch.tensor(threshold, dtype=torch.float64)
    tensor = torch.from_numpy(v)
    output = soft_threshold_with_support(tensor, t, percent).numpy()
    plain = soft_threshold(tensor, t).numpy()
    assert ((output == plain) | (output == v)).all()
    assert (np.abs(output) <= np.abs(v)).all()
    assert (output[np.abs(v) < threshold] == 0).all()
