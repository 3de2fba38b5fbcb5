"""Our share of a start of Snakemake, on simulated registers that grow tenfold.

A register has 20 experiments; a job reads up to three others, has a parameter record of about 1 kB,
the real sources of a method, and writes five files. Each start is a process of its own, which
builds all keys, examines all artifacts and decides what has to be made.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from l2o.artifacts.demand import Demand, verdicts
from l2o.artifacts.index import FileIndex
from l2o.artifacts.job import Job
from l2o.artifacts.proof import file_hash, proof_path
from l2o.kinds import KINDS
from l2o.optimizers.registry import methods

EXPERIMENTS, FILES = 20, 5
SETTLED_S = 4.0  # until the index remembers what was just written
SHARED = ("l2o.training.stages", "l2o.training.meta", "l2o.storage.tables")
STARTS = ("no index", "cold index", "warm index", "warm index, one parameter changed")


def register(count: int, folder: Path = Path(), changed: bool = False) -> list[Job]:
    """Return ``count`` jobs, inputs before what is made of them."""
    modules = [head.module for kind in KINDS for head in methods(kind).values()]
    jobs: list[Job] = []
    each = count // EXPERIMENTS
    for experiment in range(EXPERIMENTS):
        own: list[Job] = []
        for number in range(each):
            place = folder / "results" / f"experiment_{experiment}" / str(number // 50)
            parameters = {
                f"parameter_{i}": [experiment, number, i, "some text, as parameters are"]
                for i in range(18)
            }
            if changed and number == each // 2 and not experiment:
                parameters["seed"] = 1
            before = {*([] if not number else [number // 2, number * 2 // 3, number - 1])}
            own.append(
                Job(
                    "simulate",
                    {"experiment": str(experiment), "number": str(number)},
                    parameters,
                    (SHARED[number % 3], modules[number % len(modules)]),
                    {f"input {i}": own[i]["file_0"] for i in sorted(before)},
                    {f"file_{i}": place / f"{number}_{i}.csv" for i in range(FILES)},
                )
            )
        jobs += own
    return jobs


def write(jobs: list[Job]) -> None:
    """Write what the jobs would write, with its proofs, but without waiting for the disk."""
    for job in jobs:
        record = job.record
        for role, path in job.writes.items():
            proof = proof_path(path)
            proof.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{job.name} {role}\n" * 40)
            content = {**record, "sha256": file_hash(path)}
            proof.write_text(json.dumps(content, sort_keys=True, indent=1) + "\n")


def start(count: int, kind: str) -> dict[str, Any]:
    """Do what a start does, in this folder; return its seconds and what it found."""
    begun, cpu = time.perf_counter(), time.process_time()
    jobs = register(count, changed=kind == STARTS[3])
    made = time.perf_counter()
    for job in jobs:
        _ = job.key
    keyed = time.perf_counter()
    index = None if kind == STARTS[0] else FileIndex.of_checkout()
    if index is None:
        found = [verdict.status.value for verdict in verdicts(jobs)]
        wrong = sum(status != "valid" for status in found) * FILES
    else:
        wrong = len(Demand(jobs, str, True, index).invalid(jobs))
    done = time.perf_counter()
    return {
        "jobs made": made - begun,
        "keys": keyed - made,
        "examined, decided": done - keyed,
        "total": done - begun,
        "cpu": time.process_time() - cpu,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "wrong": wrong,
    }


def simulated(count: int) -> dict[str, dict[str, Any]]:
    """Build a register in a temporary folder; return what each kind of start takes."""
    folder = Path(mkdtemp(prefix="l2o_start_"))
    try:
        (folder / "Snakefile").touch()
        subprocess.run(_command("--write", count), cwd=folder, check=True)
        time.sleep(SETTLED_S)
        found = {}
        for kind in STARTS:
            run = subprocess.run(
                _command("--start", count, kind),
                cwd=folder,
                check=True,
                capture_output=True,
                text=True,
            )
            found[kind] = json.loads(run.stdout)
        return found
    finally:
        shutil.rmtree(folder)


def _command(*arguments: Any) -> list[str]:
    return [sys.executable, str(Path(__file__).resolve()), *map(str, arguments)]


def table(found: dict[int, dict[str, dict[str, Any]]]) -> str:
    """Return the results as Markdown."""
    columns = ("jobs made", "keys", "examined, decided", "total", "cpu", "memory", "wrong")
    lines = [
        "| jobs | files | start | jobs made, s | keys, s | examined, decided, s | total, s"
        " | processor, s | memory, MiB | artifacts to repair |",
        "|---:" * 2 + "|---" + "|---:" * 7 + "|",
    ]
    for count, starts in found.items():
        for kind, took in starts.items():
            digits = [2] * 5 + [0] * 2
            values = [f"{took[c]:.{d}f}" for c, d in zip(columns, digits, strict=True)]
            files = count * FILES * 2
            lines.append(f"| {count:,} | {files:,} | {kind} | {' | '.join(values)} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--write", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--start", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.write:
        write(register(given.write))
    elif given.start:
        print(json.dumps(start(int(given.start[0]), given.start[1])))
    else:
        text = table({count: simulated(count) for count in given.jobs})
        print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}\n\n{text}")
        if given.out:
            given.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
