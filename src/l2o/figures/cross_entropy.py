"""The loss of networks that tell ten classes apart, as several experiments draw it."""

from __future__ import annotations

import math

from l2o.figures.measure import Level, Measure
from l2o.figures.numbers import rounded

CROSS_ENTROPY = Measure(
    value="loss",
    label="Training loss (nats)",
    what="Training loss: mean cross-entropy on a fixed sample of the training images.",
    unit=" nats",
    smooth=True,
    rounding=lambda value: rounded(value, 4),
)
CHANCE = Level("Chance level", math.log(10), strong=False)
CHANCE_TEXT = "Chance level: ln 10 = 2.303, the loss of ten equal chances."
