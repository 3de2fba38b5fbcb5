"""The wheel in a plain environment, as users have it; `make test-wheel` runs these tests."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from wheel_environment import ROOT, Example, Plain, build_wheel, examples

README = examples((ROOT / "README.md").read_text("utf-8"))
MEGABYTE = 1 << 20
PROBLEM = """
import numpy as np
from l2o.dictionaries.gaussian import gaussian_dictionary
random = np.random.default_rng(0)
A = gaussian_dictionary(25, 50, 2021)
x = random.standard_normal((200, 50)) * (random.random((200, 50)) < 0.1)
np.save("A.npy", A); np.save("b.npy", x @ A.T); np.save("x.npy", x)
"""


# What marks an example, which needs no environment


def test_marked_blocks_are_examples():
    text = (
        "```python\nnot marked\n```\n<!-- example: one -->\n```python\nprint(1)\n```\n"
        "<!-- example: two-a [sklearn] -->\n\n```sh\necho 2\necho 3\n```\n"
        "<!-- example: three -->\ntext\n"
    )
    assert examples(text) == [
        Example("one", None, "python", "print(1)\n"),
        Example("two-a", "sklearn", "sh", "echo 2\necho 3\n"),
    ]


# The environment


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory, wheel) -> Plain:
    made = Plain.create(tmp_path_factory.mktemp("plain"), wheel)
    assert made.run("python", "-c", PROBLEM).returncode == 0
    return made


@pytest.fixture
def done(plain):
    """Runs a command, which must succeed without a word on standard error; returns its output."""

    def run(*words: str) -> str:
        ended = plain.run(*words)
        assert ended.returncode == 0, ended.stderr
        assert "Traceback" not in ended.stderr and "Warning" not in ended.stderr
        return ended.stdout

    return run


@pytest.mark.wheel
def test_the_wheel_has_all_of_the_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    inside = {name for name in names if name.startswith("l2o/")}
    wanted = [path for path in (ROOT / "src/l2o").rglob("*") if path.is_file()]
    wanted = [path for path in wanted if "__pycache__" not in path.parts]
    assert inside == {str(path.relative_to(ROOT / "src")) for path in wanted}
    assert {name.split("/")[0].split("-")[0] for name in names} == {"l2o", "l2o_benchmark"}
    size = wheel.stat().st_size
    print(f"wheel: {size / MEGABYTE:.2f} MiB")
    assert size < 5 * MEGABYTE


@pytest.mark.wheel
def test_the_base_is_small_beside_torch(plain):
    sizes: dict[str, int] = {}
    for path in plain.packages.rglob("*"):
        if path.is_file() and not path.is_symlink():
            top = re.sub(r"[-.].*", "", path.relative_to(plain.packages).parts[0])
            sizes[top] = sizes.get(top, 0) + path.stat().st_size
    of_torch = ("torch", "nvidia", "triton", "sympy", "networkx", "mpmath", "functorch", "cuda")
    rest = {name: size for name, size in sizes.items() if not name.startswith(of_torch)}
    largest = sorted(rest.items(), key=lambda item: -item[1])[:8]
    told = ", ".join(f"{name} {size / MEGABYTE:.0f}" for name, size in largest)
    whole, apart = sum(sizes.values()) / MEGABYTE, sum(rest.values()) / MEGABYTE
    print(f"base: {whole:.0f} MiB, {apart:.0f} without torch and what it needs ({told})")
    assert apart < 400
    absent = {"pandas", "matplotlib", "snakemake", "dvc", "sklearn", "seaborn", "altair"}
    assert not absent & {*sizes}


@pytest.mark.wheel
def test_names_come_from_the_wheel(done, plain):
    code = "import l2o; print(l2o.__file__, l2o.__version__, *l2o.weights.names())"
    file, version, *names = done("python", "-c", code).split()
    assert Path(file).is_relative_to(plain.packages) and names
    assert done("l2o", "--version") == f"l2o {version}\n"
    assert [line.split()[0] for line in done("l2o", "weights").splitlines()[1:]] == names
    assert "licence" in done("l2o", "weights", names[0])
    assert len(done("l2o", "methods").splitlines()) > 15


@pytest.mark.wheel
def test_a_user_fits_solves_and_compares(done):
    problem = ("--dictionary", "A.npy", "--measurements", "b.npy")
    done("l2o", "solve", "--method", "fista", *problem, "--lam", "0.01", "--out", "fista.h5")
    optimizer = ("--optimizer", "l2o_scale", "--lam", "0.01", "--iterations", "50")
    done("l2o", "solve", *optimizer, *problem, "--safeguard", "--out", "learned.h5")
    fitted = (
        "--dictionary",
        "A.npy",
        "--method",
        "alista",
        "--layers",
        "6",
        "--budget",
        "quick",
        "--out",
        "mine.safetensors",
    )
    assert "NMSE" in done("l2o", "fit", *fitted)
    done("l2o", "solve", "--optimizer", "mine.safetensors", *problem, "--out", "mine.h5")
    told = done("l2o", "compare", "--optimizer", "mine.safetensors", *problem, "--signals", "x.npy")
    assert "FISTA" in told and "ALISTA" in told


@pytest.mark.wheel
def test_what_needs_more_says_so_in_one_line(plain):
    for words, told in (
        (("check",), "run it in a clone of the repository"),
        (("train", "lasso", "m5_n10", "alista"), "run it in a clone of the repository"),
        (("verify",), "run it in a clone of the repository"),
    ):
        ended = plain.run("l2o", *words)
        assert ended.returncode == 2 and told in ended.stderr
        assert len(ended.stderr.splitlines()) == 1


@pytest.mark.wheel
@pytest.mark.parametrize("example", README, ids=lambda example: example.name)
def test_an_example_of_the_readme_runs(plain, example):
    ended = plain.does(example)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.wheel
def test_the_readme_has_its_three_examples():
    assert len(README) >= 3
