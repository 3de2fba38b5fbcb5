"""Nets and classical solvers for pictures sensed by blocks: their equations, starts and limits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.fft import dctn, idctn
from torch.nn.functional import conv2d

from l2o.optimizees.block_sensing import (
    BLOCK,
    BlockSensing,
    linear_start,
    second_moment,
    sensing_matrix,
)
from l2o.optimizees.picture_scales import dct_scale
from l2o.optimizers.protocol import iterates
from l2o.optimizers.registry import methods
from l2o.optimizers.sensing.fista_tv import adjoint, differences

NETS = methods("sensing_nets")
each_net = pytest.mark.parametrize("name", NETS)


@pytest.fixture(scope="module")
def f():
    """Two smooth pictures of 40 x 50 pixels, in double precision."""
    random = np.random.default_rng(0)

    def smooth(*shape):
        waves = random.standard_normal((*shape, 6, 6))
        whole = np.zeros((*shape, BLOCK, BLOCK))
        whole[..., :6, :6] = waves
        return 0.5 + 0.05 * idctn(whole * BLOCK / 6, norm="ortho", axes=(-2, -1))

    phi, moment = sensing_matrix(60, random), second_moment(smooth(200))
    moment += 1e-5 * np.eye(len(moment))  # of all frequencies a little
    inverse = linear_start(phi, moment)
    tiles = [np.concatenate([*smooth(2)], axis=1) for _ in range(4)]
    pictures = np.stack([np.concatenate(tiles[i : i + 2])[:40, :50] for i in (0, 2)])
    scales = {"dct": dct_scale(moment), "wavelet": np.full((4, 3), 0.05)}
    return BlockSensing.of(*map(torch.from_numpy, (phi, inverse, pictures)), scales)


def net(name, seed=1, **hyper):
    given = {"phases": 3, "filters": 5, **hyper}
    return NETS[name].load()(given, torch.Generator().manual_seed(seed)).double()


def stirred(one):
    """The net with other weights: at the start half of them are 0."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in one.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.double)
            parameter += 0.1 * noise
        one.thresholds.abs_()
    return one


@each_net
@torch.no_grad()
def test_untrained_it_is_the_linear_start_but_for_the_padding(name, f):
    whole = BlockSensing(f.phi, f.inverse, f.y, 66, 66, f.scales)  # whose padding is unknown
    for picture in net(name)(whole, whole.start())[0]:
        torch.testing.assert_close(picture, whole.start(), atol=1e-6, rtol=0)
    x = f.start()
    inside = net(name)(f, x)[0]  # that the padding is 0 adds to the measurements
    torch.testing.assert_close(inside[0][:, :33, :33], x[:, :33, :33], atol=1e-6, rtol=0)
    values = torch.stack([f.objective(picture) for picture in (x, *inside)])
    assert (values.diff(dim=0) < 0).all()


@each_net
def test_untrained_it_learns_all_the_same(name, f):
    one = net(name)
    with torch.enable_grad():
        pictures, errors = one(f, f.start())
        (pictures[-1].square().mean() + errors.sum()).backward()
    moved = {n for n, p in one.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    last = "phases.2.G" if name != "ista_net" else "phases.2.backward_2"
    assert last in moved and len(moved) >= 10


@each_net
def test_steps_are_the_phases_and_all_weights_learn(name, f):
    one = stirred(net(name))
    pictures, errors = one(f, f.start())
    assert len(pictures) == 3 and errors.shape == (3,) and (errors > 0).all()
    (pictures[-1].sum() + errors.sum()).backward()
    assert all(p.grad.abs().sum() > 0 for p in one.parameters())
    with torch.no_grad():
        run = iterates(one, f, f.start())
        for picture in pictures:
            torch.testing.assert_close(next(run), picture.detach())


def by_hand(f, one, name, x, k):
    """A phase by its equations, image by image."""
    w, theta = one.phases[k], one.thresholds[k]
    r = x - one.step_sizes[k] * f.gradient(x)

    def conv(image, weight):
        return conv2d(image, weight.contiguous(), padding=1)

    def soft(v):
        return torch.where(v > theta, v - theta, torch.where(v < -theta, v + theta, 0 * v))

    def proximal(image):
        image = image[None, None]
        inner = conv(image, w["D"]) if "D" in w else image
        coded = soft(conv(conv(inner, w["forward_1"]).clamp(min=0), w["forward_2"]))
        back = conv(conv(coded, w["backward_1"]).clamp(min=0), w["backward_2"])
        return (image + conv(back, w["G"]) if "D" in w else back)[0, 0]

    if name == "ista_net_whole":
        return torch.stack([proximal(picture) for picture in r])
    blocks = f.blocks(r).unflatten(3, (BLOCK, BLOCK))
    done = [[[proximal(cell) for cell in row] for row in picture] for picture in blocks]
    cells = torch.stack([torch.stack([torch.stack(row) for row in picture]) for picture in done])
    return f.joined(cells.flatten(3))


@each_net
@torch.no_grad()
def test_a_phase_is_that_of_the_equations(name, f):
    one, x = stirred(net(name)), f.start()
    for k in range(2):
        found, _ = one.phase(k, f, x)
        torch.testing.assert_close(found, by_hand(f, one, name, x, k))
        x = found


def test_published_nets_have_as_many_numbers_as_published():
    counts = {"ista_net": 171_090, "ista_net_plus": 336_978}
    for name, count in counts.items():
        one = NETS[name].load()({}, torch.Generator().manual_seed(0))
        assert sum(parameter.numel() for parameter in one.parameters()) == count


@torch.no_grad()
def test_only_the_net_for_whole_pictures_sees_over_borders(f):
    x = f.start()
    other = x.clone()
    other[:, :, BLOCK + 1 :] += 0.1  # beyond the first pixel of the second column of blocks
    for name in NETS:
        one = stirred(net(name))
        one.step_sizes.zero_()
        change = (one.phase(0, f, other)[0] - one.phase(0, f, x)[0])[:, :BLOCK, :BLOCK].abs().max()
        assert (change > 1e-9) == (name == "ista_net_whole"), name


# Classical solvers


def solver(name, **hyper):
    return methods("sensing")[name].load()(hyper)


def value(name, one, f, x):
    return (f.objective(x) + one.penalty(f, x)).sum()


@pytest.mark.parametrize("name", ["fista_dct", "fista_tv"])
@torch.no_grad()
def test_the_objective_never_rises_and_comes_to_rest_at_a_minimum(name, f):
    hyper = {"inner": 40} if name == "fista_tv" else {}
    one = solver(name, lam=1e-3, **hyper)
    values, x = [], f.start()
    for x, _ in zip(iterates(one, f, f.start()), range(300), strict=False):
        values.append(value(name, one, f, x))
    values = torch.stack([value(name, one, f, f.start()), *values])
    assert (values.diff() <= 1e-12).all() and values[-1] < values[0]
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):  # the objective is convex: a minimum among neighbours is one of all
        for size in (1e-2, 1e-4):
            step = size * torch.randn(x.shape, generator=generator, dtype=torch.double)
            assert value(name, one, f, x + step) >= values[-1] - 1e-7


@torch.no_grad()
def test_thresholds_of_cosines_are_weighed_and_leave_the_mean(f):
    one, generator = solver("fista_dct", lam=1e-3), torch.Generator().manual_seed(1)
    v = torch.rand(2, 33, 33, generator=generator, dtype=torch.double)
    whole = BlockSensing(f.phi, f.inverse, torch.zeros(2, 1, 1, 60), 33, 33, f.scales)
    found, _ = one.proximal(whole, v, ())
    coefficients = dctn(v.numpy(), norm="ortho", axes=(1, 2))
    thresholds = 1e-3 / np.maximum(f.scales["dct"], 1e-6)
    thresholds[0, 0] = 0
    kept = np.sign(coefficients) * np.maximum(np.abs(coefficients) - thresholds, 0)
    np.testing.assert_allclose(found, idctn(kept, norm="ortho", axes=(1, 2)), atol=1e-9)
    np.testing.assert_allclose(found.mean(dim=(1, 2)), v.mean(dim=(1, 2)))


@torch.no_grad()
def test_wavelets_are_turned_back_and_their_thresholds_shrink_details(f):
    generator = torch.Generator().manual_seed(1)
    v = torch.rand(2, 40, 50, generator=generator, dtype=torch.double)
    for turn in (0, 1, 6):
        kept = solver("fista_wavelet", lam=1e-12).proximal(f, v, turn)
        torch.testing.assert_close(kept, v, atol=1e-9, rtol=0)
        less = solver("fista_wavelet", lam=5e-3).proximal(f, v, turn)
        assert less.std() < 0.9 * v.std() and abs(less.mean() - v.mean()) < 0.02
    run = iterates(solver("fista_wavelet", lam=1e-7), f, f.start())
    *_, x = (x for x, _ in zip(run, range(60), strict=False))
    assert (f.objective(x) < 0.1 * f.objective(f.start())).all()


def test_differences_have_the_adjoint_that_is_used():
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(2, 7, 9, generator=generator, dtype=torch.double)
    p = torch.randn(2, 2, 7, 9, generator=generator, dtype=torch.double)
    down, right = differences(x)
    torch.testing.assert_close(down[:, :-1], x.diff(dim=1))
    torch.testing.assert_close(right[:, :, :-1], x.diff(dim=2))
    assert not down[:, -1].any() and not right[:, :, -1].any()
    torch.testing.assert_close((differences(x) * p).sum(), (x * adjoint(p)).sum())


@torch.no_grad()
def test_total_variation_is_denoised_as_by_scikit_image(f):
    from skimage.restoration import denoise_tv_chambolle

    generator = torch.Generator().manual_seed(3)
    v = torch.rand(1, 40, 50, generator=generator, dtype=torch.double)
    one, memory = solver("fista_tv", lam=0.1, inner=2000), (torch.zeros(2, 1, 40, 50).double(),)
    ours, _ = one.proximal(f, v, memory)
    theirs = torch.from_numpy(
        denoise_tv_chambolle(v[0].numpy(), weight=0.1, eps=1e-12, max_num_iter=5000)
    )[None]

    def objective(x):
        return float(0.5 * (x - v).square().sum() + one.penalty(f, x).sum())

    assert objective(ours) <= objective(theirs) + 1e-6
    torch.testing.assert_close(ours, theirs, atol=5e-3, rtol=0)
