"""Parameters of the figure of compressive sensing: which curves of which experiment it shows."""

from __future__ import annotations

from pydantic import Field

from l2o.config.values import Name
from l2o.experiments.derived import DerivedParameters


class Parameters(DerivedParameters):
    """The parameter file: all names are those of the other experiment."""

    curves_of: Name = Field(description="an experiment by the name of its reports")
    settings: tuple[Name, ...] = Field(min_length=1)
    methods: tuple[Name, ...] = Field(min_length=1)
