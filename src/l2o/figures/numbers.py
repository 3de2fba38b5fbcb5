"""Numbers of figures and tables: how they are rounded, and how people write them."""

from __future__ import annotations

import numpy as np
import pandas as pd

FLOOR = 1e-9  # relative losses below are rounding, in figures and in texts
NOTHING = "–"  # stands for a value that is not there
_LARGEST = 1e5  # numbers from here on, and those below _SMALLEST, are written with a power of ten
_SMALLEST = 1e-3
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def rounded(value: float, digits: int = 3) -> float:
    """Return ``value`` rounded to some significant digits, without a minus zero."""
    return float(f"{value:.{digits - 1}e}") + 0.0


def significant(value: float, digits: int = 3) -> str:
    """Return a number as in "28.3", "0.0120", "1,310", "1.30 × 10⁶" or "−0.500"."""
    if not np.isfinite(value):
        return "nan" if np.isnan(value) else ("−∞" if value < 0 else "∞")
    value = rounded(value, digits)
    size = abs(value)
    if value and not _SMALLEST <= size < _LARGEST:
        mantissa, exponent = f"{size:.{digits - 1}e}".split("e")
        text = f"{mantissa} × {raised(int(exponent))}"
    elif size >= 10**digits:
        text = f"{size:,.0f}"
    else:
        text = f"{size:#.{digits}g}".rstrip(".")
    return f"−{text}" if value < 0 else text


def scientific(value: float) -> str:
    """Return a relative loss as :func:`significant`, and "< 10⁻⁹" below :data:`FLOOR`."""
    return f"< {tick(FLOOR)}" if value < FLOOR else significant(value)


def signed(value: float) -> str:
    """Return a difference as in "+6.46" or "−0.0500"; "0" has no sign."""
    return "0" if value == 0 else f"{'+' if value > 0 else ''}{significant(value)}"


def decibels(value: float) -> str:
    """Return a level in dB as in "−36.81" or "−∞"."""
    text = f"{value:.2f}" if np.isfinite(value) else f"{value}"
    return text.replace("-", "−").replace("inf", "∞")


def percent(part: float) -> str:
    """Return a part as in "0 %", "0.098 %", "3.6 %" or "44 %"."""
    value = 100 * part
    return f"{value:.0f} %" if value >= 10 else f"{value:.2g} %"


def raised(exponent: int) -> str:
    """Return e.g. "10⁻⁹" for -9."""
    return "10" + str(exponent).translate(_RAISED)


def tick(value: float) -> str:
    """Return the label of a tick: "0.01", "5", "1,000" or "10⁻⁷"."""
    if value == 0 or 1e-2 <= abs(value) < _LARGEST:
        return f"{value:,.6g}".replace("-", "−")
    mantissa, exponent = f"{value:e}".split("e")
    front = "" if float(mantissa) == 1 else f"{float(mantissa):g} × "
    return front + raised(int(exponent))


def curve_ratio(losses: pd.Series, paper: pd.Series) -> float:
    """Return the largest of ours / paper and paper / ours along the places of ``paper``.

    Both are keyed by place; infinite where ours is not positive and finite.
    """
    ratios = losses[paper.index] / paper
    usable = (ratios > 0) & np.isfinite(ratios)
    return rounded(float(np.maximum(ratios, 1 / ratios).where(usable, np.inf).max()))


def times_apart(ratio: float) -> str:
    """Return e.g. "1.08×" for the largest ratio along a curve; "∞" if there is none."""
    return f"{ratio:.3g}×" if np.isfinite(ratio) else "∞"
