"""The comparisons with published values as pages to read in a browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

import pandas as pd

from l2o.figures import fig6_table, fig7_table
from l2o.figures.common import preset_note
from l2o.figures.fig5_table import READING_DB, compared_layers, db_pair
from l2o.figures.numbers import times_apart
from l2o.figures.pages import html_page

WORDS = {"met": "reached", "missed": "missed"}  # the verdict in words, never by colour alone
_REACHED = "lower is better. “Reached”: ours is no worse than the published value."


def table_page(
    table: pd.DataFrame, titles: Mapping[str, str], preset: str, budget_note: str
) -> str:
    """Return the page of Figure 5: a row for each method, a column for each setting.

    Parameters
    ----------
    table : what :func:`l2o.figures.fig5_table.fig5_table` returned
    titles : heads of the columns, keyed by setting
    preset, budget_note : named under the table; the note only if preset is not ``paper``
    """
    reached = int((table["verdict"] == "met").sum())
    body = [
        f"<p>NMSE in dB, ours / paper, at {escape(compared_layers(table))}; {_REACHED}</p>",
        *_grid(table, titles, lambda row: _verdict_cell(row, db_pair(row))),
        f"<p>{reached} of {len(table)} cells at or below the published value "
        f"(readings good to {READING_DB} dB).</p>",
        f"<p>{escape(preset_note(preset, budget_note))}</p>",
    ]
    return html_page("Figure 5 beside the published values", "\n".join(body))


def fig6_table_page(
    table: pd.DataFrame, titles: Mapping[str, str], preset: str, budget_note: str
) -> str:
    """Return the page of Figure 6: two tables, a row for each method, a column for each setting.

    The second table has the ``as_drawn`` rows; without any it is left out.

    Parameters
    ----------
    table : what :func:`l2o.figures.fig6_table.fig6_table` returned
    titles : heads of the columns, keyed by setting
    preset, budget_note : named under the tables; the note only if preset is not ``paper``
    """
    main, drawn = (table[table["variant"] == variant] for variant in ("main", "as_drawn"))
    body = [
        f"<p>{escape(fig6_table.main_heading(main))}; {_REACHED}</p>",
        *_grid(main, titles, lambda row: _verdict_cell(row, fig6_table.loss_pair(row))),
        f"<p>{escape(fig6_table.counted(main))}</p>",
    ]
    if len(drawn):
        body += [
            f"<p>{escape(fig6_table.as_drawn_heading())}</p>",
            *_grid(drawn, titles, lambda row: _as_drawn_cell(row, fig6_table.loss_pair(row))),
        ]
    body.append(f"<p>{escape(preset_note(preset, budget_note))}</p>")
    return html_page("Figure 6 beside the published values", "\n".join(body))


def fig7_table_page(
    table: pd.DataFrame, titles: Mapping[str, str], preset: str, budget_note: str
) -> str:
    """Return the page of Figure 7: gaps, mean objectives and, if there are any, ``as_drawn`` rows.

    Parameters
    ----------
    table : what :func:`l2o.figures.fig7_table.fig7_table` returned
    titles : heads of the columns, keyed by setting
    preset, budget_note : named under the tables; the note only if preset is not ``paper``
    """
    main, drawn = (table[table["variant"] == variant] for variant in ("main", "as_drawn"))
    summary = f"{fig7_table.counted(main)} {fig7_table.best_learned(main, titles)}".strip()
    body = [
        f"<p>{escape(fig7_table.main_heading(main))}; {_REACHED}</p>",
        f"<p>{escape(fig7_table.explanation(main))}</p>",
        *_grid(main, titles, lambda row: _verdict_cell(row, fig7_table.gap_pair(row))),
        f"<p>{escape(summary)}</p>",
        f"<p>{escape(fig7_table.over_adam_heading())}</p>",
        *_grid(main, titles, lambda row: _plain_cell(fig7_table.over_adam_pair(row))),
    ]
    if len(drawn):
        body += [
            f"<p>{escape(fig7_table.as_drawn_heading())}</p>",
            *_grid(drawn, titles, lambda row: _as_drawn_cell(row, fig7_table.gap_pair(row))),
        ]
    body.append(f"<p>{escape(preset_note(preset, budget_note))}</p>")
    return html_page("Figure 7 beside the published values", "\n".join(body))


def _grid(
    table: pd.DataFrame, titles: Mapping[str, str], cell: Callable[[pd.Series], str]
) -> list[str]:
    """Return the lines of an HTML table; ``cell`` gives the element of one row of ``table``."""
    settings = list(table["setting"].unique())
    heads = "".join(
        f'<th scope="col" class="number">{escape(titles.get(setting, setting))}</th>'
        for setting in settings
    )
    lines = [f'<table>\n<thead><tr><th scope="col">Method</th>{heads}</tr></thead>\n<tbody>']
    for _, rows in table.groupby("method", sort=False):
        cells = {row["setting"]: cell(row) for _, row in rows.iterrows()}
        inner = "".join(cells.get(setting, "<td></td>") for setting in settings)
        lines.append(f'<tr><th scope="row">{escape(rows["label"].iloc[0])}</th>{inner}</tr>')
    return [*lines, "</tbody>\n</table>"]


def _verdict_cell(row: pd.Series, text: str) -> str:
    verdict = row["verdict"]
    if verdict not in WORDS:  # nothing is published to compare it with
        return _plain_cell(text)
    return f'<td class="number {verdict}">{escape(text)}<small>{WORDS[verdict]}</small></td>'


def _plain_cell(text: str) -> str:
    return f'<td class="number">{escape(text)}</td>'


def _as_drawn_cell(row: pd.Series, text: str) -> str:
    apart = times_apart(row["curve_ratio"])
    return f'<td class="number">{escape(text)}<small>{apart}</small></td>'
