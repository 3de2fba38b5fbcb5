"""Commands that evaluate, time, join tables, compare and draw."""

from __future__ import annotations

from pathlib import Path

from l2o.artifacts.production import produce
from l2o.commands import comparison
from l2o.commands.common import by_method, check_known
from l2o.steps.fig6 import CLASSICAL, Fig6Steps


def evaluate(
    setting: str,
    group: str,
    data: Path,
    checkpoints: list[Path],
    out: Path,
    params: Path,
    preset: str,
) -> None:
    """Follow the methods of a group over all iterations; write their curves."""
    steps = Fig6Steps(params, preset)
    check_known(params, "settings", setting, list(steps.experiment.settings))
    check_known(params, "groups", group, steps.groups)
    step = steps.evaluation(setting, group)
    learned = [] if group == CLASSICAL else [group]
    paths = by_method(params, "unrolled and recurrent", learned, checkpoints)
    inputs = {data: step.inputs["set"], **{path: step.inputs[name] for name, path in paths.items()}}

    def work() -> None:
        import pandas as pd

        from l2o.evaluation.lasso import curve_rows, excess_at
        from l2o.evaluation.runs import start_points
        from l2o.storage.tables import write_table

        lasso, entries, recorded = _contest(steps, data, paths, classical=group == CLASSICAL)
        experiment, (count, n) = steps.experiment, (len(lasso.b), lasso.A.shape[1])
        given = (experiment.seed, steps.sizes.starts, count, n, experiment.start_scale)
        starts, rows = start_points(*given), []
        for entry in entries:
            # A net starts at x = 0, so that all its starts are one.
            own = starts[:1] if entry.contestant.kind == "unrolled" else starts
            excess = excess_at(entry.optimizer, lasso, own, recorded, entry.dtype)
            rows += curve_rows(entry.contestant, recorded, excess, lasso.optimum.numpy())
        table = pd.DataFrame(rows)
        table.insert(0, "setting", setting)
        write_table(out, table)

    produce(step, {"curves": out}, inputs, work)


def time_methods(
    setting: str, data: Path, checkpoints: list[Path], out: Path, params: Path, preset: str
) -> None:
    """Time all methods from one start; write the seconds at each recorded iteration."""
    steps = Fig6Steps(params, preset)
    check_known(params, "settings", setting, list(steps.experiment.settings))
    step = steps.solve_seconds(setting)
    paths = by_method(params, "unrolled and recurrent", steps.learned, checkpoints)
    inputs = {data: step.inputs["set"], **{path: step.inputs[name] for name, path in paths.items()}}

    def work() -> None:
        import pandas as pd

        from l2o.evaluation.lasso import seconds_rows
        from l2o.evaluation.runs import start_points
        from l2o.storage.tables import write_table

        lasso, entries, recorded = _contest(steps, data, paths, classical=True)
        seed, scale = steps.experiment.seed, steps.experiment.start_scale
        (start,) = start_points(seed, 1, len(lasso.b), lasso.A.shape[1], scale)
        rows = []
        for entry in entries:
            if entry.contestant.variant == "main":
                given = (lasso.to(entry.dtype), start.to(entry.dtype), recorded)
                rows += seconds_rows(entry.contestant, entry.optimizer, *given)
        table = pd.DataFrame(rows)
        table.insert(0, "setting", setting)
        write_table(out, table)

    produce(step, {"solve_seconds": out}, inputs, work)


def _contest(steps: Fig6Steps, data: Path, paths: dict[str, Path], classical: bool):
    """Return the test instances, the methods that take part, and the iterations to record."""
    from l2o.compute import prepare_device
    from l2o.evaluation.contest import classical_entries, learned_entries, load_lasso
    from l2o.evaluation.runs import recorded_iterations
    from l2o.storage.hdf5 import read_dictionary
    from l2o.storage.tables import read_table

    e = steps.experiment
    prepare_device("cpu", e.compute_threads)
    A = read_dictionary(data)
    lasso = load_lasso(data, A, e.lam)
    entries = []
    if classical:
        given = (e.first_order, e.classical, e.as_drawn, e.as_drawn_shift)
        entries += classical_entries(lasso.A, e.lam, *given)
    entries += learned_entries(paths, A, e.lam, e.continued_with)
    published = read_table(e.published_curves)["iteration"].unique().tolist()
    return lasso, entries, recorded_iterations(e.iterations, published)


def check_optima(sets: list[Path], out: Path, params: Path, preset: str) -> None:
    """Write how far the paper's optimum is from the certified one, on every test set."""
    steps = Fig6Steps(params, preset)
    step, experiment = steps.optima(), steps.experiment
    inputs = dict(zip(sets, step.inputs.values(), strict=True))

    def work() -> None:
        from l2o.compute import prepare_device
        from l2o.evaluation.contest import load_lasso
        from l2o.evaluation.lasso import published_optimum_errors
        from l2o.optimizers.classical.fista import Fista
        from l2o.storage.hdf5 import read_dictionary
        from l2o.storage.sets import LASSO, read_split
        from l2o.storage.tables import write_table

        prepare_device("cpu", experiment.compute_threads)
        rows, iterations = [], experiment.published_optimum_iterations
        for setting, path in zip(experiment.settings, sets, strict=True):
            lasso = load_lasso(path, read_dictionary(path), experiment.lam)
            (gap,) = read_split(path, "test", names=("gap",), columns=LASSO)
            fista = Fista(lasso.A, {"lam": experiment.lam})
            errors = published_optimum_errors(lasso, fista, iterations)
            about = {"setting": setting, "instances": len(gap), "largest_certified_gap": gap.max()}
            rows.append({**about, "fista_iterations": iterations, **errors})
        write_table(out, rows)

    produce(step, {"optima": out}, inputs, work)


def table(tables: list[Path], outputs: dict[str, Path], params: Path, preset: str) -> None:
    """Write the comparison with the published values as CSV, Markdown and JSON metrics."""
    from l2o.figures.fig6_table import fig6_metrics, fig6_table, write_table

    functions = (fig6_table, fig6_metrics, write_table)
    comparison.compare(Fig6Steps(params, preset), tables, outputs, *functions)


def figure(tables: list[Path], outputs: dict[str, Path], params: Path, preset: str) -> None:
    """Draw the figure as PDF and PNG."""
    from l2o.figures.fig6 import draw_fig6

    comparison.draw_compared(Fig6Steps(params, preset), tables, outputs, draw_fig6)


def seconds_figure(
    curves: Path, seconds: Path, pdf: Path, png: Path, params: Path, preset: str
) -> None:
    """Draw the figure over seconds as PDF and PNG."""
    from l2o.figures.fig6 import draw_fig6_seconds

    steps = Fig6Steps(params, preset)
    tables = {curves: steps.curves(), seconds: steps.seconds()}
    comparison.draw(steps, steps.seconds_figure(), tables, pdf, png, draw_fig6_seconds)


def table_page(table: Path, out: Path, params: Path, preset: str) -> None:
    """Write the comparison with the published values as an HTML page."""
    from l2o.figures.table_page import fig6_table_page

    comparison.write_table_page(Fig6Steps(params, preset), table, out, fig6_table_page)
