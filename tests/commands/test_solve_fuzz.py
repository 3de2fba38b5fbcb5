"""Whatever `l2o solve` is given: exit code 0 or 2, one line, nothing half-written."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy

from hdf5_cases import OBJECTS, write_object
from solve_cases import SAMPLES, A, B, M, N, write_array
from solve_command import GOOD, a_socket, fill, solve

FUZZ = settings(
    max_examples=500,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


JUNK = st.text(max_size=12)
PATHS = st.sampled_from(
    [
        *("", ".", "..", "/", "none", "sub", "pipe", "socket", "loop", "link", "dangling", "~"),
        *("n" * 300, "A.h5", "b.h5", "b.h5/x", "lista.safetensors", "text", "empty", "/dev/null"),
        *("l2o_dm.safetensors", "old.h5", "new.h5", "new/x.h5", "sub/", "-", "\0", "ü\n\x1b[1m.h5"),
    ]
)
NUMBERS = st.one_of(
    st.sampled_from(["1", "2", "0.02", "yes", "0x1", "1e3", "1_0", "nan", "inf", "1e400", "-0.0"]),
    st.integers().filter(lambda value: not 9 < value <= 10**9).map(str),
    st.floats().map(repr),
    JUNK,
)
CHANGES = {
    **dict.fromkeys(["out", *GOOD], PATHS | JUNK.filter(lambda text: "/" not in text)),
    **dict.fromkeys(["key", "dictionary_key"], st.sampled_from(["A", "b", "/", "."]) | JUNK),
    **dict.fromkeys(["iterations", "lam"], NUMBERS),
    # Other tests count on one.
    "threads": NUMBERS.filter(lambda text: text in ("0", "1") or not text.isdecimal()),
}
OPTIONS = st.lists(
    st.one_of([st.tuples(st.just(option), values) for option, values in CHANGES.items()]),
    max_size=3,
).map(dict)
SHAPES = st.sampled_from(
    [(M, N), (N, M), (SAMPLES, M), (M, SAMPLES), (1, M), (), (0, M), (M, 0), (M,), (2, 3, 4)]
)
KINDS = st.sampled_from(["f2", "f4", "f8", ">f8", "g", "i1", "u8", "?", "c16", "S3"])
CONTENTS = st.one_of(
    st.none(),  # the good array
    st.sampled_from([*OBJECTS]),
    of_numpy.arrays(KINDS, SHAPES),
    st.lists(st.tuples(st.integers(0, 1 << 14), st.integers(0, 255)), min_size=1, max_size=4),
    st.integers(0, 1 << 14),
)


@pytest.fixture
def crowded(tmp_path, monkeypatch) -> Path:
    """The current folder, with good input and what else paths may lead to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    fill(tmp_path)
    Path("sub").mkdir()
    os.mkfifo("pipe")
    a_socket(Path("socket"))
    for name, target in {"loop": "loop", "link": "A.h5", "dangling": "sub/none"}.items():
        Path(name).symlink_to(target)
    for name, text in {"text": "1,2\n", "empty": "", "old.h5": "an older file"}.items():
        Path(name).write_text(text)
    return tmp_path


def files(folder: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and not p.is_symlink()}


def held(folder: Path, result: tuple[int, str, str], before: dict[Path, bytes]) -> None:
    """All is as before, but for one complete file where the exit code is 0; put all back."""
    code, _, err = result
    after = files(folder)
    written = [path for path, content in after.items() if content != before.get(path)]
    assert code in (0, 2) and before.keys() <= after.keys() and len(written) == (code == 0)
    if code == 2:
        assert len(err.splitlines()) == 1 if err.startswith("error: ") else "\nError: " in err, err
    for path in written:
        with h5py.File(path) as file:
            assert file["x"].shape[1] == N and len(file["x"]) == len(file["objective"])
        path.write_bytes(before[path]) if path in before else path.unlink()
    for path in [path for path in folder.iterdir() if path.is_dir() and path.name != "sub"]:
        path.rmdir()


@FUZZ
@given(options=OPTIONS)
def test_any_arguments_end_in_order(crowded, options):
    before = files(crowded)
    held(crowded, solve(**{"out": "new.h5", "iterations": "2"} | options), before)


def put(path: Path, key: str, good: np.ndarray, content) -> None:
    """Write a file that holds ``content``: an object, an array, or damage of the good array's."""
    if callable(content):
        write_object(path, key, content)
        return
    write_array(path, key, content if isinstance(content, np.ndarray) else good)
    if isinstance(content, int):
        path.write_bytes(path.read_bytes()[:content])
    elif isinstance(content, list):
        damaged = bytearray(path.read_bytes())
        for at, value in content:
            damaged[at % len(damaged)] = value
        path.write_bytes(damaged)


@FUZZ
@given(of_a=CONTENTS, of_b=CONTENTS)
def test_any_contents_end_in_order(crowded, of_a, of_b):
    put(Path("A.h5"), "A", A, of_a)
    put(Path("b.h5"), "b", B, of_b)
    before = files(crowded)
    held(crowded, solve(out="old.h5"), before)
