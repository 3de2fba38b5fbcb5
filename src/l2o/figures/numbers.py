"""Numbers of the tables: how they are rounded, set as text, and how far two curves are apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

FLOOR = 1e-9  # relative losses below are rounding, in figures and in texts


def round_3(value: float) -> float:
    """Return ``value`` rounded to 3 significant digits, without a minus zero."""
    return float(f"{value:.2e}") + 0.0


def scientific(value: float) -> str:
    """Return a relative loss as in "5.50e-4", and "< 1e-9" for what is below :data:`FLOOR`."""
    if value < FLOOR:
        return f"< {power_of_ten(FLOOR)}"
    if not np.isfinite(value):
        return "nan" if np.isnan(value) else "∞"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def significant(value: float, digits: int = 3) -> str:
    """Return a number as in "28.3", "0.0120", "1.30e6" or "−0.500"."""
    if not np.isfinite(value):
        return "nan" if np.isnan(value) else ("−∞" if value < 0 else "∞")
    value = float(f"{value:.{digits - 1}e}") + 0.0  # no minus zero
    if value and not 1e-3 <= abs(value) < 10**digits:
        mantissa, exponent = f"{abs(value):.{digits - 1}e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    else:
        text = f"{abs(value):#.{digits}g}".rstrip(".")
    return f"−{text}" if value < 0 else text


def power_of_ten(value: float) -> str:
    """Return e.g. "1e-9" for 1e-9."""
    return f"1e{round(float(np.log10(value)))}"


def curve_ratio(losses: pd.Series, paper: pd.Series) -> float:
    """Return the largest of ours / paper and paper / ours along the iterations of ``paper``.

    Both are keyed by iteration; infinite where ours is not positive and finite.
    """
    ratios = losses[paper.index] / paper
    usable = (ratios > 0) & np.isfinite(ratios)
    return round_3(float(np.maximum(ratios, 1 / ratios).where(usable, np.inf).max()))


def times_apart(ratio: float) -> str:
    """Return e.g. "1.08×" for the largest ratio along a curve; "∞" if there is none."""
    return f"{ratio:.3g}×" if np.isfinite(ratio) else "∞"
