"""A room that trains nothing: its methods, settings and results are those of other experiments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from l2o.artifacts.job import Job
from l2o.config.nearest import unknown_key
from l2o.config.values import Section
from l2o.experiments.experiment import Experiment
from l2o.experiments.register import rooms
from l2o.experiments.room import Contestant, Room


class DerivedParameters(Section):
    """The parameter file of a derived room: whatever it does not say is the other experiments'."""

    grid: ClassVar[Mapping[str, Any]] = {}
    targets: ClassVar[Mapping[str, Any]] = {}
    unrolled: ClassVar[Mapping[str, Any]] = {}
    published_recipe: ClassVar[Mapping[str, Any]] = {}
    meta_trained: ClassVar[Mapping[str, Any]] = {}
    published_curves: ClassVar[None] = None
    training_settings: ClassVar[tuple[str, ...]] = ()

    def check(self, path: Any, known: Any) -> None:
        """Check what types cannot say; errors as of a room."""


class Derived(Experiment):
    """An experiment that reads what others make; in a graph the others are the graph's own."""

    derived = True

    def other(self, base: str, key: str) -> Experiment:
        """Return an experiment by the name of its reports, with the methods that take part here.

        ``key`` of the parameter file names it.

        Raises
        ------
        InputError : there is none, or it is derived itself.
        """
        kinds = {kind.report or name: (name, kind) for name, kind in rooms().items()}
        kinds = {base: pair for base, pair in kinds.items() if not pair[1].derived}
        if base not in kinds:
            raise unknown_key(self.path, f"{key}.{base}", list(kinds))
        name, kind = kinds[base]
        if name not in self.others:
            made = kind(self.preset)
            here = [method for method in self.only if method in made.contestants]
            self.others = {**self.others, name: kind(self.preset, here) if here else made}
        return self.others[name]

    @property
    def everyone(self) -> dict[str, Contestant]:
        """The methods that take part: none trains for another one here."""
        return self.contestants

    def joined(self) -> dict[str, Job]:
        """Return its tables: nothing is timed here."""
        return self.tables()

    def train(self, setting: str, method: str) -> None:
        """Return nothing: others train."""

    def sample(self, setting: str) -> None:
        """Return nothing: others draw."""

    tune = time = optima = train

    def evaluate(self, setting: str, method: str) -> Job | None:
        """Return nothing, unless a room reads the evaluations of another one."""

    def summary(self) -> str:
        """Return what the parameters ask for, in a line."""
        counts = f"{len(self.settings)} panels, {len(self.contestants)} methods"
        return f"{self.path}: valid; {self.preset}: {counts}, no training of its own"


def known_here(room: Room, key: str, name: str, there_are: Any) -> None:
    """Refuse a name at a key of a room's file that another experiment does not have.

    Raises
    ------
    InputError : with the nearest valid name.
    """
    if name not in there_are:
        raise unknown_key(room.path, f"{key}.{name}", list(there_are))
