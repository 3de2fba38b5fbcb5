"""Figure 3 as a table: losses at meta-training and meta-testing, a row per unroll length."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from l2o.errors import InputError
from l2o.figures.budget import stated_budget
from l2o.figures.common import check_columns, check_once, check_words, write_texts
from l2o.figures.numbers import significant

CURVES, LENGTHS = "figure 3 curves", "figure 3 lengths"
USUAL = 20  # steps: the unroll length that L2O-DM is usually trained with
COMPARED = (100, 1000, 10000)  # steps at meta-testing
_CURVE_COLUMNS = (
    *("setting", "unroll", "method", "iteration"),
    *("loss", "loss_low", "loss_high", "status"),
)
_LENGTH_COLUMNS = (
    *("setting", "unroll", "horizon", "epochs", "meta_steps", "first_meta_loss"),
    *("last_meta_loss", "last_meta_loss_low", "last_meta_loss_high"),
    *("validation_loss", "diverged_epochs"),
)
_COUNTS = ("unroll", "epochs", "horizon", "meta_steps")
_META = ("first_meta_loss", "last_meta_loss", "validation_loss")
_AT = tuple(f"loss_{iteration}" for iteration in COMPARED)
_COLUMNS = (
    *("setting", *_COUNTS, *_META, *_AT),
    *("end_iteration", "end_loss", "best_loss", "best_iteration", "status"),
)
_ALLOWED = {"method": ("l2o_dm",), "status": ("converged", "diverged")}
_NOTHING = "–"


def check_tables(curves: pd.DataFrame, lengths: pd.DataFrame, settings: Iterable[str]) -> None:
    """Check that the tables hold what Figure 3 needs, in each of ``settings``.

    Raises
    ------
    InputError : a column is missing, a word is not one of those allowed, an iteration occurs
        twice, a setting has no curve or not one row of ``lengths``, or unroll lengths or horizons
        disagree.
    """
    check_columns(CURVES, curves, _CURVE_COLUMNS)
    check_columns(LENGTHS, lengths, _LENGTH_COLUMNS)
    check_words(CURVES, curves, _ALLOWED)
    check_once(CURVES, curves, "iteration")
    remedy = "write the table again with this version"
    for setting in settings:
        rows = lengths[lengths["setting"] == setting]
        if len(rows) != 1:
            raise InputError(LENGTHS, setting, f"{len(rows)} rows", "write one for each length")
        found = set(curves.loc[curves["setting"] == setting, "unroll"])
        if not found:
            raise InputError(CURVES, setting, "no rows", "evaluate it or drop the setting")
        if found != {unroll := rows["unroll"].iloc[0]}:
            told = ", ".join(map(str, sorted(found)))
            raise InputError(CURVES, setting, f"unroll {told}, trained with {unroll}", remedy)
    horizons = sorted(set(lengths["horizon"]))
    if len(horizons) > 1:
        problem = f"found {', '.join(map(str, horizons))}, must be the same for all lengths"
        raise InputError(LENGTHS, "horizon", problem, "train all lengths for the same steps")


def fig3_table(curves: pd.DataFrame, lengths: pd.DataFrame) -> pd.DataFrame:
    """Return the losses of each unroll length as far as its runs go.

    Parameters
    ----------
    curves, lengths : see :func:`l2o.figures.fig3.draw_fig3`

    Returns
    -------
    A row per setting of ``lengths``, by ``unroll``: ``setting``, ``unroll``, ``epochs``,
    ``horizon``, ``meta_steps``, ``first_meta_loss``, ``last_meta_loss``, ``validation_loss``,
    ``loss_100``, ``loss_1000``, ``loss_10000`` (nats at meta-testing; NaN: the run does not get
    there), ``end_iteration``, ``end_loss``, ``best_loss`` and ``best_iteration`` (lowest finite
    loss of the curve and the first place of it; NaN: none is finite) and ``status`` (diverged
    also if the end is not finite). A loss that was recorded and is not finite is infinite. Losses
    have 4 significant digits.

    Raises
    ------
    InputError : see :func:`check_tables`.
    """
    settings = lengths["setting"].unique() if "setting" in lengths else ()
    check_tables(curves, lengths, settings)
    rows = []
    for _, trained in lengths.sort_values("unroll", kind="stable").iterrows():
        curve = curves[curves["setting"] == trained["setting"]]
        rows.append(_row(trained, curve.sort_values("iteration", kind="stable")))
    table = pd.DataFrame(rows, columns=_COLUMNS)
    return table.astype({name: int for name in (*_COUNTS, "end_iteration")})


def _row(trained: pd.Series, curve: pd.DataFrame) -> dict[str, Any]:
    """Return the row of one setting."""
    losses = curve.set_index("iteration")["loss"].astype(float)
    losses = losses.where(np.isfinite(losses), np.inf)
    finite, end = losses[np.isfinite(losses)], losses.index[-1]
    row = {name: trained[name] for name in ("setting", *_COUNTS)}
    row |= {name: _round_4(trained[name]) for name in _META}
    row |= {f"loss_{at}": _round_4(losses.get(at, np.nan)) for at in COMPARED}
    row |= {"end_iteration": int(end), "end_loss": _round_4(losses[end])}
    row |= {"best_loss": _round_4(finite.min())}
    row |= {"best_iteration": float(finite.idxmin()) if len(finite) else np.nan}
    lost = (curve["status"] != "converged").any() or not np.isfinite(losses[end])
    return row | {"status": "diverged" if lost else "converged"}


def _round_4(value: float) -> float:
    return float(f"{value:.4g}")


def fig3_metrics(table: pd.DataFrame) -> dict[str, Any]:
    """Return metrics for DVC; what is not finite is left out.

    ``lengths`` and ``diverged`` count unroll lengths; by setting there are the losses of
    :func:`fig3_table` (nats) and ``best_iteration``.
    """
    metrics: dict[str, Any] = {"lengths": len(table)}
    metrics["diverged"] = int((table["status"] == "diverged").sum())
    names = (*_META, *_AT, "end_loss", "best_loss", "best_iteration")
    for _, row in table.iterrows():
        values = {name: float(row[name]) for name in names}
        metrics[row["setting"]] = {name: v for name, v in values.items() if np.isfinite(v)}
    return metrics


def range_text(counts: pd.Series, unit: str) -> str:
    """Return e.g. "1 epoch", "50 epochs" or "50 to 1,000 epochs"."""
    low, high = int(counts.min()), int(counts.max())
    if low < high:
        return f"{low:,} to {high:,} {unit}s"
    return f"{high:,} {unit}{'' if high == 1 else 's'}"


def heads(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the heads of the columns of :func:`cells`, but the first."""
    reached = [f"{at:,}" for at in _reached(table)]
    last = ("end", "lowest (step)", "status")
    return ("epochs", "meta-steps", "first", "last", "validation", *reached, *last)


def cells(table: pd.DataFrame, titles: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the rows to be set as text, keyed by the title of the setting."""
    rows = {}
    for _, row in table.iterrows():
        texts = [f"{row['epochs']:,}", f"{row['meta_steps']:,}"]
        texts += [_meta_text(row[name]) for name in _META]
        texts += [_loss_text(row[f"loss_{at}"]) for at in _reached(table)]
        texts.append(_loss_text(row["end_loss"], row["end_iteration"]))
        texts.append(_loss_text(row["best_loss"], row["best_iteration"]))
        rows[titles.get(row["setting"], row["setting"])] = (*texts, row["status"])
    return rows


def _reached(table: pd.DataFrame) -> list[int]:
    """Return those of :data:`COMPARED` that a curve gets to, but not where all of them end."""
    ends = set(table["end_iteration"])
    return [at for at in COMPARED if table[f"loss_{at}"].notna().any() and ends != {at}]


def _meta_text(loss: float) -> str:
    return significant(loss) if np.isfinite(loss) else _NOTHING


def _loss_text(loss: float, step: float | None = None) -> str:
    """Return e.g. "0.306", "0.306 (1,000)" or "not finite"; "–": not reached."""
    if pd.isna(loss):
        return _NOTHING
    text = significant(loss) if np.isfinite(loss) else "not finite"
    return text if step is None else f"{text} ({step:,.0f})"


def explanation(table: pd.DataFrame) -> str:
    """Return what the columns are."""
    horizon = range_text(table["horizon"], "step")
    return (
        f"Losses in nats of L2O-DM trained on runs of {horizon}, by the unroll length. First, "
        "last: meta-training loss, the mean over the steps of a run, in the first and the last "
        "tenth of the epochs, of those that did not diverge; validation: the lowest on other "
        "runs. The others are training losses at meta-testing, mean over the runs, after as many "
        "steps; end and lowest have the step in brackets. ln 10 = 2.303 is the loss of ten equal "
        "chances."
    )


def summary(table: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """Return how many lengths diverged, and where losses are lowest."""
    if table.empty:
        return "No unroll lengths."
    lost = int((table["status"] == "diverged").sum())
    past = int((table["best_iteration"] > table["horizon"]).sum())
    text = (
        f"{lost} of {len(table)} unroll lengths diverged at meta-testing; {past} of {len(table)} "
        "reach their lowest loss after more steps than they were trained for."
    )
    for name, column in (
        ("Lowest meta-training loss in the last epochs", "last_meta_loss"),
        ("Lowest loss at the end of meta-testing", "end_loss"),
    ):
        values = table[column].where(np.isfinite(table[column]))
        if values.notna().any():
            best = table.loc[values.idxmin()]
            title = titles.get(best["setting"], best["setting"])
            text += f" {name}: {title} ({significant(best[column])})."
    return text


def write_table(
    csv_path: str | Path,
    md_path: str | Path,
    table: pd.DataFrame,
    titles: Mapping[str, str],
    preset: str,
    budget_note: str,
) -> None:
    """Write the table of :func:`fig3_table` as CSV and as Markdown; equal tables, equal bytes.

    Parameters
    ----------
    csv_path, md_path : files to write, UTF-8; the CSV has empty cells for what is not there, and
        ``inf`` for a loss that is not finite
    table : what :func:`fig3_table` returned
    titles : names of the rows of the Markdown table, keyed by setting
    preset, budget_note : named under the Markdown table

    Raises
    ------
    InputError : a file cannot be written.
    """
    whole = table.astype({"best_iteration": "Int64"})
    csv = whole.to_csv(index=False, float_format="%.4g", lineterminator="\n")
    write_texts({csv_path: csv, md_path: _markdown(table, titles, preset, budget_note)})


def _markdown(table: pd.DataFrame, titles: Mapping[str, str], preset: str, note: str) -> str:
    lines = [explanation(table), "", f"| unroll length | {' | '.join(heads(table))} |"]
    lines.append("| --- |" + " ---: |" * len(heads(table)))
    rows = cells(table, titles).items()
    lines += [f"| {title} | {' | '.join(texts)} |" for title, texts in rows]
    return "\n".join([*lines, "", summary(table, titles), "", stated_budget(preset, note), ""])
