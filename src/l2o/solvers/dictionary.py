"""A user's dictionary: any norms of its columns, either orientation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from l2o.errors import InputError
from l2o.solvers.entrance import Source, array, copied
from l2o.storage.arrays import TRANSPOSED, check_form

UNIT_NORM = 1e-6  # how far a column's norm may be from 1


@dataclass(frozen=True)
class Dictionary:
    """A with columns of unit 2-norm, and what was done to make it so.

    Parameters
    ----------
    A : (m, n) float64, unit columns
    norms : of the columns as they were given, (n,) float64
    notes : what a user should know, a line each
    """

    A: np.ndarray
    norms: np.ndarray
    notes: tuple[str, ...] = ()


def checked(given: Any, source: Source) -> np.ndarray:
    """Return a dictionary as float64, (rows, columns), in memory of its own.

    Raises
    ------
    InputError : another form, NaN, infinity.
    """
    found = array(given, source)
    check_form(found, "m x n", source)
    return copied(found, source)


def column_norms(A: np.ndarray, source: Source) -> np.ndarray:
    """Return the 2-norms of the columns, (n,).

    Raises
    ------
    InputError : a zero column, or one whose norm is beyond float64.
    """
    with np.errstate(over="ignore"):
        norms = np.linalg.norm(A, axis=0)
    for wrong, what in ((norms == 0, "is zero"), (~np.isfinite(norms), "has an infinite norm")):
        if wrong.any():
            problem = f"column {int(wrong.argmax())} (counted from 0) {what}"
            raise InputError(source, "", problem, "remove it: its x is 0")
    return norms


def rescaled(
    given: Any, source: Source = "A", m: int | None = None, n: int | None = None
) -> Dictionary:
    """Return a user's dictionary with unit columns.

    Atoms in rows, as scikit-learn has them, are recognised by the widths of the data, or else by
    more rows than columns of which the rows have unit norm and the columns have not.

    Parameters
    ----------
    given : (m, n), or (n, m) with atoms in rows, of any real type
    m, n : widths of measurements and of signals, where there are some

    Raises
    ------
    InputError : another form, NaN, infinity, a zero column, or it does not fit the data.
    """
    A, notes = checked(given, source), []
    wanted = (m or A.shape[0], n or A.shape[1])
    across = wanted[::-1] if m and n else (n or A.shape[0], m or A.shape[1])
    fits = A.shape == wanted
    if (m or n) and not fits and A.shape != across:
        what = f"measurements of {m}" if m else f"signals of {n} entries"
        what += f" and signals of {n}" if m and n else ""
        problem = f"has shape {A.shape}, which does not fit {what}"
        raise InputError(source, "", problem, "give it as m x n: a column an atom")
    if not fits or ((m or n) is None and _has_atoms_in_rows(A)):
        A = np.ascontiguousarray(A.T)
        notes.append(f"the rows of {source} are taken as atoms, as in scikit-learn: A is {A.shape}")
    norms = column_norms(A, source)
    if np.abs(norms - 1).max() > UNIT_NORM:
        low, high = norms.min(), norms.max()
        notes.append(
            f"columns of norm {low:.4g} to {high:.4g} are divided by it, and x with them: "
            "an x that is returned belongs to A as it was given"
        )
    return Dictionary(A / norms, norms, tuple(notes))


def unit_columns(A: np.ndarray, source: Source, known: tuple[int, ...] | None = None) -> np.ndarray:
    """Return A, which must have unit columns, as it is.

    Parameters
    ----------
    A : (m, n)
    known : the shape that it must have, if there is one

    Raises
    ------
    InputError : zero columns, columns of another norm, or A.T.
    """
    with np.errstate(over="ignore"):
        norms, rows = (np.linalg.norm(A, axis=axis) for axis in (0, 1))
    worst = int(np.abs(norms - 1).argmax())
    unit = abs(norms[worst] - 1) <= UNIT_NORM
    across = not unit and np.abs(rows - 1).max() <= UNIT_NORM  # wide A may have orthonormal rows
    trained = known or A.shape
    if A.shape != trained == A.T.shape or (across and len(A) >= A.shape[1]):
        raise InputError(source, "", f"looks transposed: shape {A.shape}, not m x n", TRANSPOSED)
    if norms.min() == 0:
        column_norms(A, source)
    if not unit:
        problem = f"column {worst} (counted from 0) has norm {norms[worst]:.7g}, not 1"
        remedy = "divide each column by its norm, and the entries of x by the same norms"
        remedy += "; if the rows are the atoms, store the transpose" if across else ""
        raise InputError(source, "", problem, remedy)
    return A


def _has_atoms_in_rows(A: np.ndarray) -> bool:
    with np.errstate(over="ignore"):
        norms, rows = (np.linalg.norm(A, axis=axis) for axis in (0, 1))
    rows_are_unit = np.abs(rows - 1).max() <= UNIT_NORM < np.abs(norms - 1).max()
    return A.shape[0] > A.shape[1] and bool(rows_are_unit)
