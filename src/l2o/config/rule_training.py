"""Parameters of a search for update rules, and of the training that tells what one is worth."""

from __future__ import annotations

from pydantic import Field

from l2o.config.values import Count, Section


class RuleTraining(Section):
    """Budget; see :mod:`l2o.training.rule_search`."""

    evaluations: int = Field(ge=2, le=10**6, description="rules of a search, no two alike")
    repeats: int = Field(ge=1, le=100, description="searches, each with draws of its own")
    nested: int = Field(ge=0, le=3, description="how often a rule may stand in a rule")
    population: int = Field(ge=2, le=10**5, description="the last rules, of which parents come")
    tournament: int = Field(ge=1, le=10**5, description="of them that compete to be a parent")
    steps: Count = Field(le=10**6, description="of the training that a rule is judged by")
    starts: int = Field(ge=1, le=1000, description="of it, whose median counts")
    finalists: int = Field(ge=1, le=1000, description="best rules that are judged once more")
    final_starts: int = Field(ge=1, le=1000, description="of that, new ones")


class Proxy(Section):
    """The network that rules are judged by: an MLP with ReLU on small digits."""

    hidden: tuple[Count, ...] = Field(min_length=1, description="units of its layers")
    minibatch: int = Field(ge=1, le=900, description="images of an iteration")
