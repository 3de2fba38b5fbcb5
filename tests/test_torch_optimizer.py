"""Learned optimizers as a torch.optim.Optimizer: what its users count on, for each of them."""

from __future__ import annotations

import copy
import io
import pickle
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from torch.optim import lr_scheduler

from l2o.errors import InputError
from l2o.optimizers.protocol import iterates
from l2o.optimizers.recurrent.base import GradientOptimizer, RecurrentOptimizer
from l2o.optimizers.recurrent.tensorwise import TensorwiseRule
from l2o.optimizers.registry import methods
from l2o.torch import LearnedOptimizer
from solve_cases import write_checkpoint

CLASSES = {name: head.load() for name, head in methods("recurrent").items()}
JOINT = [name for name, kind in CLASSES.items() if issubclass(kind, GradientOptimizer)]
RULES = [name for name, kind in CLASSES.items() if issubclass(kind, TensorwiseRule)]
NAMES = [*JOINT, *RULES]
OTHERS = [name for name in NAMES if name != "l2o_scale"]
SCALE = {"l2o_scale": {"rate": 0.01}}  # small steps, so that a few dozen do not diverge
EACH = pytest.mark.parametrize("name", NAMES)


def method(name: str, seed: int = 3) -> RecurrentOptimizer:
    """An untrained optimizer."""
    drawn = torch.Generator().manual_seed(seed)
    return CLASSES[name](SCALE.get(name, {}), drawn).requires_grad_(False)


class Task:
    """A small net, minibatches of its own, and an optimizer on it."""

    def __init__(self, name: str, dtype: torch.dtype = torch.float32, **options) -> None:
        drawn = torch.Generator().manual_seed(5)
        self.net = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))
        with torch.no_grad():
            for p in self.net.parameters():
                p.copy_(torch.randn(p.shape, generator=drawn) / 2)
        self.net.to(dtype)
        self.data = torch.randn(8, 16, 6, generator=drawn).to(dtype)
        self.labels = torch.randint(3, (8, 16), generator=drawn)
        self.optimizer = LearnedOptimizer(self.net.parameters(), method(name), **options)
        self.at = 0

    def loss(self, at: int | None = None) -> Tensor:
        at = self.at if at is None else at
        return nn.functional.cross_entropy(self.net(self.data[at % 8]), self.labels[at % 8])

    def steps(self, count: int) -> Task:
        for _ in range(count):
            self.optimizer.zero_grad()
            self.loss().backward()
            self.optimizer.step()
            self.at += 1
        return self

    def flat(self) -> Tensor:
        return parameters_to_vector(self.net.parameters()).detach().clone()


def same(a: Task, b: Task) -> None:
    """Two runs are at the same bits, parameters and memory."""
    assert torch.equal(a.flat(), b.flat())
    first, second = (each.optimizer.state_dict() for each in (a, b))
    assert first["param_groups"] == second["param_groups"]
    assert first["l2o"]["weights"] == second["l2o"]["weights"]
    for one, other in [
        (first["l2o"]["shared"], second["l2o"]["shared"]),
        *((first["state"][i], second["state"][i]) for i in first["state"] | second["state"]),
    ]:
        assert one.keys() == other.keys()
        assert all(torch.equal(one[k], other[k]) and one[k].dtype == other[k].dtype for k in one)


class Direct:
    """The same task as an optimizee of the learned optimizer itself."""

    def __init__(self, task: Task) -> None:
        self.task, self.shapes = task, tuple(tuple(p.shape) for p in task.net.parameters())
        self.parts = tuple(p.numel() for p in task.net.parameters())

    def gradient(self, x: Tensor) -> Tensor:
        vector_to_parameters(x[0], self.task.net.parameters())
        with torch.enable_grad():
            found = torch.autograd.grad(self.task.loss(), list(self.task.net.parameters()))
        self.task.at += 1
        return torch.cat([one.reshape(-1) for one in found])[None]


def test_there_is_one_for_every_recurrent_optimizer_that_needs_no_objectives():
    assert set(JOINT) == {"l2o_dm", "l2o_enhanced", "l2o_rnnprop", "l2o_scale"}
    assert set(RULES) == {"celo2_like", "mlp_optimizer", "small_fc_lopt"}


@EACH
def test_it_takes_the_steps_of_the_optimizer_itself_to_the_bit(name):
    task, other = Task(name), Task(name)
    start = other.flat()[None]
    with torch.no_grad():
        *_, x = islice(iterates(method(name), Direct(other), start), 30)
    task.steps(30).optimizer.eval()
    assert torch.equal(task.flat(), x[0]) and not torch.equal(x, start)


@pytest.mark.parametrize("name", JOINT)
def test_what_a_method_says_of_its_memory_holds(name):
    tensors, optimizer = Task(name).steps(2).optimizer.state_dict()["state"][0], method(name)
    remembered = {key for key, level in optimizer.levels.items() if level != "instance"}
    assert tensors.keys() == remembered | ({"x"} if name == "l2o_scale" else set())
    columns = {"coordinate": 30, "part": 1}
    for key in remembered:
        level, shape = optimizer.levels[key], tensors[key].shape
        assert shape == () if level == "count" else shape[-1] == columns[level]


@EACH
def test_the_rate_scales_the_steps_and_each_group_has_its_own(name):
    task, slow = Task(name), Task(name, lr=0.25)
    start = task.flat()
    changes = [each.steps(1).flat() - start for each in (task, slow)]
    assert torch.allclose(changes[1], changes[0] / 4, rtol=1e-4, atol=1e-6)
    grouped = Task(name)
    first, second = grouped.net[0].parameters(), grouped.net[2].parameters()
    groups = [{"params": first, "lr": 0.0}, {"params": second}]
    grouped.optimizer = LearnedOptimizer(groups, method(name), lr=0.25)
    assert torch.equal(grouped.steps(1).flat(), torch.cat([start[:35], slow.flat()[35:]]))


@EACH
@pytest.mark.parametrize(
    "made",
    [
        lambda o: lr_scheduler.StepLR(o, 2, 0.1),
        lambda o: lr_scheduler.CosineAnnealingLR(o, 8),
        lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (t + 1)),
        lambda o: lr_scheduler.OneCycleLR(o, 1.0, total_steps=8, cycle_momentum=False),
        lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0),
    ],
    ids=["step", "cosine", "lambda", "one_cycle", "plateau"],
)
def test_schedulers_scale_the_steps(name, made):
    task, by_hand = Task(name), Task(name)
    scheduler, rates = made(task.optimizer), []
    for _ in range(6):
        (group,) = by_hand.optimizer.param_groups
        group["lr"] = task.optimizer.param_groups[0]["lr"]
        rates.append(group["lr"])
        task.steps(1), by_hand.steps(1)
        given = (1.0,) if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau) else ()
        scheduler.step(*given)
    assert torch.equal(task.flat(), by_hand.flat()) and len(set(rates)) > 1


@EACH
def test_a_closure_is_asked_for_the_loss_and_its_gradient(name):
    task, closed = Task(name), Task(name)

    def closure() -> Tensor:
        closed.optimizer.zero_grad()
        loss = closed.loss()
        loss.backward()
        return loss

    for _ in range(5):
        expected = task.loss().item()
        assert closed.optimizer.step(closure).item() == expected
        closed.at += 1
        task.steps(1)
    same(task, closed)


@EACH
def test_parameters_without_gradient_stay_and_so_does_their_memory(name):
    task = Task(name).steps(5)
    weight, bias = task.net[0].weight, task.net[2].bias
    before = {
        p: copy.deepcopy(task.optimizer.state_dict()["state"][i])
        for p, i in ((weight, 0), (bias, 3))
    }
    held = {p: p.detach().clone() for p in task.net.parameters()}
    weight.requires_grad_(False)
    bias.register_post_accumulate_grad_hook(lambda p: setattr(p, "grad", None))  # as if unused
    task.steps(3)
    after = task.optimizer.state_dict()["state"]
    for p, i in ((weight, 0), (bias, 3)):
        assert torch.equal(p, held[p])
        assert all(torch.equal(after[i][key], value) for key, value in before[p].items())
    assert not torch.equal(task.net[2].weight, held[task.net[2].weight])
    weight.requires_grad_(True)
    assert not torch.equal(task.steps(1).net[0].weight, held[weight])


@pytest.mark.parametrize("name", OTHERS)
def test_a_pause_of_some_parameters_is_one_for_their_own_steps_alone(name):
    """Coordinates share nothing: with the same gradients they go where a run without pause does."""
    drawn = torch.Generator().manual_seed(1)
    rows = torch.randn(6, 40, generator=drawn)
    paused, steady, alone = (nn.Parameter(torch.zeros(40)) for _ in range(3))
    pair = LearnedOptimizer([paused, steady], method(name))
    single = LearnedOptimizer([alone], method(name))
    for at, row in enumerate(rows):
        steady.grad, paused.grad = row, None if at in (2, 3) else row
        pair.step()
        if paused.grad is not None:
            alone.grad = row
            single.step()
    assert torch.allclose(paused, alone, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(paused, steady)


@EACH
def test_new_parameters_join_a_running_training_and_the_old_ones_keep_their_memory(name):
    task, other = Task(name).steps(4), Task(name).steps(4)
    new, alone = (nn.Parameter(torch.ones(7, 2)) for _ in range(2))
    task.optimizer.add_param_group({"params": [new], "lr": 0.5})
    old, same_old = (each.optimizer.state_dict() for each in (task, other))
    assert old["state"].keys() == same_old["state"].keys()
    held = [*old["state"].values(), old["l2o"]["shared"]]
    expected = [*same_old["state"].values(), same_old["l2o"]["shared"]]
    for one, before in zip(held, expected, strict=True):
        assert all(torch.equal(one[key], before[key]) for key in before)
    start = task.flat()
    task.optimizer.zero_grad()
    task.loss().backward()
    new.grad = torch.ones(7, 2)
    task.optimizer.step()
    moved = task.flat() - start
    assert moved.abs().min() > 0 and (new != 1).all()
    if name != "l2o_scale":  # there the net as a whole shifts the gates of each coordinate
        fresh = LearnedOptimizer([alone], method(name), lr=0.5)
        alone.grad = torch.ones(7, 2)
        fresh.step()
        assert torch.allclose(moved, other.steps(1).flat() - start, rtol=1e-4, atol=1e-6)
        assert torch.allclose(new, alone, rtol=1e-4, atol=1e-6)


def moved_by(gradients: Tensor, p: nn.Parameter, name: str, **options) -> LearnedOptimizer:
    """Let a parameter go one step for each gradient; return its optimizer."""
    optimizer = LearnedOptimizer([p], method(name), **options)
    for gradient in gradients:
        p.grad = gradient.to(p.dtype)
        optimizer.step()
    optimizer.eval()
    return optimizer


GRADIENTS = torch.randn(20, 40, generator=torch.Generator().manual_seed(2)).half().float()


@pytest.mark.parametrize("name", RULES)
def test_a_double_keeps_its_own_digits_where_values_are_seen(name):
    start = torch.linspace(1, 2, 40, dtype=torch.float64) + 1e-12
    double, single = nn.Parameter(start.clone()), nn.Parameter(start.float())
    for p in (double, single):
        moved_by(GRADIENTS[:1], p, name)
    step = single.double() - start.float().double()
    assert step.abs().min() > 0 and torch.equal(double, start + step)


@pytest.mark.parametrize("name", JOINT)
def test_a_double_keeps_its_own_digits(name):
    """And where it is does not matter to its steps."""
    start = torch.linspace(1, 2, 40, dtype=torch.float64) + 1e-12
    double, single = nn.Parameter(start.clone()), nn.Parameter(torch.zeros(40))
    for p in (double, single):
        moved_by(GRADIENTS[:1], p, name)
    assert single.abs().min() > 0 and torch.equal(double, start + single.double())


@EACH
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_loses_no_small_steps(name, dtype):
    half, single = nn.Parameter(torch.ones(40, dtype=dtype)), nn.Parameter(torch.ones(40))
    small = {"lr": {"l2o_rnnprop": 1e-4, "l2o_scale": 1e-3}.get(name, 1e-2)}
    given = GRADIENTS.to(dtype).float()
    optimizer = moved_by(given, half, name, **small)
    moved_by(given, single, name, **small)
    x = optimizer.state[half]["x"]
    assert x.dtype == torch.float32 and torch.equal(x, single)
    assert torch.equal(half, single.to(dtype)) and (x != 1).sum() > 30
    steps = (x - 1).abs() / len(GRADIENTS)
    assert (steps < torch.finfo(dtype).eps / 4).any()  # such as adding in place would lose


@EACH
def test_types_may_be_mixed(name):
    task = Task(name)
    task.net = nn.Sequential(nn.Linear(6, 5).double(), nn.Linear(5, 3).bfloat16())
    task.optimizer = LearnedOptimizer(task.net.parameters(), method(name))
    for p in task.net.parameters():
        p.grad = torch.ones_like(p)
    before = [p.detach().clone() for p in task.net.parameters()]
    task.optimizer.step()
    held = [task.optimizer.state[p].get("x", p) for p in task.net.parameters()]
    assert [str(x.dtype)[-2:] for x in held] == ["64", "64", "32", "32"]
    assert all((x != start).any() for x, start in zip(held, before, strict=True))


def saved(task: Task) -> io.BytesIO:
    """A run in a file, which the safe way to load it accepts."""
    file = io.BytesIO()
    torch.save({"net": task.net.state_dict(), "optimizer": task.optimizer.state_dict()}, file)
    file.seek(0)
    return file


@EACH
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_a_resumed_run_equals_an_uninterrupted_one_to_the_bit(name, dtype, mode):
    whole, first, rest = (Task(name, dtype, lr=0.5) for _ in range(3))
    whole.steps(12)
    getattr(first.steps(7).optimizer, mode)()
    content = torch.load(saved(first), weights_only=True)
    rest.net.load_state_dict(content["net"])
    rest.optimizer.load_state_dict(content["optimizer"])
    rest.optimizer.train(), first.optimizer.train()
    rest.at = first.at
    same(whole, rest.steps(5))
    same(whole, first.steps(5))  # that it was saved has not changed it


@EACH
def test_the_state_of_another_run_is_refused_in_one_line(name):
    task, state = Task(name), Task(name).steps(1).optimizer.state_dict()
    task.optimizer = LearnedOptimizer(task.net.parameters(), method(name, seed=4))
    with pytest.raises(InputError, match=r"^LearnedOptimizer: state_dict: of other weights"):
        task.optimizer.load_state_dict(state)
    adam = torch.optim.Adam(task.net.parameters())
    with pytest.raises(InputError, match="state_dict: is not of a LearnedOptimizer"):
        task.optimizer.load_state_dict(adam.state_dict())
    wider = nn.Sequential(nn.Linear(6, 7), nn.Linear(7, 3))
    with pytest.raises(InputError, match="30 coordinates, for a parameter of 42"):
        LearnedOptimizer(wider.parameters(), method(name)).load_state_dict(state)
    with pytest.raises(ValueError, match="doesn't match the size"):
        LearnedOptimizer(task.net[0].parameters(), method(name)).load_state_dict(state)


@EACH
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda task: pickle.loads(pickle.dumps(task))])
def test_copies_go_on_alike_and_apart(name, copied):
    task = Task(name).steps(3)
    twin = copied(task)
    twin.steps(2)
    task.steps(2)
    same(task, twin)
    assert not torch.equal(task.steps(1).flat(), twin.flat())


@EACH
def test_hooks_are_called(name):
    task, called = Task(name), []
    optimizer = task.optimizer
    optimizer.register_step_pre_hook(lambda *_: called.append("before"))
    optimizer.register_step_post_hook(lambda *_: called.append("after"))
    optimizer.register_state_dict_post_hook(lambda _, state: called.append(len(state["state"])))
    optimizer.register_load_state_dict_post_hook(lambda _: called.append("loaded"))
    optimizer.load_state_dict(task.steps(1).optimizer.state_dict())
    assert called == ["before", "after", 4, "loaded"]


@EACH
def test_without_any_gradient_nothing_happens(name):
    task = Task(name).steps(2)
    before = task.flat()
    task.optimizer.zero_grad(set_to_none=True)
    task.optimizer.step()
    assert torch.equal(task.flat(), before)
    same(task, Task(name).steps(2))
    task.optimizer.zero_grad(set_to_none=False)
    empty = nn.Parameter(torch.zeros(0, 3))
    empty.grad = torch.zeros(0, 3)
    LearnedOptimizer([empty], method(name)).step()


@EACH
def test_up_is_down_with_the_other_sign(name):
    task, mirrored = Task(name), Task(name, maximize=True)
    loss = mirrored.loss
    mirrored.loss = lambda: -loss()
    assert torch.equal(task.steps(4).flat(), mirrored.steps(4).flat())


@EACH
def test_scaled_gradients_are_what_it_gets_unscaled(name):
    """Also a step that the scaler leaves out, as infinity is among the gradients."""
    task, scaled = Task(name), Task(name)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for bad in (False, True, False):
        scaled.optimizer.zero_grad()
        scaler.scale(scaled.loss()).backward()
        if bad:
            scaled.net[0].bias.grad[0] = torch.inf
        scaler.step(scaled.optimizer)
        scaler.update()
        if not bad:
            scaled.at += 1
    same(task.steps(2), scaled)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_l2o_scale_holds_its_iterate_after_eval_alone(dtype):
    task = Task("l2o_scale", dtype).steps(4)
    ahead = task.flat()
    task.optimizer.eval(), task.optimizer.eval()
    at = task.flat()
    assert not torch.equal(at, ahead)
    with pytest.raises(RuntimeError, match=r"^step\(\) after eval\(\): call train\(\)"):
        task.optimizer.step()
    task.optimizer.train()
    assert torch.equal(task.flat(), ahead)
    steady = Task("l2o_scale", dtype).steps(4)
    same(task.steps(2), steady.steps(2))


@pytest.mark.parametrize("name", OTHERS)
def test_the_others_are_at_their_iterate_in_either_mode(name):
    task = Task(name).steps(2)
    before = task.flat()
    task.optimizer.eval()
    assert torch.equal(task.flat(), before)
    same(task.steps(2), Task(name).steps(4))


def refusals() -> Iterator[tuple]:
    p = nn.Parameter(torch.zeros(2))
    yield [p], {"weights": CLASSES["l2o_swarm"]({}, torch.Generator())}, "L2O-Swarm needs more than"
    yield (
        [nn.Parameter(torch.zeros(2, dtype=torch.complex64))],
        {},
        "params: a parameter of complex",
    )
    yield [torch.zeros(2, dtype=torch.int64)], {}, "params: a parameter of int64"
    yield [p], {"lr": -1.0}, "lr: -1 is not in"
    yield [p], {"lr": float("nan")}, "lr: nan is not in"
    yield [p], {"weights": "nowhere.safetensors"}, "no such checkpoint"


@pytest.mark.parametrize(("params", "options", "told"), [*refusals()])
def test_what_it_cannot_do_is_told_in_one_line(params, options, told):
    with pytest.raises(InputError, match=told) as error:
        LearnedOptimizer(params, **{"weights": method("l2o_dm")} | options)
    assert "\n" not in str(error.value) and len(str(error.value)) < 200


def test_sparse_gradients_are_refused_in_one_line_and_nothing_moves():
    net = nn.Embedding(5, 2, sparse=True)
    optimizer = LearnedOptimizer(net.parameters(), method("l2o_dm"))
    net(torch.tensor([1, 1])).sum().backward()
    before = net.weight.detach().clone()
    with pytest.raises(InputError, match=r"params: a sparse gradient, .* sparse=False"):
        optimizer.step()
    assert torch.equal(net.weight, before)


def test_a_refused_group_is_not_kept():
    task = Task("l2o_dm")
    with pytest.raises(InputError, match="lr: -1"):
        task.optimizer.add_param_group({"params": [nn.Parameter(torch.zeros(2))], "lr": -1})
    assert len(task.optimizer.param_groups) == 1
    same(task.steps(1), Task("l2o_dm").steps(1))


@EACH
def test_a_checkpoint_is_a_source_of_weights_and_names_of_parameters_are_kept(name, tmp_path):
    path = write_checkpoint(tmp_path / "w.safetensors", name)
    task, other = Task(name), Task(name)
    task.optimizer = LearnedOptimizer(task.net.named_parameters(), path)
    loaded = LearnedOptimizer(other.net.named_parameters(), str(path))
    loaded.load_state_dict(task.steps(1).optimizer.state_dict())
    assert loaded.param_groups[0]["param_names"] == [key for key, _ in task.net.named_parameters()]


def test_the_optimizer_given_is_left_as_it_is():
    given = CLASSES["l2o_dm"]({}, torch.Generator().manual_seed(3))
    LearnedOptimizer([nn.Parameter(torch.zeros(2))], given)
    assert all(p.requires_grad for p in given.parameters())


def test_the_example_of_the_page_runs(tmp_path):
    page = (Path(__file__).parents[1] / "docs" / "torch.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "w.safetensors"
    write_checkpoint(path, "celo2_like")
    torch.manual_seed(0)
    names: dict = {}
    exec(code.replace('"celo2_like"', repr(str(path))), names)
    assert names["accuracy"] > 0.5 and len(code.strip().splitlines()) <= 13
