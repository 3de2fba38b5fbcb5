"""Parameters of the progressive training of one unrolled net."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, FiniteFloat

from l2o.config.values import Count, Rate, Section

Steps = Annotated[int, Field(ge=0, le=10**9)]
Decay = Annotated[FiniteFloat, Field(gt=0, le=1)]
STEPS = ("layer_steps", "window_steps", "final_steps")


class Training(Section):
    """Stages and rates; what each means is said at its key in the parameter file."""

    start: str = Field("", max_length=64, description="what it begins from; empty: its first one")
    batch_size: Count = Field(description="samples a step")
    samples: Count = Field(description="training samples used, the first ones of the set")
    layer_steps: Steps = Field(description="steps on each new layer alone")
    layer_rate: Rate = Field(description="Adam's rate there, falling as a cosine")
    window: Count = Field(description="newest layers trained jointly")
    window_every: Count = Field(description="layers added between two such stages")
    window_steps: Steps = Field(description="steps on that window")
    window_rate: Rate = Field(description="Adam's rate there")
    window_decay: Decay = Field(description="factor on the rate per layer of age")
    final_steps: Steps = Field(description="steps on all layers at the end")
    final_rate: Rate = Field(description="Adam's rate there")
    final_decay: Decay = Field(description="factor on the rate per layer of age")
    scalar_factor: FiniteFloat = Field(gt=0, le=100, description="factor on the rate of scalars")
    validate_every: Count = Field(description="steps between two validations")
