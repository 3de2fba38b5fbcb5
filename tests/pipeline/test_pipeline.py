"""The real pipeline, run by Snakemake at the smoke preset in a copy of the repository."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import psutil
import pytest

from l2o import provenance
from l2o.artifacts.demand import verdicts
from l2o.artifacts.index import FileIndex
from l2o.artifacts.proof import Status
from l2o.experiments import shared
from l2o.experiments.graph import Graph
from l2o.provenance import forget_sources
from l2o.storage.hdf5 import read_dictionary
from real_pipeline import (
    REPORTS,
    RESULTS,
    ROOT,
    copy_repository,
    environment_of,
    l2o,
    planned,
    snakemake,
    snakemake_command,
)
from warm_python import COLD

pytestmark = pytest.mark.pipeline
NETS = "results/smoke/sparse_recovery/checkpoints"
# Curves, finals, runs, timings, profiles, and what is made of them.
REPORTED = {"join": 5, "table": 1, "figure": 3}
TIMED = {"time": 1, "join": 6, "table": 1, "figure": 3}  # where all methods are timed in one job


def together(*parts: dict[str, int]) -> dict[str, int]:
    """Sum up plans, and what is about all experiments: the claims and the verdict."""
    total = Counter()
    for part in parts:
        total.update(part)
    return {**total, "claims": 1, "verdict": 1}


@pytest.fixture(scope="module")
def built(built, tmp_path_factory) -> Path:
    """A copy for this file, which edits sources and parameters in it."""
    folder = tmp_path_factory.mktemp("pipeline") / "built"
    shutil.copytree(built, folder)
    return folder


@pytest.fixture
def edited(built):
    """Let a test edit a source file, and restore it afterwards."""
    kept: dict[Path, str] = {}

    def edit(path: str, old: str, new: str) -> None:
        file = built / path
        kept.setdefault(file, file.read_text())
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    yield edit
    for file, text in kept.items():
        file.write_text(text)


@pytest.fixture
def concerned(built, monkeypatch):
    """Counts the jobs of each kind that are not valid, in this process."""
    monkeypatch.chdir(built)
    monkeypatch.setattr(provenance, "_root", lambda: built / "src/l2o")

    def count() -> dict[str, int]:
        forget_sources()
        shared.digits.cache_clear()  # its key is that of other digits
        found = verdicts(Graph("smoke").jobs, FileIndex.of_checkout())
        return dict(Counter(v.job.kind for v in found if v.status is not Status.VALID))

    yield count
    forget_sources()
    shared.digits.cache_clear()


def table(built: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(built / REPORTS / f"{name}.csv")


def test_sparse_recovery_has_every_method_in_every_table(built):
    curves = table(built, "fig5_curves")
    assert curves.groupby("setting")["method"].nunique().eq(25).all()
    compared = table(built, "fig5_table")
    assert len(compared) == 2 * 25
    assert compared["verdict"].isin(["met", "within", "missed"]).sum() == 2 * 7
    text = (built / REPORTS / "fig5_table.md").read_text()
    assert "| method | Noiseless, (m, n) = (64, 128) |" in text
    assert not list((built / "unfinished").rglob("*.safetensors"))


def test_lasso_is_held_against_certified_optima_and_timed(built):
    curves = table(built, "fig6_curves")
    main = curves[curves["variant"] == "main"]
    assert main.groupby("setting")["method"].nunique().eq(14).all()
    assert (main["status"] == "converged").all()
    last = main[main["iteration"] == 1000].set_index(["setting", "method"])["relative_loss"]
    assert (last.unstack()["fista"] < 1e-3).all()
    timings = table(built, "fig6_timings").set_index("method")
    assert (timings["solve_seconds"] > 0).all()
    assert timings["training_seconds"].notna().sum() == 5


def test_rastrigin_has_exact_minima(built):
    oracles = table(built, "fig7_optima").set_index("setting")
    assert (oracles["minimum"] <= oracles["oracle"]).all() and (oracles["proven"] == 1).all()
    assert oracles.loc["n2", "grid_equal"] == oracles.loc["n2", "grid_checked"] > 10
    curves = table(built, "fig7_curves")
    main = curves[curves["variant"] == "main"]
    assert main.groupby("setting")["method"].nunique().eq(15).all()
    assert (main["gap"] > -1e-6).all()
    assert table(built, "fig7_timings")["training_seconds"].notna().sum() == 5


def test_networks_are_trained_that_no_optimizer_has_seen(built):
    curves = table(built, "fig8_curves")
    assert {*curves["setting"]} == {"mlp_relu"}
    assert curves.groupby("setting")["method"].nunique().eq(8 + 7).all()
    starts = curves[curves["iteration"] == 0].groupby("setting")["loss"]
    assert starts.nunique().eq(1).all()  # all methods run from the same points
    finals = table(built, "fig8_finals")
    assert len(finals) == 15 + 1 and (finals["runs"] == 2).all()
    timings = table(built, "fig8_timings")
    assert len(timings) == 15 and (timings["step_over_adam"] > 0).all()
    assert timings["training_seconds"].notna().sum() == 7
    trained = built / "results/smoke/network_training/training_seconds/mlp_sigmoid"
    assert len([*trained.glob("*.json")]) == 7 + 1  # one by both recipes


def test_minimax_methods_get_equal_gradients_and_learned_ones_are_looked_into(built):
    curves = table(built, "minimax_curves")
    assert curves.groupby("setting")["method"].nunique().eq(9).all()
    assert (curves.groupby(["setting", "method"])["evaluations"].max() == 100).all()
    assert {*table(built, "minimax_transfer")["setting"]} == {"seesaw1"}
    safe = table(built, "minimax_safeguard").set_index(["method", "variant"])
    assert (safe["safe_steps"].unstack()["main"] == 0).all() and len(safe) == 4
    assert table(built, "minimax_timings")["training_seconds"].notna().sum() == 4


def test_unroll_lengths_and_their_memory_are_measured(built):
    lengths = table(built, "fig3_lengths").set_index("setting")
    assert (lengths["meta_steps"] * lengths["unroll"] == 20).all()  # the same inner steps
    assert {*table(built, "fig3_curves")["setting"]} == {*lengths.index}
    memory = table(built, "fig3_memory").set_index(["unroll", "checkpointing"])
    needed = memory["peak_mib"].unstack()
    assert (memory["status"] == "measured").all() and (needed[True] < needed[False]).all()
    training = table(built, "fig3_memory_training")
    assert training["meta_loss"].notna().all() and (training["status"] == "ok").all()


def test_the_claims_are_tested_on_every_figure_that_has_any(built):
    claims = table(built, "claims").set_index("number")
    assert list(claims.index) == list(range(1, 28))
    assert not (claims["numbers"] == "no table").any()
    assert (built / REPORTS / "claims.md").read_text().endswith("tests only.\n")


def test_learned_methods_are_held_against_classical_ones(built):
    verdict = table(built, "verdict")
    assert {*verdict["figure"]} == {"fig5", "fig6", "fig7", "fig8", "fresh_lasso"}
    words = {"yes", "by the first measure only", "level", "open", "no"}
    assert {
        *verdict[["verdict_iteration", "verdict_evaluations", "verdict_seconds"]].stack()
    } <= words
    assert "tests only" in (built / REPORTS / "verdict.md").read_text().splitlines()[-1]
    for report in ("fig5", "fig6", "fig7", "fig8"):
        profiles, runs = (table(built, f"{report}_{name}") for name in ("profiles", "runs"))
        assert (profiles["reached"] <= profiles["runs"]).all() and len(runs) >= 20
        for name in ("profiles", "cost"):
            assert (built / REPORTS / f"{report}_{name}.pdf").stat().st_size > 0


def test_the_coherent_setting_stands_on_the_released_dictionary(built):
    stored = read_dictionary(built / RESULTS / "sets/coherent.h5")
    assert (stored == read_dictionary(ROOT / "data/dictionaries/bsds500.h5")).all()


def test_a_second_call_does_nothing_and_soon(built):
    start = os.times()
    run = snakemake(built, "--cores", "2", environment=COLD)
    end = os.times()
    assert "Nothing to be done" in run.stdout + run.stderr
    # Of the processor: 3 s; the bound only catches heavy imports on parsing.
    assert sum(end[2:4]) - sum(start[2:4]) < 15


def test_new_comments_change_nothing(concerned, edited):
    edited("src/l2o/optimizers/unrolled/lista.py", "class Lista", "# A comment.\nclass Lista")
    assert concerned() == {}


SHIFTED = {"join": 1, "table": 1, "figure": 1}  # and a measurement for each kind of shift
ON_FIGURE_2 = {"join": 2, "table": 1, "figure": 1}
ON_LASSO = {"train": 1, "evaluate": 1, **TIMED, "figure": 4}
ON_RECOVERY = {"train": 2, "evaluate": 2, **TIMED, "time": 2}  # of a net, in two settings
MOVED = {"measure": 1, "join": 1}  # on other dictionaries
ON_PATCHES = {"train": 1, "evaluate": 1, "join": 4, "table": 1, "figure": 1}


def test_editing_one_method_retrains_it_alone(built, concerned, edited):
    edited("src/l2o/optimizers/unrolled/lista.py", "torch.zeros(n, n)", "torch.zeros(n, n) + 0")
    reports = SHIFTED, {"measure": 2}, ON_FIGURE_2, MOVED
    expected = together(ON_RECOVERY, ON_LASSO, ON_PATCHES, *reports)
    assert concerned() == planned(built) == expected


def test_editing_the_figure_only_redraws(concerned, edited):
    edited("src/l2o/figures/nmse.py", "top=6.0", "top=7.0")
    assert concerned() == {"figure": 4, "table": 2, "verdict": 1}


def test_editing_an_evaluation_trains_nothing(concerned, edited):
    edited("src/l2o/experiments/lasso/problem.py", "starts[:1] if", "starts[:1][:] if")
    evaluated = {"evaluate": 14, "join": 4, "table": 1, "figure": 4}
    assert concerned() == together(evaluated)


def test_editing_one_recurrent_optimizer_retrains_it_alone(concerned, edited):
    edited("src/l2o/optimizers/recurrent/l2o_rnnprop.py", "output.tanh()", "(output + 0).tanh()")
    alone = {"train": 1, "evaluate": 1}
    expected = (ON_LASSO, alone, TIMED, alone, REPORTED, SHIFTED, {"measure": 2})
    assert concerned() == together(*expected)


def test_another_unroll_length_is_trained_alone(concerned, edited):
    edited("params/fig3.yaml", "unroll: 5}", "unroll: 4}")
    expected = {"train": 1, "evaluate": 1, "join": 5, "table": 1, "figure": 1}
    assert concerned() == expected


def test_a_parameter_of_one_method_retrains_it_alone(concerned, edited):
    edited("params/fig5.yaml", "lamp: {alpha: 1.1}", "lamp: {alpha: 1.2}")
    assert concerned() == together(ON_RECOVERY, SHIFTED, {"measure": 1})


def test_more_runs_of_the_rate_search_train_nothing_again(concerned, edited):
    edited(
        "params/fig8.yaml",
        "rate_search: {runs: 1, iterations: 2}",
        "rate_search: {runs: 2, iterations: 2}",
    )
    searched = {"tune": 8, "evaluate": 8, "optima": 1, "join": 7, "table": 1, "figure": 3}
    assert concerned() == together(searched)


def test_some_methods_alone_are_another_report_and_cost_only_what_is_new(built):
    run = snakemake(
        built,
        "--cores",
        "2",
        "--config",
        "preset=smoke",
        "methods=[lista,alista]",
        "--",
        "fig5_all",
    )
    assert run.returncode == 0, run.stderr
    name = "fig5_only_lista_alista"
    alone = table(built, f"{name}_table").set_index(["setting", "method"])
    full = table(built, "fig5_table").set_index(["setting", "method"])
    assert {*alone.index.get_level_values("method")} == {"lista", "alista"}
    assert (alone["nmse_db"] == full["nmse_db"].loc[alone.index]).all()
    assert (built / REPORTS / f"{name}.pdf").stat().st_size > 0
    logs = built / "logs/smoke"
    assert (
        not (logs / "train/sparse_recovery/noiseless/lista.log").stat().st_mtime
        > (logs / f"join/{name}/curves.log").stat().st_mtime
    )
    assert planned(built) == {}


def test_an_evaluation_prints_the_number_that_the_table_has(copied):
    run = l2o(copied, "evaluate", "sparse_recovery", "noiseless", "alista", "--preset", "smoke")
    assert run.returncode == 0, run.stderr
    full = table(copied, "fig5_table").set_index(["setting", "method"])
    told = float(re.search(r"nmse_db = (\S+)", run.stdout)[1])
    assert abs(told - full.loc[("noiseless", "alista"), "nmse_db"]) < 0.01
    assert planned(copied) == {}


def test_presets_share_no_path(built, monkeypatch):
    monkeypatch.chdir(built)
    outputs = {}
    for preset in ("smoke", "laptop", "paper"):
        graph = Graph(preset)
        jobs = (*graph.jobs, *graph.copies)
        outputs[preset] = {path for job in jobs for path in job.writes.values()}
        assert len(outputs[preset]) > 100
    assert not outputs["smoke"] & outputs["laptop"]
    assert not outputs["smoke"] & outputs["paper"]
    assert not outputs["laptop"] & outputs["paper"]


def test_one_core_and_eight_give_the_same_bytes(built, tmp_path):
    """And programs that start as users start them, those that tests start (``warm_python``)."""
    folder = copy_repository(tmp_path)
    lasso = RESULTS.with_name("lasso")
    wanted = [str(RESULTS / f"curves/coherent/{net}.csv") for net in ("lista", "glista", "amp")]
    wanted.append(str(lasso / "curves/m5_n10/l2o_dm.csv"))
    run = snakemake(folder, "--cores", "1", "--", *wanted, environment=COLD)
    assert run.returncode == 0, run.stderr
    results = (folder / RESULTS).parent
    compared = [p for p in results.rglob("*") if p.suffix in (".h5", ".safetensors")]
    compared += [*map(folder.joinpath, wanted), *results.rglob("histories/*/*.csv")]
    assert len(compared) == 2 + 4 + 6 + 6  # with what GLISTA contains, L2O-DM by both recipes
    for path in compared:
        assert path.read_bytes() == (built / path.relative_to(folder)).read_bytes(), path


@pytest.mark.parametrize(
    ("name", "old", "new", "config", "told"),
    [
        (
            *("fig5", "density: 0.1", "densty: 0.1", []),
            "params/fig5.yaml: densty: unknown key; did you mean `density`?",
        ),
        (
            *("fig5", "reference/fig5.csv", "reference/fig55.csv", []),
            "params/fig5.yaml: published_curves: data/reference/fig55.csv is no table that can be "
            "read; correct the path or the file",
        ),
        (
            *("run", 'cache: ""', "", ["prset=smoke"]),  # what the file lacks has its default
            "--config: prset: unknown key; did you mean `preset`?",
        ),
    ],
)
def test_bad_input_stops_before_any_job_with_one_clear_line(
    built, edited, name, old, new, config, told
):
    edited(f"params/{name}.yaml", old, new)
    run = snakemake(built, *config, "--cores", "1")
    lines = [line for line in run.stderr.splitlines() if "specific profile" not in line and line]
    assert (run.returncode, run.stdout, lines) == (2, "", [f"error: {told}"])


# What is valid: the proof beside an artifact, and nothing else


@pytest.fixture
def copied(built, tmp_path) -> Path:
    """The built folder, copied as users copy folders: new times, no memory of Snakemake."""
    folder = tmp_path / "copied"
    shutil.copytree(
        built, folder, ignore=shutil.ignore_patterns(".snakemake"), copy_function=shutil.copy
    )
    return folder


def test_the_rules_write_exactly_what_is_verified(built, monkeypatch):
    run = snakemake(built, "--summary")
    written = {line.split("\t")[0] for line in run.stdout.splitlines()[1:]}
    monkeypatch.chdir(built)
    proven = {str(path) for job in Graph("smoke").jobs for path in job.writes.values()}
    assert written == proven
    verified = l2o(built, "verify", "--preset", "smoke", "--all")
    assert verified.returncode == 0
    summary = f"smoke: {len(proven)} valid, 0 stale, 0 missing, 0 corrupt"
    assert verified.stdout.splitlines()[-1] == summary


def test_neither_times_nor_a_lost_memory_make_anything_stale(copied):
    for at, path in enumerate(sorted((copied / "results").rglob("*.h5"))):
        os.utime(path, (4e9 + at, 4e9 + at))  # sets newer than all that was made of them
    assert planned(copied) == {}


def test_damage_is_found_by_verify_and_repaired_by_the_next_run(built, copied):
    checkpoint = copied / RESULTS / "checkpoints/noiseless/lista.safetensors"
    content = bytearray(checkpoint.read_bytes())
    content[-5] ^= 1
    checkpoint.write_bytes(content)
    data = copied / RESULTS / "sets/coherent.h5"
    data.write_bytes(data.read_bytes()[:-100])
    table = copied / REPORTS / "fig5_table.csv"
    table.write_text(table.read_text().replace("missed", "met", 1))
    damaged = [path.relative_to(copied) for path in (checkpoint, data, table)]

    verified = l2o(copied, "verify", "--preset", "smoke")
    assert verified.returncode == 1
    lines = [line for line in verified.stdout.splitlines() if line.startswith("corrupt")]
    assert {line.split()[1] for line in lines} == {str(path) for path in damaged}
    assert planned(copied) == {"train": 1, "sample": 1, "table": 1}
    run = snakemake(copied, "--cores", "2")
    assert run.returncode == 0, run.stderr
    for path in damaged:
        assert (copied / path).read_bytes() == (built / path).read_bytes(), path
    assert l2o(copied, "verify", "--preset", "smoke").returncode == 0


def test_a_damaged_input_is_refused_by_the_job_itself(copied):
    data = copied / RESULTS / "sets/coherent.h5"
    data.write_bytes(data.read_bytes()[:-100])
    out = copied / RESULTS / "checkpoints/coherent/lista.safetensors"
    before = out.read_bytes()
    run = l2o(copied, "train", "sparse_recovery", "coherent", "lista", "--preset", "smoke")
    assert run.returncode == 2
    assert run.stderr.startswith(f"error: {data.relative_to(copied)}: is corrupt")
    assert out.read_bytes() == before


def test_files_of_the_last_parameters_are_stale_whatever_snakemake_remembers(built, copied):
    """As after `git checkout` or `dvc checkout`: the memory tells of other files than lie there."""
    params = copied / "params/fig5.yaml"
    params.write_text(params.read_text().replace("lamp: {alpha: 1.1}", "lamp: {alpha: 1.2}"))
    ahead = time.time() + 2 * 86_400  # of a machine whose clock is fast
    os.utime(copied / RESULTS / "sets/noiseless.h5", (ahead, ahead))
    wanted = RESULTS / "checkpoints/noiseless/lamp.safetensors"
    run = snakemake(copied, "--cores", "1", "--", str(wanted))
    assert run.returncode == 0, run.stderr
    assert planned(copied, "--", str(wanted)) == {}
    shutil.copytree(built / "results", copied / "results", dirs_exist_ok=True)
    assert planned(copied, "--", str(wanted)) == {"train": 1}
    params.write_text(params.read_text().replace("lamp: {alpha: 1.2}", "lamp: {alpha: 1.1}"))
    assert planned(copied) == {}


def test_the_shared_cache_spares_a_second_checkout_all_work(built, artifact_cache, tmp_path):
    folder = copy_repository(tmp_path)
    nets = [path.stem for path in (built / RESULTS / "curves/noiseless").glob("*.csv")]
    wanted = [str(RESULTS / f"curves/noiseless/{net}.csv") for net in nets]
    cached = {"L2O_CACHE": str(artifact_cache)}
    run = snakemake(folder, "--cores", "2", "--", *wanted, environment=cached)
    assert run.returncode == 0, run.stderr
    logs = [path.read_text() for path in (folder / "logs/smoke").rglob("*.log")]
    assert len(logs) == 1 + 16 + 7 + 25
    assert all("taken from the cache" in log for log in logs)
    for path in (folder / RESULTS).rglob("*"):
        if path.is_file() and "seconds" not in str(path):
            assert path.read_bytes() == (built / path.relative_to(folder)).read_bytes(), path


# Killed and doubled runs


def started(folder: Path, *arguments: str) -> subprocess.Popen:
    """Start Snakemake as users do, so that it and its jobs are the processes that are killed."""
    return subprocess.Popen(
        snakemake_command(*arguments),
        cwd=folder,
        env=environment_of(folder, COLD),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(condition, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)


def kill_a_training(run: int) -> None:
    def killed() -> bool:
        for process in psutil.Process(run).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                if "train" in process.cmdline():
                    process.kill()
                    return True
        return False

    wait_for(killed)


def test_killed_and_doubled_runs_lose_nothing(built, tmp_path):
    """Two runs in one folder; a job dies by kill -9, then Snakemake; then the same command."""
    folder = copy_repository(tmp_path)
    nets = [path.stem for path in (built / RESULTS / "curves/noiseless").glob("l*.csv")]
    curves = [str(RESULTS / f"curves/noiseless/{net}.csv") for net in nets]
    wanted = ("--cores", "2", "--", *curves)
    first = started(folder, *wanted)
    checkpoints = folder / RESULTS / "checkpoints/noiseless"

    def finished() -> list[Path]:
        return list(checkpoints.glob("[!.]*.safetensors"))

    wait_for(lambda: len(finished()) >= 2)
    second = snakemake(folder, *wanted)
    assert second.returncode != 0
    assert "cannot be locked" in second.stderr
    busy = l2o(folder, "unlock")
    assert busy.returncode == 2
    assert "at work" in busy.stderr
    kill_a_training(first.pid)
    done = len(finished())
    wait_for(lambda: len(finished()) > done)  # the others go on
    os.killpg(first.pid, signal.SIGKILL)  # Snakemake and the jobs it runs
    first.communicate()
    before = {path: path.stat().st_mtime_ns for path in finished()}
    assert "removed the stale lock" in l2o(folder, "unlock").stdout
    run = snakemake(folder, *wanted)
    assert run.returncode == 0, run.stderr
    made_again = [path for path, at in before.items() if path.stat().st_mtime_ns != at]
    assert len(made_again) <= 2  # those whose jobs had not ended
    assert all((folder / curve).is_file() for curve in curves), run.stdout + run.stderr
    histories = (folder / RESULTS / "histories/noiseless").glob("*.csv")
    followed = map(folder.joinpath, curves)
    for path in [*checkpoints.glob("*.safetensors"), *histories, *followed]:
        assert path.read_bytes() == (built / path.relative_to(folder)).read_bytes(), path
    # Those, ALISTA and TiLISTA, which LISTA-CPSS goes on from, and nothing half-written.
    assert len(list(checkpoints.glob("*.safetensors"))) == len(nets) + 2
