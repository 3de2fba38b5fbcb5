"""Commands that join tables, compare and draw."""

from __future__ import annotations

from pathlib import Path

from l2o.artifacts.production import produce
from l2o.steps.fig5 import Fig5Steps
from l2o.storage.json_files import read_json, write_json


def collect(tables: list[Path], out: Path, params: Path, preset: str) -> None:
    """Join the curves of all settings, row by row."""
    import pandas as pd

    from l2o.storage.tables import read_table, write_table

    step = Fig5Steps(params, preset).curves()
    inputs = dict(zip(tables, step.inputs.values(), strict=True))

    def work() -> None:
        write_table(out, pd.concat([read_table(path) for path in tables], ignore_index=True))

    produce(step, {"curves": out}, inputs, work)


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


def table(
    curves: Path, csv: Path, markdown: Path, metrics: Path, params: Path, preset: str
) -> None:
    """Write the comparison with the published values as CSV, Markdown and JSON metrics."""
    from l2o.figures.fig5_table import fig5_metrics, fig5_table, write_table
    from l2o.storage.tables import read_table

    steps = Fig5Steps(params, preset)
    step = steps.table()

    def work() -> None:
        published = read_table(steps.experiment.published_curves)
        published = published[published["panel"].isin(steps.experiment.settings)]
        rows = fig5_table(read_table(curves), published)
        write_table(csv, markdown, rows, steps.titles(), preset, steps.sizes.note)
        write_json(metrics, fig5_metrics(rows))

    outputs = {"table": csv, "table_text": markdown, "metrics": metrics}
    produce(step, outputs, {curves: steps.curves()}, work)


def figure(curves: Path, pdf: Path, png: Path, params: Path, preset: str) -> None:
    """Draw the figure as PDF and PNG."""
    from l2o.figures.fig5 import draw_fig5
    from l2o.storage.tables import read_table

    steps = Fig5Steps(params, preset)
    step = steps.figure()

    def work() -> None:
        published = read_table(steps.experiment.published_curves)
        note, titles = steps.sizes.note, steps.titles()
        draw_fig5(read_table(curves), published, preset, note, pdf, png, titles, step.key)

    produce(step, {"pdf": pdf, "png": png}, {curves: steps.curves()}, work)


def table_page(table: Path, out: Path, params: Path, preset: str) -> None:
    """Write the comparison with the published values as an HTML page."""
    from l2o.figures.pages import write_page
    from l2o.figures.table_page import table_page
    from l2o.storage.tables import read_table

    steps = Fig5Steps(params, preset)

    def work() -> None:
        write_page(out, table_page(read_table(table), steps.titles(), preset, steps.sizes.note))

    produce(steps.table_page(), {"page": out}, {table: steps.table()}, work)
