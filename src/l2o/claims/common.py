"""What the claims share: their register, curves looked up by setting and method, texts.

A vague word of a claim ("slightly", "much", "similar") becomes a threshold. Each is a named
constant, chosen so that the published curves pass where a fair reading lets them; ours then have to
pass it, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from l2o.errors import InputError
from l2o.figures.common import check_columns, check_once, check_words
from l2o.variants import MAIN

REPRODUCED, NOT_REPRODUCED, NOT_TESTED = VERDICTS = (
    "reproduced",
    "not reproduced",
    "not tested",
)
LABELS = {
    **{"lista": "LISTA", "lista_cp": "LISTA-CP", "lista_cpss": "LISTA-CPSS", "lfista": "LFISTA"},
    **{"lamp": "LAMP", "alista": "ALISTA", "glista": "GLISTA", "ista": "ISTA", "fista": "FISTA"},
    **{"gd": "GD", "gd_line_search": "GD", "nag": "NAG", "sgd": "SGD", "adam": "Adam"},
    **{"rmsprop": "RMSProp", "l2o_dm": "L2O-DM", "l2o_enhanced": "L2O-enhanced"},
    **{"l2o_rnnprop": "L2O-RNNprop", "l2o_scale": "L2O-Scale", "l2o_swarm": "L2O-Swarm"},
}
Decision = tuple[bool, str]  # whether the claim holds, and the numbers that say so
Decide = Callable[["Curves"], Decision]


class UntestedError(Exception):
    """A claim cannot be tested; the message says what is missing."""


@dataclass(frozen=True)
class Claim:
    """A claim: its number, its figure (such as ``fig5``), its words, and what decides it."""

    number: int
    figure: str
    text: str
    criterion: str
    decide: Decide


CLAIMS: dict[int, Claim] = {}


def claim(number: int, figure: str, text: str, criterion: str) -> Callable[[Decide], Decide]:
    """Register the decorated function as the test of a claim.

    Parameters
    ----------
    number : of the claim; each is given once
    figure : the figure whose curves the function is given, such as ``fig5``
    text : the claim, in this project's words
    criterion : what the function checks, in words, with its thresholds
    """

    def register(decide: Decide) -> Decide:
        if number in CLAIMS:
            raise ValueError(f"claim {number} is registered twice")
        CLAIMS[number] = Claim(number, figure, text, criterion, decide)
        return decide

    return register


@dataclass(frozen=True)
class Curves:
    """The curves of one figure, keyed by setting and method.

    Parameters
    ----------
    curves : one table for each curve, indexed by layer or iteration in ascending order
    value : the column that a curve is judged by; lower is better
    titles : what the texts call each setting
    oracles : lowest mean objective of a setting, where known
    """

    curves: Mapping[tuple[str, str], pd.DataFrame]
    value: str
    titles: Mapping[str, str]
    oracles: Mapping[str, float] = field(default_factory=dict)

    def curve(self, setting: str, method: str, column: str = "") -> pd.Series:
        """Return one column of a curve; what is not a number counts as infinite.

        Raises
        ------
        UntestedError : there is no such curve.
        """
        if (setting, method) not in self.curves:
            raise UntestedError(f"no {LABELS[method]} for {self.titles[setting]}")
        return self.curves[setting, method][column or self.value].fillna(np.inf)

    def at(self, setting: str, method: str, x: int, column: str = "") -> float:
        """Return the value at ``x``, or at the last point evaluated before it.

        Raises
        ------
        UntestedError : there is no such curve, or it does not reach ``x``.
        """
        curve = self.curve(setting, method, column)
        if not len(curve.loc[:x]) or curve.index[-1] < x:
            raise UntestedError(f"{LABELS[method]} for {self.titles[setting]} does not reach {x}")
        return float(curve.loc[:x].iloc[-1])

    def all_at(self, setting: str, methods: Iterable[str], x: int) -> dict[str, float]:
        """Return the value of each method at ``x``; see :meth:`at`."""
        return {method: self.at(setting, method, x) for method in methods}

    def first_below(self, setting: str, method: str, level: float) -> float:
        """Return the first evaluated layer or iteration with a value <= ``level``, or infinity."""
        curve = self.curve(setting, method)
        return float(min(curve.index[curve <= level], default=np.inf))

    def median(self, setting: str, method: str, span: tuple[int, int], column: str = "") -> float:
        """Return the median of a column over the iterations of ``span``, both ends included.

        Raises
        ------
        UntestedError : there is no such curve, or it does not reach the end of ``span``.
        """
        self.at(setting, method, span[1])
        here = self.curve(setting, method, column).loc[span[0] : span[1]]
        return float(np.median(here)) if len(here) else self.at(setting, method, span[1], column)

    def diverged(self, setting: str, method: str) -> bool:
        """Return whether a curve is called diverged anywhere, or has a value that is no number."""
        self.curve(setting, method)
        table = self.curves[setting, method]
        finite = np.isfinite(table[self.value].to_numpy(float))
        return bool((table["status"] != "converged").any() or not finite.all())


def checked(name: str, table: pd.DataFrame, x: str, values: Iterable[str]) -> pd.DataFrame:
    """Return the main variant of a figure's curves, after a look at what they hold.

    Parameters
    ----------
    name : what errors call the table
    table : ``setting``, ``method``, ``status``, ``x``, ``values`` and perhaps ``variant``
    x : layer or iteration
    values : columns of numbers

    Raises
    ------
    InputError : a column is missing or holds no numbers, a status is unknown, or a point of a
        curve occurs twice.
    """
    check_columns(name, table, ["setting", "method", x, *values, "status"])
    check_words(name, table, {"status": ("converged", "diverged")})
    for column in (x, *values):
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise InputError(name, column, "holds no numbers", "write the table again")
    main = table[table["variant"] == MAIN] if "variant" in table else table
    check_once(name, main, x)
    return main


def keyed(table: pd.DataFrame, x: pd.Series) -> dict[tuple[str, str], pd.DataFrame]:
    """Return a table for each setting and method, indexed by ``x`` in ascending order."""
    indexed = table.set_index(x)
    groups = indexed.groupby(["setting", "method"], sort=False)
    return {key: rows.sort_index() for key, rows in groups}


def without_diverged(table: pd.DataFrame, value: str) -> pd.DataFrame:
    """Return the table with an infinite ``value`` where the status is diverged."""
    return table.assign(**{value: table[value].where(table["status"] == "converged", np.inf)})


def lowest(values: Mapping[str, float], method: str, show: Callable[[float], str]) -> Decision:
    """Return whether ``method`` has the lowest value, and both it and the best of the others."""
    other = min((name for name in values if name != method), key=lambda name: values[name])
    text = f"{LABELS[method]} {show(values[method])}, best of the others "
    return values[method] < values[other], f"{text}{LABELS[other]} {show(values[other])}"


def listed(values: Mapping[str, Any], show: Callable[[Any], str]) -> str:
    """Return e.g. "Adam 1.00, RMSProp 2.00"."""
    return ", ".join(f"{LABELS[method]} {show(value)}" for method, value in values.items())


def every(parts: Iterable[Decision]) -> Decision:
    """Return whether all parts hold, and their texts one after another."""
    holds, texts = zip(*parts, strict=True)
    return all(holds), "; ".join(texts)


def iterations(count: float) -> str:
    """Return an iteration as in "1,000", or "never" for infinity."""
    return f"{int(count):,}" if np.isfinite(count) else "never"
