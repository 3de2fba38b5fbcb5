"""Sections that experiments on the training of networks have: which networks, which runs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from l2o.config.values import Count, Section

NETWORKS = ("mlp_sigmoid", "mlp_relu", "convnet")  # of l2o.optimizees.networks, light to import
Network = Literal[NETWORKS]


class TrainedNetworks(Section):
    """What a parameter file says of the runs in all presets."""

    minibatch: int = Field(ge=1, le=60000, description="images of an iteration")
    trained_on: Network = Field(description="network that optimizers are trained on")


class RunSizes(Section):
    """Runs of an evaluation, as part of a preset."""

    runs: int = Field(ge=1, le=1000, description="independent runs of the evaluation")
    iterations: Count = Field(description="of each run")
    monitored: int = Field(ge=1, le=60000, description="training images the loss is followed on")
