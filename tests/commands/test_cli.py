"""The command line in this process: what it prints, exit codes, one line where input is bad."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import h5py
import pandas as pd
import pytest
import torch

from every_room import ROOT
from l2o import kinds
from l2o.artifacts.proof import proof_path
from l2o.cli import main
from l2o.commands.methods import year
from l2o.experiments.graph import find
from l2o.experiments.register import rooms
from l2o.layout import KINDS, wildcards_of
from l2o.optimizers import registry
from l2o.storage.checkpoints import save_tensors
from parameter_files import changed
from small_network_jobs import make_folder

CHANGES = {
    "iterations": 30,
    "presets>smoke>samples": {"train": 64, "validation": 16, "test": 8},
    "presets>smoke>training>samples": 64,
}
SET = Path("results/smoke/lasso/sets/m5_n10.h5")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = make_folder(tmp_path_factory.mktemp("cli"), "fig6", CHANGES)
    for source in ("params", "data"):
        for path in (ROOT / source).iterdir():
            if not (made / source / path.name).exists():
                (made / source / path.name).symlink_to(path)
    return made


@pytest.fixture
def l2o(folder, monkeypatch, capsys):
    """Runs a command in the folder; returns its exit code, output and errors."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["l2o", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        return (end.value.code or 0, *capsys.readouterr())

    return run


def refused(result: tuple[int, str, str], *parts: str) -> None:
    """It ended with exit code 2 and one line on standard error, which says these parts."""
    code, out, err = result
    assert (code, out) == (2, "") and len(err.splitlines()) == 1
    assert err.startswith("error: ") and "; " in err and all(part in err for part in parts), err


# Overview


def test_help_lists_every_kind_of_job_and_imports_nothing_heavy():
    script = """
import sys
from l2o.cli import app
app(["--help"], standalone_mode=False)
print("heavy:", *sorted({"torch", "numpy", "pandas", "pydantic", "h5py"} & {*sys.modules}))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "") and run.stdout.endswith("heavy:\n")
    listed = re.findall(r"^  (\w[\w-]*)  ", run.stdout, re.M)
    people = {"check", "methods", "new", "pack", "provenance", "verify", "unlock", "solve"}
    people |= {"compare", "fit", "restore", "site", "weights", "costs", "release", "keep"}
    people |= {"check-released", "adopt", "searches"}
    assert {*listed} == {*KINDS} | people


@pytest.mark.parametrize("kind", KINDS)
def test_a_command_takes_the_wildcards_of_its_kind(l2o, kind):
    code, out, _ = l2o(kind, "--help")
    words = re.match(r"Usage: .* \[OPTIONS\](.*)", out)[1].split()
    assert code == 0 and [word.lower() for word in words] == [*wildcards_of(kind)]


def test_methods_are_listed_by_kind_with_year_and_reference(l2o):
    code, out, _ = l2o("methods")
    lines = iter(out.splitlines())
    assert code == 0
    for kind, about in kinds.KINDS.items():
        assert next(lines) == f"{about.heading} ({kind}): {about.asks}"
        for head in registry.methods(kind).values():
            line = next(lines)
            assert line.startswith(f"  {head.name} ") and line.endswith(head.reference)
            assert (found := year(head)) in head.reference and f" {found}" in line
    assert next(lines, None) is None


def test_numbers_that_methods_learn_are_counted(l2o):
    code, out, _ = l2o("methods", "--count")
    found = {line.split()[0]: line for line in out.splitlines() if line.startswith("  ")}
    assert code == 0
    for name, number in {
        "alista": 32,  # a step and a threshold a layer
        "lista_cp": 16 * (256 * 512 + 1),
        "ista_net_plus": 336_978,  # as its authors' weights have
        "simple_cnn": 74_880,
    }.items():
        assert f" {number:,} " in found[name], found[name]


# Checks


def test_check_says_what_parameters_ask_for(l2o):
    code, out, err = l2o("check", "--preset", "smoke")
    assert (code, err) == (0, "") and len(out.splitlines()) == len(rooms())
    assert "params/fig5.yaml: valid; smoke: 4 settings, 25 methods, 64 trainings\n" in out
    for name in ("lasso", "fig6", "fig6_seconds"):
        assert l2o("check", name)[1] == (
            "params/fig6.yaml: valid; laptop: 2 settings, 14 methods, 16 trainings\n"
        )
    code, out, _ = l2o("check", "--preset", "smoke", "--methods", "alista, adam")
    assert code == 0 and [line.split(": ")[2] for line in out.splitlines()] == [
        "2 settings, 1 methods, 0 trainings",
        "2 settings, 2 methods, 2 trainings",
        "2 settings, 1 methods, 0 trainings",
        "2 settings, 1 methods, 2 trainings",
        "2 settings, 1 methods, 0 trainings",
        "2 settings, 1 methods, 0 trainings",
        "3 settings, 1 methods, 0 trainings",
        "4 settings, 1 methods, 4 trainings",
        "2 panels, 1 methods, no training of its own",
        "3 panels, 2 methods, no training of its own",
    ]


def test_check_tells_a_fault_in_one_line(l2o, tmp_path):
    for place, value, *parts in (
        ("learning>atom", 1, "learning.atom", "did you mean `atoms`?"),
        ("density", 7, "density", "found 7", "less than or equal to 1"),
    ):
        path = changed(ROOT / "params/fig5.yaml", tmp_path, place, value)
        refused(l2o("check", "fig5", "--params", path), str(path), *parts)
    path.write_text("a: [1", "utf-8")
    refused(l2o("check", "fig5", "--params", path), "not valid YAML", "correct the syntax")
    missing = tmp_path / "none.yaml"
    refused(l2o("check", "fig5", "--params", missing), "no such parameter file", "check the path")
    refused(l2o("check", "--preset", "smok"), "smok", "did you mean `smoke`?")
    refused(l2o("check", "lassso"), "experiment: lassso: unknown key; did you mean `lasso`?")
    refused(l2o("check", "--methods", "alistaa"), "alistaa", "did you mean `alista`?")
    refused(l2o("check", "lasso", "--methods", "amp"), "none of amp takes part")


def test_words_that_no_command_has_end_with_exit_code_2(l2o):
    for words in (["trian"], ["train", "lasso"], ["check", "--presett", "smoke"], ["sample"]):
        code, out, err = l2o(*words)
        assert (code, out) == (2, "") and "Error: " in err


# One job, and what is said of its artifact


@pytest.fixture
def made(l2o):
    """The set of LASSO, made by its command, by either name of the experiment."""
    assert l2o("sample", "fig6", "m5_n10", "--preset", "smoke")[0] == 0
    before = SET.read_bytes()
    assert l2o("sample", "lasso", "m5_n10", "--preset", "smoke")[0] == 0
    assert SET.read_bytes() == before
    return SET


def test_an_evaluation_prints_the_number_that_the_table_has(l2o, made):
    code, out, _ = l2o("evaluate", "lasso", "m5_n10", "fista", "--preset", "smoke")
    curves = pd.read_csv("results/smoke/lasso/curves/m5_n10/fista.csv")
    last = curves[curves["variant"] == "main"].iloc[-1]
    assert code == 0 and out == (
        f"m5_n10 fista: relative_loss = {last['relative_loss']:.6g} at iteration 30 "
        "(8 instances from 2 random starts each; converged)\n"
    )
    again = l2o("evaluate", "fig6", "m5_n10", "fista", "--preset", "smoke", "--methods", "fista,gd")
    assert again == (0, out, "")


def test_a_job_that_cannot_be_done_is_told_in_one_line(l2o, made):
    smoke = ("--preset", "smoke")
    refused(l2o("evaluate", "lasso", "m5_n10", "l2o_dm", *smoke), "no such file", "snakemake")
    refused(l2o("evaluate", "lasso", "m5_n11", "gd", *smoke), "did you mean `m5_n10`?")
    refused(l2o("train", "lasso", "m5_n10", "l2o_dn", *smoke), "did you mean `l2o_dm`?")
    refused(l2o("tune", "lasso", "m5_n10", "gd", *smoke), "there is nothing to do for m5_n10 gd")
    refused(l2o("figure", "fig66", *smoke), "fig66", "unknown key")
    refused(l2o("join", "fig6", "curve", *smoke), "did you mean `curves`?")
    refused(l2o("store", "mnits", *smoke), "did you mean `mnist`?")
    refused(l2o("measure", "fig3", "memroy", *smoke), "did you mean `memory`?")


def test_provenance_says_what_made_a_file(l2o, made, tmp_path):
    job = find("sample", ["lasso", "m5_n10"], "smoke")
    code, out, _ = l2o("provenance", made)
    lines = out.splitlines()
    assert code == 0 and lines[0] == f"file       {made}" and f"key        {job.key}" in lines
    assert '  setting: "m5_n10"' in lines and "content    sha256 " in out
    assert lines[lines.index("inputs") + 1] == "  none"
    assert any(line.startswith("  l2o.experiments.lasso.problem:sample: ") for line in lines)
    moved = tmp_path / "set.h5"
    moved.write_bytes(made.read_bytes())
    assert "content    not known: no proof" in l2o("provenance", moved)[1]
    proof_path(moved).parent.mkdir()
    proof = proof_path(made).read_text()
    for damaged in ("{}", "[]", "{", json.dumps({**json.loads(proof), "inputs": 5})):
        proof_path(moved).write_text(damaged)
        assert "content    not known: no proof" in l2o("provenance", moved)[1]
    proof_path(moved).write_text(proof)
    moved.write_bytes(made.read_bytes()[:-1])
    assert "content    CORRUPT" in l2o("provenance", moved)[1]
    (tmp_path / "mine.csv").write_text("a\n")
    refused(l2o("provenance", tmp_path / "mine.csv"), "carries no provenance", "run snakemake")
    refused(l2o("provenance", tmp_path / "none.csv"), "no such file", "build it first")
    for record in ({}, [], "x", {"step": "train", "key": "k", "parameters": [], "inputs": {}}):
        save_tensors(tmp_path / "net.safetensors", {"a": torch.ones(1)}, {"provenance": record})
        refused(l2o("provenance", tmp_path / "net.safetensors"), "provenance", "run snakemake")


@pytest.mark.parametrize("record", ["{", "5", '{"step": 1}', 5, b"\xff", [1, 2], None])
def test_a_record_of_another_program_is_told(l2o, tmp_path, record):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.attrs["provenance"] = h5py.Empty("f8") if record is None else record
    refused(l2o("provenance", path), str(path), "carries no provenance")


def test_verify_tells_what_is_not_valid(l2o, made, monkeypatch):
    code, out, _ = l2o("verify", "--preset", "smoke")
    lines = out.splitlines()
    summary = re.fullmatch(r"smoke: (\d+) valid, 0 stale, (\d+) missing, 0 corrupt", lines[-1])
    valid, missing = map(int, summary.groups())
    assert code == 1
    # A line a room and one for the reports, not one a file.
    places = [line.split()[1] for line in lines[:-1]]
    assert "missing  results/smoke/datasets/mnist.h5 (no such file)" in lines
    assert {"results/smoke/lasso:", "reports/smoke:"} < {*places}
    assert len(places) < 10 + len(rooms())
    count = sum(int(re.search(r": (\d+) files|$", line)[1] or 1) for line in lines[:-1])
    assert count == missing
    code, out, _ = l2o("verify", "--preset", "smoke", "--all")
    assert code == 1 and len(out.splitlines()) == valid + missing + 1
    assert f"valid    {made}" in out and "missing  reports/smoke/fig6.pdf (no such file)" in out
    job = find("sample", ["lasso", "m5_n10"], "smoke")
    whole = SimpleNamespace(jobs=[job])
    monkeypatch.setattr("l2o.commands.artifacts.Graph", lambda preset, methods: whole)
    code, out, _ = l2o("verify", "--preset", "smoke", "--all")
    assert code == 0 and out.splitlines()[0] == f"valid    {made}" and "1 valid" in out
    made.write_bytes(made.read_bytes()[:-1] + b"!")
    code, out, _ = l2o("verify", "--preset", "smoke")
    assert code == 1 and out.startswith(f"corrupt  {made}") and "1 corrupt" in out

    def closed(path: Path) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("l2o.artifacts.proof.file_hash", closed)
    code, out, _ = l2o("verify", "--preset", "smoke")
    assert code == 1 and out.startswith(f"corrupt  {made} (it cannot be read (Permission denied))")


def test_verify_of_a_fresh_clone_says_that_nothing_is_built_yet(l2o):
    told = "paper: nothing is built yet (`snakemake --cores all --config preset=paper` does it)\n"
    assert l2o("verify", "--preset", "paper") == (1, told, "")
    code, out, _ = l2o("verify", "--preset", "paper", "--methods", "lista,adam")
    assert code == 1 and "preset=paper 'methods=[lista,adam]'` does it" in out
    assert len(l2o("verify", "--preset", "paper", "--all")[1].splitlines()) > 300


def test_verify_looks_at_published_copies(l2o, made, tmp_path):
    """They are held against their own proofs, and these against the graph, by names of files."""
    verify = "verify", "--preset", "smoke", "--folder", tmp_path
    refused(l2o(*verify), str(tmp_path), "holds no files", "name a folder of published copies")
    refused(l2o(*verify[:-1], tmp_path / "none"), "no such folder")
    refused(l2o(*verify[:-1], made), str(made), "is a file, not a folder")
    for path in (copy := tmp_path / made.name, tmp_path / "older.h5"):
        path.write_bytes(made.read_bytes())
        proof_path(path).parent.mkdir(exist_ok=True)
        proof_path(path).write_bytes(proof_path(made).read_bytes())
    (tmp_path / "notes.md").write_text("unproven")
    code, out, _ = l2o(*verify, "--all")
    assert code == 1 and out.splitlines() == [
        f"valid    {copy}",
        f"stale    {tmp_path / 'notes.md'} (no proof of what made it can be read)",
        f"stale    {tmp_path / 'older.h5'} (no job writes a file of this name)",
        f"{tmp_path}: 1 valid, 2 stale, 0 missing, 0 corrupt",
    ]
    (tmp_path / "notes.md").unlink()
    (tmp_path / "older.h5").unlink()
    assert l2o(*verify) == (0, f"{tmp_path}: 1 valid, 0 stale, 0 missing, 0 corrupt\n", "")
    copy.write_bytes(b"edited")
    code, out, _ = l2o(*verify)
    assert code == 1 and out.startswith(f"corrupt  {copy} (its bytes are not the ones")


# Locks


def test_a_folder_in_which_snakemake_cannot_have_run_is_refused(l2o, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    for name, told in (
        ("none", "no such folder"),
        ("none/inside", "no such folder"),
        ("x" * 300, "cannot be read"),
        ("file", "is a file, not a folder"),
        ("link", "no such folder"),
        (".", "neither a Snakefile nor .snakemake is in here"),
    ):
        refused(l2o("unlock", "--folder", tmp_path / name), str(tmp_path / name), told)


def test_a_stale_lock_is_removed_and_one_in_use_stays(l2o, tmp_path):
    (tmp_path / "Snakefile").touch()
    assert l2o("unlock", "--folder", tmp_path) == (0, "no lock\n", "")
    lock = tmp_path / ".snakemake/locks/0.input.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    command = [sys.executable, "-c", "print(flush=True); input()  # snakemake"]
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, **pipe) as working:
        working.stdout.readline()
        refused(l2o("unlock", "--folder", tmp_path), f"process {working.pid}", "wait until it ends")
        assert lock.exists()
        working.communicate(b"\n")
    assert l2o("unlock", "--folder", tmp_path)[:2] == (
        0,
        f"removed the stale lock of {tmp_path.resolve()}\n",
    )
    assert not lock.exists()


def test_new_writes_a_template_or_tells_why_not(l2o):
    refused(l2o("new", "method", "lista"), "name: lista: is taken")
    refused(l2o("new", "experiment", "lasso"), "name: lasso: is taken")
    refused(l2o("new", "method", "mine", "--kind", "classical"), "no template of that kind")
    assert l2o("new", "figure", "mine")[0] == 2
