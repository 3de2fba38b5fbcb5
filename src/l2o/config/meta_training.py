"""Parameters of the meta-training of one recurrent optimizer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Evolution(BaseModel):
    """Budget of the updates by evolution strategies; see :mod:`l2o.training.evolution`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    updates: int = Field(ge=1, description="batches of optimizees, with one meta-step each")
    pairs: int = Field(ge=1, description="perturbations of an update, each with both signs")
    batch_size: int = Field(ge=1, description="optimizees of an update")
    horizon: int = Field(ge=1, description="inner steps of a run")
    sigma: float = Field(gt=0, description="standard deviation of the perturbations")
    rate: float = Field(gt=0, lt=1, description="Adam's rate, falling as a cosine")


class MetaTraining(BaseModel):
    """Budget, curriculum and augmentations; what each means is said at its key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(ge=1, description="batches of optimizees, each unrolled to its horizon")
    batch_size: int = Field(ge=1, description="optimizees of an epoch")
    unroll: int = Field(ge=1, description="inner steps between two meta-steps (truncated BPTT)")
    horizons: tuple[int, ...] = Field(
        min_length=1, description="curriculum: inner steps of an epoch, for equal shares of epochs"
    )
    rate: float = Field(gt=0, lt=1, description="Adam's rate, falling as a cosine")
    clip: float = Field(gt=0, description="bound on the 2-norm of the meta-gradient")
    start_scale: float = Field(ge=0, description="standard deviation of the start points")
    scaling: float = Field(ge=0, le=10, description="coordinates are scaled by exp(U(-s, s))")
    convex: float = Field(ge=0, description="weight of an added convex term ||x - v||^2 / 2n")
    imitation: float = Field(ge=0, description="weight of the distance to a teacher's iterates")
    imitation_share: float = Field(ge=0, le=1, description="share of epochs with imitation")
    validate_every: int = Field(ge=1, description="epochs between two validations")
    validation_samples: int = Field(ge=1, description="optimizees of a validation, the first ones")
    validation_steps: int = Field(ge=1, description="inner steps of a validation")
    evolution: Evolution | None = Field(default=None, description="what follows the epochs")

    @property
    def rounds(self) -> int:
        """Epochs, and updates by evolution strategies after them."""
        return self.epochs + (self.evolution.updates if self.evolution else 0)
