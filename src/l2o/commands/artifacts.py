"""Commands about artifacts as such: what made them, whether they are valid."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from l2o.artifacts.demand import verdicts
from l2o.artifacts.job import Job
from l2o.artifacts.manifest import MANIFEST, read_manifest, released_name
from l2o.artifacts.proof import (
    Finding,
    Status,
    difference,
    examine,
    file_hash,
    proof_path,
    read_proof,
)
from l2o.commands.jobs import chosen
from l2o.errors import InputError
from l2o.experiments.graph import Graph

TITLES = ("parameters", "inputs", "libraries", "sources")
FEW = 3  # files of a folder are listed by their names; of more it is said how many


def verify(
    preset: str, methods: str, everything: bool, folder: Path | None = None
) -> tuple[str, bool]:
    """Hold all artifacts of all experiments against parameters, sources and contents.

    Parameters
    ----------
    preset, methods : of the graph
    everything : list every file, also those that are valid
    folder : of published copies, to be held against the same graph in place of its own artifacts;
        what its manifest says of them is told as well

    Returns
    -------
    the lines to print and whether all are valid

    Raises
    ------
    InputError : bad parameters, or there are no files in ``folder``.
    """
    jobs = Graph(preset, chosen(methods)).jobs
    if folder:
        findings = _published(folder, jobs)
    else:
        pairs = ((v.job, finding) for v in verdicts(jobs) for finding in v.findings)
        findings = [_explained(finding, job) for job, finding in pairs]
    counts = Counter(finding.status for finding in findings)
    if counts[Status.MISSING] == len(findings) and not everything:
        only = f" 'methods=[{methods}]'" if methods else ""
        command = f"snakemake --cores all --config preset={preset}{only}"
        return f"{preset}: nothing is built yet (`{command}` does it)", False
    total = ", ".join(f"{counts[status]} {status.value}" for status in Status)
    lines = [*_lines(findings, everything), *_manifest(folder), f"{folder or preset}: {total}"]
    return "\n".join(lines), counts[Status.VALID] == len(findings)


def _published(folder: Path, jobs: Iterable[Job]) -> list[Finding]:
    """Examine copies of reports by their names; what no job writes by its name is stale."""
    made = {released_name(path): job for job in jobs for path in job.writes.values()}
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != MANIFEST)
    if not files:
        raise InputError(folder, "", "holds no files", "name a folder of published copies")
    return [_copied(path, made.get(path.name)) for path in files]


def _copied(path: Path, job: Job | None) -> Finding:
    if job is not None:
        return _explained(examine(path, job.key), job)
    found = examine(path, "")
    named = found.status is Status.STALE and read_proof(path) is not None
    return replace(found, reason="no job writes a file of this name") if named else found


def _explained(finding: Finding, job: Job) -> Finding:
    """Say what differs, where a proof can be read and is of another key."""
    proof = read_proof(finding.path) if finding.status is Status.STALE else None
    return finding if proof is None else replace(finding, reason=difference(proof, job.record))


def _manifest(folder: Path | None) -> Iterator[str]:
    """Yield what is known of released reports."""
    for report, entry in (read_manifest(folder) if folder else {}).items():
        cost = entry["cost"]
        spent = f"{cost['processor_seconds'] / 3600:.1f} h on {' and '.join(cost['processors'])}"
        told = "" if cost["told"] == cost["jobs"] else f" ({cost['told']} of {cost['jobs']} jobs)"
        yield f"{report}: commit {entry['commit'][:10]}, {entry['date']}, {spent}{told}"


def _lines(findings: Iterable[Finding], everything: bool) -> Iterator[str]:
    """Yield what is to be said of artifacts; many of one folder share a line."""
    alike: dict[tuple, list[Finding]] = {}
    for finding in findings:
        if everything or finding.status is not Status.VALID:
            place = Path(*finding.path.parent.parts[:3])  # a room of a preset, or its reports
            alike.setdefault((finding.status, finding.reason, place), []).append(finding)
    for (status, reason, place), found in alike.items():
        told = f" ({reason})" if reason else ""
        if everything or status is Status.CORRUPT or len(found) <= FEW:
            yield from (f"{status.value:8} {finding.path}{told}" for finding in found)
        else:
            yield f"{status.value:8} {place}: {len(found)} files{told}"


def describe(path: Path) -> str:
    """Return what made an artifact, to read.

    Raises
    ------
    InputError : neither a proof beside it nor a record inside that can be read.
    """
    proof = read_proof(path)
    if not _is_record(proof):
        record, content = _embedded(path), "not known: no proof lies beside the file"
    else:
        same = file_hash(path) == proof["sha256"]
        record = proof
        content = f"sha256 {proof['sha256']}" if same else "CORRUPT: not what its step wrote"
    lines = [f"file       {path}", f"step       {record['step']}", f"key        {record['key']}"]
    lines += [f"content    {content}", "parameters"]
    lines += [f"  {name}: {json.dumps(value)}" for name, value in record["parameters"].items()]
    for title in TITLES[1:]:
        lines.append(title)
        lines += [f"  {name}: {value}" for name, value in record[title].items()] or ["  none"]
    return "\n".join(lines)


def _embedded(path: Path) -> dict[str, Any]:
    """Return the record that HDF5 files and checkpoints also carry inside."""
    record = None
    if path.suffix == ".safetensors":
        from l2o.storage.checkpoints import load_tensors

        record = load_tensors(path)[1].get("provenance")
    elif path.suffix == ".h5":
        from l2o.storage.hdf5 import read_attributes

        text = read_attributes(path).get("provenance", "null")
        with suppress(TypeError, ValueError, RecursionError):  # another program wrote it
            record = json.loads(text)
    if not _is_record(record):
        problem = f"carries no provenance, and {proof_path(path)} is missing or damaged"
        raise InputError(path, "", problem, "run snakemake again if a job of this clone writes it")
    return record


def _is_record(found: Any) -> bool:
    """Say whether this has all that is to be read of a record."""
    return (
        isinstance(found, dict)
        and {"step", "key"} <= found.keys()
        and all(isinstance(found.get(title), dict) for title in TITLES)
    )


def unlock(folder: Path) -> str:
    """Remove the lock that a killed Snakemake left in ``folder``; return what was done.

    Raises
    ------
    InputError : a Snakemake process still works there, or none ever can have.
    """
    import psutil

    if not any(os.path.lexists(folder / name) for name in ("Snakefile", ".snakemake")):
        problem = "neither a Snakefile nor .snakemake is in here"
        raise InputError(folder, "", problem, "name the folder in which Snakemake ran")
    locks = sorted((folder / ".snakemake" / "locks").glob("*.lock"))
    if not locks:
        return "no lock"
    for process in psutil.process_iter(["pid", "cwd", "cmdline"]):
        words = " ".join((process.info["cmdline"] or [])[:3])
        if "snakemake" in words and process.info["cwd"] == str(folder.resolve()):
            problem = f"locked by process {process.pid}, which is at work here"
            raise InputError(folder, "", problem, "wait until it ends, or stop it")
    for lock in locks:
        lock.unlink(missing_ok=True)
    return f"removed the stale lock of {folder.resolve()}"
