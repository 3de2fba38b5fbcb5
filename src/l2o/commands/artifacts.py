"""Commands about artifacts as such: what made them, whether they are valid."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from l2o.artifacts.demand import verdicts
from l2o.artifacts.proof import Finding, Status, file_hash, proof_path, read_proof
from l2o.commands.jobs import chosen
from l2o.errors import InputError
from l2o.experiments.graph import Graph

TITLES = ("parameters", "inputs", "libraries", "sources")


def verify(preset: str, methods: str, everything: bool) -> tuple[str, bool]:
    """Hold all artifacts of all experiments against parameters, sources and contents.

    Returns the lines to print (those of valid artifacts only if ``everything``) and whether all
    are valid.
    """
    found = verdicts(Graph(preset, chosen(methods)).jobs)
    findings = [finding for verdict in found for finding in verdict.findings]
    shown = [f for f in findings if everything or f.status is not Status.VALID]
    counts = Counter(finding.status for finding in findings)
    total = ", ".join(f"{counts[status]} {status.value}" for status in Status)
    text = "\n".join([*map(_line, shown), f"{preset}: {total}"])
    return text, counts[Status.VALID] == len(findings)


def _line(finding: Finding) -> str:
    reason = f" ({finding.reason})" if finding.reason else ""
    return f"{finding.status.value:8} {finding.path}{reason}"


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
        raise InputError(path, "", problem, "run snakemake again, which rebuilds it")
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
    InputError : a Snakemake process still works there.
    """
    import psutil

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
