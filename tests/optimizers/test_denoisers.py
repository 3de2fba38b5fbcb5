"""Learned denoisers: certificates against dense matrices, proofs, training to the same bytes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch.nn.functional import conv2d, conv_transpose2d

from l2o.config.denoising import DenoiserTraining
from l2o.datasets.pictures import cut
from l2o.evaluation.certificates import certificate_rows
from l2o.optimizers.denoisers import convex_ridge
from l2o.optimizers.denoisers.convex_ridge import ConvexRidge
from l2o.optimizers.denoisers.dncnn import DnCnn
from l2o.optimizers.denoisers.real_sn import RealSn
from l2o.optimizers.denoisers.simple_cnn import SimpleCnn
from l2o.optimizers.filters import folded, spread, spreading, wrapped
from l2o.optimizers.registry import methods
from l2o.optimizers.spectral_norms import norm_at, norm_bound, power_step
from l2o.training.denoising import DenoiserTrainer
from l2o.training.state import MetaState

BUDGET = DenoiserTraining(
    steps=6, batch_size=2, patch=16, rate=1e-3, clip=10, validation_patches=3, report_every=2
)


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 2, side: int = 24) -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)
    return {
        f"p{i}": random.integers(256, size=(side, side + i)).astype(np.uint8) for i in range(count)
    }


def trainer(denoiser, path, budget=BUDGET) -> DenoiserTrainer:
    state = MetaState(path, "key", denoiser)
    return DenoiserTrainer(denoiser, pictures(), pictures(), cut, budget, 11, state)


def matrix_of(weight: torch.Tensor, side: int) -> np.ndarray:
    """A convolution with zero padding as a matrix."""
    inputs = weight.shape[1] * side**2
    unit = torch.eye(inputs, dtype=weight.dtype).view(inputs, weight.shape[1], side, side)
    return conv2d(unit, weight, padding=weight.shape[-1] // 2).flatten(1).T.numpy()


# Norms


def test_norms_lie_between_what_a_power_iteration_finds_and_the_bound():
    weight = torch.randn(3, 2, 3, 3, generator=drawn(), dtype=torch.float64)
    exact = {side: np.linalg.norm(matrix_of(weight, side), 2) for side in (5, 12)}
    assert norm_at(weight, (12, 12), 300) == pytest.approx(exact[12], rel=1e-6)
    assert exact[5] < exact[12] <= norm_bound(weight) <= 1.1 * exact[12]
    assert norm_bound(weight, 256) <= norm_bound(weight) <= norm_bound(weight, 6)
    with pytest.raises(ValueError, match="2 places bound no filter of size 3"):
        norm_bound(weight, 2)


def test_the_norm_of_training_has_the_derivative_of_the_largest_singular_value():
    weight = torch.randn(2, 2, 3, 3, generator=drawn(), dtype=torch.float64, requires_grad=True)
    u = torch.randn(1, 2, 6, 6, generator=drawn(1), dtype=torch.float64)
    for _ in range(500):
        _, u, norm = power_step(weight, u)
    (found,) = torch.autograd.grad(norm, weight)
    nudge = torch.zeros_like(weight)
    nudge[1, 0, 2, 1] = 1e-5
    up, down = (
        np.linalg.norm(matrix_of((weight + sign * nudge).detach(), 6), 2) for sign in (1, -1)
    )
    assert found[1, 0, 2, 1].item() == pytest.approx((up - down) / 2e-5, rel=1e-4)


@pytest.mark.parametrize(("side", "kernel"), [(9, 7), (12, 5), (10, 3)])
def test_spreading_is_the_transposed_convolution(side, kernel):
    weight = torch.randn(3, 1, kernel, kernel, generator=drawn(), dtype=torch.float64)
    values = torch.randn(2, 3, side, side + 2, generator=drawn(1), dtype=torch.float64)
    found = spread(values, spreading(weight))
    torch.testing.assert_close(found, conv_transpose2d(values, weight))


# Nets


def test_nets_have_as_many_numbers_as_their_papers():
    counts = {SimpleCnn: 74_880, RealSn: 74_880, DnCnn: 554_112}
    for kind, count in counts.items():
        assert sum(one.numel() for one in kind({}, drawn()).parameters()) == count


def test_a_net_takes_its_residual_away_and_has_no_scale():
    net, x = SimpleCnn({}, drawn()).requires_grad_(False), torch.rand(2, 12, 12, generator=drawn())
    nothing = x.new_empty(0)
    whole, half = (net.denoise(x, strength, nothing)[0] for strength in (1.0, 0.5))
    torch.testing.assert_close(half - x, 0.5 * (whole - x))
    torch.testing.assert_close(net.denoise(3 * x, 1.0, nothing)[0], 3 * whole)
    torch.testing.assert_close(net(x), whole)


@pytest.mark.parametrize("lipschitz", [1.0, 0.3])
def test_real_sn_keeps_its_bound_after_training_at_any_size(tmp_path, lipschitz):
    net = RealSn({"lipschitz": lipschitz}, drawn())
    trainer(net, tmp_path / "state").run()
    net.requires_grad_(False)
    assert net.residual_bound() == pytest.approx(lipschitz, rel=1e-5)
    share = lipschitz**0.25
    for weight in net.layers()[:1]:
        assert 0.8 * share < np.linalg.norm(matrix_of(weight.double(), 10), 2) <= share
    assert all(before > 1.05 * share for before in net.before())
    rows = certificate_rows(net, torch.rand(1, 20, 20, generator=drawn()), 1)
    assert rows[0]["norm"] <= rows[0]["bound"] * (1 + 1e-5)
    assert [row["layer"] for row in rows] == [0, 1, 2, 3, 4]
    assert all(row["norm"] <= row["bound"] <= row["before"] for row in rows[1:])


# The convex ridge


@pytest.fixture(scope="module")
def ridge() -> ConvexRidge:
    return ConvexRidge({}, drawn(3)).double().requires_grad_(False)


def points(count: int = 1, side: int = 12) -> torch.Tensor:
    return torch.rand(count, side, side, generator=drawn(5), dtype=torch.float64)


def test_its_gradient_is_that_of_its_value(ridge):
    x = points(2).requires_grad_()
    (wanted,) = torch.autograd.grad(ridge.value(x).sum(), x)
    torch.testing.assert_close(ridge.gradient(x.detach()), wanted)


def test_its_gradient_has_the_lipschitz_constant_that_it_tells(ridge):
    small = 1e-6  # near a flat picture no clip is at its end: there R is steepest
    columns = [
        (ridge.gradient(small * unit.view(1, 20, 20)) / small).flatten()
        for unit in torch.eye(400, dtype=torch.float64)
    ]
    exact = np.linalg.norm(torch.stack(columns).numpy(), 2)
    assert 0.5 * ridge.smoothness() < exact <= ridge.smoothness()
    bound = ridge.smoothness()
    assert ridge.residual_bound(2.0) == pytest.approx(2 * bound / (1 + 2 * bound))


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_it_is_the_proximal_operator(ridge, strength):
    y = points()

    def objective(flat):
        x = torch.from_numpy(flat).view_as(y)
        value = 0.5 * (x - y).square().sum() + strength * ridge.value(x).sum()
        return value.item(), (x - y + strength * ridge.gradient(x)).flatten().numpy()

    best = minimize(objective, y.flatten().numpy(), jac=True, method="L-BFGS-B",
                    options={"gtol": 1e-10, "ftol": 1e-15, "maxiter": 2000})  # fmt: skip
    found, memory = ridge.denoise(y, strength, y.new_empty(0))
    error = np.sqrt(np.mean((found.flatten().numpy() - best.x) ** 2))
    assert error <= convex_ridge.LARGEST
    again, _ = ridge.denoise(y, strength, memory)  # has not moved: all but exact
    assert np.sqrt(np.mean((again.flatten().numpy() - best.x) ** 2)) <= 1e-5


def test_it_is_firmly_nonexpansive(ridge):
    x, y = points(2).split(1)
    y = x + 0.1 * (y - x)
    hx, hy = (at - ridge.removed(at) for at in (x, y))
    inner = ((hx - hy) * (x - y)).sum()
    assert (hx - hy).square().sum() <= inner * (1 + 1e-4)
    rows = certificate_rows(ConvexRidge({}, drawn(3)).requires_grad_(False), points().float(), 1)
    assert 0 < rows[0]["norm"] <= rows[0]["bound"] * (1 + 1e-3)


# Training


def test_pictures_do_not_mix_and_the_next_call_begins_from_the_last(ridge):
    first, then = points(3).float(), points(3).float() + 0.01 * torch.arange(3.0).view(3, 1, 1)
    found, memory = ridge.denoise(first, 0.7, torch.empty(0))
    again, _ = ridge.denoise(then, 0.7, memory)
    for i in range(3):
        alone, own = ridge.denoise(first[i : i + 1], 0.7, torch.empty(0))
        assert torch.equal(alone[0], found[i])
        assert torch.equal(ridge.denoise(then[i : i + 1], 0.7, own)[0][0], again[i])


@pytest.mark.parametrize("kind", [SimpleCnn, RealSn, ConvexRidge])
def test_a_killed_training_ends_with_the_same_bytes(tmp_path, kind, monkeypatch):
    whole = kind({}, drawn())
    trainer(whole, tmp_path / "whole").run()
    broken, calls = kind({}, drawn()), []
    one = trainer(broken, tmp_path / "broken")
    steps = one._steps

    def killed(part):
        calls.append(part)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return steps(part)

    one._steps = killed
    with pytest.raises(KeyboardInterrupt):
        one.run()
    rest = trainer(kind({}, drawn(1)), tmp_path / "broken")
    rest.run()
    found, wanted = rest.denoiser.state_dict(), whole.state_dict()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    assert [row["step"] for row in rest.state.history] == [2, 4, 6]


def test_training_takes_noise_away(tmp_path):
    smooth = {"a": np.outer(np.linspace(0, 255, 40), np.linspace(0.3, 1, 40)).astype(np.uint8)}
    budget = BUDGET.model_copy(update={"steps": 30, "rate": 1e-2, "clip": 1.0})
    ridge = ConvexRidge({"sigma": 25}, drawn())
    state = MetaState(tmp_path / "state", "key", ridge)
    DenoiserTrainer(ridge, smooth, smooth, cut, budget, 1, state).run()
    noisy = -20 * np.log10(25 / 255)
    assert state.history[-1]["validation_psnr"] > noisy + 3


def test_a_training_that_diverges_ends_with_its_best_weights(tmp_path):
    net = SimpleCnn({}, drawn())
    budget = BUDGET.model_copy(update={"rate": 0.99, "clip": 1e30, "steps": 40})
    one = trainer(net, tmp_path / "state", budget)
    one.run()
    assert all(weight.isfinite().all() for weight in net.parameters())
    assert 1 <= len(one.state.history) <= 20


@pytest.mark.parametrize("name", methods("denoisers"))
def test_every_denoiser_keeps_the_shape_and_tells_its_bound(name):
    denoiser = methods("denoisers")[name].load()({}, drawn()).requires_grad_(False)
    x = torch.rand(2, 17, 20, generator=drawn())
    found, memory = denoiser.denoise(x, 0.5, x.new_empty(0))
    assert found.shape == x.shape and found.isfinite().all()
    assert denoiser.denoise(x, 0.5, memory)[0].shape == x.shape
    assert name == "dncnn" or denoiser.residual_bound(0.5) > 0  # 17 layers take a while
    assert denoiser.noise == pytest.approx(15 / 255)


def test_folding_is_the_adjoint_of_a_periodic_continuation():
    x = torch.randn(2, 1, 9, 7, generator=drawn(1), dtype=torch.float64)
    y = torch.randn(2, 1, 15, 13, generator=drawn(2), dtype=torch.float64)
    assert (wrapped(x, 3) * y).sum().item() == pytest.approx((x * folded(y, 3)).sum().item())
    assert torch.equal(wrapped(x, 3)[..., 3:-3, :3], x[..., -3:])
