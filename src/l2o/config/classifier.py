"""Parameters of the training of a classifier on clean or on attacked images."""

from __future__ import annotations

from pydantic import Field

from l2o.config.values import Count, Rate, Section, Share

VICTIM = "victim"  # of jobs and parts of the images: what concerns the classifier's own training


class ClassifierTraining(Section):
    """Budget; see :mod:`l2o.training.classifier`."""

    steps: Count = Field(description="minibatches")
    batch_size: int = Field(ge=1, le=60000, description="images of a minibatch")
    rate: Rate = Field(description="Adam's rate, falling as a cosine")
    attack_steps: int = Field(0, ge=0, le=1000, description="of PGD on each minibatch; 0: none")
    warmup: Share = Field(0.0, description="part of the steps in which the radius grows")
    report_every: Count = Field(100, description="steps between two rows of the history")
