"""Matrices of unrolled nets that the box does not store, or stores once for all of them.

The record of a file says under ``remade`` how: ``A`` is drawn again from its seed, or is the stored
dictionary of a name; ``W``, ALISTA's, follows from A. What is made again may differ in the last
bits of float32, as linear algebra does from machine to machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.dictionaries.analytic import analytic_weights
from l2o.dictionaries.gaussian import gaussian_dictionary
from l2o.storage.checkpoints import load_tensors, save_tensors

FOLDER = Path(__file__).parent / "dictionaries"
ROUNDING = 1e-6  # how far what is made again may be from what was trained with

Tensors = Mapping[str, Tensor]


def dictionary_of(tensors: Tensors, record: Mapping[str, Any]) -> np.ndarray:
    """Return the dictionary A of an unrolled net, (m, n) float64."""
    how = record.get("remade", {}).get("A", {})
    if "gaussian" in how:
        return gaussian_dictionary(*how["gaussian"])
    stored = stored_dictionary(how["stored"]) if "stored" in how else tensors["A"]
    return stored.double().numpy()


def completed(tensors: Tensors, record: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors of a file with those that it does not store."""
    found, remade = dict(tensors), record.get("remade", {})
    if "A" in remade:
        found["A"] = torch.from_numpy(dictionary_of(tensors, record)).float()
    if "W" in remade:
        found["W"] = analytic(found["A"])
    return found


def analytic(A: Tensor) -> Tensor:
    """Return ALISTA's W, (m, n) float32, as its net computes it from A in float32."""
    return torch.from_numpy(analytic_weights(A.double().numpy())).float()


def stored_dictionary(name: str, folder: Path = FOLDER) -> Tensor:
    """Return a dictionary that the box stores, (m, n) float32."""
    return load_tensors(folder / f"{name}.safetensors")[0]["A"]


def reduced(
    tensors: Tensors, seed: int, learned: Tensor, name: str, smallest: int = 1 << 16
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors to store, and how the others are made again.

    Parameters
    ----------
    tensors : complete
    seed : root of the random streams that a Gaussian dictionary is drawn from
    learned, name : the dictionary that is stored once, (m, n) float32
    smallest : entries of a matrix from which on it is worth the trouble
    """
    kept, remade = dict(tensors), {}
    A = tensors.get("A", torch.empty(0))
    if A.numel() < smallest:
        return kept, remade
    drawn = [*A.shape, seed]
    if torch.equal(torch.from_numpy(gaussian_dictionary(*drawn)).float(), A):
        remade["A"] = {"gaussian": drawn}
    elif torch.equal(learned, A):
        remade["A"] = {"stored": name}
    if "W" in kept and torch.allclose(analytic(A), kept["W"], rtol=0, atol=ROUNDING):
        remade["W"] = {"analytic": []}
    return {each: tensor for each, tensor in kept.items() if each not in remade}, remade


def store_dictionary(name: str, A: Tensor, about: Mapping[str, Any], folder: Path = FOLDER) -> None:
    """Write a dictionary into the box."""
    save_tensors(folder / f"{name}.safetensors", {"A": A}, dict(about))
