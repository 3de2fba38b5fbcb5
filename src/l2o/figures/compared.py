"""A comparison described once, and written as CSV, Markdown, JSON metrics and an HTML page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from l2o.figures.about import About
from l2o.figures.common import write_texts
from l2o.figures.pages import html_page

WORDS = {
    "met": "reached",
    "within": "within the reading",
    "missed": "missed",
}  # the verdict in words, never by colour alone


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Cell:
    """One cell of a :class:`Grid`.

    ``verdict`` is met, within, missed or "" (not judged); ``small`` is what stands beside ``text``.
    """

    text: str
    verdict: str = ""
    small: str = ""


@dataclass(frozen=True)
class Grid:
    """A table: heads of its columns (the first is over the names), and a name and cells a row."""

    heads: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    heading: str = ""


@dataclass(frozen=True)
class Compared:
    """What an experiment's table says.

    Parameters
    ----------
    rows : the table as numbers, which become the CSV
    blocks : paragraphs and tables, which become Markdown and the page
    metrics : nested numbers, which become JSON: ``cells``, ``cells_met`` and, by setting,
        ``<method>_<value>``; all finite
    """

    rows: pd.DataFrame
    blocks: Sequence[Text | Grid]
    metrics: Mapping[str, Any]


def write_compared(
    compared: Compared, *, csv: Path, markdown: Path, metrics: Path, page: Path, about: About
) -> None:
    """Write a comparison to four files; equal comparisons give equal bytes.

    Raises
    ------
    InputError : a file cannot be written.
    """
    numbers = json.dumps(compared.metrics, indent=1, sort_keys=True, allow_nan=False)
    texts = {csv: compared.rows.to_csv(index=False, float_format="%.6g", lineterminator="\n")}
    texts |= {markdown: as_markdown(compared, about), metrics: f"{numbers}\n"}
    write_texts(texts | {page: as_page(compared, about)})


def as_markdown(compared: Compared, about: About) -> str:
    """Return the comparison as Markdown; a cell that is met is bold."""
    lines: list[str] = []
    for block in _blocks(compared, about):
        lines += [*([block.text] if isinstance(block, Text) else _markdown_grid(block)), ""]
    return "\n".join(lines)


def _blocks(compared: Compared, about: About) -> list[Text | Grid]:
    """Return the blocks, and what every table ends with."""
    told = [f"{label}: {text}" for label, text in about.departures.items()]
    ends = [f"Not as in their papers. {'. '.join(told)}."] if told else []
    return [*compared.blocks, *map(Text, [*ends, about.budget])]


def _markdown_grid(grid: Grid) -> list[str]:
    rows = [list(grid.heads), ["---", *["---:"] * (len(grid.heads) - 1)]]
    for name, cells in grid.rows:
        bold = [f"**{cell.text}**" if cell.verdict == "met" else cell.text for cell in cells]
        small = [f"; {cell.small}" if cell.small else "" for cell in cells]
        rows.append([name, *map("".join, zip(bold, small, strict=True))])
    lines = [" | ".join(text.replace("|", "\\|") for text in row) for row in rows]
    return [*([f"**{grid.heading}**", ""] if grid.heading else []), *(f"| {t} |" for t in lines)]


def as_page(compared: Compared, about: About) -> str:
    """Return the comparison as a whole HTML page."""
    body: list[str] = []
    for block in _blocks(compared, about):
        is_text = isinstance(block, Text)
        body += [f"<p>{escape(block.text)}</p>"] if is_text else _html_grid(block)
    return html_page(f"{about.title}, in numbers", "\n".join(body))


def _html_grid(grid: Grid) -> list[str]:
    first, *others = map(escape, grid.heads)
    heads = "".join(f'<th scope="col" class="number">{head}</th>' for head in others)
    lines = [f"<h2>{escape(grid.heading)}</h2>"] if grid.heading else []
    lines.append(f'<table>\n<thead><tr><th scope="col">{first}</th>{heads}</tr></thead>\n<tbody>')
    for name, cells in grid.rows:
        inner = "".join(map(_html_cell, cells))
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{inner}</tr>')
    return [*lines, "</tbody>\n</table>"]


def _html_cell(cell: Cell) -> str:
    small = "; ".join(filter(None, (cell.small, WORDS.get(cell.verdict, ""))))
    beside = f"<small>{escape(small)}</small>" if small else ""
    kind = f"number {cell.verdict}".strip()
    return f'<td class="{kind}">{escape(cell.text)}{beside}</td>'
