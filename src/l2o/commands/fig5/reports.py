"""Commands that join tables, compare and draw."""

from __future__ import annotations

from pathlib import Path

from l2o.commands import comparison
from l2o.steps.fig5 import Fig5Steps


def table(tables: list[Path], outputs: dict[str, Path], params: Path, preset: str) -> None:
    """Write the comparison with the published values as CSV, Markdown and JSON metrics."""
    from l2o.figures.fig5_table import fig5_metrics, fig5_table, write_table

    functions = (fig5_table, fig5_metrics, write_table)
    comparison.compare(Fig5Steps(params, preset), tables, outputs, *functions)


def figure(tables: list[Path], outputs: dict[str, Path], params: Path, preset: str) -> None:
    """Draw the figure as PDF and PNG."""
    from l2o.figures.fig5 import draw_fig5

    comparison.draw_compared(Fig5Steps(params, preset), tables, outputs, draw_fig5)


def table_page(table: Path, out: Path, params: Path, preset: str) -> None:
    """Write the comparison with the published values as an HTML page."""
    from l2o.figures.table_page import table_page

    comparison.write_table_page(Fig5Steps(params, preset), table, out, table_page)
