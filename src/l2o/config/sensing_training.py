"""Parameters of the training of a net for pictures that are sensed by blocks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, FiniteFloat

from l2o.config.values import Count, NonNegative, Positive, Rate, Section, Share

Start = Annotated[str, Field(pattern="^[A-Za-z0-9_]*$", max_length=60)]


class SensingTraining(Section):
    """Budget; see :mod:`l2o.training.sensing`."""

    start: Start = Field("", description="setting whose net it goes on from; empty: none")
    steps: Count = Field(description="steps of Adam")
    batch_size: int = Field(ge=1, le=4096, description="crops of a step")
    side: int = Field(ge=1, le=16, description="of a crop, blocks")
    rate: Rate = Field(description="Adam's rate, falling as a cosine")
    warmup: Share = Field(description="part of the steps in which the rate rises")
    clip: Positive = Field(description="largest norm of a gradient")
    symmetry: NonNegative = Field(description="weight of the errors of symmetry")
    every_phase: FiniteFloat = Field(ge=0, le=100, description="weight of the other phases' errors")
    validate_every: Count = Field(description="steps between two validations")
