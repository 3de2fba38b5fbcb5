"""The error of recovered signals, as several experiments draw it."""

from __future__ import annotations

import math

from l2o.figures.measure import Measure
from l2o.figures.numbers import decibels

NMSE = Measure(
    x="layer",
    xlabel="Layer (0: the start, x = 0)",
    value="nmse_db",
    median="nmse_median_db",
    low="nmse_q25_db",
    high="nmse_q75_db",
    label="NMSE (dB)",
    what="NMSE: ‖x − x*‖² / ‖x*‖² of each test sample, in dB.",
    unit=" dB",
    log=False,
    bottom=-math.inf,
    top=6.0,  # the start is at 0 dB
    text=decibels,
    rounding=lambda value: round(value, 2) + 0.0,
)
