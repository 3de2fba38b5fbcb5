"""`l2o check` sees what would fail later: samples, and whatever else may stand in a file."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import sys
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from every_room import ROOT
from l2o.cli import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The repository's parameters, to be edited, beside its data."""
    made = tmp_path_factory.mktemp("check")
    shutil.copytree(ROOT / "params", made / "params")
    (made / "data").symlink_to(ROOT / "data")
    return made


@pytest.fixture(autouse=True)
def _in_the_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)


def check(*words: str) -> tuple[int, str, str]:
    """Exit code, output and errors of `l2o check`."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["l2o", "check", *words]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        main()
    return end.value.code or 0, out.getvalue(), err.getvalue()


def refused(name: str, old: str, new: str, *parts: str) -> None:
    """With that change of a file the check ends with code 2 and one line that says these parts."""
    path = Path("params") / f"{name}.yaml"
    before = path.read_text("utf-8")
    assert old in before
    try:
        path.write_text(before.replace(old, new, 1), "utf-8")
        code, out, err = check(*([] if name == "run" else [name]), "--preset", "smoke")
        assert (code, out) == (2, "") and len(err.splitlines()) == 1, err
        assert err.startswith("error: ") and all(part in err for part in parts), err
    finally:
        path.write_text(before, "utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new", "parts"),
    [
        ("fig5", "seed: 2021", "seed: 2021-13-45", ["seed: Input should be a valid integer"]),
        ("fig5", "seed: 2021", "seed: 0x_", ["valid integer, found '0x_'"]),
        ("fig5", "seed: 2021", "seed: !!int abc", ["fig5.yaml: line 3: a tag"]),
        ("fig5", "seed: 2021", "seed: " + "9" * 5000, ["seed: Input should be a"]),
        ("fig5", "seed: 2021", "seed: true", ["valid integer, found True"]),
        ("fig5", "seed: 2021", "seed: '2021'", ["valid integer, found '2021'"]),
        ("fig5", "fista: {lam: [", "fista: {lam: [" + "[" * 3000, ["more than 40 levels"]),
        ("fig5", "seed: 2021", "seed: 1\nseed: 2021", ["line 4: the key `seed` is given twice"]),
        ("fig6", "gd: {rate: 1.0e-3}", "gd: {rate: 99, rate: 1.0e-3}", ["`rate` is given twice"]),
        ("fig6", "iterations: 1000", "iterations: yes", ["iterations: ", "found 'yes'"]),
        ("fig6", "iterations: 1000", "iterations: 0100", ["iterations: ", "found '0100'"]),
        ("fig6", "iterations: 1000", "iterations: 10:00", ["iterations: ", "found '10:00'"]),
        ("fig6", "iterations: 1000", "iterations: 1000.0", ["iterations: ", "found 1000.0"]),
        ("fig6", "iterations: 1000", "iterations: 1e3", ["iterations: ", "found 1000.0"]),
        ("fig6", "lam: 0.005", "lam: .nan", ["lam: Input should be a valid number"]),
        ("fig6", "lam: 0.005", "lam: 1e999", ["lam: Input should be a finite number"]),
        ("fig7", "grid: true", "grid: on", ["grid: Input should be a valid boolean, found 'on'"]),
        ("fig7", "rate: 0.1}", "rate: 0.1, beta1: 2.5}", ["beta1: is 2.5, out", "valid: [0, 1)"]),
        ("fig7", "particles: 8}", "particles: 8.5}", ["particles: is 8.5", "integers [1, 10000]"]),
        ("fig7", "particles: 8}", "particles: 0}", ["pso.particles: is 0, out of range"]),
        ("fig7", "shrink: [0.3,", "shrink: [1.0,", ["grid.gd_line_search.shrink: is 1, out"]),
        (
            "fig8",
            "l2o_dm: {scale",
            "l2o_dm: {hidden: -5, scale",
            ["recurrent.l2o_dm.hidden: is -5"],
        ),
        ("fig6", "  l2o_dm: {}", "  l2o_dm: {p: 1000}", ["l2o_dm.p: is 1000", "valid: (0, 80]"]),
        *(
            ("fig5", "noiseless: {", f"{name}: {{", ["settings.", "should match pattern"])
            for name in ("n(", "'a b'", "'{method}'", "x/y", "'..'", "é", "''", "'a\\n'")
        ),
        ("fig5", "noiseless: {", f"{'x' * 61}: {{", ["should have at most 60 characters"]),
        ("fig5", 'title: "Noiseless"', 'title: ""', ["settings.noiseless.title: String should"]),
        ("fig5", 'title: "Noiseless"', 'title: "a\\nb"', ["settings.noiseless.title: String"]),
        ("fig6", "horizons: [20, 40]", "horizons: [20, 45]", ["45 is no multiple of the 10 steps"]),
        ("fig6", "horizons: [20, 40]", "horizons: [0]", ["horizons.0: Input should be greater"]),
        ("fig3", "unrolls: [2, 8]", "unrolls: [0]", ["unrolls.0: Input should be greater"]),
        (
            *(
                "fig3",
                "    memory:",
                "    meta_overrides: {unroll5/l2o_dm: {horizons: [100]}}\n    memory:",
            ),
            ["horizons: are 100, 200: lengths are compared at one"],
        ),
        (
            "fig6",
            "lam: 0.005",
            "grid: {ista: {lam: [1]}}\nlam: 0.005",
            ["grid: nothing is searched"],
        ),
        ("run", "preset: laptop", "prset: smoke", ["params/run.yaml: prset: unknown key"]),
        ("run", "preset: laptop", "preset: 5", ["run.yaml: preset: Input should be 'smoke'"]),
        ("run", 'cache: ""', "cache: 5", ["run.yaml: cache: Input should be a valid string"]),
    ],
)
def test_a_fault_is_told_in_one_line(name, old, new, parts):
    refused(name, old, new, *parts)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (None, "is no table that can be read; correct the path"),
        ("", "is no table that can be read"),
        ("a,b\n1\n", "is no table that can be read"),
        ("panel,method,layer\nnoiseless,lista,1\n", "nmse_db: is missing or holds what"),
        ("panel,method,layer,nmse_db\nnoiseless,lista,1.5,2\n", "layer: is missing or holds what"),
        ("panel,method,layer,nmse_db\nnoiseless,lista,,2\n", "layer: is missing or holds what"),
        ("panel,method,layer,nmse_db\nnoiseless,lista,1,many\n", "nmse_db: is missing or holds"),
        ("setting,method,layer,nmse_db\nnoiseless,lista,1,1\n", "panel: is missing or holds"),
    ],
)
def test_published_values_that_no_report_can_read_are_told(folder, content, part):
    mine = folder / "mine.csv"
    mine.unlink(missing_ok=True)
    if content is not None:
        mine.write_text(content, "utf-8")
    old = "published_curves: data/reference/fig5.csv"
    refused("fig5", old, f"published_curves: {mine}", part)


def test_other_paths_that_are_misspelt_are_told():
    for wrong in ("data/reference/fig55.csv", "data", "'x\\0'", f"/{'x' * 300}/a.csv", "."):
        old, new = "data/reference/fig5.csv", wrong if wrong[0] != "'" else '"x\\0"'
        refused("fig5", f"published_curves: {old}", f"published_curves: {new}", "published_curves")
    refused("fig5", "bsds500.h5", "bsds5000.h5", "data/dictionaries/bsds5000.h5: cannot be read")


def test_what_takes_part_is_checked(tmp_path):
    parameters = Path("params/fig6.yaml").read_text("utf-8")
    kinds = "first_order|classical|as_drawn|as_drawn_shift|unrolled|recurrent|teacher"
    kinds += "|published_recipe"
    none = re.sub(rf"^({kinds}):.*\n(  .*\n|\n)*", "", parameters, flags=re.M)
    none = re.sub(r"^    (meta_|published_)?overrides:.*\n(      .*\n)*", "", none, flags=re.M)
    (tmp_path / "none.yaml").write_text(none, "utf-8")
    for words, part in (
        (("fig6", "--params", str(tmp_path / "none.yaml")), "methods: none takes part"),
        (("fig5", "--methods", "oracle"), "none of oracle takes part"),
        (("--methods", "alista,alista"), "methods: alista: named twice; name it once"),
        (("--methods", "alista,,lamp"), "a name is empty; name some"),
        (("--methods", ","), "a name is empty"),
        (("--methods", "a/b"), "methods: a/b: unknown key"),
        (("--params", "params/fig6.yaml"), "name it: `l2o check fig5 --params FILE`"),
        (("../experiments/lasso",), "experiment: ../experiments/lasso: unknown key"),
        (("x" * 300,), "unknown key"),
        (("",), ""),
    ):
        code, out, err = check(*words)
        if part:
            assert (code, out) == (2, "") and len(err.splitlines()) == 1 and part in err, err
    assert code == 0


# Whatever else may stand in a file

LETTERS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=3)
PIECES = st.sampled_from(
    [
        *("yes", "0100", "10:00", "!!int 5", "&a", "*a", "<<: *training", "[", "]", "{", "}", ": "),
        *(",", "- ", "\n", "\n  ", "\t", "#", "---\n", "'", '"', "|", "null", "-1", "0", "1e999"),
        *(".nan", "9" * 11, "9" * 30, "true", "../x", "\ufeff", "\0", "é", "$", "rate", "l2o_dm"),
    ]
)


@settings(
    max_examples=500,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    st.sampled_from(["fig3", "fig3", "fig6"]),
    st.lists(
        st.tuples(st.integers(0, 9999), st.booleans(), PIECES | LETTERS),
        min_size=1,
        max_size=3,
    ),
)
def test_whatever_stands_in_a_file_is_valid_or_told_in_one_line(name, changes):
    text = (ROOT / "params" / f"{name}.yaml").read_text("utf-8")
    for at, instead, added in changes:
        words = [*re.finditer(r"[\w.+-]+", text)]
        start, end = words[at % len(words)].span()
        text = text[: start if instead else end] + added + text[end:]
    Path("mine.yaml").write_bytes(text.encode("utf-8"))
    before = sorted(Path().rglob("*"))
    code, out, err = check(name, "--preset", "smoke", "--params", "mine.yaml")
    if code == 0:
        assert out.startswith("mine.yaml: valid; smoke: ") and err == ""
    else:
        assert (code, out) == (2, "") and len(err.splitlines()) == 1
        assert err.startswith("error: ") and "; " in err and len(err) < 2000
    assert sorted(Path().rglob("*")) == before
