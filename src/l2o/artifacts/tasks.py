"""A task: one job of the pipeline, with what decides its artifacts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from l2o.provenance import Step


@dataclass(frozen=True)
class Task:
    """One job of the pipeline: a step and the artifacts that it writes.

    Parameters
    ----------
    rule : name of the Snakemake rule
    wildcards : names and values of its wildcards, sorted
    step : what decides the artifacts
    outputs : their paths
    """

    rule: str
    wildcards: tuple[tuple[str, str], ...]
    step: Step
    outputs: tuple[Path, ...]

    @property
    def name(self) -> tuple:
        """Rule and wildcards: unique in a pipeline."""
        return (self.rule, *self.wildcards)
