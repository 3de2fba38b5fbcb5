"""The loss histories of all trainings, as small multiples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from l2o.artifacts.job import Job
from l2o.experiments.experiment import Experiment
from l2o.figures.style import MethodStyle, styles_for
from l2o.site.curves import number
from l2o.site.editions import Edition
from l2o.site.looks import look
from l2o.storage.tables import read_table
from l2o.variants import PUBLISHED

POINTS = 300  # of a history at most
NO_METHOD = "#777777"  # colour of what is trained beside the methods, such as a classifier
_PLACES = ("epoch", "generation", "step")


def histories(edition: Edition, experiment: Experiment) -> list[dict[str, Any]]:
    """Return every training of an experiment that is there: its losses, and the artifact.

    A history whose steps begin again in each stage is drawn against its rows, one a validation.
    """
    if edition.folder or experiment.derived:  # whose trainings are those of others
        return []
    trainings = {job.name: job for job in experiment.jobs() if job.kind == "train"}
    looks, found = styles_for(experiment.contestants), []
    for job in trainings.values():
        path = job.writes["history"]
        if not path.is_file():
            continue
        rows = read_table(path)
        setting, titles = job.wildcards["setting"], experiment.titles()
        label, colour = _told(job, experiment, looks)
        found.append(
            {
                "setting": titles.get(setting, setting).replace("\n", ", "),
                "label": label,
                "colour": colour,
                "record": str(path),
                **_losses(rows),
            }
        )
    return found


def _told(job: Job, experiment: Experiment, looks: Mapping[str, MethodStyle]) -> tuple[str, str]:
    """Return how what was trained is called, and its colour; it may be no method."""
    if "kind" not in job.parameters:
        return job.wildcards["method"].replace("_", " "), NO_METHOD
    who = experiment.contestant(job.wildcards["method"])
    recipe = ", published recipe" * (who.variant == PUBLISHED)
    return who.head.label + recipe, look(looks[who.name])["colour"]


def _losses(rows: pd.DataFrame) -> dict[str, Any]:
    """Return places, their name, and the columns of losses by name."""
    place = next((name for name in _PLACES if name in rows), None)
    if place is None or not rows[place].is_monotonic_increasing:
        rows, place = rows.assign(validation=range(1, len(rows) + 1)), "validation"
    rows = rows.iloc[:: max(1, -(-len(rows) // POINTS))]
    losses = [name for name in rows if "loss" in name and rows[name].notna().any()]
    in_decibels = any(name.endswith("_db") for name in losses)
    return {
        "place": place,
        "x": [number(value) for value in rows[place]],
        "losses": {name.replace("_", " "): [number(v) for v in rows[name]] for name in losses},
        "log": not in_decibels and all((rows[name].dropna() > 0).all() for name in losses),
    }
