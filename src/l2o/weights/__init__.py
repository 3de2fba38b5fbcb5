"""Trained weights in the box, by name: ``method/family``, as in ``l2o_scale/mnist``.

    l2o.weights.names()              # what there is
    l2o.weights.card("alista/snr20") # what it was trained on, and the number that it must reach

A bare name of a method stands for the first of its weights; docs/weights.md says which to take.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from l2o.errors import InputError
from l2o.weights.catalogue import FAMILIES, NAMES

if TYPE_CHECKING:
    import numpy as np

    from l2o.optimizers.trained import Checkpoint

FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """Return the names of all weights in the box."""
    return tuple(name for name in NAMES if os.path.isfile(file_of(name)))  # noqa: PTH113


def has(name: str) -> bool:
    """Return whether weights are called so, or by the name of a method."""
    known = names()
    return name in known or name in {each.split("/")[0] for each in known}


def file_of(name: str, folder: Path = FOLDER, suffix: str = "safetensors") -> Path:
    """Return where the weights of a full name lie, or with the suffix ``json`` their card."""
    return folder / f"{name}.{suffix}"


def full_name(name: str) -> str:
    """Return the name of weights that a name, or that of a method alone, stands for.

    Raises
    ------
    InputError : no weights are called so.
    """
    known = names()
    first = {each.split("/")[0]: each for each in reversed(known)}
    if name in known or name in first:
        return first.get(name, name)
    from l2o.config.nearest import unknown_key

    near = unknown_key("weights", name, [*known, *first])
    raise InputError("weights", name, "no weights of this name", f"{near.remedy} (`l2o weights`)")


def path(name: str) -> Path:
    """Return the file of weights, safetensors; errors as :func:`full_name`.

    The file of an unrolled net lacks what can be made again: :func:`checkpoint` has all of it.
    """
    return file_of(full_name(name))


def card(name: str) -> dict[str, Any]:
    """Return what is known of weights; errors as :func:`full_name`.

    ``trained_on``, ``preset`` and its ``note``, ``budget``, ``horizon`` (iterations or layers that
    the training looked at), ``seed``, ``commit``, ``key`` of the provenance, ``sha256`` of the
    file, ``licence``, ``number``: ``value`` and ``tolerance`` of what it must reach, and ``how`` it
    is measured.
    """
    return json.loads(file_of(full_name(name), suffix="json").read_text(encoding="utf-8"))


def checkpoint(name: str) -> Checkpoint:
    """Return weights as :func:`l2o.optimizers.trained.read_checkpoint` returns a complete file.

    The matrices that the box does not store are made again.

    Raises
    ------
    InputError : no weights are called so, or their file is damaged.
    """
    from dataclasses import replace

    from l2o.optimizers.trained import read_checkpoint
    from l2o.weights.matrices import completed

    found = read_checkpoint(path(name), "unrolled", "recurrent")
    return replace(found, tensors=completed(found.tensors, found.record))


def dictionary(name: str) -> np.ndarray:
    """Return the dictionary A that an unrolled net was trained for, (m, n) float64.

    Raises
    ------
    InputError : no weights are called so, or they are of a recurrent optimizer.
    """
    from l2o.optimizers.trained import read_checkpoint
    from l2o.weights.matrices import dictionary_of

    found = read_checkpoint(path(name), "unrolled", "recurrent")
    if found.head.kind == "recurrent":
        problem = "belongs to no dictionary: a recurrent optimizer takes any problem"
        raise InputError("weights", name, problem, "name an unrolled net")
    return dictionary_of(found.tensors, found.record)


__all__ = ["FAMILIES", "card", "checkpoint", "dictionary", "full_name", "names", "path"]
