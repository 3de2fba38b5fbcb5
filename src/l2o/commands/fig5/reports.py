"""Commands that join tables, compare and draw."""

from __future__ import annotations

from pathlib import Path

from l2o.artifacts.production import produce
from l2o.commands import comparison
from l2o.steps.fig5 import Fig5Steps
from l2o.storage.json_files import read_json


def collect(tables: list[Path], out: Path, params: Path, preset: str) -> None:
    """Join the curves of all settings, row by row."""
    comparison.join(tables, out, Fig5Steps(params, preset).curves())


def timings(files: list[Path], out: Path, params: Path, preset: str) -> None:
    """Join the seconds of solving (CSV) and of training (JSON) by setting and method."""
    import pandas as pd

    from l2o.storage.tables import read_table, write_table

    step = Fig5Steps(params, preset).timings()
    inputs = dict(zip(files, step.inputs.values(), strict=True))

    def work() -> None:
        solve = pd.concat([read_table(p) for p in files if p.suffix == ".csv"], ignore_index=True)
        training = pd.DataFrame([read_json(p) for p in files if p.suffix == ".json"])
        write_table(out, solve.merge(training, how="left", on=["setting", "method"]))

    produce(step, {"timings": out}, inputs, work)


def table(curves: Path, outputs: dict[str, Path], params: Path, preset: str) -> None:
    """Write the comparison with the published values as CSV, Markdown and JSON metrics."""
    from l2o.figures.fig5_table import fig5_metrics, fig5_table, write_table

    functions = (fig5_table, fig5_metrics, write_table)
    steps = Fig5Steps(params, preset)
    comparison.compare(steps, {curves: steps.curves()}, outputs, *functions)


def figure(curves: Path, pdf: Path, png: Path, params: Path, preset: str) -> None:
    """Draw the figure as PDF and PNG."""
    from l2o.figures.fig5 import draw_fig5

    steps = Fig5Steps(params, preset)

    def with_published(table, *given) -> None:
        draw_fig5(table, comparison.published(steps), *given)

    tables = {curves: steps.curves()}
    comparison.draw(steps, steps.figure(), tables, pdf, png, with_published)


def table_page(table: Path, out: Path, params: Path, preset: str) -> None:
    """Write the comparison with the published values as an HTML page."""
    from l2o.figures.table_page import table_page

    comparison.write_table_page(Fig5Steps(params, preset), table, out, table_page)
