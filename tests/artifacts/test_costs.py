"""What jobs cost: told by whoever does them, also through a shared cache, and of nothing older."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from l2o.artifacts.cost import CACHED, cost_path, read_costs
from l2o.artifacts.manifest import duration, released_costs
from l2o.artifacts.production import produce
from l2o.commands.costs import costs
from l2o.commands.keeping import keep
from l2o.errors import InputError
from small_jobs import job


@pytest.fixture(autouse=True)
def checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("results").mkdir()
    monkeypatch.delenv("L2O_CACHE", raising=False)


def busy(path: Path) -> None:
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    path.write_text("done")


def made(name: str, path: str, does=busy, value: int = 0):
    produce(one := job(name, value, Path(path), does))
    return one


def test_processor_time_and_memory_of_a_job_are_told():
    one = made("train", "results/a.csv")
    told = read_costs([one])[one.name]
    assert 0.2 <= told["processor_seconds"] < 3600 and 10 < told["memory_mb"] < 100_000
    assert told["processor"] and not told[CACHED] and told["key"] == one.key


def test_a_job_of_another_key_is_not_told():
    one = made("train", "results/a.csv")
    assert not read_costs([job("train", 1, Path("results/a.csv"))])
    cost_path(one).write_text("{")
    assert not read_costs([one])
    cost_path(one).write_text("[]")
    assert not read_costs([one])


def test_what_comes_from_a_cache_is_told_with_what_it_cost_once(monkeypatch):
    monkeypatch.setenv("L2O_CACHE", "cache")
    first = made("train", "results/a.csv")
    once = read_costs([first])[first.name]
    second = made("train", "results/b.csv", does=None)
    told = read_costs([second])[second.name]
    assert told[CACHED] and told["processor_seconds"] == once["processor_seconds"]
    (manifest,) = Path("cache").rglob("manifest.json")
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "cost": 5}))
    third = made("train", "results/c.csv", does=None)
    assert "processor_seconds" not in read_costs([third])[third.name]


def test_a_cost_that_cannot_be_written_makes_no_job_fail():
    Path("costs").write_text("a file")
    one = made("train", "results/a.csv")
    assert Path("results/a.csv").is_file() and not read_costs([one])


def test_the_command_sums_them_up(monkeypatch):
    one, other = made("train", "results/a.csv"), made("evaluate", "results/b.csv")
    report = SimpleNamespace(report_name="fig9", jobs=lambda: [one, other, job("tune", 3)])
    graph = SimpleNamespace(experiments={"room": report}, judged=[])
    monkeypatch.setattr("l2o.commands.costs.Graph", lambda preset, methods: graph)
    lines = costs("smoke", "").splitlines()
    assert re.match(r"fig9 +3 +2 +0 +[\d:]+ +[\d,]+ MiB$", lines[1])
    assert lines[2].split()[:2] == ["all", "3"] and "the 2 longest" in lines
    assert {line.split()[-1] for line in lines if line.endswith(("train", "evaluate"))}
    assert lines[-1].startswith("on ")
    empty = SimpleNamespace(experiments={}, judged=[])
    monkeypatch.setattr("l2o.commands.costs.Graph", lambda preset, methods: empty)
    assert costs("smoke", "") == "smoke: no costs are told; jobs tell them when they are done"


def entry(seconds: float, slowest: dict[str, float], **more: float) -> dict:
    cost = {"jobs": 3, "told": 3, "from_a_cache": 0, "processor_seconds": seconds, "memory_mb": 70}
    cost |= {"processors": [f"of {seconds} s"], "slowest": [*map(list, slowest.items())], **more}
    return {"commit": "0", "date": "2026-01-01", "note": "", "files": [], "cost": cost}


def test_the_costs_of_released_reports_count_a_shared_job_once():
    once = entry(7200.0, {"train a": 3600.0, "train b": 60.0})
    again = entry(3660.0, {"train a": 3600.0, "evaluate a": 61.0}, own_processor_seconds=60.0)
    Path("manifest.json").write_text(json.dumps({"fig8": once, "fig9": again}))
    lines = released_costs(Path()).splitlines()
    assert re.match(r"fig9 +3 +1:01:00 +70 MiB +of 3660.0 s$", lines[2])
    assert re.match(r"all +2:01:00 +70 MiB", lines[3]) and "the 3 longest" in lines
    assert [line.split()[1:] for line in lines[-3:]] == [
        ["train", "a"],
        ["evaluate", "a"],
        ["train", "b"],
    ]
    with pytest.raises(InputError, match="holds no released report"):
        released_costs(Path("results"))


def test_durations_are_hours_minutes_and_seconds():
    assert duration(3725.4) == "1:02:05" and duration(59.6) == "0:01:00"


def test_what_took_long_and_is_small_is_kept_in_a_cache(monkeypatch):
    def large(path: Path) -> None:
        busy(path)
        path.write_text("x" * 2000)

    quick = made("quick", "results/quick.csv", lambda path: path.write_text("done"))
    slow, big = made("slow", "results/slow.csv"), made("big", "results/big.csv", large)
    jobs = [quick, slow, big, job("absent", 3, Path("results/absent.csv"))]
    graph = SimpleNamespace(jobs=jobs)
    monkeypatch.setattr("l2o.commands.keeping.Graph", lambda preset, methods: graph)
    told = {one.name: value for one, value in zip(jobs, (0.1, 61.0, 61.0), strict=False)}
    for one in jobs[:3]:
        known = json.loads(cost_path(one).read_text())
        cost_path(one).write_text(json.dumps({**known, "processor_seconds": told[one.name]}))
    text = keep(Path("kept"), "smoke", "", 60, 1000)
    assert text == ("kept: 1 results of smoke kept, 4 bytes; 1 too quick, 1 too large, 1 not valid")
    monkeypatch.setenv("L2O_CACHE", "kept")
    produce(job("slow", 0, Path("results/again.csv"), None))
    assert Path("results/again.csv").read_text() == "done"
    with pytest.raises(InputError, match="is a folder, where a file is to be written"):
        Path("blocked").mkdir()
        Path("blocked/entry").mkdir()
        keep(Path("blocked"), "smoke", "", 60, 1000)
