"""The pipeline through a real Slurm of two virtual nodes on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import slurm_cluster
from l2o.experiments.sparse_recovery.experiment import SparseRecovery
from real_pipeline import (
    REPORTS,
    RESULTS,
    ROOT,
    copy_repository,
    environment_of,
    snakemake,
    snakemake_command,
)
from warm_python import COLD

pytestmark = [pytest.mark.pipeline, pytest.mark.cluster]
PROFILE = (
    *("--profile", "profiles/slurm", "--latency-wait", "30", "--jobs", "8"),
    *("--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1"),
    # This cluster keeps no accounts, so sacct has nothing to tell.
    *("--slurm-status-command", "squeue"),
)
# A job starts Snakemake three times, so here one job does all steps of a setting; and --cores says
# how many of them side by side.
STEPS = ("sample", "optima", "tune", "train", "evaluate", "time")
BY_SETTING = ("--groups", *(f"{step}=s" for step in STEPS), "--cores", "2")
SAME = {".h5", ".safetensors", ".csv", ".md", ".pdf", ".png"}
# Measured, and different each time, and what is made of that.
SECONDS = {"seconds", *(f"fig5_{name}.csv" for name in ("timings", "seconds", "profiles"))}
SECONDS |= {"fig5_cost.pdf", "fig5_cost.png"}
GPU_WORKFLOW = """\
rule all:
    input: "asking.txt", "plain.txt"

rule asking:
    output: "asking.txt"
    resources: gpu=1
    shell: "echo $SLURMD_NODENAME $SLURM_JOB_PARTITION ${{CUDA_VISIBLE_DEVICES-none}} > {output}"

rule plain:
    output: "plain.txt"
    shell: "echo $SLURM_JOB_PARTITION ${{CUDA_VISIBLE_DEVICES-none}} > {output}"
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    if reason := slurm_cluster.missing():
        pytest.skip(reason)
    with slurm_cluster.running_cluster(tmp_path_factory.mktemp("slurm")) as running:
        yield replace(running, environment=running.environment | COLD)


def same_bytes(folder: Path, expected: Path, *parts: Path) -> int:
    """Assert that all files of ``folder`` that can be the same are, and return how many."""
    compared = [
        path
        for part in parts
        for path in sorted((folder / part).rglob("*"))
        if path.suffix in SAME and not SECONDS & set(path.parts)
    ]
    for path in compared:
        assert path.read_bytes() == (expected / path.relative_to(folder)).read_bytes(), path
    return len(compared)


def test_slurm_builds_the_figure_with_the_bytes_of_local_jobs(cluster, built, tmp_path):
    folder = copy_repository(tmp_path / "copy")
    figure = ("--", "fig5_all")
    run = snakemake(folder, *PROFILE, *BY_SETTING, *figure, environment=cluster.environment)
    assert run.returncode == 0, run.stderr
    written = {
        path
        for job in SparseRecovery("smoke", (), folder / "params/fig5.yaml").jobs()
        for path in job.writes.values()
    }
    comparable = [p for p in written if p.suffix in SAME and not SECONDS & {*p.parts}]
    alike = [p for p in comparable if {RESULTS, REPORTS} & {*p.parents}]
    assert same_bytes(folder, built, RESULTS, REPORTS) == len(alike) > 200
    assert "Nothing to be done" in snakemake(folder, "--cores", "1", *figure).stderr


def running_training(folder: Path) -> int | None:
    """Return the process that trains within a cluster job in ``folder``, if there is one."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            if b"train" in command and (process / "cwd").readlink() == folder:
                assert b"SLURM_JOB_ID=" in (process / "environ").read_bytes()
                return int(process.name)
        except OSError:  # it has ended meanwhile
            continue
    return None


def test_a_killed_cluster_job_is_tried_again_and_ends_with_the_same_bytes(cluster, built, tmp_path):
    folder = copy_repository(tmp_path / "copy")
    target = RESULTS / "checkpoints/coherent/lista.safetensors"
    killed: list[int] = []
    with (tmp_path / "log").open("w+") as log:
        run = subprocess.Popen(
            snakemake_command(*PROFILE, "--", str(target)),
            cwd=folder,
            env=environment_of(folder, cluster.environment),
            stdout=log,
            stderr=subprocess.STDOUT,
        )

        def kill_one() -> bool:
            assert run.poll() is None, Path(log.name).read_text()
            if (process := running_training(folder)) is not None:
                os.kill(process, signal.SIGKILL)
                killed.append(process)
            return bool(killed)

        slurm_cluster.until(kill_one, "a training runs", patience=600)
        code = run.wait(timeout=1200)
    text = (tmp_path / "log").read_text()
    assert code == 0, text
    assert "restart job" in text.lower()
    assert same_bytes(folder, built, RESULTS) == 1 + 1 + 1


def test_a_job_that_asks_for_a_gpu_gets_one_and_others_do_not(cluster, tmp_path):
    (tmp_path / "Snakefile").write_text(GPU_WORKFLOW)
    (tmp_path / "profiles").symlink_to(ROOT / "profiles")
    run = snakemake(tmp_path, *PROFILE, environment=cluster.environment)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "asking.txt").read_text().split() == ["graphic", "gpu", "0"]
    assert (tmp_path / "plain.txt").read_text().split() == ["cpu", "none"]
