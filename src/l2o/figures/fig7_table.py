"""Figure 7 as a table: the gap to the oracle at the last published iteration, ours and theirs."""

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
from l2o.figures.numbers import curve_ratio, round_3, significant, times_apart

CURVES, REFERENCE, ORACLES = "figure 7 curves", "figure 7 reference", "figure 7 oracles"
LOSS_LABEL = "Mean objective f"
ORACLE = "oracle (Run-and-Inspect)"
CONVENTION = (
    "Mean of f over the test instances and random starts; iteration k is after k − 1 steps, as in "
    "the paper."
)
_CURVE_COLUMNS = (
    *("setting", "method", "variant", "kind", "label", "iteration", "loss", "loss_low"),
    *("loss_high", "gap", "evaluations", "shift", "status"),
)
_REFERENCE_COLUMNS = ("panel", "method", "iteration", "loss", "reading")
_ORACLE_COLUMNS = ("setting", "oracle", "expected_oracle", "oracle_error", "starts", "settled")
_COLUMNS = (
    *("setting", "method", "variant", "kind", "label", "iteration", "loss", "gap"),
    *("paper_iteration", "paper_loss", "paper_gap", "paper_gap_error", "reading"),
    *("ratio", "verdict", "over_adam", "paper_over_adam", "curve_ratio", "status"),
)
_ALLOWED = {
    "variant": VARIANTS,
    "kind": ("classical", "recurrent", "population"),
    "status": ("converged", "diverged"),
}


def check_curves(
    curves: pd.DataFrame, reference: pd.DataFrame, oracles: pd.DataFrame, settings: Iterable[str]
) -> None:
    """Check that the tables hold what Figure 7 needs, in each of ``settings``.

    Raises
    ------
    InputError : a column, a setting or the main variant of a published method is missing, a word
        is not one of those allowed, an iteration occurs twice, a setting has not one oracle, or a
        published curve has no reading at the last iteration of its panel.
    """
    settings = list(settings)
    check_columns(CURVES, curves, _CURVE_COLUMNS)
    check_words(CURVES, curves, _ALLOWED)
    check_once(CURVES, curves, "iteration", ["variant"])
    check_columns(REFERENCE, reference, _REFERENCE_COLUMNS)
    check_columns(ORACLES, oracles, _ORACLE_COLUMNS)
    main = curves[curves["variant"] == "main"]
    check_published((CURVES, REFERENCE), main, reference, settings)
    for setting in settings:
        if (found := int((oracles["setting"] == setting).sum())) != 1:
            raise InputError(ORACLES, setting, f"{found} rows", "write one row for each setting")
        here = reference[reference["panel"] == setting]
        last = here[(here["iteration"] == here["iteration"].max()) & here["loss"].notna()]
        if short := sorted(set(here["method"]) - set(last["method"])):
            problem = f"no reading of {', '.join(short)} at the last iteration"
            raise InputError(REFERENCE, setting, problem, "estimate the value or drop the curve")


def fig7_table(
    curves: pd.DataFrame, reference: pd.DataFrame, oracles: pd.DataFrame
) -> pd.DataFrame:
    """Compare the gap of each method to the oracle with the published one.

    Parameters
    ----------
    curves, reference, oracles : see :func:`l2o.figures.fig7.draw_fig7`

    Returns
    -------
    One row per panel, method and variant: the published methods in the order of ``reference``, then
    the main curves of others. ``setting``, ``method``, ``variant``, ``kind``, ``label``,
    ``iteration`` (ours; it plus the shift is the paper's, the last of the panel), ``loss``, ``gap``
    (loss - mean oracle of our test instances), ``paper_iteration``, ``paper_loss``, ``paper_gap``
    (paper_loss - expected_oracle), ``paper_gap_error`` (standard error, one for all gaps of a
    panel), ``reading`` (curve, estimate), ``ratio`` (gap / paper_gap; NaN where the latter is not
    positive), ``verdict`` (``met`` where gap <= paper_gap, else ``missed``), ``over_adam`` and
    ``paper_over_adam`` (loss less that of Adam on the same instances: the instances' share in the
    error of the published gaps is not in it; NaN without Adam), ``curve_ratio``
    (``as_drawn`` rows: the largest ratio of both losses, either way up, over the iterations that
    were read; else NaN) and ``status``. Losses are rounded to 4 significant digits, all else to 3,
    before gaps are compared. A curve that is ``diverged`` anywhere, or whose last value is not
    finite, misses. What is not published has NaN and empty words.

    Raises
    ------
    InputError : see :func:`check_curves`; or a published iteration is not in our curve.
    """
    panels = reference["panel"].unique() if "panel" in reference else ()
    check_curves(curves, reference, oracles, panels)
    rows = []
    for setting in panels:
        oracle = oracles.set_index("setting").loc[setting]
        published, here = reference[reference["panel"] == setting], curves["setting"] == setting
        last = published["iteration"].max()
        for method in published["method"].unique():
            paper = published[published["method"] == method].set_index("iteration").sort_index()
            for variant in VARIANTS:
                mine = curves["method"].eq(method) & curves["variant"].eq(variant)
                if (here & mine).any():
                    rows.append(_compared(curves[here & mine], paper, oracle))
        others = ~curves["method"].isin(published["method"]) & (curves["variant"] == "main")
        for _, ours in curves[here & others].groupby("method", sort=False):
            rows.append(_row(ours, last))
    table = pd.DataFrame(rows, columns=_COLUMNS).fillna({"reading": "", "verdict": ""})
    adam = table[(table["method"] == "adam") & (table["variant"] == "main")].set_index("setting")
    for column, loss in (("over_adam", "loss"), ("paper_over_adam", "paper_loss")):
        table[column] = (table[loss] - table["setting"].map(adam[loss])).map(round_3)
    return table


def _row(ours: pd.DataFrame, last: int) -> dict[str, Any]:
    """Return what a row of the table says of our curve at published iteration ``last``."""
    wanted = pd.Series(index=[last])
    at, gaps = published_iterations(CURVES, ours, wanted, "gap")
    losses = published_iterations(CURVES, ours, wanted, "loss")[1]
    lost = (ours["status"] != "converged").any() or not np.isfinite(gaps[last])
    words = ("setting", "method", "variant", "kind", "label")
    return {
        **{word: ours[word].iloc[0] for word in words},
        "iteration": int(at[last]),
        "loss": float(f"{losses[last]:.4g}"),
        "gap": round_3(gaps[last]),
        "status": "diverged" if lost else "converged",
    }


def _compared(ours: pd.DataFrame, paper: pd.DataFrame, oracle: pd.Series) -> dict[str, Any]:
    """Return one row of a published method; ``paper`` is in ascending order of its index."""
    last, read = int(paper.index[-1]), paper["loss"].dropna()
    losses = published_iterations(CURVES, ours, read, "loss")[1]
    row = _row(ours, last)
    paper_gap = round_3(read[last] - oracle["expected_oracle"])
    met = row["status"] == "converged" and row["gap"] <= paper_gap
    drawn = row["variant"] == "as_drawn"
    return row | {
        "paper_iteration": float(last),
        "paper_loss": float(f"{read[last]:.4g}"),
        "paper_gap": paper_gap,
        "paper_gap_error": round_3(oracle["oracle_error"]),
        "reading": paper.loc[last, "reading"],
        "ratio": round_3(row["gap"] / paper_gap) if paper_gap > 0 else np.nan,
        "verdict": "met" if met else "missed",
        "curve_ratio": curve_ratio(losses, read) if drawn else np.nan,
    }


def fig7_metrics(table: pd.DataFrame) -> dict[str, Any]:
    """Return the comparison of the main variants as nested numbers.

    ``cells`` and ``cells_met`` (published methods only) and, by setting, ``<method>_gap``.
    """
    main = table[table["variant"] == "main"]
    metrics: dict[str, Any] = {"cells_met": int((main["verdict"] == "met").sum())}
    metrics["cells"] = int(main["paper_gap"].notna().sum())
    for setting, rows in main.groupby("setting", sort=False):
        values = zip(rows["method"], rows["gap"], strict=True)
        metrics[setting] = {f"{method}_gap": float(value) for method, value in values}
    return metrics


def ours_text(row: pd.Series, column: str) -> str:
    """Return our loss or gap as text, or that the curve diverged."""
    return "diverged" if row["status"] == "diverged" else significant(row[column])


def _estimated(row: pd.Series) -> str:
    return "~" if row["reading"] == "estimate" else ""


def gap_pair(row: pd.Series) -> str:
    """Return "ours / published ± its error" for one row of :func:`fig7_table`.

    "~" is in front of an estimate; "–" stands for what is not published.
    """
    if pd.isna(row["paper_gap"]):
        return f"{ours_text(row, 'gap')} / –"
    published = f"{_estimated(row)}{significant(row['paper_gap'])}"
    return f"{ours_text(row, 'gap')} / {published} ± {significant(row['paper_gap_error'], 2)}"


def over_adam_pair(row: pd.Series) -> str:
    """Return "ours / published", as :func:`gap_pair`, for the mean objective less Adam's."""
    published = row["paper_over_adam"]
    ours = "diverged" if row["status"] == "diverged" else f"{row['over_adam']:+.3g}"
    return f"{ours} / {'–' if pd.isna(published) else f'{_estimated(row)}{published:+.3g}'}"


def main_heading(table: pd.DataFrame) -> str:
    """Return what the cells of the main table are."""
    return (
        "Gap to the oracle, ours / published ± standard error, at published "
        f"{compared_iterations(table)}"
    )


def explanation(table: pd.DataFrame) -> str:
    """Return how the gap is defined, and how far the published ones can be trusted."""
    text = (
        "Gap: mean of f over test instances and starts, less the mean of the lowest minima found "
        "by Run-and-Inspect (the oracle). The paper's test instances are not ours: its gap is "
        "taken to the expected oracle of the family, and ± is the standard error of the mean "
        "oracle of as many instances, one error that all methods of a setting share. "
        "Published losses are read off a picture, good to between 1 % and 5 %."
    )
    if (table["reading"] == "estimate").any():
        text += " ~: hidden in the picture and estimated, good to some 10 %."
    return text


def counted(main: pd.DataFrame) -> str:
    """Return how many published cells of the main variants are met, ± left aside."""
    cells = int(main["paper_gap"].notna().sum())
    text = f"{int((main['verdict'] == 'met').sum())} of {cells} cells at or below the published gap"
    only = main.loc[main["paper_gap"].isna(), "label"].unique()
    return f"{text}; not published and not counted: {', '.join(only)}." if len(only) else f"{text}."


def best_learned(main: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """Return which learned method has the smallest gap in each setting; "" if none converged."""
    learned = main[(main["kind"] == "recurrent") & (main["status"] == "converged")]
    best = learned.loc[learned.groupby("setting", sort=False)["gap"].idxmin()]
    names = [
        f"{titles.get(row['setting'], row['setting'])}: {row['label']} ({significant(row['gap'])})"
        for _, row in best.iterrows()
    ]
    return f"Smallest gap of a learned method: {'; '.join(names)}." if names else ""


def over_adam_heading() -> str:
    """Return what the table of differences to Adam is, and what it is good for."""
    return (
        "Mean objective less that of Adam on the same instances, ours / published, at the same "
        "iteration: the error that the published gaps share is not in these differences."
    )


def as_drawn_heading() -> str:
    """Return the sentence over the table of the ``as_drawn`` rows."""
    return (
        "With the settings that reproduce the published curves, where the paper's text gives "
        "others: gap, ours / published; largest ratio of the two losses, either way up, over the "
        "iterations that were read."
    )


def _cell(row: pd.Series) -> str:
    text = gap_pair(row)
    return f"**{text}**" if row["verdict"] == "met" else text


def _as_drawn_cell(row: pd.Series) -> str:
    return f"{gap_pair(row)}; {times_apart(row['curve_ratio'])}"


def _markdown(table: pd.DataFrame, titles: Mapping[str, str], preset: str, budget_note: str) -> str:
    main, drawn = (table[table["variant"] == variant] for variant in VARIANTS)
    lines = [f"{main_heading(main)}; bold where ours is no larger.", "", explanation(main), ""]
    lines += [*markdown_grid(main, titles, _cell), "", counted(main), ""]
    if best := best_learned(main, titles):
        lines += [best, ""]
    lines += [over_adam_heading(), "", *markdown_grid(main, titles, over_adam_pair), ""]
    if len(drawn):
        lines += [as_drawn_heading(), "", *markdown_grid(drawn, titles, _as_drawn_cell), ""]
    return "\n".join([*lines, preset_note(preset, budget_note), ""])


def write_table(
    csv_path: str | Path,
    md_path: str | Path,
    table: pd.DataFrame,
    titles: Mapping[str, str],
    preset: str,
    budget_note: str,
) -> None:
    """Write the table of :func:`fig7_table` as CSV and as Markdown; equal tables, equal bytes.

    Parameters
    ----------
    csv_path, md_path : files to write, UTF-8; the CSV has 4 significant digits, and empty cells
        for what is not there
    table : what :func:`fig7_table` returned
    titles : column heads of the Markdown tables, keyed by setting
    preset, budget_note : named under the Markdown tables; the note only if preset is not ``paper``

    Raises
    ------
    InputError : a file cannot be written.
    """
    csv = table.to_csv(index=False, float_format="%.4g", lineterminator="\n")
    write_texts({csv_path: csv, md_path: _markdown(table, titles, preset, budget_note)})
