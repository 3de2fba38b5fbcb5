"""Figure 8 as a table: training loss of networks on MNIST, ours and the published one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from l2o.errors import InputError
from l2o.figures.common import (
    check_columns,
    check_once,
    check_published,
    check_words,
    published_iterations,
    write_texts,
)
from l2o.figures.fig8_text import markdown
from l2o.figures.numbers import round_3

CURVES, REFERENCE, FINALS = "figure 8 curves", "figure 8 reference", "figure 8 finals"
READING = 0.05  # relative uncertainty of the published losses, see data/reference/README.md
_CURVE_COLUMNS = (
    *("setting", "method", "variant", "kind", "label", "iteration"),
    *("loss", "loss_low", "loss_high", "status"),
)
_REFERENCE_COLUMNS = ("panel", "method", "iteration", "loss")
_FINAL_VALUES = (
    *("training_loss", "training_loss_std", "test_loss", "test_accuracy", "test_accuracy_std"),
    *("runs", "diverged"),
)
_COLUMNS = (
    *("setting", "method", "variant", "kind", "label", "iteration"),
    *("loss", "loss_low", "loss_high", "start", "published", "ratio", "verdict"),
    *(*_FINAL_VALUES, "status"),
)
_ALLOWED = {
    "variant": ("main",),
    "kind": ("classical", "recurrent"),
    "status": ("converged", "diverged"),
}


def check_curves(
    curves: pd.DataFrame, reference: pd.DataFrame, finals: pd.DataFrame, settings: Iterable[str]
) -> None:
    """Check that the tables hold what Figure 8 needs, in each of ``settings``.

    Raises
    ------
    InputError : a column, a setting or a published method is missing, a word is not one of those
        allowed, an iteration occurs twice, or a curve has not one row of ``finals``.
    """
    check_columns(CURVES, curves, _CURVE_COLUMNS)
    check_words(CURVES, curves, _ALLOWED)
    check_once(CURVES, curves, "iteration")
    check_columns(REFERENCE, reference, _REFERENCE_COLUMNS)
    check_columns(FINALS, finals, ("setting", "method", *_FINAL_VALUES))
    settings = list(settings)
    check_published((CURVES, REFERENCE), curves, reference, settings)
    found = finals.groupby(["setting", "method"]).size()
    here = curves[curves["setting"].isin(settings)]
    for setting, method in here[["setting", "method"]].drop_duplicates().itertuples(index=False):
        if (count := int(found.get((setting, method), 0))) != 1:
            problem, remedy = f"{count} rows of {method}", "write one row for each curve"
            raise InputError(FINALS, setting, problem, remedy)


def fig8_table(curves: pd.DataFrame, reference: pd.DataFrame, finals: pd.DataFrame) -> pd.DataFrame:
    """Compare our training losses with the published ones, as far as our runs go.

    Parameters
    ----------
    curves, reference, finals : see :func:`l2o.figures.fig8.draw_fig8`

    Returns
    -------
    A row per panel of ``reference``, method (the published ones first) and iteration: those of the
    panel's published curves that our runs reach, and the last one of ours: ``setting``, ``method``,
    ``variant``, ``kind``, ``label``, ``iteration``, ``loss`` (nats, mean over the runs),
    ``loss_low``, ``loss_high`` (range over the runs), ``start`` (our loss at iteration 0),
    ``published`` (NaN: not read, not published), ``ratio`` (ours / published), ``verdict`` (learned
    methods at the last published iteration: ``met`` if the curve converged and the ratio is at
    most 1 + :data:`READING`, else ``missed``; "" elsewhere), at our last iteration only (NaN
    before) ``training_loss`` and its std (nats, all training images), ``test_loss``,
    ``test_accuracy`` and its std (0 to 1), ``runs``, ``diverged`` (how many of them), and
    ``status`` of the whole curve. Losses have 4 significant digits, ratios 3.

    Raises
    ------
    InputError : see :func:`check_curves`; or a curve lacks an iteration of the table.
    """
    panels = reference["panel"].unique() if "panel" in reference else ()
    check_curves(curves, reference, finals, panels)
    keyed, rows = finals.set_index(["setting", "method"]), []
    for setting in panels:
        here = curves[curves["setting"] == setting].sort_values("iteration", kind="stable")
        published = reference[reference["panel"] == setting]
        last = int(here["iteration"].max())
        wanted = {*published["iteration"].astype(int)}
        at = sorted({i for i in wanted if i <= last} | {last})
        for method in dict.fromkeys([*published["method"], *here["method"]]):
            paper = published[published["method"] == method].set_index("iteration")["loss"]
            paper = paper.reindex(at).astype(float)
            ours = here[here["method"] == method]
            rows += _rows(ours, paper, max(wanted), keyed.loc[(setting, method)])
    return pd.DataFrame(rows, columns=_COLUMNS)


def _rows(ours: pd.DataFrame, paper: pd.Series, end: int, final: pd.Series) -> list[dict[str, Any]]:
    """Return the rows of one curve; ``paper`` is keyed by their iterations (NaN: not read)."""
    names = ("loss", "loss_low", "loss_high")
    keyed = {name: published_iterations(CURVES, ours, paper, name)[1] for name in names}
    start, last = keyed["loss"].get(0, np.nan), paper.index[-1]
    lost = (ours["status"] != "converged").any() or not np.isfinite(keyed["loss"][last])
    about = {word: ours[word].iloc[0] for word in ("setting", "method", "variant", "kind", "label")}
    about |= {"start": float(f"{start:.4g}"), "status": "diverged" if lost else "converged"}
    rows = []
    for iteration, published in paper.items():
        losses = {name: float(f"{values[iteration]:.4g}") for name, values in keyed.items()}
        ratio = round_3(losses["loss"] / published) if np.isfinite(published) else np.nan
        verdict = ""
        if iteration == end and about["kind"] == "recurrent" and np.isfinite(published):
            met = not lost and losses["loss"] <= published * (1 + READING)
            verdict = "met" if met else "missed"
        row = about | losses | {"iteration": int(iteration), "published": published}
        row |= {"ratio": ratio, "verdict": verdict}
        if iteration == last:
            row |= {name: float(f"{final[name]:.4g}") for name in _FINAL_VALUES}
        rows.append(row)
    return rows


def fig8_metrics(table: pd.DataFrame) -> dict[str, Any]:
    """Return the comparison as nested numbers; what is not finite is left out.

    ``cells`` and ``cells_met`` (learned methods at the last published iteration) and, by setting,
    ``<method>_loss`` (nats) and ``<method>_test_accuracy`` (0 to 1) after our last iteration.
    """
    metrics: dict[str, Any] = {"cells_met": int((table["verdict"] == "met").sum())}
    metrics["cells"] = int(table["verdict"].isin(["met", "missed"]).sum())
    for setting, rows in table.groupby("setting", sort=False):
        last = rows[rows["iteration"] == rows["iteration"].max()].set_index("method")
        values = {
            f"{method}_{column}": float(value)
            for column in ("loss", "test_accuracy")
            for method, value in last[column].items()
        }
        metrics[setting] = {name: value for name, value in values.items() if np.isfinite(value)}
    return metrics


def write_table(
    csv_path: str | Path,
    md_path: str | Path,
    table: pd.DataFrame,
    titles: Mapping[str, str],
    preset: str,
    budget_note: str,
) -> None:
    """Write the table of :func:`fig8_table` as CSV and as Markdown; equal tables, equal bytes.

    Parameters
    ----------
    csv_path, md_path : files to write, UTF-8; the CSV has 4 significant digits, and empty cells
        for what is not there
    table : what :func:`fig8_table` returned
    titles : headings of the Markdown tables, keyed by setting
    preset, budget_note : named under the Markdown tables

    Raises
    ------
    InputError : a file cannot be written.
    """
    shortened = table.astype({name: float for name in _FINAL_VALUES})
    csv = shortened.to_csv(index=False, float_format="%.4g", lineterminator="\n")
    write_texts({csv_path: csv, md_path: markdown(table, titles, preset, budget_note)})
