"""What every figure and table of an experiment is told about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from l2o.figures.budget import stated_budget


@dataclass(frozen=True)
class About:
    """One report of an experiment.

    Parameters
    ----------
    report : its short name, such as "fig5"; errors begin with it
    title : heading, such as "Figure 5: sparse recovery"
    preset, note : name of the preset, and what it costs ("10 runs of 10,000 steps")
    titles : names of the settings, keyed by setting, in the order of the panels
    pooled : what medians, quartiles and means are taken over, such as "1,024 test samples"
    facts : whatever else an experiment tells in its foot
    departures : where methods are not what their papers describe, by label
    targets : values that runs are to reach, by setting; none: runs have no targets
    """

    report: str
    title: str
    preset: str
    note: str
    titles: Mapping[str, str]
    pooled: str
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    departures: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    targets: Mapping[str, Sequence[float]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def budget(self) -> str:
        """The sentence that names preset and budget."""
        return stated_budget(self.preset, self.note)
