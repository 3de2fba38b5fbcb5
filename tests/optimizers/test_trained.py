"""Checkpoints of methods: what a training writes is loaded, all else is told in one line."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import sys
from functools import cache
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import l2o.compute
from conftest import told
from l2o.cli import main
from l2o.errors import InputError
from l2o.optimizers.registry import methods
from l2o.optimizers.trained import load_net, load_recurrent
from l2o.solvers.opening import load as load_solver
from solve_cases import DEPTH, LAM, A, B, make_method, write_array, write_checkpoint

DEFAULTS = {name: dict(methods("recurrent")[name].hyperparameters) for name in methods("recurrent")}
DM, SCALE = DEFAULTS["l2o_dm"], DEFAULTS["l2o_scale"]


def load(path: Path, name: str) -> torch.nn.Module:
    return load_recurrent(path) if name in DEFAULTS else load_net(path, A)


def refused(path: Path, name: str, *parts: str) -> None:
    """The loaders of the pipeline and of the solver tell it in one line."""
    with pytest.raises(InputError) as error:
        load(path, name)
    told(error, path, *parts)
    assert len(str(error.value)) < 500
    with pytest.raises(InputError):
        load_solver(path, A)


RECORDS = [
    *(("l2o_dm", {"method": value}, "method") for value in (["l2o_dm"], {}, 5, True, "sgd", "")),
    *(
        ("l2o_dm", {"lam": value}, "lam")
        for value in ("0.02", 0, -0.02, True, [0.02], {}, math.nan, math.inf, 10**400)
    ),
    *(
        ("l2o_dm", {"hyperparameters": DM | {"hidden": value}}, "hyperparameters.hidden")
        for value in (-5, 0, 10**9, 10**400, 2.5, True, "20", None, [20], math.nan, math.inf)
    ),
    *(
        ("l2o_dm", {"hyperparameters": DM | {"p": value}}, "hyperparameters.p")
        for value in (1e4, "10", True, -math.inf)
    ),
    ("l2o_dm", {"hyperparameters": DM | {"scale": 0}}, "scale"),
    ("l2o_dm", {"hyperparameters": DM | {"size\n3": 1}}, "hyperparameters.size"),
    ("l2o_dm", {"hyperparameters": DM | {"\ud800": 1}}, "hyperparameters"),
    ("l2o_dm", {"hyperparameters": {"hidden": 20, "p": 10.0}}, "hyperparameters.scale"),
    *(("l2o_dm", {"hyperparameters": value}, "hyperparameters") for value in ([], {}, "", 3)),
    ("l2o_scale", {"hyperparameters": SCALE | {"rate": 0.0}}, "rate"),
    ("l2o_scale", {"hyperparameters": SCALE | {"look_ahead": 1e9}}, "look_ahead"),
    ("l2o_dm", {"hyperparameters": DM | {"hidden": 1000}}, "weight1: is of another architecture"),
    *(("lista", {"depth": value}, "depth") for value in (0, -4, 4.0, True, "4", [4], 10**9)),
    ("lista", {"depth": DEPTH + 1}, "another architecture"),
    ("lista", {"depth": DEPTH - 1}, "another architecture"),
    ("lista", {"hyperparameters": {"lam": -0.1}}, "hyperparameters.lam"),
    ("alista", {"hyperparameters": {"lam": 0.1, "support_step": 1, "support_max": 101}}, "support"),
    ("lista", {"method": "lista_cp"}, "another architecture"),
    ("lista", {"method": "l2o_dm"}, ""),
    *(("lista", {"setting": value}, "setting") for value in (5, "", "a b", "x/y", "..", "\ud800")),
]


@pytest.mark.parametrize("name, changes, key", RECORDS)
def test_a_record_that_no_training_writes_is_told(tmp_path, name, changes, key):
    refused(write_checkpoint(tmp_path / "c.safetensors", name, **changes), name, key)


KINDS = [torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.int64, torch.bool]
TENSORS = [
    *(("l2o_dm", "lstm.weight1", lambda t, kind=kind: t.to(kind), str(kind)) for kind in KINDS),
    *(("lista", "A", lambda t, kind=kind: t.to(kind), str(kind)) for kind in KINDS),
    ("l2o_dm", "lstm.bias_out", lambda t: t * math.nan, "NaN or infinity"),
    ("lista", "free.2", lambda t: t + math.inf, "NaN or infinity"),
    ("lista", "A", lambda t: t.t(), "another architecture"),
    ("lista", "A", lambda t: t[None], "another architecture"),
    ("lista", "W1.3", lambda t: t[:, 1:], "another architecture"),
    ("l2o_scale", "shortcut", lambda t: t[:, :0], "another architecture"),
    ("l2o_scale", "instance.bias", lambda t: t.flatten(), "another architecture"),
    ("lista", "A", None, "no tensor"),
    ("l2o_swarm", "attend_out", None, "no tensor"),
]


@pytest.mark.parametrize("name, key, change, part", TENSORS)
def test_tensors_that_no_training_writes_are_told(tmp_path, name, key, change, part):
    tensors = make_method(name).state_dict()
    changed = tensors.pop(key)
    if change is not None:
        tensors[key] = change(changed)
    refused(write_checkpoint(tmp_path / "c.safetensors", name, tensors), name, key, part)


def test_a_tensor_too_many_is_told(tmp_path):
    tensors = make_method("l2o_dm").state_dict() | {"momentum": torch.zeros(3)}
    path = write_checkpoint(tmp_path / "c.safetensors", "l2o_dm", tensors)
    refused(path, "l2o_dm", "momentum", "no tensor of that name")


@pytest.mark.parametrize("name", [*methods("unrolled"), *DEFAULTS])
def test_what_a_training_writes_is_loaded_to_the_bit(tmp_path, name):
    """Also where sizes are floats, as parameter files give them, and lam is a whole number."""
    method = make_method(name)
    hyper = {key: float(value) for key, value in method.hyper.items()}
    path = write_checkpoint(tmp_path / "c.safetensors", name, hyperparameters=hyper, extra=[1])
    loaded = load(path, name)
    assert loaded.state_dict().keys() == method.state_dict().keys()
    assert all(torch.equal(t, method.state_dict()[k]) for k, t in loaded.state_dict().items())
    if name in DEFAULTS:
        write_checkpoint(path, name, lam=1)
        assert load_solver(path, A).lam == 1.0


def test_loading_leaves_the_random_numbers_of_others_alone(tmp_path):
    path = write_checkpoint(tmp_path / "c.safetensors", "l2o_swarm")
    before = torch.get_rng_state()
    load_recurrent(path)
    assert torch.equal(torch.get_rng_state(), before)


# Any content at all


@cache
def content(name: str) -> tuple[dict[str, torch.Tensor], dict]:
    """Tensors and record of a checkpoint as the training writes it."""
    method = make_method(name)
    record = {"method": name, "setting": "m12_n20", "hyperparameters": dict(method.hyper)}
    record |= {} if name in DEFAULTS else {"depth": DEPTH}
    return method.state_dict(), record if name == "lamp" else record | {"lam": LAM}


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, 1, 20, 10**9, 10**400, 0.5, 1e300, -0.0, "0.02", "l2o_dm", "lista"])
    | st.floats()
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


@st.composite
def records(draw: st.DrawFn, record: dict) -> str:
    """The text of a record: a key changed, dropped, added or doubled, or characters changed."""
    record = json.loads(json.dumps(record))
    inside = draw(st.booleans())
    where = record["hyperparameters"] if inside else record
    key = draw(st.sampled_from(sorted(where)) | st.text(max_size=5))
    how = draw(st.sampled_from(["set", "drop", "double", "deep", "cut"]))
    if how == "set":
        where[key] = draw(junk)
    elif how == "drop":
        where.pop(key, None)
    text = json.dumps(record)
    if how == "double":
        return text[:-1] + f", {json.dumps(key)}: {json.dumps(draw(junk))}}}"
    if how == "deep":
        depth = draw(st.sampled_from([5, 100, 960, 990, 5000]))
        return text[:-1] + ', "lam": ' + "[" * depth + "]" * depth + "}"
    if how == "cut":
        at = draw(st.integers(0, len(text)))
        return text[:at] + draw(st.text(max_size=3)) + text[at + draw(st.integers(0, 9)) :]
    return text


@st.composite
def checkpoints(draw: st.DrawFn) -> bytes:
    """The bytes of a checkpoint: record, a tensor or bytes of the file changed."""
    tensors, record = content(
        draw(st.sampled_from(["lista", "lamp", "l2o_dm", "l2o_scale", "l2o_swarm"]))
    )
    what, text = draw(st.sampled_from(["record", "record", "tensor", "bytes"])), json.dumps(record)
    if what == "record":
        text = draw(records(record))
    elif what == "tensor":
        name = draw(st.sampled_from(sorted(tensors)))
        changed = dict(tensors)
        tensor = changed.pop(name)
        kind = draw(st.sampled_from([torch.float32, torch.float16, torch.int8, torch.complex64]))
        shape = draw(st.lists(st.integers(0, 3), max_size=3))
        size = math.prod(shape)
        if draw(st.booleans()):
            tensor = tensor.new_zeros(shape) if size > tensor.numel() else tensor.flatten()[:size]
            tensor = tensor.reshape(shape)
        tensors = changed | {draw(st.sampled_from([name, "x", ""])): tensor.to(kind)}
    raw = safetensors.torch.save(tensors, {"l2o": text})
    if what != "bytes":
        return raw
    header = 8 + int.from_bytes(raw[:8], "little")
    changed = bytearray(raw)
    for _ in range(draw(st.integers(1, 3))):
        changed[draw(st.integers(0, header - 1))] = draw(st.integers(0, 255))
    return bytes(changed[: draw(st.sampled_from([len(raw), header, 8, 0, len(raw) - 1]))])


@pytest.fixture(scope="module")
def problem(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    write_array(folder / "A.h5", "A", A)
    write_array(folder / "b.h5", "b", B[:2])
    return folder


@settings(
    max_examples=500,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(raw=checkpoints())
def test_whatever_a_checkpoint_holds_solve_ends_with_0_or_2(problem, monkeypatch, raw):
    (problem / "c.safetensors").write_bytes(raw)
    out = problem / "x.h5"
    out.unlink(missing_ok=True)
    words = {"optimizer": "c.safetensors", "dictionary": "A.h5", "measurements": "b.h5"}
    given = [w for k, v in words.items() for w in (f"--{k}", str(problem / v))]
    monkeypatch.setattr(sys, "argv", ["l2o", "solve", *given, "--out", str(out), "--iterations=2"])
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(l2o.compute, "prepare_device", lambda device, threads: None)
    said, error = io.StringIO(), io.StringIO()
    quiet = contextlib.redirect_stdout(said), contextlib.redirect_stderr(error)
    with quiet[0], quiet[1], pytest.raises(SystemExit) as end:
        main()
    code = end.value.code or 0
    assert code in (0, 2) and out.exists() == (code == 0)
    if code:
        assert error.getvalue().startswith("error: ") and error.getvalue().count("\n") == 1
    names = {"A.h5", "b.h5", "c.safetensors", "x.h5"}
    assert {path.name for path in problem.iterdir()} <= names
