"""All experiments of the register, and parameters that differ from the repository's in memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import l2o
from l2o.artifacts.job import Job
from l2o.config import experiment
from l2o.config.loading import read_yaml
from l2o.errors import InputError
from l2o.experiments.experiment import Experiment
from l2o.experiments.graph import rooms

ROOT = Path(l2o.__file__).parents[2]  # where the sources under test are, with their parameters
ALL = rooms()
ROOMS = {name: kind for name, kind in ALL.items() if not kind.derived}  # with methods of their own
each_room = pytest.mark.parametrize("name", ROOMS)
each_file = pytest.mark.parametrize("name", ALL)
once = cache(read_yaml)  # a file is parsed once


def params_of(name: str) -> Path:
    """Return the parameter file of a room."""
    return ROOT / "params" / f"{ALL[name].report or name}.yaml"


def content_of(name: str) -> dict[str, Any]:
    """Return what is in the parameter file of a room, to be changed."""
    return deepcopy(once(params_of(name)))


def room(name: str, content: Mapping[str, Any] | None = None, *given: Any) -> Experiment:
    """Return an experiment at the smoke preset, or what is given; ``content`` for its file."""
    with contextlib.chdir(ROOT), pytest.MonkeyPatch.context() as patch:
        changed = {} if content is None else {params_of(name): content}
        patch.setattr(experiment, "read_yaml", lambda path: changed.get(path) or once(path))
        return ALL[name](*(given or ("smoke",)), path=params_of(name))


def keys(jobs: Iterator[Job]) -> dict[tuple, str]:
    """Return the keys of jobs by their names."""
    with contextlib.chdir(ROOT):
        return {job.name: job.key for job in jobs}


def fault(name: str, content: Mapping[str, Any], preset: str = "smoke") -> str:
    """Return what is said of a parameter file, after a look at the form of it."""
    with pytest.raises(InputError) as error:
        room(name, content, preset)
    text = str(error.value)
    assert "\n" not in text and text.startswith(f"{params_of(name)}: ")
    assert error.value.remedy and text.endswith(f"; {error.value.remedy}")
    return text.removeprefix(f"{params_of(name)}: ")


def leaves(content: Any, *place: Any) -> Iterator[tuple[tuple, Any]]:
    """Yield place and value of whatever is in no mapping or list further in."""
    inside = enumerate(content) if isinstance(content, list) else None
    inside = content.items() if isinstance(content, dict) else inside
    if inside is None:
        yield place, content
        return
    for key, value in inside:
        yield from leaves(value, *place, key)


def at(content: Any, place: tuple) -> Any:
    """Return what is at a place."""
    for part in place:
        content = content[part]
    return content
