"""What a start costs grows with the number of jobs, and not faster: counted, not timed."""

from __future__ import annotations

import cProfile
import importlib.util
import itertools
import pstats
import time
from collections import Counter
from pathlib import Path

import pytest

from l2o.artifacts import index as module
from l2o.artifacts.demand import Demand
from l2o.artifacts.job import Job, ordered

FILE = Path(__file__).parents[1] / "bench" / "bench_start.py"
SPEC = importlib.util.spec_from_file_location(FILE.stem, FILE)
BENCH = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(BENCH)


def start(count: int, change: bool = False) -> Counter[str]:
    """Start with a register of ``count`` jobs; return how often each function was called."""
    with cProfile.Profile() as profile:
        Demand(BENCH.register(count, changed=change), str, True)
    called: Counter[str] = Counter()
    for (_, _, name), (_, calls, *_) in pstats.Stats(profile).stats.items():
        called[name] += calls
        called["all"] += calls
    return called


@pytest.fixture
def warm(tmp_path, monkeypatch):
    """A checkout with the artifacts of so many jobs, all of them known."""
    later = time.time_ns() + 10_000_000_000
    monkeypatch.setattr(module, "_moment", lambda folder: later)

    def built(count: int) -> Counter[str]:
        folder = tmp_path / str(count)
        folder.mkdir()
        (folder / "Snakefile").touch()
        monkeypatch.chdir(folder)
        BENCH.write(BENCH.register(count))
        return start(count)

    return built


SMALL, LARGE = 40, 160


def test_a_warm_start_hashes_parses_and_reads_nothing(warm):
    artifacts = SMALL * BENCH.FILES
    assert warm(SMALL)["stamp_of"] == artifacts  # at the first start every proof is parsed
    called = start(SMALL)
    assert called["<built-in method posix.stat>"] <= 2 * artifacts + 10
    assert called["digest"] <= SMALL + len(BENCH.SHARED) * 60  # once a job, once a set of sources
    for reading in ("file_digest", "stamp_of", "file_hash", "examine", "parse", "submit"):
        assert not called[reading], reading


@pytest.mark.parametrize("change", [False, True])
def test_the_work_of_a_start_grows_linearly(warm, change):
    work = {}
    for count in (SMALL, LARGE):
        warm(count)
        work[count] = start(count, change)["all"]
    assert work[LARGE] < 1.05 * LARGE / SMALL * work[SMALL]


def chain(length: int) -> list[Job]:
    """Jobs of which each reads the one before."""
    jobs: list[Job] = []
    for number in range(length):
        reads = {"source": jobs[-1]["file"]} if jobs else {}
        writes = {"file": Path(f"{number}.csv")}
        jobs.append(Job("link", {"n": str(number)}, {}, ("l2o.seeds",), reads, writes))
    return jobs


def test_a_key_is_computed_once_however_long_the_chain_and_who_asks_first(monkeypatch):
    numbers = itertools.count()
    monkeypatch.setattr("l2o.artifacts.job.digest", lambda content: str(next(numbers)))
    jobs = chain(3000)
    assert jobs[-1].key == "2999"
    assert [job.key for job in ordered(jobs)] == [str(number) for number in range(3000)]


def test_a_circle_of_jobs_is_told():
    first, last = chain(2)
    first.reads["source"] = last["file"]
    with pytest.raises(ValueError, match="circle"):
        list(ordered([last]))
    with pytest.raises(ValueError, match="circle"):
        _ = last.key


def test_the_bench_of_a_start_runs(monkeypatch):
    monkeypatch.setattr(BENCH, "SETTLED_S", 0)
    found = BENCH.simulated(BENCH.EXPERIMENTS * 2)
    wrong = [took["wrong"] for took in found.values()]
    assert wrong[:3] == [0, 0, 0] and wrong[3] == BENCH.FILES
    assert "| 40 | 400 | warm index |" in BENCH.table({40: found})
