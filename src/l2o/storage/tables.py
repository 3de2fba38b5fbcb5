"""Tables as CSV, the same bytes for the same rows. Pandas is imported for figures only."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from l2o.errors import InputError
from l2o.storage.atomic import written_aside

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]
Cells = tuple[list[str], list[list[str]]]  # header and rows
TEXTS = ("panel", "setting", "method")  # columns of names, also where a name looks like a number
AGAIN = "delete it and run the same command again"
BUILD = "build it first: `snakemake FILE`"


def write_table(path: str | Path, rows: pd.DataFrame | Iterable[Row]) -> None:
    """Write rows as CSV with full precision (shortest text that reads back to the same number).

    Parameters
    ----------
    path : of the file
    rows : with numbers, truth values or text by column; the columns are all that some row has, in
        the order in which they appear, and a cell that is missing, None or NaN is empty

    Raises
    ------
    InputError : the file cannot be written.
    """
    frame = hasattr(rows, "to_dict")
    content = rows.to_dict("records") if frame else list(rows)
    header = list(rows.columns) if frame else [*dict.fromkeys(n for row in content for n in row)]
    _write(path, header, ([_text(row.get(name)) for name in header] for row in content))


def read_rows(path: str | Path) -> list[Row]:
    """Return the rows of a CSV file, each column as what all of its cells can be.

    That is int, bool, float or else str, and always str in :data:`TEXTS`. An empty cell among
    numbers is NaN, and makes floats of ints; a column that is empty throughout is NaN.

    Raises
    ------
    InputError : the file is missing or no table.
    """
    header, rows = _read(path)
    columns = [[row[at] for row in rows] for at in range(len(header))]
    read = [c if name in TEXTS else _column(c) for name, c in zip(header, columns, strict=True)]
    return [dict(zip(header, row, strict=True)) for row in zip(*read, strict=True)]


def read_table(path: str | Path) -> pd.DataFrame:
    """Return the rows of a CSV file.

    Raises
    ------
    InputError : the file is missing or no table.
    """
    import pandas as pd

    try:
        texts = dict.fromkeys(TEXTS, str)
        return pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
    except FileNotFoundError as error:
        raise InputError(path, "", "no such table", BUILD) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise _no_table(path, error) from error


def joined(paths: Iterable[str | Path], out: str | Path) -> None:
    """Write the rows of all tables into one, to the letter.

    Its columns are all that some table has, in the order in which they appear; a cell that a table
    does not have is empty.

    Raises
    ------
    InputError : a file is missing or no table, or ``out`` cannot be written.
    """
    tables = [_read(path) for path in paths]
    columns = list(dict.fromkeys(name for header, _ in tables for name in header))
    whole = (dict(zip(header, row, strict=True)) for header, rows in tables for row in rows)
    _write(out, columns, ([row.get(name, "") for name in columns] for row in whole))


def _write(path: str | Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with written_aside(path) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _read(path: str | Path) -> Cells:
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            header, *rows = (row for row in csv.reader(file, strict=True) if row)
    except FileNotFoundError as error:
        raise InputError(path, "", "no such table", BUILD) from error
    except (csv.Error, ValueError) as error:  # ValueError: no header, or no UTF-8
        raise _no_table(path, error) from error
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise _no_table(path, f"row {number} has {len(row)} cells, not {len(header)}")
    return header, rows


def _no_table(path: str | Path, why: object) -> InputError:
    return InputError(path, "", f"is not a table ({' '.join(str(why).split())})", AGAIN)


def _text(value: Any) -> str:
    if hasattr(value, "item"):  # a scalar of NumPy or torch
        value = value.item()
    if value is None or value != value:
        return ""
    return repr(value) if isinstance(value, float) else str(value)


def _column(cells: list[str]) -> list[Any]:
    filled = {cell for cell in cells if cell}
    if filled and filled <= {"True", "False"} and "" not in cells:
        return [cell == "True" for cell in cells]
    for kind in (int, float):
        if any("_" in cell for cell in filled):  # Python's numbers may contain it
            break
        try:
            known = {cell: kind(cell) for cell in filled}
        except ValueError:
            continue
        if kind is float or (filled and "" not in cells):
            return [known.get(cell, math.nan) for cell in cells]
    return cells
