"""Figure 5 as a table: the last layer of every method against the published value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from l2o.figures.common import (
    check_columns,
    check_once,
    check_published,
    markdown_grid,
    preset_note,
    write_texts,
)

CURVES, REFERENCE = "figure 5 curves", "figure 5 reference"  # how errors name the two tables
_CURVE_COLUMNS = (
    *("setting", "method", "kind", "label", "layer", "nmse_db", "nmse_q25_db", "nmse_q75_db"),
    "status",
)
_REFERENCE_COLUMNS = ("panel", "method", "layer", "nmse_db")
READING_DB = 0.3  # how well the published curves could be read, see data/reference/README.md


def check_curves(curves: pd.DataFrame, reference: pd.DataFrame, settings: Iterable[str]) -> None:
    """Check that both tables hold what Figure 5 needs, in each of ``settings``.

    Raises
    ------
    InputError : a column, a setting or a published method is missing, or a layer occurs twice.
    """
    check_columns(CURVES, curves, _CURVE_COLUMNS)
    check_columns(REFERENCE, reference, _REFERENCE_COLUMNS)
    check_published((CURVES, REFERENCE), curves, reference, settings)
    check_once(CURVES, curves, "layer")


def fig5_table(curves: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """Compare each method's last layer with the last layer of its published curve.

    Parameters
    ----------
    curves : tidy table of this project's NMSE, dB; see :func:`l2o.figures.fig5.draw_fig5`
    reference : published curves, columns ``panel``, ``method``, ``layer``, ``nmse_db`` (dB)

    Returns
    -------
    One row per panel and method of ``reference``, in its order (4 x 7 = 28 rows): ``setting``,
    ``method``, ``label``, ``layer`` (ours), ``nmse_db``, ``paper_layer``, ``paper_nmse_db``,
    ``difference_db`` (ours minus paper; negative: ours is better), ``verdict`` (``met`` where
    ours <= paper, else ``missed``) and ``status``. dB values are rounded to 2 decimals before
    they are compared. The published layer is always the last, also where ours has fewer layers:
    a shallow net is then compared with the full one, to its disadvantage. A net that is
    ``diverged`` at any layer, or whose last value is not a number, misses.

    Raises
    ------
    InputError : see :func:`check_curves`.
    """
    check_curves(curves, reference, reference["panel"].unique() if "panel" in reference else ())
    rows = []
    for (setting, method), published in reference.groupby(["panel", "method"], sort=False):
        ours = curves[(curves["setting"] == setting) & (curves["method"] == method)]
        ours, last = ours.sort_values("layer"), published.sort_values("layer").iloc[-1]
        nmse, paper = (round(float(value), 2) for value in (ours["nmse_db"].iloc[-1], last.nmse_db))
        lost = bool((ours["status"] != "converged").any()) or np.isnan(nmse) or nmse == np.inf
        rows.append(
            {
                "setting": setting,
                "method": method,
                "label": ours["label"].iloc[-1],
                "layer": int(ours["layer"].iloc[-1]),
                "nmse_db": nmse + 0.0,  # no minus zero
                "paper_layer": int(last.layer),
                "paper_nmse_db": paper,
                "difference_db": round(nmse - paper, 2) + 0.0,
                "verdict": "met" if not lost and nmse <= paper else "missed",
                "status": "diverged" if lost else "converged",
            }
        )
    return pd.DataFrame(rows)


def fig5_metrics(table: pd.DataFrame) -> dict[str, Any]:
    """Return the comparison as nested numbers: NMSE (dB) by setting and method, cells met."""
    metrics: dict[str, Any] = {"cells_met": int((table["verdict"] == "met").sum())}
    metrics["cells"] = len(table)
    for setting, rows in table.groupby("setting", sort=False):
        values = zip(rows["method"], rows["nmse_db"], strict=True)
        metrics[setting] = {f"{method}_nmse_db": float(value) for method, value in values}
    return metrics


def _db(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "−∞"


def db_pair(row: pd.Series) -> str:
    """Return "ours / paper" of one row of :func:`fig5_table`, in dB."""
    ours = "diverged" if row["status"] == "diverged" else _db(row["nmse_db"])
    return f"{ours} / {_db(row['paper_nmse_db'])}".replace("-", "−")


def _cell(row: pd.Series) -> str:
    text = db_pair(row)
    return f"**{text}**" if row.verdict == "met" else text


def compared_layers(table: pd.DataFrame) -> str:
    """Return "layer 16", or "layer 4 / layer 16" where ours and the paper's differ."""
    layers = [
        f"layer {', '.join(map(str, sorted(table[column].unique())))}"
        for column in ("layer", "paper_layer")
    ]
    return " / ".join(dict.fromkeys(layers))


def _markdown(table: pd.DataFrame, titles: Mapping[str, str], preset: str, budget_note: str) -> str:
    heading = f"NMSE in dB, ours / paper, at {compared_layers(table)}; bold where ours is no worse."
    met = int((table["verdict"] == "met").sum())
    return "\n".join(
        [
            heading,
            "",
            *markdown_grid(table, titles, _cell),
            "",
            f"{met} of {len(table)} cells at or below the published value "
            f"(readings good to {READING_DB} dB).",
            "",
            preset_note(preset, budget_note),
            "",
        ]
    )


def write_table(
    csv_path: str | Path,
    md_path: str | Path,
    table: pd.DataFrame,
    titles: Mapping[str, str],
    preset: str,
    budget_note: str,
) -> None:
    """Write the table of :func:`fig5_table` as CSV and as Markdown; equal tables, equal bytes.

    Parameters
    ----------
    csv_path, md_path : files to write, UTF-8
    table : what :func:`fig5_table` returned
    titles : column heads of the Markdown table, keyed by setting
    preset, budget_note : named under the Markdown table; the note only if preset is not ``paper``

    Raises
    ------
    InputError : a file cannot be written.
    """
    csv = table.to_csv(index=False, float_format="%.2f", na_rep="nan", lineterminator="\n")
    write_texts({csv_path: csv, md_path: _markdown(table, titles, preset, budget_note)})
