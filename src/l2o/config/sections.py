"""Sections that parameter files of several experiments have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, FiniteFloat

from l2o.config.loading import validated
from l2o.config.nearest import unknown_key
from l2o.config.values import Count, Name, Section, within
from l2o.errors import InputError

Budget = TypeVar("Budget", bound=BaseModel)
Grid = dict[str, Annotated[tuple[FiniteFloat, ...], Field(min_length=1)]]
Hyperparameters = dict[str, FiniteFloat]
Methods = dict[Name, Hyperparameters]
Intervals = Mapping[str, Mapping[str, str]]  # of hyperparameters, by method


class Sizes(Section):
    """Samples of the three splits."""

    train: Count
    validation: Count
    test: Count


def overridden(
    budget: Budget, overrides: Mapping[str, Mapping[str, Any]], setting: str, method: str
) -> Budget:
    """Return a budget with the overrides for ``method``, then those for ``setting/method``."""
    merged = budget.model_dump()
    for name in (method, f"{setting}/{method}"):
        merged |= overrides.get(name, {})
    return type(budget).model_validate(merged)


def check_overrides(
    path: str | Path,
    prefix: str,
    budget: BaseModel,
    overrides: Mapping[str, Mapping[str, Any]],
    settings: Iterable[str],
    methods: Iterable[str],
) -> None:
    """Check overrides of ``budget`` by method, or by setting/method.

    Raises
    ------
    InputError : an unknown method or setting, or a bad value.
    """
    methods = list(methods)
    places = [*methods, *(f"{setting}/{method}" for setting in settings for method in methods)]
    for place, override in overrides.items():
        if place not in places:
            raise unknown_key(path, f"{prefix}.{place}", places)
        validated(type(budget), {**budget.model_dump(), **override}, path, f"{prefix}.{place}")


def check_hyperparameters(
    path: str | Path, section: str, given: Mapping[str, Mapping[str, float]], known: Intervals
) -> None:
    """Check the methods of a section of a file and their hyperparameters.

    Raises
    ------
    InputError : an unknown method or hyperparameter, or a value out of its interval.
    """
    for name, hyper in given.items():
        if name not in known:
            raise unknown_key(path, f"{section}.{name}", list(known))
        for key, value in hyper.items():
            place = f"{section}.{name}.{key}"
            if key not in known[name]:
                raise unknown_key(path, place, sorted(known[name]))
            if not within(value, interval := known[name][key]):
                raise InputError(path, place, f"is {value:g}, out of range", f"valid: {interval}")


def check_grids(path: str | Path, grids: Mapping[str, Grid], known: Intervals) -> None:
    """Check the values that a search tries, by method; errors as :func:`check_hyperparameters`."""
    for name, grid in grids.items():
        check_hyperparameters(path, "grid", {name: {}}, known)
        for key, values in grid.items():
            for value in values:
                check_hyperparameters(path, "grid", {name: {key: value}}, known)


def check_samples(path: str | Path, place: str, used: int, there_are: int) -> None:
    """Refuse a training on more samples than its set has."""
    if used > there_are:
        problem = f"is {used}, more than the {there_are} training samples of the set"
        raise InputError(path, place, problem, "lower it, or raise samples.train of the preset")


def check_by_setting(
    path: str | Path, place: str, given: Iterable[str], settings: Iterable[str], what: str
) -> None:
    """Check that a mapping has an entry for every setting and no other.

    Raises
    ------
    InputError : an unknown setting, or one without entry; ``what`` says what to give.
    """
    given, settings = list(given), list(settings)
    for setting in given:
        if setting not in settings:
            raise unknown_key(path, f"{place}.{setting}", settings)
    for setting in settings:
        if setting not in given:
            raise InputError(path, f"{place}.{setting}", "this key is missing", what)
