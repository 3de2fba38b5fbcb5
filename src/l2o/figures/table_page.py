"""The comparison of Figure 5 with the published values as a page to read in a browser."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import pandas as pd

from l2o.figures.fig5_table import READING_DB, compared_layers, db_pair, preset_note
from l2o.figures.pages import html_page

WORDS = {"met": "reached", "missed": "missed"}  # the verdict in words, never by colour alone


def table_page(
    table: pd.DataFrame, titles: Mapping[str, str], preset: str, budget_note: str
) -> str:
    """Return the page: a row for each method, a column for each setting.

    Parameters
    ----------
    table : what :func:`l2o.figures.fig5_table.fig5_table` returned
    titles : heads of the columns, keyed by setting
    preset, budget_note : named under the table; the note only if preset is not ``paper``
    """
    settings = list(table["setting"].unique())
    heads = "".join(
        f'<th scope="col" class="number">{escape(titles.get(setting, setting))}</th>'
        for setting in settings
    )
    lines = []
    for _, rows in table.groupby("method", sort=False):
        cells = {row.setting: _cell(row) for _, row in rows.iterrows()}
        inner = "".join(cells.get(setting, "<td></td>") for setting in settings)
        lines.append(f'<tr><th scope="row">{escape(rows["label"].iloc[0])}</th>{inner}</tr>')
    reached = int((table["verdict"] == "met").sum())
    body = "\n".join(
        [
            f"<p>NMSE in dB, ours / paper, at {escape(compared_layers(table))}; lower is better. "
            "“Reached”: ours is no worse than the published value.</p>",
            f'<table>\n<thead><tr><th scope="col">Method</th>{heads}</tr></thead>\n<tbody>',
            *lines,
            "</tbody>\n</table>",
            f"<p>{reached} of {len(table)} cells at or below the published value "
            f"(readings good to {READING_DB} dB).</p>",
            f"<p>{escape(preset_note(preset, budget_note))}</p>",
        ]
    )
    return html_page("Figure 5 beside the published values", body)


def _cell(row: pd.Series) -> str:
    word = WORDS[row["verdict"]]
    return f'<td class="number {row["verdict"]}">{db_pair(row)}<small>{word}</small></td>'
