"""Parameters of the training of a black-box optimizer on draws from a Gaussian process."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from l2o.config.values import Count, Positive, Rate, Section


class SearchTraining(Section):
    """Budget; see :mod:`l2o.training.black_box`."""

    updates: Count = Field(description="steps of Adam, each on draws of its own")
    batch_size: int = Field(ge=1, le=100_000, description="draws of an update")
    features: int = Field(ge=1, le=100_000, description="cosines of a draw")
    horizons: tuple[Annotated[int, Field(ge=2, le=10_000)], ...] = Field(
        min_length=1, description="queries of a run, for equal parts of the updates"
    )
    rate: Rate = Field(description="Adam's highest rate; a cosine to 0")
    clip: Positive = Field(description="largest norm of a gradient")
    validate_every: Count = Field(description="updates between two validations")
    validation_draws: Count
    validation_queries: int = Field(ge=2, le=10_000, description="of a run")
