"""Parameters of the progressive training of one unrolled net."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Training(BaseModel):
    """Stages and rates; what each means is said at its key in the parameter file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    batch_size: int = Field(ge=1, description="samples a step")
    samples: int = Field(ge=1, description="training samples used, the first ones of the set")
    layer_steps: int = Field(ge=0, description="steps on each new layer alone")
    layer_rate: float = Field(gt=0, lt=1, description="Adam's rate there, falling as a cosine")
    window: int = Field(ge=1, description="newest layers trained jointly")
    window_every: int = Field(ge=1, description="layers added between two such stages")
    window_steps: int = Field(ge=0, description="steps on that window")
    window_rate: float = Field(gt=0, lt=1, description="Adam's rate there")
    window_decay: float = Field(gt=0, le=1, description="factor on the rate per layer of age")
    final_steps: int = Field(ge=0, description="steps on all layers at the end")
    final_rate: float = Field(gt=0, lt=1, description="Adam's rate there")
    final_decay: float = Field(gt=0, le=1, description="factor on the rate per layer of age")
    scalar_factor: float = Field(gt=0, le=100, description="factor on the rate of scalars")
    validate_every: int = Field(ge=1, description="steps between two validations")
