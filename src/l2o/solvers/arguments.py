"""Arguments of users that several calls take, checked in one place."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from l2o.config.values import within
from l2o.errors import InputError

MOST_THREADS = 1024
LARGEST, LARGEST_FLOAT = 2**63 - 1, sys.float_info.max


def check_settings(method: str, given: Mapping[str, Any], ranges: Mapping[str, str]) -> None:
    """Refuse settings that a method does not have, or values that are out of their ranges.

    Raises
    ------
    InputError : an unknown name, or a value that is no number of its range.
    """
    for name, value in given.items():
        if name not in ranges:
            known = ", ".join(ranges) or "none"
            raise InputError(method, name, "is no setting of this method", f"it has: {known}")
        number = isinstance(value, Real) and not isinstance(value, bool)
        if not number or not within(float(value), ranges[name]):
            problem = f"{value!r} is not in {ranges[name]}"
            raise InputError(method, name, problem, "give a number in this range")


def check_number(
    name: str, value: Any, low: float, high: float = math.inf, *, closed: bool = False
) -> None:
    """Refuse what is no finite number above ``low`` and up to ``high``.

    Parameters
    ----------
    closed : ``low`` itself is allowed, too

    Raises
    ------
    InputError : another value.
    """
    real = isinstance(value, Real) and not isinstance(value, bool)
    within = real and low <= value <= min(high, LARGEST_FLOAT) and (closed or value != low)
    if not within:
        least, until = ("from", "to") if closed else ("above", "and up to")
        most = f" {until} {high:g}" if math.isfinite(high) else ""
        raise InputError(name, "", f"{value!r} is not a number {least} {low:g}{most}", "give one")


def check_whole(name: str, value: Any, low: int, high: int = LARGEST) -> None:
    """Refuse what is no whole number from ``low`` to ``high``.

    Raises
    ------
    InputError : another value.
    """
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or not low <= value <= high:
        most = f"from {low} to {high}" if high < LARGEST else f"from {low} on"
        raise InputError(name, "", f"{value!r} is no whole number {most}", "give one")


def check_threads(threads: Any) -> None:
    """Refuse what is no number of threads; None is as many as torch has.

    Raises
    ------
    InputError : another value.
    """
    if threads is not None:
        check_whole("threads", threads, 1, MOST_THREADS)
