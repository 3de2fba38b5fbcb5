"""The table of Figure 3 as a page to read in a browser."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import pandas as pd

from l2o.figures import fig3_table
from l2o.figures.budget import stated_budget
from l2o.figures.pages import html_page


def fig3_table_page(
    table: pd.DataFrame, titles: Mapping[str, str], preset: str, budget_note: str
) -> str:
    """Return the page of Figure 3: a row for each unroll length.

    Parameters
    ----------
    table : what :func:`l2o.figures.fig3_table.fig3_table` returned
    titles : names of the rows, keyed by setting
    preset, budget_note : named under the table
    """
    head = "".join(
        f'<th scope="col" class="number">{escape(text)}</th>' for text in fig3_table.heads(table)
    )
    lines = [f"<p>{escape(fig3_table.explanation(table))}</p>", "<table>"]
    lines.append(f'<thead><tr><th scope="col">Unroll length</th>{head}</tr></thead>\n<tbody>')
    for title, texts in fig3_table.cells(table, titles).items():
        inner = "".join(f'<td class="number">{escape(text)}</td>' for text in texts)
        lines.append(f'<tr><th scope="row">{escape(title)}</th>{inner}</tr>')
    lines.append("</tbody>\n</table>")
    end = (fig3_table.summary(table, titles), stated_budget(preset, budget_note))
    lines += [f"<p>{escape(text)}</p>" for text in end]
    return html_page("Figure 3: unroll lengths in numbers", "\n".join(lines))
