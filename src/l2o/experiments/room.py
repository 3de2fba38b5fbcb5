"""A room of the benchmark: what it is called, who takes part, and how its jobs are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import getdoc
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from l2o.artifacts.job import Artifact, Job, Resources
from l2o.config.experiment import ExperimentParameters, chosen_preset, load_parameters
from l2o.config.nearest import unknown_key
from l2o.errors import InputError
from l2o.kinds import KINDS, TRAINED
from l2o.layout import WRITES, unfinished
from l2o.optimizers.registry import Head, methods
from l2o.storage.tables import read_rows
from l2o.variants import MAIN, PUBLISHED

PROFILED = ("profiles", "cost")  # figures of experiments whose runs have targets


@dataclass(frozen=True)
class Contestant:
    """A method that takes part, with its hyperparameters from the parameter file.

    ``drawn`` are the hyperparameters that give the published curve where those of the text do not,
    and ``shift`` the iterations by which that curve lags; None where there is no such variant.
    ``variant`` says which recipe trains it: ``main``, ours, or ``published_recipe``.
    """

    name: str
    kind: str
    head: Head
    hyperparameters: Mapping[str, float]
    drawn: Mapping[str, float] | None = None
    shift: int = 0
    variant: str = MAIN

    @property
    def entry(self) -> str:
        """What its training is called: recipes beside ours are told apart."""
        return self.name if self.variant == MAIN else f"{self.name}_{self.variant}"

    @property
    def trained(self) -> bool:
        """Whether it has to be trained."""
        return self.kind in TRAINED

    def parameters(self) -> dict[str, Any]:
        """Return what a job has to know of it."""
        return {"method": self.name, "kind": self.kind, "hyperparameters": self.hyperparameters}

    def variants(self) -> dict[str, Any]:
        """Return what an evaluation has to know besides."""
        return {} if self.drawn is None else {"drawn": self.drawn, "shift": self.shift}


class Room:
    """An experiment under one preset, as far as its names go.

    Parameters
    ----------
    preset : one of :data:`l2o.config.values.PRESETS`
    only : methods that take part; none: all of the parameter file
    path : the parameter file; by default the repository's, ``params/<report>.yaml``
    others : experiments under the same preset by their rooms, for one that is derived from them

    Raises
    ------
    InputError : bad parameters, an unknown preset, a method named twice, or none that takes part.
    """

    report: ClassVar[str] = ""  #: name of its reports; by default that of the room
    title: ClassVar[str]  #: heading of its reports
    model: ClassVar[type[ExperimentParameters]]
    value: ClassVar[tuple[str, str]]  #: columns of the curves: place and measure
    figures: ClassVar[tuple[str, ...]] = ()  #: besides the figure itself, by the end of their names
    timed_together: ClassVar[bool] = False  #: whether all methods are timed in one job, too
    tuned: ClassVar[bool] = False  #: whether hyperparameters are searched for, where a grid is
    claimed: ClassVar[bool] = False  #: whether ``claims.py`` tests what the paper says of it
    measurements: ClassVar[tuple[str, ...]] = ()  #: what is measured apart from all methods
    derived: ClassVar[bool] = False  #: whether its methods are those of other experiments

    def __init__(
        self,
        preset: str,
        only: Iterable[str] = (),
        path: str | Path | None = None,
        others: Mapping[str, Room] = MappingProxyType({}),
    ) -> None:
        self.preset, self.only, self.others = preset, tuple(only), others
        self.path = Path(path or f"params/{self.base}.yaml")
        self.parameters = load_parameters(self.model, self.path, known_hyperparameters())
        self.sizes = self.chosen()
        if not self.derived:
            self.parameters = self.parameters.of(self.sizes)
        self._made: dict[tuple, Job] = {}
        self._check()

    def chosen(self) -> Any:
        """Return the sizes and budgets of the preset; errors as of the class."""
        return chosen_preset(self.parameters, self.path, self.preset)

    def _check(self) -> None:
        """Check what would fail after trainings only; errors as of the class."""
        if twice := {name for name in self.only if self.only.count(name) > 1}:
            raise InputError("methods", ", ".join(sorted(twice)), "named twice", "name it once")
        if not any(one.kind in KINDS for one in self.contestants.values()):
            whom = f"none of {', '.join(self.only)}" if self.only else "none"
            raise InputError(self.path, "methods", f"{whom} takes part", "list one under its kind")
        if self.parameters.grid and not self.tuned:
            raise InputError(self.path, "grid", "nothing is searched for here", "drop it")
        for setting, name in product(self.parameters.training_settings, self.parameters.unrolled):
            self._check_start(setting, methods("unrolled")[name])
        trained = [self.everyone[name] for name in self.parameters.meta_trained]
        trained += self.recipes.values()
        for setting, who in product(self.parameters.training_settings, trained):
            budget = self.parameters.budget(self.preset, setting, who.name, who.variant)
            if budget.start is not None and not who.head.begins:
                place = f"presets.{self.preset}: start of {setting}/{who.entry}"
                raise InputError(self.path, place, "it has no analytic start", "drop this key")
        if (published := self.parameters.published_curves) is not None:
            self._check_published(published)

    def _begun(self, setting: str, method: str) -> str:
        """Return what the training of an unrolled net begins from; empty: its first start."""
        return self.parameters.budget(self.preset, setting, method).start

    def _check_start(self, setting: str, head: Head) -> None:
        p = self.parameters
        start = self._begun(setting, head.name)
        contained = [head.contains] if head.contains in p.unrolled else []
        if start and head.contains == head.name:  # trained elsewhere, not going on from others
            others = (o for o in p.training_settings if "/" not in self._begun(o, head.name))
            contained = [f"{other}/{head.name}" for other in others]
        if start and start not in (known := [*head.starts, *contained]):
            place = f"presets.{self.preset}.overrides.{setting}/{head.name}.start.{start}"
            raise unknown_key(self.path, place, known)

    def _check_published(self, path: Path) -> None:
        try:
            rows = read_rows(path)
        except (InputError, OSError) as error:
            problem, remedy = f"{path} is no table that can be read", "correct the path or the file"
            raise InputError(self.path, "published_curves", problem, remedy) from error
        place, value = self.value
        kinds = {"panel": str, "method": str, place: int, value: (int, float)}
        for name, kind in kinds.items():
            if rows and not isinstance(rows[0].get(name), kind):
                problem = "is missing or holds what it should not"
                remedy = f"give panel, method, {place} (whole numbers) and {value} (numbers)"
                raise InputError(path, name, problem, remedy)

    # What it is called

    @classmethod
    def room(cls) -> str:
        """Return the package of the room."""
        return cls.__module__.rpartition(".")[0]

    @property
    def name(self) -> str:
        """The name of the room."""
        return self.room().rpartition(".")[2]

    @property
    def base(self) -> str:
        """What its reports are called when all methods take part."""
        return self.report or self.name

    @property
    def report_name(self) -> str:
        """What its reports are called here: some methods only are another report."""
        here = [name for name in self.only if name in self.contestants]
        return "_".join((self.base, "only", *here)) if here else self.base

    @property
    def ending(self) -> str:
        """What ends the names of measurements here: those of some methods only are others."""
        return self.report_name.removeprefix(self.base)

    @property
    def figure_names(self) -> dict[str, str]:
        """The figures of the report: by name, what draws each."""
        drawn = {self.report_name: "figure"}
        ends = [*self.figures, *(PROFILED if self.parameters.targets else ())]
        return drawn | {f"{self.report_name}_{end}": f"{end}_figure" for end in ends}

    def about(self) -> str:
        """Return what it is about, in words."""
        return getdoc(type(self)) or self.title

    # Who takes part, and in what

    @property
    def settings(self) -> list[str]:
        """Names of the settings that have a part in the preset, in the order of the panels."""
        return list(self.parameters.settings)

    @cached_property
    def contestants(self) -> dict[str, Contestant]:
        """The methods that take part, by name."""
        everyone, chosen = self.everyone, self.only or {*self.everyone} - {*self.sizes.left_out}
        return {name: who for name, who in everyone.items() if name in chosen}

    @cached_property
    def everyone(self) -> dict[str, Contestant]:
        """The methods of the parameter file, by name; others may go on from what one learned."""
        found = {}
        for name, kind in self.parameters.methods().items():
            hyper = getattr(self.parameters, kind)[name]
            drawn = self.parameters.as_drawn.get(name)
            shift = self.parameters.as_drawn_shift.get(name, 0)
            found[name] = Contestant(name, kind, methods(kind)[name], hyper, drawn, shift)
        return found

    @cached_property
    def recipes(self) -> dict[str, Contestant]:
        """Those of :attr:`everyone` that are trained as published besides, by method."""
        found = {}
        for name, hyper in self.parameters.published_recipe.items():
            who = self.everyone[name]
            found[name] = Contestant(name, who.kind, who.head, hyper, variant=PUBLISHED)
        return found

    def contestant(self, method: str) -> Contestant:
        """Return one of them, one that trains for one of them, or one by another recipe.

        Raises
        ------
        InputError : no such method.
        """
        found = self.contestants.get(method) or self.everyone.get(method)
        found = found or next((w for w in self.recipes.values() if w.entry == method), None)
        if found is None:
            raise unknown_key(self.path, f"methods.{method}", list(self.contestants))
        return found

    def place(self, setting: str, known: Iterable[str] = ()) -> dict[str, str]:
        """Return the wildcards of a setting; errors as :meth:`contestant`."""
        known = [*self.settings, *known]
        if setting not in known:
            raise unknown_key(self.path, f"settings.{setting}", known)
        return {"experiment": self.name, "setting": setting}

    def titles(self) -> dict[str, str]:
        """Return the titles of the panels, by setting."""
        return {name: setting.title for name, setting in self.parameters.settings.items()}

    def pooled(self) -> str:
        """Return what a point of a curve pools, such as "128 instances from 10 starts each"."""
        return f"{self.sizes.samples.test:,} test instances"

    def departures(self) -> dict[str, str]:
        """Return where methods are not what their papers describe, by label."""
        found = {}
        for name, who in self.contestants.items():
            told = [who.head.departs] if who.head.departs else []
            used = [{**who.head.hyperparameters, **who.hyperparameters}]
            if who.trained:
                settings = self.parameters.training_settings
                budgets = (self.parameters.budget(self.preset, s, name) for s in settings)
                used = [{**budget.model_dump(), **used[0]} for budget in budgets]
            for key, value in who.head.paper.items():
                ours = sorted({given[key] for given in used})
                if value is True and 0 in ours:
                    told.append(f"trained without `{key}`, which its paper uses")
                elif value is not True and ours != [value]:
                    told.append(f"`{key}` {', '.join(map(str, ours))}, in its paper {value}")
            if told:
                found[who.head.label] = "; ".join(told)
        return found

    def facts(self) -> dict[str, Any]:
        """Return what the report tells besides."""
        return {}

    def summary(self) -> str:
        """Return what the parameters ask for, in a line."""
        trainings = {j.name for j in self.jobs() if j.kind == "train"}
        counts = f"{len(self.settings)} settings, {len(self.contestants)} methods"
        return f"{self.path}: valid; {self.preset}: {counts}, {len(trainings)} trainings"

    # How jobs are made

    def work(self, kind: str) -> str:
        """Return the entry of the function in ``problem.py`` that does a kind of work."""
        return f"{self.room()}.problem:{kind}"

    def job(
        self,
        kind: str,
        wildcards: Mapping[str, str],
        parameters: Mapping[str, Any],
        reads: Mapping[str, Artifact] | None = None,
        sources: Iterable[str] = (),
        libraries: Iterable[str] | None = None,
        files: Mapping[str, Path] | None = None,
        resources: Resources | None = None,
    ) -> Job:
        """Return the job of a kind and its wildcards, the same object each time."""
        name = (kind, *wildcards.values())
        if name not in self._made:
            named = {"preset": self.preset, **wildcards}
            writes = {role: Path(path.format(**named)) for role, path in WRITES[kind].items()}
            state = Path(unfinished(kind, self.preset, **wildcards))
            more = {} if libraries is None else {"libraries": tuple(libraries)}
            more |= {} if resources is None else {"resources": resources}
            self._made[name] = Job(
                kind,
                dict(wildcards),
                parameters,
                tuple(sources) or (self.work(kind),),
                dict(reads or {}),
                writes,
                dict(files or {}),
                state=state,
                **more,
            )
        return self._made[name]


def known_hyperparameters() -> dict[str, dict[str, Mapping[str, str]]]:
    """Return the ranges of the hyperparameters of all methods, by kind and method."""
    return {kind: {name: head.ranges for name, head in methods(kind).items()} for kind in KINDS}
