"""What `l2o solve` takes and writes: every path and number of a user, ends by signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import l2o.solvers.solver
from ordinary_user import ordinary_user
from solve_cases import SAMPLES, A, B, M, N, write_array
from solve_command import GOOD, a_socket, ended, fill, refused, solve

NULL = Path("/dev/null")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The current folder, with good input."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    fill(tmp_path)
    return tmp_path


def complete(path: Path, samples: int = SAMPLES) -> bool:
    with h5py.File(path) as file:
        return file["x"].shape == (samples, N) and np.isfinite(file["objective"][:]).all()


# Where it writes


@pytest.mark.parametrize(
    ("out", "parts"),
    [
        ("", ("--out", "names nothing")),
        (".", (".: is a folder, not a file",)),
        ("..", ("is a folder",)),
        ("/", ("names a folder",)),
        ("new/", ("new/ names a folder",)),
        ("sub", ("sub: is a folder",)),
        ("pipe", ("pipe: is a pipe",)),
        ("socket", ("socket: is a socket",)),
        ("link to pipe", ("link to pipe: is a pipe",)),
        ("/dev/null", ("/dev/null: is a device",)),
        ("link to null", ("is a device",)),
        ("/dev/stdout", ("is a stream of this process",)),
        ("/proc/self/fd/0", ("is a stream of this process",)),
        ("link to stream", ("is a stream of this process",)),
        ("loop", ("loop: cannot be written (Too many levels of symbolic links)", "links")),
        ("b.h5/x.h5", ("cannot be written (",)),
        ("n" * 300, ("File name too long", "shorter")),
        ("x.npy", ("does not end in .h5 or .hdf5",)),
        ("x.SafeTensors", ("does not end in .h5 or .hdf5",)),
        ("A.h5", ("is an input as well",)),
        ("link to A", ("is an input as well",)),
        ("link to store", ("is a link to a read-only file", "another file")),
    ],
)
def test_what_is_no_file_to_write_is_told_and_kept(folder, out, parts):
    Path("sub").mkdir()
    os.mkfifo("pipe")
    a_socket(Path("socket"))
    Path("stored").write_text("as it was")
    Path("stored").chmod(0o444)
    links = {"link to pipe": "pipe", "link to null": "/dev/null", "loop": "loop"}
    links |= {"link to stream": "/dev/stderr"}
    for name, target in {**links, "link to A": "A.h5", "link to store": "stored"}.items():
        Path(name).symlink_to(target)
    there = [*folder.iterdir()]
    before = {path: (path.lstat().st_ino, path.lstat().st_mode) for path in [*there, NULL]}
    refused(solve(out=out), *parts)
    assert {p: (p.lstat().st_ino, p.lstat().st_mode) for p in before} == before
    assert {*folder.iterdir()} == {*there} and Path("stored").read_text() == "as it was"


@pytest.mark.parametrize("old", [None, "an older file"])
def test_a_link_is_kept_and_what_it_leads_to_written(folder, old):
    target = folder / "results" / "x.h5"
    target.parent.mkdir()
    if old:
        target.write_text(old)
    Path("first").symlink_to("second.7f3a")
    Path("second.7f3a").symlink_to(target)
    code, said, _ = solve(out="first")
    assert code == 0 and str(target) in said
    assert Path("first").is_symlink() and Path("second.7f3a").is_symlink() and complete(target)
    assert [*target.parent.iterdir()] == [target]


def test_a_name_that_is_no_text_is_written_and_told(folder):
    out = os.fsdecode(b"x\xff.h5")
    code, said, _ = solve(out=out)
    assert code == 0 and said.endswith("; x\\udcff.h5\n") and complete(Path(out))


def test_what_the_disk_cannot_hold_is_told_before_the_work(folder):
    with h5py.File("b.h5", "w") as file:
        file.create_dataset("b", (10**12, M), "f8", chunks=(1000, M))[:3] = B[:3]
    refused(solve(), "x.h5: 1.6e+05 GB are needed, and ", "GB are free; free disk space")
    assert not Path("x.h5").exists()


def test_what_may_not_be_used_is_told(folder, monkeypatch):
    assert solve()[0] == 0  # whatever is imported is imported
    with ordinary_user() as own:
        monkeypatch.chdir(own)
        fill(own)
        Path("closed").mkdir()
        for name in ("A.h5", "lista.safetensors"):
            (own / "closed" / name).write_bytes((own / name).read_bytes())
        Path("closed").chmod(0)
        for option, name in (("dictionary", "A.h5"), ("optimizer", "lista.safetensors")):
            refused(solve(**{option: f"closed/{name}"}), name, "cannot be read (Permission denied)")
            Path(name).chmod(0)
            refused(solve(), name, "cannot be read (Permission denied)", "ask for the permission")
            Path(name).chmod(0o600)
        refused(solve(out="closed/x.h5"), "closed/x.h5: cannot be written (Permission denied)")
        refused(ended("provenance", "closed/A.h5"), "cannot be read (Permission denied)")
        refused(ended("check", "--params", "closed/fig5.yaml"), "cannot be read")
        refused(ended("unlock", "--folder", "closed"), "cannot be read (Permission denied)")
        Path("closed").chmod(0o700)


# Numbers and input


@pytest.mark.parametrize(
    ("option", "value", "part"),
    [
        *(("threads", v, "from 1 to 1024") for v in ("9999999999999", "0", "-1", "1.5", "", "1e2")),
        *(("iterations", v, "whole number from 1") for v in ("1" * 30, "1_0", "0x1", "٣", "yes")),
        *(("lam", v, "not a positive number") for v in ("nan", "inf", "1e400", "-1", "0", "one")),
    ],
)
def test_numbers_out_of_range_are_told(folder, option, value, part):
    refused(solve(optimizer="l2o_dm.safetensors", **{option: value}), f"--{option}: ", part)
    assert not Path("x.h5").exists()


@pytest.mark.parametrize("option", GOOD)
@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("", "names nothing"),
        ("none", "no such file; check the path"),
        ("l2o_none/mnist", "no such file; check the path"),
        ("b.h5/none", "no such file"),
        (".", "is a folder, not a file"),
        ("pipe", "is a pipe, not a file"),
        ("/dev/null", "is a device, not a file"),
        ("loop", "Too many levels of symbolic links"),
        ("n" * 300, "File name too long"),
    ],
)
def test_paths_that_cannot_be_read_are_told(folder, option, path, part):
    os.mkfifo("pipe")
    Path("loop").symlink_to("loop")
    refused(solve(**{option: path}), part)


def test_the_other_commands_take_paths_by_the_same_door(folder):
    Path("loop").symlink_to("loop")
    for words in (["provenance"], ["check", "--params"]):
        for path, part in {
            "": "names nothing",
            ".": "is a folder",
            "loop": "Too many levels",
            "n" * 300: "File name too long",
        }.items():
            refused(ended(*words, path), part)
    refused(ended("unlock", "--folder", "none"), "none: no such folder")
    refused(ended("unlock", "--folder", "A.h5"), "A.h5: is a file, not a folder")
    for name in ("n" * 300, "../experiments/lasso", "."):
        refused(ended("check", name), "run it in a clone")


def test_an_error_of_the_system_is_told_wherever_it_comes_from(folder, monkeypatch):
    def broken(*arguments, **options):
        raise PermissionError(13, "Permission denied", "somewhere")

    monkeypatch.setattr("l2o.commands.solve.solve", broken)
    refused(solve(), "somewhere: cannot be used (Permission denied)")


def test_datasets_are_named_by_their_keys(folder):
    with h5py.File("set.h5", "w") as file:
        file["deep/A"], file["deep/b"] = A, B
    both = {"dictionary": "set.h5", "measurements": "set.h5"}
    refused(solve(**both), "set.h5: ", "deep/A (12, 20), deep/b (40, 12); ", "--dictionary-key")
    refused(solve(**both, dictionary_key="A"), "set.h5: A: ", "holds deep/A, deep/b; ")
    refused(solve(**both, dictionary_key="deep/A"), "set.h5: ", "several arrays", "by --key")
    code, _, _ = solve(**both, dictionary_key="deep/A", key="deep/b")
    assert code == 0 and complete(Path("x.h5"))


OTHER = np.random.default_rng(5).standard_normal((N, M))
ROWS = OTHER / np.linalg.norm(OTHER, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("name", "dictionary"),
    [
        ("lista", A.T),
        ("l2o_dm", A.T.astype("f4")),
        ("l2o_dm", ROWS),
        ("lista", 3 * A.T),
        ("lista", OTHER / np.linalg.norm(OTHER, axis=0)),
    ],
)
def test_a_transposed_dictionary_is_called_so(folder, name, dictionary):
    write_array(Path("A.h5"), "A", dictionary)
    refused(
        solve(optimizer=f"{name}.safetensors"),
        f"A.h5: A: looks transposed: shape {(N, M)}",
        "store its transpose",
        "MATLAB",
    )


def test_a_dictionary_with_orthonormal_rows_is_not_called_transposed(folder):
    """As of compressed sensing: it fits, but for the norms of its columns."""
    write_array(Path("A.h5"), "A", np.linalg.qr(OTHER)[0].T)
    refused(
        solve(optimizer="l2o_dm.safetensors"),
        "divide each column by its norm",
        "if the rows are the atoms",
    )


def test_transposed_measurements_are_called_so(folder):
    write_array(Path("b.h5"), "b", B.T)
    refused(solve(), f"b.h5: b: looks transposed: shape {(M, SAMPLES)}", "store its transpose")
    write_array(Path("b.h5"), "b", np.ones((M, M)))
    assert solve()[0] == 0  # both fit


# Ends by signals


CHILD = """
import signal, time
import l2o.solvers.solver
from l2o.cli import main

def waiting(*arguments):
    print("at work", flush=True)
    time.sleep(60)

l2o.solvers.solver.Solver.solve = waiting
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing_half_written(folder, number):
    Path("x.h5").write_text("an older file")
    before = {*folder.iterdir()}
    options = (f"--{option}={value}" for option, value in {**GOOD, "out": "x.h5"}.items())
    command = [sys.executable, "-c", CHILD, "solve", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"at work\n"
        (left,) = {*folder.iterdir()} - before
        assert left.name.startswith(".x.")
        child.send_signal(number)
        assert child.wait() == -number
    assert {*folder.iterdir()} == before and Path("x.h5").read_text() == "an older file"


def test_what_a_signal_does_is_put_back(folder):
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    assert solve()[0] == 0
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before


def test_a_command_under_nohup_goes_on(folder, monkeypatch):
    whole = l2o.solvers.solver.Solver.solve

    def hung_up(*arguments):
        os.kill(os.getpid(), signal.SIGHUP)
        return whole(*arguments)

    monkeypatch.setattr(l2o.solvers.solver.Solver, "solve", hung_up)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert solve()[0] == 0 and complete(Path("x.h5"))
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def test_what_a_killed_run_left_is_removed_by_the_next(folder):
    left, kept = Path(f".x.{'0f' * 16}.h5"), Path(f".y.{'0f' * 16}.h5")
    for path in (left, kept):
        path.write_text("half")
    assert solve()[0] == 0
    assert not left.exists() and kept.exists()
