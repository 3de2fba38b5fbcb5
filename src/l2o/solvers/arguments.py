"""Arguments of users that several calls take, checked in one place."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

from l2o.config.values import within
from l2o.errors import InputError


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
