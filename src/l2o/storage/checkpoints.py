"""Checkpoints as safetensors: tensors and one JSON record, never a pickle.

A file carries exactly one metadata entry, because several come in random order and would spoil the
byte-identity of two builds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from l2o.errors import InputError
from l2o.storage.atomic import written_aside

RECORD = "l2o"
AGAIN = "give a checkpoint that the training wrote; `snakemake FILE` makes a damaged one again"


def save_tensors(path: str | Path, tensors: Mapping[str, Tensor], record: dict[str, Any]) -> None:
    """Write tensors and a JSON-able record atomically.

    Raises
    ------
    InputError : the file cannot be written.
    """
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    metadata = {RECORD: json.dumps(record, sort_keys=True)}
    with written_aside(path) as aside:
        aside.write_bytes(save(on_cpu, metadata))  # save_file leaves a file of its own if killed


def load_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors, on the CPU, and the record of a file.

    Raises
    ------
    InputError : missing, unreadable, truncated or foreign file.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise InputError(path, "", "no such checkpoint", "train it first: `snakemake FILE`")
        # Opened beforehand, since safetensors tells any error of the system as a missing file.
        with path.open("rb"), torch.device("cpu"), safe_open(path, "pt") as file:
            record = json.loads((file.metadata() or {})[RECORD], object_pairs_hook=_unique)
            if not isinstance(record, dict):
                raise KeyError(RECORD)
            return {name: file.get_tensor(name) for name in file.keys()}, record  # noqa: SIM118
    except InputError:
        raise
    except KeyError as error:
        problem = "was not written by this project (its record is missing)"
        raise InputError(path, RECORD, problem, AGAIN) from error
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise InputError(path, "", problem, "check the path and its permissions") from error
    except (SafetensorError, ValueError, RecursionError) as error:
        problem = f"is truncated or damaged ({' '.join(str(error).split())})"
        raise InputError(path, "", problem, AGAIN) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object as a mapping; refuse a key that it gives twice."""
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("its record gives a key twice")
    return found


def load_into(module: torch.nn.Module, tensors: Mapping[str, Tensor], path: str | Path) -> None:
    """Copy ``tensors`` into ``module``, whose architecture must be the same.

    Raises
    ------
    InputError : a tensor is missing, left over, or of another shape.
    """
    own = module.state_dict()
    remedy = "use the checkpoint of this method, depth and size, or train one"
    for name in [*own, *tensors]:
        if name not in own or name not in tensors:
            where = "this net" if name not in own else "the checkpoint"
            problem = f"is of another architecture: {where} has no tensor of that name"
            raise InputError(path, name, problem, remedy)
        found, expected = tuple(tensors[name].shape), tuple(own[name].shape)
        if found != expected:
            problem = f"is of another architecture: shape {found} where {expected} is needed"
            raise InputError(path, name, problem, remedy)
    module.load_state_dict(dict(tensors))
