"""The comparison of Figure 8 with published values as a page to read in a browser."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import pandas as pd

from l2o.figures import fig8_text
from l2o.figures.budget import stated_budget
from l2o.figures.fig8_text import Section
from l2o.figures.pages import html_page


def fig8_table_page(
    table: pd.DataFrame, titles: Mapping[str, str], preset: str, budget_note: str
) -> str:
    """Return the page of Figure 8: a table for each network, a row for each method.

    Parameters
    ----------
    table : what :func:`l2o.figures.fig8_table.fig8_table` returned
    titles : headings of the tables, keyed by setting
    preset, budget_note : named under the tables
    """
    # A table read from CSV has NaN for an empty word.
    table = table.assign(verdict=table["verdict"].astype(object).fillna(""))
    heading = f"{fig8_text.main_heading(table)}; lower is better."
    body = [_paragraph(heading), _paragraph(fig8_text.explanation(table, titles))]
    for section in fig8_text.sections(table, titles):
        body += _lines(section)
    end = (*fig8_text.sentences(table, titles), stated_budget(preset, budget_note))
    body += [_paragraph(text) for text in end]
    return html_page("Figure 8 beside the published values", "\n".join(body))


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _lines(section: Section) -> list[str]:
    """Return the lines of a heading and its table."""
    heads = "".join(f'<th scope="col" class="number">{escape(h)}</th>' for h in section.heads)
    lines = [f"<h2>{escape(section.heading)}</h2>", "<table>"]
    lines.append(f'<thead><tr><th scope="col">Method</th>{heads}</tr></thead>\n<tbody>')
    for label, cells in section.rows.items():
        classes = ["number"] * len(cells)
        classes[section.judged] = f"number {section.verdicts[label]}".strip()
        inner = "".join(
            f'<td class="{name}">{escape(cell)}</td>'
            for name, cell in zip(classes, cells, strict=True)
        )
        lines.append(f'<tr><th scope="row">{escape(label)}</th>{inner}</tr>')
    return [*lines, "</tbody>\n</table>"]
