"""Real Snakemake on small jobs: proofs tell what runs, whatever dates and modes files have."""

from __future__ import annotations

import itertools
import os
import time
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from l2o.artifacts.proof import Status, proof_path, write_proof
from paired_jobs import SNAKEFILE, paired
from real_pipeline import ROOT, run, snakemake_command
from small_jobs import SmallJob

pytestmark = pytest.mark.pipeline
DAYS = 86_400
NOW = time.time()
DATES = {"1901": -2.1e9, "epoch": 0, "past": 1e9, "ahead": NOW + 2 * DAYS, "last": 2.5e11}
TIMES = [("past", "past"), ("ahead", "past"), ("past", "ahead"), ("last", "last")]
TIMES += [("epoch", "1901"), ("ahead", "epoch")]
# The status and the date of what a first and a second job wrote.
CASES = [
    (first, second, *dates)
    for first, second in itertools.product(Status, Status)
    for dates in TIMES
]
LINKS = (None, os.link, os.symlink)  # as DVC puts files into a checkout


def lay(job: SmallJob, status: Status, date: float, link) -> None:
    """Write a read-only artifact of a job, perhaps a link into a cache, and its proof."""
    (path,) = job.writes.values()
    if status is Status.MISSING:
        return
    kept = Path("cache", *path.parts) if link else path
    for folder in (path.parent, kept.parent, proof_path(path).parent):
        folder.mkdir(parents=True, exist_ok=True)
    kept.write_text("old\n")
    if link:
        link(kept.absolute(), path)
    write_proof(path, job.record | ({"key": "0" * 64} if status is Status.STALE else {}))
    if status is Status.CORRUPT:
        kept.write_text("odd\n")
    for file in {kept, path, proof_path(path)}:
        kept.chmod(0o444)
        os.utime(file, (date, date), follow_symlinks=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a pair for each case."""
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "Snakefile").write_text(SNAKEFILE.format(count=len(CASES)))
    (folder / "profiles").symlink_to(ROOT / "profiles")
    jobs, links = iter(paired(len(CASES))), itertools.cycle(LINKS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for first, second, first_date, second_date in CASES:
            lay(next(jobs), first, DATES[first_date], next(links))
            lay(next(jobs), second, DATES[second_date], next(links))
        for job in paired(len(CASES)):
            mark_incomplete(job)
    return folder


def mark_incomplete(job: SmallJob) -> None:
    """Leave the mark of a job that a killed Snakemake has begun and not seen ending."""
    mark = urlsafe_b64encode(str(job.writes["file"]).encode()).decode()
    folder = Path(".snakemake/incomplete")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / mark).write_text('{"external_jobid": null}')


def snakemake(folder: Path, *arguments: str):
    sources = {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests'}"}
    return run(folder, snakemake_command("--cores", "4", *arguments), sources)


def content(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_every_status_under_every_date_and_mode_is_repaired_and_nothing_else(folder, monkeypatch):
    cache = {path: path.read_bytes() for path in (folder / "cache").rglob("*") if path.is_file()}
    assert len(cache) > len(CASES) // 2
    done = snakemake(folder)
    assert done.returncode == 0, done.stderr
    for n, (first, second, *dates) in enumerate(CASES):
        old = {Status.CORRUPT: "odd\n", Status.MISSING: ""}
        made = first in (Status.STALE, Status.CORRUPT)
        made |= first is Status.MISSING and second is not Status.VALID
        expected = "made\n" if made else old.get(first, "old\n")
        assert content(folder / f"first/{n}") == expected, (first, second, *dates)
        expected = "old\n" if second is Status.VALID else f"{expected}made\n"
        assert content(folder / f"second/{n}") == expected, (first, second, *dates)
    assert {path: path.read_bytes() for path in cache} == cache
    monkeypatch.chdir(folder)
    for job in paired(len(CASES)):
        if job.writes["file"].exists():
            write_proof(job.writes["file"], job.record)
    again = snakemake(folder, "--dry-run")
    assert "Nothing to be done" in again.stdout + again.stderr


def test_a_folder_that_cannot_be_written_is_told_in_one_line_before_any_job(folder, monkeypatch):
    monkeypatch.chdir(folder)
    for n, name in enumerate(("first", "second")):
        Path(name, str(n)).unlink(missing_ok=True)
        Path(name, str(n)).write_text("stale\n")
    Path("second").chmod(0o555)
    try:
        done = snakemake(folder)
    finally:
        Path("second").chmod(0o755)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("second: ")]
    assert len(told) == 1 and "you may not write" in told[0] and "; make it a folder" in told[0]
    assert content(Path("first/0")) == "stale\n"
    Path("second/1").unlink()
    Path("second/1").mkdir()
    done = snakemake(folder)
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if "second/1: is a folder" in line]
