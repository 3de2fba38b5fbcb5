"""The real pipeline, run by Snakemake at the smoke preset in a copy of the repository."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from l2o.steps.figures import FIGURES, all_figures, all_tasks
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

pytestmark = pytest.mark.pipeline
REPORTING = {"curves": 1, "timings": 1, "fig5": 1, "fig5_table": 1, "claims": 1}
REPORTING_LASSO = {
    **{"fig6_curves": 1, "fig6_seconds": 1, "fig6_timings": 1, "fig6_table": 1},
    **{"fig6": 1, "fig6_seconds_figure": 1, "claims": 1},
}
REPORTING_RASTRIGIN = {
    **{"fig7_curves": 1, "fig7_timings": 1, "fig7_table": 1, "fig7": 1, "claims": 1},
}
REPORTING_NETWORKS = {
    **{"fig8_curves": 1, "fig8_finals": 1, "fig8_timings": 1, "fig8_table": 1, "fig8": 1},
    **{"claims": 1},
}


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


def test_the_smoke_graph_builds_figure_and_tables(built):
    for name in ("fig5.pdf", "fig5.png", "fig5_table.csv", "fig5_table.md", "fig5_timings.csv"):
        assert (built / REPORTS / name).stat().st_size > 0
    curves = pd.read_csv(built / REPORTS / "fig5_curves.csv")
    assert curves.groupby("setting")["method"].nunique().eq(13).all()
    assert len(pd.read_csv(built / REPORTS / "fig5_table.csv")) == 28
    assert not list((built / "unfinished").rglob("*.safetensors"))


def test_the_smoke_graph_builds_figure_6_in_two_forms(built):
    for name in ("fig6.pdf", "fig6.png", "fig6_seconds.pdf", "fig6_table.md", "fig6_optima.csv"):
        assert (built / REPORTS / name).stat().st_size > 0
    curves = pd.read_csv(built / REPORTS / "fig6_curves.csv")
    main = curves[curves["variant"] == "main"]
    assert main.groupby("setting")["method"].nunique().eq(10).all()
    assert (main["status"] == "converged").all()
    last = main[main["iteration"] == 1000].set_index(["setting", "method"])["relative_loss"]
    assert (last.unstack()["fista"] < 1e-3).all()  # against certified optima
    timings = pd.read_csv(built / REPORTS / "fig6_timings.csv").set_index("method")
    assert (timings["solve_seconds"] > 0).all()
    assert timings["training_seconds"].notna().sum() == 2 * 5


def test_the_smoke_graph_builds_figure_7_with_its_oracle(built):
    for name in ("fig7.pdf", "fig7.png", "fig7_table.md", "fig7_grid_search.csv"):
        assert (built / REPORTS / name).stat().st_size > 0
    oracles = pd.read_csv(built / REPORTS / "fig7_oracles.csv").set_index("setting")
    assert oracles.loc["n2", "grid_equal"] >= 0.8 * oracles.loc["n2", "grid_checked"] > 10
    curves = pd.read_csv(built / REPORTS / "fig7_curves.csv")
    main = curves[curves["variant"] == "main"]
    assert main.groupby("setting")["method"].nunique().eq(10).all()
    last = main[main["iteration"] == 1000].set_index(["setting", "method"])
    # Within what the oracle itself missed in this preset's few samples.
    assert (last["gap"] > -oracles["grid_largest_excess"].max()).all()
    timings = pd.read_csv(built / REPORTS / "fig7_timings.csv")
    assert timings["training_seconds"].notna().sum() == 2 * 5


def test_the_smoke_graph_builds_figure_8_on_unseen_networks(built):
    for name in ("fig8.pdf", "fig8.png", "fig8_table.md", "fig8_grid_search.csv"):
        assert (built / REPORTS / name).stat().st_size > 0
    curves = pd.read_csv(built / REPORTS / "fig8_curves.csv")
    assert {*curves["setting"]} == {"mlp_relu", "convnet"}
    assert curves.groupby("setting")["method"].nunique().eq(3 + 4).all()
    starts = curves[curves["iteration"] == 0].groupby("setting")["loss"]
    assert starts.nunique().eq(1).all()  # all methods run from the same points
    finals = pd.read_csv(built / REPORTS / "fig8_finals.csv")
    assert len(finals) == 2 * 7 and (finals["runs"] == 2).all()
    timings = pd.read_csv(built / REPORTS / "fig8_timings.csv")
    assert len(timings) == 2 * 7 and (timings["step_over_adam"] > 0).all()
    trained = (built / RESULTS).with_name("fig8") / "training_seconds/mlp_sigmoid"
    assert len([*trained.glob("*.json")]) == 4


def test_the_smoke_graph_builds_figure_3_and_measures_memory(built):
    for name in ("fig3.pdf", "fig3.png", "fig3_table.md", "fig3_memory.pdf", "fig3_memory.png"):
        assert (built / REPORTS / name).stat().st_size > 0
    lengths = pd.read_csv(built / REPORTS / "fig3_lengths.csv").set_index("setting")
    assert (lengths["meta_steps"] * lengths["unroll"] == 200).all()  # the same inner steps
    assert {*pd.read_csv(built / REPORTS / "fig3_curves.csv")["setting"]} == {*lengths.index}
    memory = pd.read_csv(built / REPORTS / "fig3_memory.csv").set_index(["unroll", "checkpointing"])
    needed = memory["peak_mib"].unstack()
    assert (memory["status"] == "measured").all() and (needed[True] < needed[False]).all()
    training = pd.read_csv(built / REPORTS / "fig3_memory_training.csv")
    assert training["meta_loss"].notna().all() and (training["status"] == "ok").all()


def test_the_smoke_graph_tests_the_claims_on_every_figure(built):
    table = pd.read_csv(built / REPORTS / "claims.csv").set_index("number")
    assert list(table.index) == list(range(1, 28))
    assert not (table.loc[table["figure"].isin(FIGURES), "numbers"] == "no table").any()
    assert (built / REPORTS / "claims.md").read_text().endswith("tests only.\n")


def test_the_coherent_setting_stands_on_the_released_dictionary(built):
    stored = read_dictionary(built / RESULTS / "sets/coherent.h5")
    assert (stored == read_dictionary(ROOT / "data/dictionaries/bsds500.h5")).all()


def test_a_second_call_does_nothing_and_soon(built):
    start = time.monotonic()
    run = snakemake(built, "--cores", "2")
    seconds = time.monotonic() - start
    assert "Nothing to be done" in run.stdout + run.stderr
    assert seconds < 15  # 2 s on a free machine; the bound only catches heavy imports on parsing


def test_new_comments_change_nothing(built, edited):
    edited("src/l2o/optimizers/unrolled/lista.py", "class Lista", "# A comment.\nclass Lista")
    assert planned(built) == {}


def test_editing_one_method_retrains_it_alone(built, edited):
    edited("src/l2o/optimizers/unrolled/lista.py", "torch.zeros(n, n)", "torch.zeros(n, n) + 0")
    on_lasso = {"fig6_train": 2, "fig6_evaluate": 2, "fig6_time": 2, **REPORTING_LASSO}
    assert planned(built) == {"train": 4, "evaluate": 4, **REPORTING, **on_lasso}


def test_editing_the_figure_only_redraws(built, edited):
    edited("src/l2o/figures/fig5.py", "_TOP_DB = 6.0", "_TOP_DB = 7.0")
    assert planned(built) == {"fig5": 1}


def test_editing_one_recurrent_optimizer_retrains_it_alone(built, edited):
    edited("src/l2o/optimizers/recurrent/l2o_rnnprop.py", "output.tanh()", "(output + 0).tanh()")
    on_lasso = {"fig6_meta_train": 2, "fig6_evaluate": 2, "fig6_time": 2, **REPORTING_LASSO}
    on_rastrigin = {"fig7_meta_train": 2, "fig7_evaluate": 2, **REPORTING_RASTRIGIN}
    on_networks = {"fig8_meta_train": 1, "fig8_evaluate": 2, **REPORTING_NETWORKS}
    assert planned(built) == {**on_lasso, **on_rastrigin, **on_networks}


def test_another_unroll_length_is_trained_alone(built, edited):
    edited("params/fig3.yaml", "unroll: 5}", "unroll: 4}")
    trained = {"fig3_meta_train": 1, "fig3_evaluate": 1}
    reported = ("fig3_curves", "fig3_lengths", "fig3_timings", "fig3_table", "fig3")
    assert planned(built) == {**trained, **dict.fromkeys(reported, 1)}


def test_a_parameter_of_one_method_retrains_it_alone(built, edited):
    edited("params/fig5.yaml", "lamp: {alpha: 1.1}", "lamp: {alpha: 1.2}")
    assert planned(built) == {"train": 4, "evaluate": 4, **REPORTING}


def test_presets_share_no_path(built):
    outputs = {}
    for preset in ("smoke", "laptop", "paper"):
        run = snakemake(built, "--summary", preset=preset)
        assert run.returncode == 0, run.stderr
        outputs[preset] = {line.split("\t")[0] for line in run.stdout.splitlines()[1:]}
        assert len(outputs[preset]) > 100
    assert not outputs["smoke"] & outputs["laptop"]
    assert not outputs["smoke"] & outputs["paper"]
    assert not outputs["laptop"] & outputs["paper"]


def test_one_core_and_eight_give_the_same_bytes(built, tmp_path):
    folder = copy_repository(tmp_path)
    lasso = RESULTS.with_name("fig6")
    wanted = [str(RESULTS / "curves/coherent.csv"), str(lasso / "curves/m5_n10/l2o_dm.csv")]
    run = snakemake(folder, "--cores", "1", "--", *wanted)
    assert run.returncode == 0, run.stderr
    results = (folder / RESULTS).parent
    compared = [p for p in results.rglob("*") if p.suffix in (".h5", ".safetensors")]
    compared += [*map(folder.joinpath, wanted), *results.rglob("histories/*/*.csv")]
    assert len(compared) == 2 * (1 + 1) + 2 * (9 + 1)
    for path in compared:
        assert path.read_bytes() == (built / path.relative_to(folder)).read_bytes(), path


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("density: 0.1", "densty: 0.1", "did you mean `density`?"),
        ("density: 0.1", "density: 1.5", "density: Input should be less than or equal to 1"),
    ],
)
def test_bad_parameters_stop_before_any_job_with_one_clear_line(built, edited, old, new, expected):
    edited("params/fig5.yaml", old, new)
    run = snakemake(built, "--cores", "1")
    assert run.returncode != 0
    told = [line for line in run.stderr.splitlines() if expected in line]
    assert len(told) == 1
    assert "params/fig5.yaml" in told[0]
    assert "Traceback" not in run.stderr


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
    tasks = all_tasks(all_figures("smoke"), "smoke")
    proven = {str(path) for task in tasks for path in task.outputs}
    assert written == proven
    verified = l2o(built, "verify", "--preset", "smoke", "--all")
    assert verified.returncode == 0
    summary = f"smoke: {len(proven)} valid, 0 stale, 0 missing, 0 corrupt"
    assert verified.stdout.splitlines()[-1] == summary


def test_neither_times_nor_a_lost_memory_make_anything_stale(copied):
    assert planned(copied) == {}
    for at, path in enumerate(sorted((copied / "results").rglob("*.h5"))):
        os.utime(path, (4e9 + at, 4e9 + at))  # sets newer than all that was made of them
    assert planned(copied) == {}


def test_damage_is_found_by_verify_and_repaired_by_the_next_run(built, copied):
    checkpoint = copied / RESULTS / "checkpoints/noiseless/lista.safetensors"
    content = bytearray(checkpoint.read_bytes())
    content[-5] ^= 1
    checkpoint.write_bytes(content)
    data = copied / RESULTS / "sets/snr20.h5"
    data.write_bytes(data.read_bytes()[:-100])
    table = copied / REPORTS / "fig5_table.csv"
    table.write_text(table.read_text().replace("missed", "met", 1))
    damaged = [path.relative_to(copied) for path in (checkpoint, data, table)]

    verified = l2o(copied, "verify", "--preset", "smoke")
    assert verified.returncode == 1
    lines = [line for line in verified.stdout.splitlines() if line.startswith("corrupt")]
    assert {line.split()[1] for line in lines} == {str(path) for path in damaged}
    assert planned(copied) == {"train": 1, "optimizee_set": 1, "fig5_table": 1}
    run = snakemake(copied, "--cores", "2")
    assert run.returncode == 0, run.stderr
    for path in damaged:
        assert (copied / path).read_bytes() == (built / path).read_bytes(), path
    assert l2o(copied, "verify", "--preset", "smoke").returncode == 0


def test_a_damaged_input_is_refused_by_the_job_itself(copied):
    data = copied / RESULTS / "sets/snr20.h5"
    data.write_bytes(data.read_bytes()[:-100])
    out = copied / "out.safetensors"
    options = ["--history", "h.csv", "--timing", "t.json", "--state", "s", "--preset", "smoke"]
    run = l2o(copied, "fig5", "train", "snr20", "lista", str(data), str(out), *options)
    assert run.returncode == 2
    assert run.stderr.startswith(f"error: {data}: is corrupt")
    assert not out.exists()


def test_files_of_the_last_parameters_are_stale_whatever_snakemake_remembers(built, copied):
    """As after `git checkout` or `dvc checkout`: the memory tells of other files than lie there."""
    params = copied / "params/fig5.yaml"
    params.write_text(params.read_text().replace("lamp: {alpha: 1.1}", "lamp: {alpha: 1.2}"))
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
    wanted = [str(RESULTS / "curves/noiseless.csv")]
    cached = {"L2O_CACHE": str(artifact_cache)}
    run = snakemake(folder, "--cores", "2", "--", *wanted, environment=cached)
    assert run.returncode == 0, run.stderr
    logs = [path.read_text() for path in (folder / "logs/smoke/fig5").rglob("*.log")]
    assert len(logs) == 1 + 1 + 9 + 1
    assert all("taken from the cache" in log for log in logs)
    for path in (folder / RESULTS).rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (built / path.relative_to(folder)).read_bytes(), path


# Killed and doubled runs


def started(folder: Path, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        snakemake_command(*arguments),
        cwd=folder,
        env=environment_of(folder),
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
    wanted = ("--cores", "2", "--", str(RESULTS / "curves/noiseless.csv"))
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
    histories = (folder / RESULTS / "histories/noiseless").glob("*.csv")
    curves = folder / RESULTS / "curves/noiseless.csv"
    for path in [*checkpoints.glob("*.safetensors"), *histories, curves]:
        assert path.read_bytes() == (built / path.relative_to(folder)).read_bytes(), path
    assert len(list(checkpoints.glob("*.safetensors"))) == 9  # and nothing half-written
