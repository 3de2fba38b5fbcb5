"""What every unrolled method must do; a new method file is found and tested by itself."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from conftest import make_problem
from every_room import ROOT
from l2o.errors import InputError
from l2o.metrics import mean_nmse_db
from l2o.optimizers import registry
from l2o.optimizers.trained import load_net
from l2o.optimizers.unrolled.net import UnrolledNet
from l2o.storage.checkpoints import load_into, load_tensors, save_tensors
from l2o.storage.hdf5 import read_dictionary
from l2o.training.losses import RecoveryLoss
from l2o.training.progressive import Samples
from l2o.training.unrolled import trainer_of
from reference_algorithms import REFERENCES

HEADS = registry.methods("unrolled")
DEPTH = 5
AT_THEIR_BEST = {"lvamp_bg"}  # layer by layer already at the start, as far as such a set can tell
each_method = pytest.mark.parametrize("name", HEADS)


each_start = pytest.mark.parametrize(
    ("name", "start"), [(name, start) for name, head in HEADS.items() for start in head.starts]
)


def build(
    name: str, A: torch.Tensor, depth: int = DEPTH, start: str = "", **hyper: float
) -> UnrolledNet:
    return HEADS[name].load()(A, depth, hyper, start)


@torch.no_grad()
def nudge(net: UnrolledNet) -> UnrolledNet:
    """Move every parameter a little off its start, so that no gate is closed."""
    generator = torch.Generator().manual_seed(1)
    for parameter in net.parameters():
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        parameter += 0.03 * (parameter.abs().mean() + 0.1) * noise.to(parameter)
    return net


def test_methods_are_found():
    assert {"lista", "lista_cpss", "alista", "lamp", "lfista", "glista"} <= set(HEADS)


@each_start
@pytest.mark.parametrize("factor", [1.0, 2.5])
def test_untrained_equals_its_classical_algorithm(name, start, factor, problem):
    A, b, _ = problem.tensors()
    hyper = {key: factor * value for key, value in HEADS[name].hyperparameters.items()}
    net = build(name, A, start=start, **({} if factor == 1.0 else hyper))
    reference = REFERENCES[HEADS[name].starts[start]]
    expected = reference(problem.A, problem.b, DEPTH, {"damping": 0.0, **hyper})
    with torch.no_grad():
        iterates = net(b)
    assert np.abs(expected[-1]).max() > 0.1
    for ours, reference in zip(iterates, expected, strict=True):
        np.testing.assert_allclose(ours.numpy(), reference, rtol=0, atol=1e-9)


@each_method
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_iterates_have_the_shape_and_precision_of_the_signals(name, dtype, problem):
    A, b, x = problem.tensors(dtype)
    net = nudge(build(name, A))
    iterates = net(b)
    assert [(i.shape, i.dtype) for i in iterates] == [(x.shape, dtype)] * DEPTH


@each_method
def test_samples_of_a_batch_do_not_mix(name, problem):
    A, b, _ = problem.tensors()
    net = nudge(build(name, A))
    with torch.no_grad():
        together, alone = net(b)[-1][3:4], net(b[3:4])[-1]
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-11)


@each_method
def test_forward_is_layer_after_layer_and_a_layer_is_prepare_and_apply(name, problem):
    A, b, _ = problem.tensors()
    net = nudge(build(name, A))
    whole = split = net.start(b)
    with torch.no_grad():
        for k, iterate in enumerate(net(b)):
            whole = net.layer(k, whole, b)
            split = net.apply_layer(k, net.prepare(split, b), b)
            assert torch.equal(whole[0], iterate)
            assert len(whole) == len(split) == len(net.start(b))
            assert all(torch.equal(u, v) for u, v in zip(whole, split, strict=True))


@pytest.mark.parametrize("name", [name for name in HEADS if not HEADS[name].load().searched])
def test_finite_gradients_reach_every_declared_parameter(name, problem):
    A, b, x = problem.tensors()
    net = nudge(build(name, A))
    (net(b)[-1] - x).square().mean().backward()
    for parameter_name, parameter in net.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name
    # Some parameters of the first layers meet x = 0 only, so the last layer's must move.
    for parameter in [*net.layer_parameters(DEPTH - 1), *net.shared_parameters()]:
        assert parameter.grad.abs().max() > 0


@each_method
def test_preparation_needs_no_learned_parameter(name, problem):
    A, b, _ = problem.tensors()
    start, moved = build(name, A), nudge(build(name, A))
    state = moved.layer(0, moved.start(b), b)
    for u, v in zip(start.prepare(state, b), moved.prepare(state, b), strict=True):
        assert torch.equal(u, v)


@each_method
def test_every_parameter_is_declared_and_belongs_to_a_layer_or_to_all(name, problem):
    net = build(name, problem.tensors()[0])
    owners = {parameter_name.split(".")[0] for parameter_name, _ in net.named_parameters()}
    assert owners == set(net.trainable)
    assert set(net.rate_factors) <= owners
    per_layer = [p for k in range(DEPTH) for p in net.layer_parameters(k)]
    assigned = [id(p) for p in [*per_layer, *net.shared_parameters()]]
    assert sorted(assigned) == sorted(id(p) for p in net.parameters())


@each_method
def test_a_warm_start_copies_the_layer_before(name, problem):
    net = nudge(build(name, problem.tensors()[0]))
    net.warm_start(2)
    pairs = zip(net.layer_parameters(1), net.layer_parameters(2), strict=True)
    assert all(torch.equal(old, new) and old is not new for old, new in pairs)


@each_method
def test_saved_and_loaded_nets_are_bit_identical(name, problem, tmp_path):
    A, b, _ = problem.tensors(torch.float32)
    net, fresh = nudge(build(name, A)), build(name, A)
    record = {"method": name, "depth": DEPTH, "hyperparameters": net.hyper}
    save_tensors(tmp_path / "a.safetensors", net.state_dict(), record)
    tensors, found = load_tensors(tmp_path / "a.safetensors")
    load_into(fresh, tensors, "a.safetensors")
    assert found == record
    assert set(fresh.state_dict()) == set(net.state_dict())
    for key, tensor in net.state_dict().items():
        assert fresh.state_dict()[key].numpy().tobytes() == tensor.numpy().tobytes()
    with torch.no_grad():
        assert all(torch.equal(u, v) for u, v in zip(net(b), fresh(b), strict=True))
    save_tensors(tmp_path / "b.safetensors", fresh.state_dict(), record)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    loaded = load_net(tmp_path / "a.safetensors", A.double().numpy())
    assert type(loaded) is type(net) and torch.equal(loaded(b)[-1], net(b)[-1])


def _layout(net: UnrolledNet) -> dict[str, torch.Size]:
    return {key: tensor.shape for key, tensor in net.state_dict().items()}


@each_method
@pytest.mark.parametrize("other", ["depth", "method", "size"])
def test_a_checkpoint_of_another_architecture_names_the_tensor(name, other, problem):
    A = problem.tensors()[0]
    net = build(name, A)
    if other == "depth" and not net.per_layer:
        pytest.skip("its layers share everything: there may be any number of them")
    if other == "depth":
        foreign = build(name, A, DEPTH + 1)
    elif other == "size":
        foreign = build(name, torch.from_numpy(make_problem(1, 20, 52).A))
    else:
        nets = (build(method, A) for method in HEADS)
        foreign = next(candidate for candidate in nets if _layout(candidate) != _layout(net))
    before = {key: tensor.clone() for key, tensor in net.state_dict().items()}
    with pytest.raises(InputError) as error:
        load_into(net, foreign.state_dict(), "foreign.safetensors")
    assert error.value.key in _layout(net).keys() | _layout(foreign).keys()
    assert _layout(net).get(error.value.key) != _layout(foreign).get(error.value.key)
    assert str(error.value).startswith(f"foreign.safetensors: {error.value.key}: ")
    assert all(torch.equal(tensor, before[key]) for key, tensor in net.state_dict().items())


def test_a_net_for_another_dictionary_is_refused(problem, tmp_path):
    A = problem.tensors(torch.float32)[0]
    path = tmp_path / "net.safetensors"
    record = {"method": "lista_cp", "depth": DEPTH, "hyperparameters": {"lam": 0.1}}
    save_tensors(path, build("lista_cp", A).state_dict(), record)
    with pytest.raises(InputError, match="another dictionary"):
        load_net(path, -problem.A)


@pytest.mark.parametrize("name", [name for name, head in HEADS.items() if head.contains])
def test_a_net_goes_on_from_a_trained_one_that_it_contains(name, problem):
    A, b, _ = problem.tensors()
    net, other = build(name, A), nudge(build(HEADS[name].contains, A))
    net.adopt(other)
    with torch.no_grad():
        for ours, theirs in zip(net(b), other(b), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-11)
    assert not {p.data_ptr() for p in net.parameters()} & {p.data_ptr() for p in other.parameters()}


@pytest.mark.parametrize("name", [name for name in HEADS if HEADS[name].load().free_of_matrix])
def test_what_is_learned_may_stand_beside_another_matrix(name, problem):
    """Permuted columns permute what is found; a matrix of another width is taken, too."""
    A, b, _ = problem.tensors()
    net = build(name, A)
    net.calibrate(b)
    nudge(net)
    order = torch.randperm(A.shape[1], generator=torch.Generator().manual_seed(3))
    moved = net.given(A[:, order])
    with torch.no_grad():
        expected, found = net(b)[-1][:, order], moved(b)[-1]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    wider = torch.from_numpy(make_problem(1, len(A), 60).A)
    assert net.given(wider)(b)[-1].shape == (len(b), 60)


@each_method
def test_the_head_is_made_of_literals(name):
    head = HEADS[name]
    cls = head.load()
    assert (cls.name, cls.label, cls.reference) == (head.name, head.label, head.reference)
    assert dict(cls.hyperparameters) == dict(head.hyperparameters)
    assert cls.label and re.search(r"\b(19|20)\d\d\b", cls.reference)
    assert cls.trainable and head.starts and {*head.starts.values()} <= {*REFERENCES}
    assert (dict(cls.starts), cls.contains) == (dict(head.starts), head.contains)
    assert not head.contains or head.contains in HEADS


@each_method
def test_a_trained_net_beats_an_untrained_one_and_training_repeats(name, budget, tmp_path):
    problem = make_problem(640, 28, 52)
    A, b, x = problem.tensors(torch.float32)
    steps = {"layer_steps": 40} if build(name, A).per_layer else {"final_steps": 60}
    nets, budget = [], budget.model_copy(update=steps)
    for turn in range(2):
        net = build(name, A, depth=3)
        sets = Samples(b[:512], x[:512]), Samples(b[512:576], x[512:576])
        path = tmp_path / f"{turn}.safetensors"
        net.calibrate(sets[0].b)
        trainer_of(net, *sets, RecoveryLoss(), budget, 1, path, "k", lambda stage, row: None).run()
        nets.append(net.requires_grad_(False))
    for u, v in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        assert u.numpy().tobytes() == v.numpy().tobytes()
    pair = nets[0], build(name, A, depth=3).requires_grad_(False)
    if name in AT_THEIR_BEST:
        held = slice(512, 576)  # what they fell behind elsewhere is what so few samples can tell
        after, before = (RecoveryLoss().score_db(net(b[held])[-1], b, x[held]) for net in pair)
        assert after <= before
        return
    trained, start = (net(b[576:])[-1] for net in pair)
    assert mean_nmse_db(start, x[576:]) - mean_nmse_db(trained, x[576:]) > 0.4


def test_heads_are_read_without_importing_torch():
    code = "import sys\nfrom l2o.kinds import KINDS\nfrom l2o.optimizers.registry import methods\n"
    code += "assert all(methods(kind) for kind in KINDS)\nassert 'torch' not in sys.modules\n"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_method_must_be_called_like_its_file(tmp_path, monkeypatch):
    head = "class New:\n    name, label = 'no', 'no'\n    name = 'other'\n    label = 'New'\n"
    head += "    reference = 'Someone 2020'\n    hyperparameters = {}\n"
    monkeypatch.setattr(registry, "module_path", lambda name: tmp_path / "__init__.py")
    (tmp_path / "other.py").write_text(head)
    (tmp_path / "helper.py").write_text("class Base:\n    name: str\n")
    assert [h.label for h in registry.methods.__wrapped__("unrolled").values()] == ["New"]
    (tmp_path / "other.py").rename(tmp_path / "new.py")
    with pytest.raises(ValueError, match="called 'other'"):
        registry.methods.__wrapped__("unrolled")


def test_na_alista_starts_with_steps_that_fit_on_a_coherent_dictionary():
    """With ALISTA's step its iterates diverge there, and a training ends at x = 0 for good."""
    A = torch.from_numpy(read_dictionary(ROOT / "data/dictionaries/bsds500.h5")).float()
    random = torch.Generator().manual_seed(3)
    x = torch.randn((64, 512), generator=random)
    x *= torch.rand(x.shape, generator=random) < 0.1
    b, net = x @ A.T, HEADS["na_alista"].load()(A, 16, {})

    def left() -> float:
        return float((b - net(b)[-1] @ A.T).norm() / b.norm())

    with torch.no_grad():
        assert left() > 1
        net.calibrate(b)
        assert left() < 1
    step, threshold = torch.nn.functional.softplus(net.head_bias.detach()).tolist()
    assert step <= 0.5 and threshold == pytest.approx(2.0 * step)
