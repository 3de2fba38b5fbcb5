"""The command that computes one number of a released table again, aside from all results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import l2o.weights as weights
from l2o.artifacts.cost import processor
from l2o.artifacts.job import Given, Job, ordered, resolved
from l2o.artifacts.manifest import PRESET, RELEASED, read_manifest
from l2o.errors import InputError
from l2o.experiments.graph import experiment
from l2o.storage.checkpoints import save_tensors
from l2o.storage.tables import read_rows
from l2o.variants import MAIN, PUBLISHED
from l2o.weights.catalogue import FAMILIES

DECIBEL, SHARE = 0.3, 0.05  # how far apart numbers may be: another processor rounds otherwise


def check_released(
    report: str, setting: str, method: str, retrain: bool = False, folder: Path = RELEASED
) -> tuple[str, bool]:
    """Hold the last point of a released curve against one that is computed now.

    Nothing of what lies in results/ is read, and nothing is written there.

    Parameters
    ----------
    report, setting, method : as in ``fig5 noiseless alista``
    retrain : train the method even where its weights are in the box
    folder : of what is released

    Returns
    -------
    what was found, in words, and whether the two numbers agree: within 0.3 dB, or 5 % of what is
    no decibel

    Raises
    ------
    InputError : no such report, setting or method, or nothing is released of it.
    """
    one = experiment(report, PRESET)
    entries = read_manifest(folder)
    if one.report_name not in entries:
        remedy = f"released are {', '.join(entries) or 'none'}"
        raise InputError(report, "", f"is not released in {folder}", remedy)
    one.contestant(method), one.place(setting)  # told before anything looks them up
    job, (place, measure) = one.evaluate(setting, method), one.value
    table = folder / f"{one.report_name}_curves.csv"
    released = _end(table, setting, method)
    if measure not in released:
        raise InputError(table, measure, "is no column of it", "see `l2o verify --released`")
    with TemporaryDirectory() as scratch:
        curves, how = _computed(job, Path(scratch), retrain)
        again = _end(curves, setting, method)
    before, now = released[measure], again[measure]
    machines = " and ".join(entries[one.report_name]["cost"]["processors"])
    allowed = DECIBEL if measure.endswith("_db") else SHARE * abs(before)
    agrees = again[place] == released[place] and abs(now - before) <= allowed
    verdict = "they agree" if agrees else "THEY DO NOT AGREE"
    return (
        f"{report} {setting} {method}: {measure} at {place} {released[place]}\n"
        f"released    {before:.6g}, on {machines}\n"
        f"computed    {now:.6g}, {how}, on {processor()}\n"
        f"{verdict} (within {allowed:.2g})"
    ), agrees


def _end(table: Path, setting: str, method: str) -> Mapping[str, Any]:
    """Return the last row of a curve."""
    rows = [
        row
        for row in read_rows(table)
        if (row["setting"], row["method"], row.get("variant", MAIN)) == (setting, method, MAIN)
    ]
    if not rows:
        problem = f"has no row of {setting} {method}"
        raise InputError(table, "", problem, "see which there are: its columns setting and method")
    return rows[-1]


def _computed(job: Job, scratch: Path, retrain: bool) -> tuple[Path, str]:
    """Do an evaluation and all that it needs in a folder; return its curves, and how in words.

    The number is one of the main variant: for weights by the published recipe, which an evaluation
    follows as well, those of the main one stand in, and what comes of them is left.
    """
    boxed = (lambda each: "") if retrain else weights_of
    other = {artifact.job for role, artifact in job.reads.items() if role == PUBLISHED}
    needed = [*ordered([job], leave=lambda each: bool(boxed(each)) or each in other)]
    read = {artifact.job for each in needed for artifact in each.reads.values()} - other
    unpacked = {name: each for each in read if (name := boxed(each))}
    for name, each in unpacked.items():
        whole = weights.checkpoint(name)
        save_tensors(scratch / each.writes["checkpoint"], whole.tensors, dict(whole.record))
    for each in needed:
        inputs = {role: scratch / artifact.path for role, artifact in each.reads.items()}
        if each is job and other:
            inputs[PUBLISHED] = inputs["checkpoint"]
        outputs = {role: scratch / path for role, path in each.writes.items()}
        state = each.state and scratch / each.state
        given = Given(each.parameters, {**inputs, **each.files}, outputs, state, each.record)
        resolved(each.sources[0])(given)
    how = "nothing is learned"
    if any(each.kind == "train" for each in needed):
        how = "trained anew"
    elif unpacked:
        how = f"from the weights {', '.join(unpacked)} in the box"
    return scratch / job.writes["curves"], how


def weights_of(job: Job) -> str:
    """Return the name of the weights in the box that a training would give, or ""."""
    if job.kind != "train":
        return ""
    place = job.wildcards["experiment"], job.wildcards["setting"]
    for name in weights.names():
        method, family = name.split("/")
        there = FAMILIES[family]
        if (there.experiment, there.setting, method) == (*place, job.wildcards["method"]):
            return name if weights.card(name)["preset"] == PRESET else ""
    return ""
