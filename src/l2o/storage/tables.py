"""Tables as CSV, the same bytes for the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from l2o.errors import InputError
from l2o.storage.atomic import written_aside


def write_table(path: str | Path, rows: pd.DataFrame | list[dict[str, Any]]) -> None:
    """Write rows as CSV with full precision (shortest text that reads back to the same number)."""
    with written_aside(path) as aside:
        pd.DataFrame(rows).to_csv(aside, index=False, lineterminator="\n")


def read_table(path: str | Path) -> pd.DataFrame:
    """Return the rows of a CSV file.

    Raises
    ------
    InputError : the file is missing or no table.
    """
    try:
        return pd.read_csv(path)
    except FileNotFoundError as error:
        raise InputError(path, "", "no such table", "build it first: `snakemake FILE`") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        problem = f"is not a table ({' '.join(str(error).split())})"
        raise InputError(path, "", problem, "delete it and run the same command again") from error
