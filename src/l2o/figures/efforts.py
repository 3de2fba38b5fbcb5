"""What it took each run to reach a target: iterations, evaluations, seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from l2o.variants import MAIN

EFFORTS = {  # column, and what it counts
    "iteration": "iterations",
    "evaluations": "evaluations",
    "seconds": "seconds",
}
_WHO = ["kind", "label"]
Targets = Mapping[str, Sequence[float]]  # of runs, by setting


class Clock:
    """When a method is at an iteration: seconds since its start, of all runs at once.

    Methods that were timed together, one after the other in one job, go by that. Where steps were
    timed beside Adam's, their ratio counts, so that what else the machine did at the time weighs on
    none. Else the seconds of a whole run are spread evenly.

    Parameters
    ----------
    timings : table of whole runs
    seconds : table of the seconds at iterations; None: there is none
    """

    def __init__(self, timings: pd.DataFrame, seconds: pd.DataFrame | None = None) -> None:
        keys, self._known = ["setting", "method"], {}
        if seconds is not None:
            for key, rows in seconds.groupby(keys):
                rows = rows.sort_values(_place(rows))
                at = np.append(0, rows[_place(rows)]), np.append(0, rows["seconds"])
                self._known[key] = at
        timings = timings.set_index(keys)
        if "step_over_adam" in timings:
            adam = timings.groupby("setting")["adam_seconds_per_step"].median()
            adam = adam.reindex(timings.index.get_level_values(0)).to_numpy()
            self._pace = timings["step_over_adam"] * adam
        else:
            self._pace = timings["solve_seconds"] / timings[_place(timings)]

    def at(self, setting: str, method: str, iterations: pd.Series) -> np.ndarray:
        """Return the seconds at iterations (rows,); NaN where nothing was timed."""
        places = iterations.to_numpy(float)
        if (setting, method) not in self._known:
            return places * float(self._pace.get((setting, method), np.nan))
        x, y = self._known[setting, method]
        beyond = np.maximum(places - x[-1], 0) * y[-1] / max(x[-1], 1)
        return np.interp(places, x, y) + beyond


def _place(table: pd.DataFrame) -> str:
    return "iteration" if "iteration" in table else "layer"


def efforts(runs: pd.DataFrame, targets: Targets, clock: Clock | None = None) -> pd.DataFrame:
    """Return a row for each run and target: what it took to get there.

    Columns: ``setting``, ``method``, ``instance``, ``start``, ``target``, ``iteration``,
    ``evaluations`` and, given a clock, ``seconds`` (NaN: never reached).
    """
    parts = []
    for setting, values in targets.items():
        here = runs[runs["setting"] == setting]
        for number, target in enumerate(values, start=1):
            part = here[["setting", "method", "instance", "start"]].assign(target=target)
            for effort in ("iteration", "evaluations"):
                part[effort] = pd.to_numeric(here[f"{effort}_{number}"])
            parts.append(part)
    found = pd.concat(parts, ignore_index=True)
    if clock is not None:
        found["seconds"] = np.nan
        for key, rows in found.groupby(["setting", "method"])["iteration"]:
            found.loc[rows.index, "seconds"] = clock.at(*key, rows)
    return found


def profile_rows(
    runs: pd.DataFrame, finals: pd.DataFrame, clock: Clock, targets: Targets
) -> pd.DataFrame:
    """Return how many runs reach each target, and when, a row per setting, method and target.

    Columns: ``setting``, ``method``, ``kind``, ``label``, ``target``, ``runs``, ``reached`` (how
    many), and of each effort the quartiles over all runs, such as ``iteration_median`` (infinite:
    fewer than half of the runs get there), with ``_q25`` and ``_q75``.
    """
    rows, main = [], finals[finals["variant"] == MAIN].set_index(["setting", "method"])
    long, keys = efforts(runs, targets, clock), ["setting", "method", "target"]
    for (setting, method, target), part in long.groupby(keys, sort=False):
        row = {"setting": setting, "method": method, **main.loc[(setting, method), _WHO].to_dict()}
        row |= {"target": target, "runs": len(part), "reached": int(part["iteration"].count())}
        for effort in EFFORTS:
            values = part[effort].fillna(np.inf).to_numpy(float)
            found = np.quantile(values, [0.25, 0.5, 0.75], method="higher")
            names = (f"{effort}_{end}" for end in ("q25", "median", "q75"))
            row |= dict(zip(names, found, strict=True))
        rows.append(row)
    return pd.DataFrame(rows)
