"""Proofs beside artifacts, the shared cache, and what they make of every kind of damage."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from conftest import told
from l2o.artifacts.cache import MANIFEST, SharedCache
from l2o.artifacts.demand import Demand, verdicts
from l2o.artifacts.production import produce
from l2o.artifacts.proof import Status, examine, proof_path, read_proof, require
from l2o.artifacts.tasks import Task
from l2o.errors import InputError
from l2o.provenance import Step


def step(name: str, value: int = 0, **inputs: Step) -> Step:
    return Step(name, {"value": value}, ("l2o.seeds",), inputs, ("numpy",))


def make(path: Path, maker: Step, text: str = "content", inputs=None) -> None:
    produce(maker, {"file": path}, inputs or {}, lambda: path.write_text(text))


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch) -> None:
    monkeypatch.delenv("L2O_CACHE", raising=False)


@pytest.fixture
def cached(tmp_path, monkeypatch) -> SharedCache:
    monkeypatch.setenv("L2O_CACHE", str(tmp_path / "cache"))
    return SharedCache(tmp_path / "cache")


# Proofs


def test_what_a_step_produced_is_valid_under_its_key_alone(tmp_path):
    path = tmp_path / "a.csv"
    make(path, step("one"))
    assert examine(path, step("one").key).status is Status.VALID
    assert examine(path, step("one", 1).key).status is Status.STALE
    assert {"key", "step", "parameters", "sources", "inputs", "libraries", "sha256"} == set(
        read_proof(path)
    )


def test_times_of_files_count_for_nothing(tmp_path):
    path = tmp_path / "a.csv"
    make(path, step("one"))
    path.touch()
    copied = shutil.copytree(tmp_path, tmp_path.parent / f"{tmp_path.name}-copy")
    for folder in (tmp_path, copied):
        assert examine(folder / "a.csv", step("one").key).status is Status.VALID


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_text("edited"),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes() + b"\0"),
        lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
    ],
)
def test_other_bytes_are_corrupt(tmp_path, damage):
    path = tmp_path / "a.csv"
    make(path, step("one"))
    damage(path)
    assert examine(path, step("one").key).status is Status.CORRUPT


@pytest.mark.parametrize("proof", [None, "", "[1]", "{", '{"key": "k"}'])
def test_a_file_without_a_readable_proof_is_stale(tmp_path, proof):
    path = tmp_path / "a.csv"
    make(path, step("one"))
    if proof is None:
        proof_path(path).unlink()
    else:
        proof_path(path).write_text(proof)
    assert examine(path, step("one").key).status is Status.STALE


def test_the_proof_of_another_file_proves_nothing(tmp_path):
    make(tmp_path / "a.csv", step("one"), "a")
    (tmp_path / "b.csv").write_text("b")
    shutil.copy(proof_path(tmp_path / "a.csv"), proof_path(tmp_path / "b.csv"))
    assert examine(tmp_path / "b.csv", step("one").key).status is Status.CORRUPT


def test_an_input_that_is_not_valid_is_never_used(tmp_path):
    source, target = tmp_path / "a.csv", tmp_path / "b.csv"
    one = step("one")
    two = step("two", one=one)
    with pytest.raises(InputError) as error:
        make(target, two, inputs={source: one})
    told(error, source, "missing")
    make(source, step("one", 1))
    with pytest.raises(InputError) as error:
        make(target, two, inputs={source: one})
    told(error, source, "stale")
    make(source, one)
    source.write_text("edited")
    with pytest.raises(InputError) as error:
        make(target, two, inputs={source: one})
    told(error, source, "corrupt")
    assert not target.exists()
    make(source, one)
    make(target, two, inputs={source: one})
    require(target, two)


def test_work_that_fails_leaves_no_proof_of_the_old_file(tmp_path):
    path = tmp_path / "a.csv"
    make(path, step("one"))

    def fail() -> None:
        path.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        produce(step("one", 1), {"file": path}, {}, fail)
    assert examine(path, step("one").key).status is Status.STALE
    assert examine(path, step("one", 1).key).status is Status.STALE


def test_what_a_killed_process_left_behind_is_removed(tmp_path):
    left = [f".a.{'0f' * 16}.csv", ".provenance/.a.csv." + "0f" * 16 + ".json"]
    kept = [".a.csv", f".ab.{'0f' * 16}.csv", ".a.other.csv", f".a.{'0f' * 16}.h5"]
    (tmp_path / ".provenance").mkdir()
    for name in (*left, *kept):
        (tmp_path / name).write_text("half")
    make(tmp_path / "a.csv", step("one"))
    assert not any((tmp_path / name).exists() for name in left)
    assert all((tmp_path / name).exists() for name in kept)


# The shared cache


def forbidden() -> None:
    raise AssertionError("the step ran")


def test_a_second_checkout_takes_the_result_without_work(tmp_path, cached):
    make(tmp_path / "a.csv", step("one"))
    other = tmp_path / "second" / "b.csv"
    produce(step("one"), {"file": other}, {}, forbidden)
    assert other.read_text() == "content"
    require(other, step("one"))


def test_another_key_shares_nothing(tmp_path, cached):
    make(tmp_path / "a.csv", step("one"))
    make(tmp_path / "b.csv", step("one", 1), "other")
    assert (tmp_path / "b.csv").read_text() == "other"


def damage_file(entry: Path) -> None:
    (entry / "file").write_text("poison")


def truncate_file(entry: Path) -> None:
    (entry / "file").write_text("cont")


def damage_manifest(entry: Path) -> None:
    (entry / MANIFEST).write_text("{")


def rename_manifest_key(entry: Path) -> None:
    manifest = json.loads((entry / MANIFEST).read_text())
    (entry / MANIFEST).write_text(json.dumps({**manifest, "key": "0" * 64}))


def drop_manifest(entry: Path) -> None:
    (entry / MANIFEST).unlink()


@pytest.mark.parametrize(
    "damage",
    [damage_file, truncate_file, damage_manifest, rename_manifest_key, drop_manifest],
)
def test_a_damaged_entry_is_told_removed_and_made_again(tmp_path, cached, capsys, damage):
    make(tmp_path / "a.csv", step("one"))
    damage(cached.entry(step("one").key))
    make(tmp_path / "b.csv", step("one"), "made again")
    assert (tmp_path / "b.csv").read_text() == "made again"
    assert "damaged" in capsys.readouterr().err
    produce(step("one"), {"file": tmp_path / "c.csv"}, {}, forbidden)
    assert (tmp_path / "c.csv").read_text() == "made again"


def test_a_missing_file_of_an_entry_counts_as_no_entry(tmp_path, cached):
    make(tmp_path / "a.csv", step("one"))
    (cached.entry(step("one").key) / "file").unlink()
    make(tmp_path / "b.csv", step("one"), "made again")
    assert (tmp_path / "b.csv").read_text() == "made again"


def test_of_many_writers_at_once_one_wins_and_nothing_else_is_left(tmp_path):
    cache, key = SharedCache(tmp_path / "cache"), "ab" + "0" * 62
    sources = []
    for number in range(16):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(bytes([number]) * 300_000)
        sources.append(path)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda path: cache.store(key, {"file": path}), sources))
    assert [entry.name for entry in (tmp_path / "cache" / "ab").iterdir()] == [key]
    assert cache.restore(key, {"file": tmp_path / "out.bin"})
    assert (tmp_path / "out.bin").read_bytes() in {path.read_bytes() for path in sources}


def test_a_cache_that_cannot_be_written_costs_a_line_and_no_result(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("L2O_CACHE", str(tmp_path / "file"))
    make(tmp_path / "a.csv", step("one"))
    require(tmp_path / "a.csv", step("one"))
    assert "cannot store" in capsys.readouterr().err


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from l2o.artifacts.cache import SharedCache
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
folder = Path(sys.argv[1])
SharedCache(folder / "cache").store("ab" + "0" * 62, {"file": folder / "big"})
"""


def test_a_full_disk_in_the_cache_leaves_no_entry_and_no_debris(tmp_path):
    (tmp_path / "big").write_bytes(b"x" * 300_000)
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "cannot store" in run.stderr
    assert list((tmp_path / "cache" / "ab").iterdir()) == []


# What Snakemake is told


@pytest.fixture
def chain(tmp_path):
    """Three tasks, each made of the one before, with valid artifacts."""

    def tasks(*values: int) -> list[Task]:
        made, last = [], None
        for name, value in zip("abc", values, strict=True):
            last = step(name, value, **({"source": last} if last else {}))
            made.append(Task(name, (), last, (tmp_path / name,)))
        return made

    for task in tasks(0, 0, 0):
        make(task.outputs[0], task.step)
    return tasks


def asked(tmp_path: Path, tasks: list[Task], active: bool = True) -> dict[str, str]:
    """For each rule: run, pinned (nothing makes it run), cut (of its inputs) or free."""
    demand = Demand(tasks, lambda path: f"ancient {path}", tmp_path / "demand", active)
    none = SimpleNamespace(items=dict)
    found = {}
    for task in tasks:
        inputs = demand.inputs(task.rule, data="x")
        state = {"ancient x": "pinned", "x": "free"}
        given = "".join(inputs["data"](none))
        found[task.rule] = "run" if inputs["proof"](none) else state.get(given, "cut")
    return found


def test_valid_tasks_are_pinned_and_demand_nothing(tmp_path, chain):
    assert asked(tmp_path, chain(0, 0, 0)) == {"a": "pinned", "b": "pinned", "c": "pinned"}
    assert not (tmp_path / "demand").exists()


def test_a_changed_step_runs_with_all_that_is_made_of_it(tmp_path, chain):
    assert asked(tmp_path, chain(0, 1, 0)) == {"a": "pinned", "b": "run", "c": "run"}
    assert asked(tmp_path, chain(0, 0, 1)) == {"a": "pinned", "b": "pinned", "c": "run"}


def test_a_corrupt_artifact_is_made_again_alone(tmp_path, chain):
    (tmp_path / "a").write_text("edited")
    assert asked(tmp_path, chain(0, 0, 0)) == {"a": "run", "b": "pinned", "c": "pinned"}


def test_a_valid_task_between_two_invalid_ones_hides_neither(tmp_path, chain):
    (tmp_path / "a").write_text("edited")
    assert asked(tmp_path, chain(0, 0, 1)) == {"a": "run", "b": "cut", "c": "run"}


def test_a_part_repairs_its_own_and_still_knows_what_lies_between(tmp_path, chain):
    (tmp_path / "a").write_text("edited")
    tasks = chain(0, 0, 1)
    whole = Demand(tasks, lambda path: f"ancient {path}", tmp_path / "demand", True)
    parts = [whole.part(tasks[:2]), whole.part(tasks[2:])]
    assert whole.invalid == [str(tmp_path / "a"), str(tmp_path / "c")]
    assert [part.invalid for part in parts] == [[str(tmp_path / "a")], [str(tmp_path / "c")]]
    assert parts[0].inputs("b", data="x")["data"](SimpleNamespace(items=dict)) == []


def test_a_missing_artifact_is_left_to_snakemake(tmp_path, chain):
    (tmp_path / "a").unlink()
    assert asked(tmp_path, chain(0, 0, 0)) == {"a": "free", "b": "pinned", "c": "pinned"}
    statuses = [verdict.status for verdict in verdicts(chain(0, 0, 0))]
    assert statuses == [Status.MISSING, Status.VALID, Status.VALID]


def test_processes_of_single_jobs_examine_nothing(tmp_path, chain):
    (tmp_path / "a").write_text("edited")
    assert asked(tmp_path, chain(0, 0, 0), active=False) == {"a": "free", "b": "free", "c": "free"}
