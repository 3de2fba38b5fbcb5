"""What users bring in Python: anything that is an array, turned into one and copied."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.errors import InputError
from l2o.storage.arrays import finite

Source = str | PathLike[str]
PRECISIONS = {"float32": np.float32, "float64": np.float64}


def array(given: Any, source: Source) -> np.ndarray:
    """Return what a caller brings as an array; not copied, its form and values not yet checked.

    Tensors of half precision, which NumPy may lack, become float32.

    Raises
    ------
    InputError : sparse, masked, or nothing that is an array.
    """
    if hasattr(given, "toarray") or (isinstance(given, Tensor) and given.layout != torch.strided):
        raise InputError(source, "", "is sparse", "give a dense array: `.toarray()`, `.to_dense()`")
    if any(map(np.ma.is_masked, given if isinstance(given, list | tuple) else [given])):
        raise InputError(source, "", "has masked entries", "fill them, or leave them out")
    try:
        if isinstance(given, Tensor):
            given = given.detach().cpu().resolve_conj().resolve_neg()
            half = given.is_floating_point() and given.dtype.itemsize < 4
            given = (given.float() if half else given).numpy()
        return np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as error:
        problem = f"cannot be read as an array ({' '.join(str(error).split())})"
        raise InputError(source, "", problem, "give an array of real numbers") from error


def copied(values: np.ndarray, source: Source, dtype: type = np.float64, at: int = 0) -> np.ndarray:
    """Return finite numbers of a ``dtype`` in memory of their own, row by row.

    Parameters
    ----------
    values : (rows, ...)
    at : number of the first row, for the message

    Raises
    ------
    InputError : NaN or infinity among them, or what the type cannot hold.
    """
    with np.errstate(all="ignore"):  # what the type cannot hold becomes infinite, and is refused
        made = np.array(values, dtype, order="C")
    if not np.isfinite(made).all():
        finite(made, source, at=at)
    return made


def precision(dtype: Any, b: np.ndarray) -> type:
    """Return the type to compute in: the wanted one, or that of the data: float32 or float64.

    Raises
    ------
    InputError : another type is wanted.
    """
    if dtype is None:
        single = b.dtype.kind == "f" and b.dtype.itemsize <= 4
        return np.float32 if single else np.float64
    name = str(dtype).removeprefix("torch.") if not isinstance(dtype, type) else dtype.__name__
    if name not in PRECISIONS:
        problem = f"{dtype!r} is neither float32 nor float64"
        raise InputError("dtype", "", problem, "give one of them")
    return PRECISIONS[name]
