"""Where curves stand after so many steps, where they end, and where they were lowest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from l2o.figures.measure import Measure
from l2o.figures.numbers import NOTHING, rounded, significant


def milestones(curves: pd.DataFrame, measure: Measure, places: Sequence[int]) -> pd.DataFrame:
    """Return a row per setting and method of ``curves`` (each in ascending order of places).

    Columns, where x and v are names of the measure: ``setting``, ``method``, ``v_<place>`` (NaN:
    not reached; infinite: not finite), ``end_x``, ``end_v``, ``best_v``, ``best_x`` (of what is
    finite; NaN: nothing is) and ``status`` (diverged also if the end is not finite). Values have 4
    significant digits.
    """
    x, name, rows = measure.x, measure.value, []
    for (setting, method), curve in curves.groupby(["setting", "method"], sort=False):
        values = curve.set_index(x)[name].astype(float)
        values = values.where(np.isfinite(values), np.inf)
        finite, end = values[np.isfinite(values)], values.index[-1]
        row: dict[str, Any] = {"setting": setting, "method": method}
        row |= {f"{name}_{at}": rounded(values.get(at, np.nan), 4) for at in places}
        row |= {f"end_{x}": int(end), f"end_{name}": rounded(values[end], 4)}
        row |= {f"best_{name}": rounded(finite.min(), 4)}
        row |= {f"best_{x}": float(finite.idxmin()) if len(finite) else np.nan}
        lost = (curve["status"] != "converged").any() or not np.isfinite(values[end])
        rows.append(row | {"status": "diverged" if lost else "converged"})
    return pd.DataFrame(rows)


def milestone(value: float, step: float | None = None) -> str:
    """Return e.g. "0.306", "0.306 (1,000)" or "not finite"; "–": not reached."""
    if pd.isna(value):
        return NOTHING
    text = significant(value) if np.isfinite(value) else "not finite"
    return text if step is None else f"{text} ({step:,.0f})"
