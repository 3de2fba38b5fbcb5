"""Parameters of the meta-training of one recurrent optimizer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, FiniteFloat, ValidationInfo, field_validator

from l2o.config.values import Count, NonNegative, Positive, Rate, Section, Share

Loss = Literal["own", "objective", "logarithm"]
# Of the meta-gradient, see l2o.training.estimators.
ESTIMATORS = ("backpropagation", "reparameterisation", "evolution", "merged", "persistent")
Estimator = Literal[ESTIMATORS]


class Evolution(Section):
    """Budget of the updates by evolution strategies; see :mod:`l2o.training.evolution`."""

    updates: Count = Field(description="batches of optimizees, with one meta-step each")
    pairs: Count = Field(description="perturbations of an update, each with both signs")
    batch_size: Count = Field(description="optimizees of an update")
    horizon: Count = Field(description="inner steps of a run")
    last: Count = Field(default=1, description="of its steps, the last ones, whose loss counts")
    sigma: Positive = Field(description="standard deviation of the perturbations")
    rate: Rate = Field(description="Adam's rate, falling as a cosine")


class AnalyticStart(Section):
    """Weights under which an optimizer is an analytic method before its training.

    What that is: ``begin`` of the optimizers in :mod:`l2o.optimizers.recurrent`.
    """

    gain: Positive = Field(default=1.0, description="how steep a step is before it is squashed")
    memory: int = Field(ge=2, le=10**9, description="steps within which rates fall")
    fall: NonNegative = Field(le=100, description="how far they fall, as a logarithm")


class MetaTraining(Section):
    """Budget, curriculum and augmentations; what each means is said at its key."""

    epochs: Count = Field(description="batches of optimizees, each unrolled to its horizon")
    batch_size: Count = Field(description="optimizees of an epoch")
    unroll: Count = Field(description="inner steps between two meta-steps (truncated BPTT)")
    horizons: tuple[Count, ...] = Field(
        min_length=1, description="curriculum: inner steps of an epoch, for equal shares of epochs"
    )
    rate: Rate = Field(description="Adam's rate")
    schedule: Literal["cosine", "constant"] = Field("cosine", description="of the rate")
    loss: Loss = Field("own", description="of the problem, its objective, or that one's logarithm")
    clip: Positive = Field(description="bound on the 2-norm of the meta-gradient")
    start_scale: NonNegative = Field(le=1e6, description="standard deviation of the starts")
    scaling: FiniteFloat = Field(ge=0, le=10, description="coordinates are scaled by exp(U(-s, s))")
    convex: NonNegative = Field(description="weight of an added convex term ||x - v||^2 / 2n")
    imitation: NonNegative = Field(description="weight of the distance to a teacher's iterates")
    imitation_share: Share = Field(description="share of epochs with imitation")
    validate_every: Count = Field(description="epochs between two validations")
    validation_samples: Count = Field(description="optimizees of a validation, the first ones")
    validation_steps: Count = Field(description="inner steps of a validation")
    validation_last: Count = Field(default=1, description="of its steps, those whose loss counts")
    start: AnalyticStart | None = Field(default=None, description="instead of drawn weights")
    evolution: Evolution | None = Field(default=None, description="what follows the epochs")
    estimator: Estimator = Field("backpropagation", description="of the meta-gradient")
    sigma: Positive = Field(0.01, description="standard deviation of the weights' perturbations")
    pairs: int = Field(
        2, ge=1, le=10_000, description="perturbations of a meta-step, each with both signs"
    )

    @field_validator("pairs")
    @classmethod
    def _two_to_merge(cls, pairs: int, info: ValidationInfo) -> int:
        if pairs < 2 and info.data.get("estimator") == "merged":
            raise ValueError("merged should have two pairs at least, for their variances")
        return pairs

    @property
    def runs(self) -> int:
        """Runs of an episode that a meta-gradient takes: the optimizer's own, and perturbed ones.

        A persistent one takes none of its own.
        """
        if self.estimator == "backpropagation":
            return 1
        return 2 * self.pairs + (self.estimator != "persistent")

    @property
    def rounds(self) -> int:
        """Epochs, and updates by evolution strategies after them."""
        return self.epochs + (self.evolution.updates if self.evolution else 0)
