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


def asked(jobs: list[Job], active: bool = True) -> tuple[dict[str, str], list[str]]:
    """What rules b and c read, pinned (no date counts), free or nothing; and the rules to force."""
    told = Demand(jobs, lambda path: f"ancient {path}", active)
    found = {}
    for one in jobs[1:]:
        inputs = told.inputs(one.kind)(NONE)
        assert {*inputs} <= {"source"}
        path = inputs.get("source", "none")
        found[one.kind] = {"ancient": "pinned", "none": "none"}.get(path.split()[0], "free")
    return found, [Path(path).name for path in told.invalid()]


def test_valid_jobs_are_pinned_and_none_is_forced(tmp_path, chain):
    assert asked(chain(0, 0, 0)) == ({"b": "pinned", "c": "pinned"}, [])
    inputs = Demand(chain(0, 0, 0), lambda path: f"ancient {path}", True).inputs("b")(NONE)
    assert inputs == {"source": f"ancient {tmp_path / 'a'}"}
    assert not (tmp_path / ".snakemake").exists()


def test_a_changed_job_runs_with_all_that_is_made_of_it(chain):
    assert asked(chain(0, 1, 0)) == ({"b": "pinned", "c": "free"}, ["b", "c"])
    assert asked(chain(0, 0, 1)) == ({"b": "pinned", "c": "pinned"}, ["c"])
    assert asked(chain(1, 0, 0)) == ({"b": "free", "c": "free"}, ["a", "b", "c"])


def test_a_corrupt_artifact_is_made_again_alone(tmp_path, chain):
    (tmp_path / "a").write_text("edited")
    assert asked(chain(0, 0, 0)) == ({"b": "none", "c": "pinned"}, ["a"])


def test_a_valid_job_between_two_invalid_ones_hides_neither(tmp_path, chain):
    (tmp_path / "a").write_text("edited")
    assert asked(chain(0, 0, 1)) == ({"b": "none", "c": "pinned"}, ["a", "c"])


def test_a_part_repairs_its_own(tmp_path, chain):
    (tmp_path / "a").write_text("edited")
    jobs = chain(0, 0, 1)
    whole = Demand(jobs, str, True)
    assert whole.invalid(jobs) == [str(tmp_path / "a"), str(tmp_path / "c")]
    assert whole.invalid(jobs[:2]) == [str(tmp_path / "a")]
    assert whole.invalid(jobs[2:]) == [str(tmp_path / "c")]


def test_a_missing_artifact_is_left_to_snakemake_and_asked_for_by_what_is_not_valid(
    tmp_path, chain
):
    (tmp_path / "a").unlink()
    assert asked(chain(0, 0, 0)) == ({"b": "none", "c": "pinned"}, [])
    assert asked(chain(0, 1, 0)) == ({"b": "free", "c": "free"}, ["b", "c"])
    (tmp_path / "b").unlink()
    assert asked(chain(0, 0, 0)) == ({"b": "free", "c": "none"}, [])
    statuses = [verdict.status for verdict in verdicts(chain(0, 0, 0))]
    assert statuses == [Status.MISSING, Status.MISSING, Status.VALID]


def test_files_of_the_repository_are_pinned_whatever_the_job_is_worth(tmp_path):
    made = job("a", 0, tmp_path / "a")
    (tmp_path / "table.csv").write_text("x")
    object.__setattr__(made, "files", {"published": tmp_path / "table.csv"})
    inputs = Demand([made], lambda path: f"ancient {path}", True).inputs("a")(NONE)
    assert inputs == {"published": f"ancient {tmp_path / 'table.csv'}"}


def test_a_rule_whose_job_is_not_in_the_graph_reads_nothing(chain):
    assert Demand(chain(0, 0, 0), str, True).inputs("d")(NONE) == {}


def test_processes_of_single_jobs_examine_nothing(tmp_path, chain):
    (tmp_path / "a").write_text("edited")
    assert asked(chain(0, 0, 0), active=False) == ({"b": "free", "c": "free"}, [])
