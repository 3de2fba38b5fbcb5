"""What a meta-training with one unroll length came to, from its loss history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

PART = 0.1  # of the epochs, at the start and at the end


def length_row(history: Sequence[Mapping[str, Any]], unroll: int, horizon: int) -> dict[str, Any]:
    """Return a row of the table of lengths.

    ``first_meta_loss`` and ``last_meta_loss`` are means over the first and the last tenth of the
    epochs, ``last_meta_loss_low`` and ``_high`` the quartiles of the latter, in nats, of epochs
    that did not diverge; ``validation_loss`` is the lowest one.

    Parameters
    ----------
    history : rows with ``meta_loss``, ``validation_loss`` and ``status``, an epoch each
    unroll : inner steps between two meta-steps
    horizon : inner steps of an epoch
    """
    losses, validation = (
        np.array([row[name] for row in history], float) for name in ("meta_loss", "validation_loss")
    )
    count = max(1, round(PART * len(history)))
    first, last = (part[np.isfinite(part)] for part in (losses[:count], losses[-count:]))
    low, high = np.quantile(last, [0.25, 0.75]) if len(last) else (np.nan, np.nan)
    sound = sum(row["status"] == "ok" for row in history)
    validated = validation[~np.isnan(validation)]
    return {
        "unroll": unroll,
        "horizon": horizon,
        "epochs": len(history),
        "meta_steps": sound * (horizon // unroll),
        "first_meta_loss": first.mean() if len(first) else np.nan,
        "last_meta_loss": last.mean() if len(last) else np.nan,
        "last_meta_loss_low": low,
        "last_meta_loss_high": high,
        "validation_loss": validated.min() if len(validated) else np.nan,
        "diverged_epochs": len(history) - sound,
    }
