"""Figure 6 as a table: the relative loss at the last published iteration, ours and the paper's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from l2o.errors import InputError
from l2o.figures.common import (
    VARIANTS,
    check_columns,
    check_once,
    check_published,
    check_words,
    compared_iterations,
    markdown_grid,
    preset_note,
    published_iterations,
    write_texts,
)
from l2o.figures.numbers import curve_ratio, round_3, scientific, times_apart

CURVES, REFERENCE, SECONDS = "figure 6 curves", "figure 6 reference", "figure 6 seconds"
_CURVE_COLUMNS = (
    *("setting", "method", "variant", "kind", "label", "iteration", "relative_loss"),
    *("start_low", "start_high", "q25", "q75", "layers", "status"),
)
_REFERENCE_COLUMNS = ("panel", "method", "iteration", "relative_loss")
_SECONDS_COLUMNS = ("setting", "method", "iteration", "seconds", "batch")
_ALLOWED = {
    "variant": VARIANTS,
    "kind": ("classical", "unrolled", "recurrent"),
    "status": ("converged", "diverged"),
}
LOSS_LABEL = "Relative loss (eq. 19)"
CONVENTION = (
    "Relative loss: mean of f − f* over the test instances, divided by the mean of f*; "
    "averaged over random starts."
)
READING = "about 5 %"  # how well most published values could be read, see data/reference/README.md
_LAST_OF_FISTA = 400  # later values depend on the published optimum: FISTA's own, iteration 2,000


def check_curves(curves: pd.DataFrame, reference: pd.DataFrame, settings: Iterable[str]) -> None:
    """Check that both tables hold what Figure 6 needs, in each of ``settings``.

    Raises
    ------
    InputError : a column, a setting or the main variant of a published method is missing, a word
        is not one of those allowed, or an iteration occurs twice.
    """
    _check_ours(curves)
    check_columns(REFERENCE, reference, _REFERENCE_COLUMNS)
    main = curves[curves["variant"] == "main"]
    check_published((CURVES, REFERENCE), main, reference, settings)


def _check_ours(curves: pd.DataFrame) -> None:
    check_columns(CURVES, curves, _CURVE_COLUMNS)
    check_words(CURVES, curves, _ALLOWED)
    check_once(CURVES, curves, "iteration", ["variant"])


def check_seconds(seconds: pd.DataFrame, curves: pd.DataFrame, settings: Iterable[str]) -> None:
    """Check that ``seconds`` has times of every main curve, of one batch size per setting.

    Raises
    ------
    InputError : a column or a setting is missing, an iteration occurs twice, a curve has no
        iteration with a time, or the batch sizes of one setting differ.
    """
    _check_ours(curves)
    check_columns(SECONDS, seconds, _SECONDS_COLUMNS)
    check_once(SECONDS, seconds, "iteration")
    main, at = curves[curves["variant"] == "main"], ["setting", "method", "iteration"]
    both = main[at].merge(seconds, on=at)
    timed = both[(both["iteration"] > 0) & (both["seconds"] > 0)]
    for setting in settings:
        here = timed[timed["setting"] == setting]
        ours = set(main.loc[main["setting"] == setting, "method"])
        if not ours:
            raise InputError(CURVES, setting, "no rows", "evaluate it or drop the setting")
        if missing := ours - set(here["method"]):
            problem = f"no times of {', '.join(sorted(missing))}"
            raise InputError(SECONDS, setting, problem, "evaluate again what is missing")
        if here["batch"].nunique() != 1:
            found = ", ".join(map(str, sorted(here["batch"].unique())))
            problem = f"batch sizes differ: {found}"
            raise InputError(SECONDS, setting, problem, "time all methods on the same instances")


def fig6_table(curves: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """Compare each method with its published curve, at the last iteration that was read.

    Parameters
    ----------
    curves : tidy table of this project's relative losses; see :func:`l2o.figures.fig6.draw_fig6`
    reference : published curves, columns ``panel``, ``method``, ``iteration``, ``relative_loss``;
        an empty relative loss could not be read and is left out

    Returns
    -------
    One row per panel, published method and variant, in the order of ``reference``: ``setting``,
    ``method``, ``variant``, ``label``, ``iteration`` (ours; it plus the shift is the paper's),
    ``relative_loss``, ``paper_iteration``, ``paper_relative_loss``, ``ratio`` (ours / paper, below
    1: ours is better), ``verdict`` (``met`` where ours <= paper, else ``missed``),
    ``curve_ratio`` and ``status``. Losses are rounded to 3 significant digits before they are
    compared. A curve that is ``diverged`` anywhere, or whose last value is not finite, misses.
    ``curve_ratio`` is NaN but for ``as_drawn`` rows: the largest of ours / paper and
    paper / ours over the iterations that were read (FISTA: up to 400), infinite where ours is not
    positive and finite.

    Raises
    ------
    InputError : see :func:`check_curves`; or a published iteration is not in our curve.
    """
    check_curves(curves, reference, reference["panel"].unique() if "panel" in reference else ())
    rows, read = [], reference.dropna(subset="relative_loss").sort_values("iteration")
    for (setting, method), _ in reference.groupby(["panel", "method"], sort=False):
        published = read[(read["panel"] == setting) & (read["method"] == method)]
        here = curves[(curves["setting"] == setting) & (curves["method"] == method)]
        for variant in VARIANTS:
            ours = here[here["variant"] == variant]
            if len(ours) and len(published):
                rows.append(_compared(ours, published.set_index("iteration")["relative_loss"]))
    return pd.DataFrame(rows)


def _compared(ours: pd.DataFrame, paper: pd.Series) -> dict[str, Any]:
    """Return one row of the table; ``paper`` is keyed by iteration, in ascending order."""
    setting, method, variant, label = ours.iloc[0][["setting", "method", "variant", "label"]]
    at, losses = published_iterations(CURVES, ours, paper, "relative_loss")
    last = paper.index[-1]
    exact = [float(table[last]) for table in (losses, paper)]
    loss, published = map(round_3, exact)
    compared = paper.loc[:_LAST_OF_FISTA] if method == "fista" else paper
    lost = bool((ours["status"] != "converged").any()) or not np.isfinite(loss)
    return {
        "setting": setting,
        "method": method,
        "variant": variant,
        "label": label,
        "iteration": int(at[last]),
        "relative_loss": loss,
        "paper_iteration": int(last),
        "paper_relative_loss": published,
        "ratio": round_3(exact[0] / exact[1]),
        "verdict": "met" if not lost and loss <= published else "missed",
        "curve_ratio": curve_ratio(losses, compared) if variant == "as_drawn" else np.nan,
        "status": "diverged" if lost else "converged",
    }


def fig6_metrics(table: pd.DataFrame) -> dict[str, Any]:
    """Return the comparison of the main variants as nested numbers.

    ``cells``, ``cells_met`` and, by setting, ``<method>_relative_loss`` (no unit).
    """
    main = table[table["variant"] == "main"]
    metrics: dict[str, Any] = {"cells_met": int((main["verdict"] == "met").sum())}
    metrics["cells"] = len(main)
    for setting, rows in main.groupby("setting", sort=False):
        values = zip(rows["method"], rows["relative_loss"], strict=True)
        metrics[setting] = {f"{method}_relative_loss": float(value) for method, value in values}
    return metrics


def loss_pair(row: pd.Series) -> str:
    """Return "ours / paper" of one row of :func:`fig6_table`; a diverged curve is called so."""
    ours = scientific(row["relative_loss"])
    if row["status"] == "diverged":
        ours = f"{ours} (diverged)" if np.isfinite(row["relative_loss"]) else "diverged"
    return f"{ours} / {scientific(row['paper_relative_loss'])}"


def _cell(row: pd.Series) -> str:
    text = loss_pair(row)
    return f"**{text}**" if row["verdict"] == "met" else text


def as_drawn_cell(row: pd.Series) -> str:
    """Return "ours / paper" and how far the curves are apart, for an ``as_drawn`` row."""
    return f"{loss_pair(row)}; {times_apart(row['curve_ratio'])}"


def as_drawn_heading() -> str:
    """Return the sentence over the table of the ``as_drawn`` rows."""
    return (
        "With the settings that reproduce the published curves, where the paper's text gives "
        "others: relative loss, ours / paper; largest ratio of the two curves, either way up, over "
        f"the iterations that were read (FISTA: up to {_LAST_OF_FISTA})."
    )


def main_heading(table: pd.DataFrame) -> str:
    """Return what the cells of the main table are."""
    return f"Relative loss (eq. 19), ours / paper, at {compared_iterations(table)}"


def counted(main: pd.DataFrame) -> str:
    """Return how many cells of the main variants are at or below the published value."""
    met = int((main["verdict"] == "met").sum())
    return (
        f"{met} of {len(main)} cells at or below the published value "
        f"(most readings are good to {READING})."
    )


def _markdown(table: pd.DataFrame, titles: Mapping[str, str], preset: str, budget_note: str) -> str:
    main, drawn = (table[table["variant"] == variant] for variant in VARIANTS)
    heading = f"{main_heading(main)}; bold where ours is no worse."
    lines = [heading, "", *markdown_grid(main, titles, _cell), "", counted(main), ""]
    if len(drawn):
        lines += [as_drawn_heading(), "", *markdown_grid(drawn, titles, as_drawn_cell), ""]
    return "\n".join([*lines, preset_note(preset, budget_note), ""])


def write_table(
    csv_path: str | Path,
    md_path: str | Path,
    table: pd.DataFrame,
    titles: Mapping[str, str],
    preset: str,
    budget_note: str,
) -> None:
    """Write the table of :func:`fig6_table` as CSV and as Markdown; equal tables, equal bytes.

    Parameters
    ----------
    csv_path, md_path : files to write, UTF-8; the CSV has 3 significant digits
    table : what :func:`fig6_table` returned
    titles : column heads of the Markdown tables, keyed by setting
    preset, budget_note : named under the Markdown tables; the note only if preset is not ``paper``

    Raises
    ------
    InputError : a file cannot be written.
    """
    csv = table.to_csv(index=False, float_format="%.3g", na_rep="nan", lineterminator="\n")
    write_texts({csv_path: csv, md_path: _markdown(table, titles, preset, budget_note)})
