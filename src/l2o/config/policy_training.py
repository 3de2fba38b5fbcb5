"""Parameters of the training of a policy that takes the steps of an optimization."""

from __future__ import annotations

from pydantic import Field

from l2o.config.values import Count, NonNegative, Positive, Rate, Section


class PolicyTraining(Section):
    """Budget; see :mod:`l2o.training.policy_gradient`."""

    updates: Count = Field(description="steps of Adam, each on episodes of its own")
    problems: int = Field(ge=1, le=100_000, description="problems of an update")
    rollouts: int = Field(ge=2, le=100_000, description="episodes of each, from one start")
    begin_rates: tuple[Positive, ...] = Field(
        min_length=1, description="of the gradient descent it begins as; the best is taken"
    )
    rate: Rate = Field(description="Adam's highest rate; a cosine to 0")
    clip: Positive = Field(description="largest norm of a gradient")
    start_scale: NonNegative = Field(le=1e6, description="standard deviation of the starts")
    validate_every: Count = Field(description="updates between two validations")
    validation_starts: Count = Field(description="of each validation problem")
