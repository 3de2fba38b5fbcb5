"""What Snakemake is told: which jobs must run, which may not, and of which nothing is said."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from l2o.artifacts.demand import Demand, verdicts
from l2o.artifacts.job import Job
from l2o.artifacts.production import produce
from l2o.artifacts.proof import Status
from small_jobs import job

NONE = SimpleNamespace(items=dict)  # wildcards


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path) -> None:
    """Nothing is remembered from elsewhere."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def chain(tmp_path):
    """Three jobs, each made of the one before, with valid artifacts."""

    def jobs(*values: int) -> list[Job]:
        made: list[Job] = []
        for name, value in zip("abc", values, strict=True):
            reads = {"source": made[-1]} if made else {}
            made.append(job(name, value, tmp_path / name, lambda p: p.write_text("x"), **reads))
        return made

    for one in jobs(0, 0, 0):
        produce(one)
    return jobs


def demand(tmp_path: Path, jobs: list[Job], active: bool = True) -> Demand:
    return Demand(jobs, lambda path: f"ancient {path}", tmp_path / "demand", active)


def asked(tmp_path: Path, jobs: list[Job], active: bool = True) -> dict[str, str]:
    """For each rule: run, pinned (nothing makes it run), cut (of its inputs) or free."""
    told, found = demand(tmp_path, jobs, active), {}
    for one in jobs:
        inputs = told.inputs(one.kind)(NONE)
        if "proof" in inputs:
            assert Path(inputs["proof"]).read_text()
            found[one.kind] = "run"
        elif one.reads and not inputs:
            found[one.kind] = "cut"
        elif one.reads:
            found[one.kind] = "pinned" if inputs["source"].startswith("ancient") else "free"
    return found


def test_valid_jobs_are_pinned_and_demand_nothing(tmp_path, chain):
    assert asked(tmp_path, chain(0, 0, 0)) == {"b": "pinned", "c": "pinned"}
    assert not (tmp_path / "demand").exists()
    inputs = demand(tmp_path, chain(0, 0, 0)).inputs("b")(NONE)
    assert inputs == {"source": f"ancient {tmp_path / 'a'}"}


def test_a_changed_job_runs_with_all_that_is_made_of_it(tmp_path, chain):
    assert asked(tmp_path, chain(0, 1, 0)) == {"b": "run", "c": "run"}
    assert asked(tmp_path, chain(0, 0, 1)) == {"b": "pinned", "c": "run"}


def test_a_corrupt_artifact_is_made_again_alone(tmp_path, chain):
    (tmp_path / "a").write_text("edited")
    assert asked(tmp_path, chain(0, 0, 0)) == {"a": "run", "b": "pinned", "c": "pinned"}


def test_a_valid_job_between_two_invalid_ones_hides_neither(tmp_path, chain):
    (tmp_path / "a").write_text("edited")
    assert asked(tmp_path, chain(0, 0, 1)) == {"a": "run", "b": "cut", "c": "run"}


def test_a_part_repairs_its_own_and_still_knows_what_lies_between(tmp_path, chain):
    (tmp_path / "a").write_text("edited")
    jobs = chain(0, 0, 1)
    whole = demand(tmp_path, jobs)
    assert whole.invalid(jobs) == [str(tmp_path / "a"), str(tmp_path / "c")]
    assert whole.invalid(jobs[:2]) == [str(tmp_path / "a")]
    assert whole.invalid(jobs[2:]) == [str(tmp_path / "c")]
    assert whole.inputs("b")(NONE) == {}


def test_a_missing_artifact_is_left_to_snakemake(tmp_path, chain):
    (tmp_path / "a").unlink()
    assert asked(tmp_path, chain(0, 0, 0)) == {"b": "pinned", "c": "pinned"}
    (tmp_path / "b").unlink()
    assert asked(tmp_path, chain(0, 0, 0)) == {"b": "free", "c": "pinned"}
    statuses = [verdict.status for verdict in verdicts(chain(0, 0, 0))]
    assert statuses == [Status.MISSING, Status.MISSING, Status.VALID]


def test_processes_of_single_jobs_examine_nothing(tmp_path, chain):
    (tmp_path / "a").write_text("edited")
    assert asked(tmp_path, chain(0, 0, 0), active=False) == {"b": "free", "c": "free"}
