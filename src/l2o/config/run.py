"""How to run, for all experiments: params/run.yaml, and what a call says instead."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from l2o.config.loading import read_yaml, validated
from l2o.config.values import Folder, Name, PresetName, Section

FILE = Path("params/run.yaml")


class RunSettings(Section):
    """What does not change results, and which of them are wanted."""

    preset: PresetName = "laptop"
    methods: Annotated[list[Name], Field(min_length=1)] = Field(
        default=[], description="only these take part; by default all"
    )
    image_mirror: Folder | None = None
    cache: Folder | None = None

    @field_validator("methods", mode="before")
    @classmethod
    def _separated(cls, methods: Any) -> Any:
        return methods.split(",") if isinstance(methods, str) else methods


def run_settings(given: Mapping[str, Any] | None = None) -> RunSettings:
    """Return the settings of the file, or those that are ``given`` to Snakemake instead.

    Raises
    ------
    InputError : an unknown key, or a bad value, in the file or by hand.
    """
    content = read_yaml(FILE)
    settings = validated(RunSettings, content, FILE)
    return validated(RunSettings, content | dict(given), "--config") if given else settings
