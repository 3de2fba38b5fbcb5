"""The curves of an experiment as the explorer reads them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from l2o.errors import InputError
from l2o.experiments.experiment import Experiment
from l2o.figures.about import About
from l2o.figures.common import base_label
from l2o.figures.measure import Measure
from l2o.figures.panels import KIND_HEADINGS
from l2o.figures.style import graded_styles, styles_for
from l2o.site.editions import Edition
from l2o.site.looks import look
from l2o.storage.tables import read_table
from l2o.variants import MAIN

POINTS = 240  # of a curve at most: more cannot be told apart
DIGITS = 5  # significant ones of what is shown; the tables have all
ORACLE = {"colour": "#000000", "dash": "dot", "width": 1.2, "symbol": "", "path": ""}
ORACLE |= {"open": False, "reference": True}  # a line for reference, as in the figures
_SECONDS = ("seconds", "Seconds, all instances as one batch")


@dataclass(frozen=True)
class Curves:
    """The curves of an experiment in one edition, with what its room declares of them.

    A room declares ``MEASURES`` or ``REPORT`` (a :class:`l2o.figures.standard.Standard`) in its
    ``report.py``, and perhaps ``levels``, a function of tables and :class:`About` that gives lines
    for reference by setting.
    """

    edition: Edition
    experiment: Experiment

    @cached_property
    def declared(self) -> ModuleType:
        """The module that declares figure and table."""
        return importlib.import_module(f"{self.experiment.room()}.report")

    @cached_property
    def measures(self) -> Sequence[Measure]:
        """The value that is shown, against each place that it can be shown against."""
        if (own := getattr(self.declared, "MEASURES", None)) is not None:
            return own
        return (self.declared.REPORT.measure, *self.declared.REPORT.others)

    @cached_property
    def about(self) -> About:
        """What the figures are told, too."""
        return About(**self.experiment.table().parameters["about"])

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables that are there, by name."""
        paths = self.edition.tables(self.experiment)
        return {name: read_table(path) for name, path in paths.items()}

    @property
    def explored(self) -> bool:
        """Whether there are curves that the explorer can draw."""
        return "curves" in self.tables

    @property
    def by_setting(self) -> bool:
        """Whether settings are compared with each other, in one panel: there is but one method."""
        return len(self.experiment.contestants) == 1 and len(self.experiment.settings) > 1

    def content(self) -> dict[str, Any]:
        """Return all that the explorer draws, JSON-able."""
        rows, measure = self._rows(), self.measures[0]
        axes = {one.x: one.xlabel for one in self.measures}
        axes |= dict([_SECONDS]) if rows["seconds"].notna().any() else {}
        axes = {x: label for x, label in axes.items() if x in rows and rows[x].notna().any()}
        value = {"label": measure.label, "what": measure.what, "unit": measure.unit}
        value |= {"log": measure.log, "bottom": number(measure.bottom), "top": measure.top}
        value["spread"] = {measure.low, measure.high} <= {*rows}
        one_panel = {"all": "All settings"}
        return {
            "edition": self.edition.name,
            "title": self.edition.title,
            "note": self.about.note,
            "pooled": self.about.pooled,
            "axes": [{"id": x, "label": label, "log": measure.log} for x, label in axes.items()],
            "value": value,
            "panels": one_panel if self.by_setting else dict(self.about.titles),
            "series": self._series(rows),
            "curves": [self._curve(key, part, axes) for key, part in self._grouped(rows)],
            "published": self._published(),
            "levels": self._levels(),
        }

    def _rows(self) -> pd.DataFrame:
        """Return the rows of the curves with seconds where some were taken along the way."""
        rows = self.tables["curves"]
        rows = rows.assign(**{n: w for n, w in _DEFAULTS.items() if n not in rows})
        rows = rows[rows["setting"].isin(self.about.titles)]
        rows = rows[rows["method"].isin(self.experiment.contestants)]
        taken, keys = self.tables.get("seconds"), ["setting", "method", "iteration"]
        if taken is None or not {*keys, "seconds"} <= {*taken} & {*rows, "seconds"}:
            return rows.assign(seconds=np.nan)
        return rows.merge(taken[[*keys, "seconds"]], on=keys, how="left")

    def _grouped(self, rows: pd.DataFrame) -> Any:
        return rows.groupby(["setting", "method", "variant"], sort=False)

    def _series(self, rows: pd.DataFrame) -> list[dict[str, Any]]:
        """Return what the legend lists: name, label, heading and look of each."""
        if self.by_setting:
            looks = graded_styles(self.experiment.settings)
            named = {s: ("Settings", title) for s, title in self.about.titles.items()}
        else:
            looks = styles_for(dict.fromkeys(rows["method"]))
            named = {name: self._named(name) for name in looks}
        return [
            {"id": name, "label": named[name][1], "heading": named[name][0], **look(looks[name])}
            | (ORACLE if named[name][0] == _REFERENCE else {})
            for name in sorted(looks, key=lambda name: _ORDER.index(named[name][0]))
        ]

    def _named(self, method: str) -> tuple[str, str]:
        who = self.experiment.contestant(method)
        return KIND_HEADINGS.get(who.kind, _REFERENCE), who.head.label

    def _curve(
        self, key: tuple[str, str, str], rows: pd.DataFrame, axes: Mapping[str, str]
    ) -> dict[str, Any]:
        setting, method, variant = key
        measure = self.measures[0]
        rows = rows.sort_values(measure.x, kind="stable")
        rows = rows.iloc[_kept(len(rows), measure.log)]
        columns = {"mean": measure.value, "median": measure.median}
        columns |= {"low": measure.low, "high": measure.high}
        places = {one.x: one.places(rows) for one in self.measures if one.x in axes}
        places |= {"seconds": rows["seconds"]} if "seconds" in axes else {}
        label, kind = (str(rows[name].iloc[0]) for name in ("label", "kind"))
        settings = label.removeprefix(base_label(label, kind)).strip(" ()")
        return {
            "panel": "all" if self.by_setting else setting,
            "series": setting if self.by_setting else method,
            "variant": variant,
            "settings": settings,
            "status": str(rows["status"].iloc[-1]),
            "x": {x: _numbers(values) for x, values in places.items()},
            **{name: _numbers(rows[c]) for name, c in columns.items() if c in rows},
            "record": self.record(setting, method),
        }

    def record(self, setting: str, method: str) -> str:
        """Return the path of the artifact that has the numbers, of which there is a proof."""
        if self.edition.folder:
            return str(self.edition.place(self.experiment.tables()["curves"]["table"]))
        return str(self.experiment.evaluate(setting, method).writes["curves"])

    def _published(self) -> list[dict[str, Any]]:
        path, measure = self.experiment.parameters.published_curves, self.measures[0]
        if path is None:
            return []
        rows = read_table(path)
        rows = rows[rows["panel"].isin(self.about.titles) & rows[measure.value].notna()]
        rows = rows[rows["method"].isin(self.experiment.contestants)]
        return [
            {
                "panel": panel,
                "series": method,
                "axis": measure.x,
                "x": _numbers(part[measure.x]),
                "mean": _numbers(part[measure.value]),
            }
            for (panel, method), part in rows.groupby(["panel", "method"], sort=False)
        ]

    def _levels(self) -> dict[str, list[dict[str, Any]]]:
        levels = getattr(self.declared, "levels", None)
        found: Mapping[str, Any] = {}
        if levels is not None:
            with suppress(InputError):  # an older table than the one that is read today
                found = levels(self.tables, self.about)
        panels = {"all" if self.by_setting else setting: lines for setting, lines in found.items()}
        return {
            panel: [{"name": line.name, "value": number(line.value)} for line in lines]
            for panel, lines in panels.items()
        }


_REFERENCE = "Reference"
_DEFAULTS = {"variant": MAIN, "status": "converged", "kind": "", "label": ""}
_ORDER = [*KIND_HEADINGS.values(), _REFERENCE, "Settings"]


def _kept(count: int, log: bool) -> np.ndarray:
    """Return which points of a long curve are shown: evenly spread over the axis, both ends too."""
    if count <= POINTS:
        return np.arange(count)
    places = np.geomspace(1, count, POINTS) - 1 if log else np.linspace(0, count - 1, POINTS)
    return np.unique(places.round().astype(int))


def _numbers(values: pd.Series) -> list[float | None]:
    return [number(value) for value in values]


def number(value: float) -> float | None:
    """Return a number of few digits, an int where it is whole; None for what JSON lacks."""
    if not np.isfinite(value):
        return None
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short == int(short) else short
