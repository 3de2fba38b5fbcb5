"""The register of experiments: their classes, found by folder."""

from __future__ import annotations

import importlib
from pathlib import Path

from l2o.experiments.experiment import Experiment

ROOMS = Path(__file__).parent


def rooms() -> dict[str, type[Experiment]]:
    """Return the class of every experiment by the name of its room; derived ones come last."""
    names = (path.parent.name for path in sorted(ROOMS.glob("*/experiment.py")))
    found = {name: room(name) for name in names}
    return dict(sorted(found.items(), key=lambda item: item[1].derived))


def room(name: str) -> type[Experiment]:
    """Return the class of one experiment, without importing the others.

    Raises
    ------
    ValueError : its ``experiment.py`` defines none.
    """
    module = importlib.import_module(f"l2o.experiments.{name}.experiment")
    found = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Experiment)]
    own = [c for c in found if c.__module__ == module.__name__]
    if len(own) != 1:
        raise ValueError(f"{module.__file__}: defines {len(own)} experiments instead of one")
    return own[0]
