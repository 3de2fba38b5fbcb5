"""Parameters of the training of a denoiser."""

from __future__ import annotations

from pydantic import Field

from l2o.config.values import Count, Positive, Rate, Section


class DenoiserTraining(Section):
    """Budget; see :mod:`l2o.training.denoising`."""

    steps: Count = Field(description="minibatches")
    batch_size: Count = Field(description="patches of a minibatch")
    patch: int = Field(ge=8, le=512, description="side of a patch, pixels")
    rate: Rate = Field(description="Adam's rate, falling as a cosine")
    clip: Positive = Field(description="bound on the 2-norm of the gradient")
    validation_patches: Count = Field(description="of a validation")
    report_every: Count = Field(description="steps between two validations, kept on disk")
