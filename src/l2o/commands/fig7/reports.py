"""Commands that search the grid, evaluate, compare and draw."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from l2o.artifacts.production import produce
from l2o.commands import comparison
from l2o.commands.common import check_known
from l2o.steps.fig7 import UNTRAINED, Fig7Steps


def grid_search(setting: str, data: Path, out: Path, params: Path, preset: str) -> None:
    """Try all hyperparameters of the grid on the validation instances; write their losses."""
    steps = Fig7Steps(params, preset)
    experiment = steps.experiment
    check_known(params, "settings", setting, list(experiment.settings))
    step = steps.grid_search(setting)

    def work() -> None:
        import pandas as pd

        from l2o.compute import prepare_device
        from l2o.evaluation.grid_search import grid_search
        from l2o.evaluation.rastrigin import load_rastrigin
        from l2o.evaluation.runs import start_points
        from l2o.storage.tables import write_table

        prepare_device("cpu", experiment.compute_threads)
        f = load_rastrigin(data, "validation", experiment.alpha)
        given = (experiment.seed, steps.sizes.starts, *f.b.shape, experiment.start_scale)
        search = (experiment.iterations, experiment.first_order, experiment.grid)
        table = pd.DataFrame(grid_search(f, start_points(*given), *search))
        table.insert(0, "setting", setting)
        write_table(out, table)

    produce(step, {"grid_search": out}, {data: step.inputs["set"]}, work)


def evaluate(
    setting: str,
    group: str,
    data: Path,
    oracle: Path,
    settings_from: Path,
    outputs: dict[str, Path],
    params: Path,
    preset: str,
) -> None:
    """Follow the methods of a group over all iterations; write their curves and seconds.

    ``settings_from`` is the grid search for the untrained methods, else the checkpoint.
    """
    steps = Fig7Steps(params, preset)
    experiment = steps.experiment
    check_known(params, "settings", setting, list(experiment.settings))
    check_known(params, "groups", group, steps.groups)
    step = steps.evaluation(setting, group)
    source = "grid_search" if group == UNTRAINED else group
    made = {"set": data, "oracle": oracle, source: settings_from}
    inputs = {path: step.inputs[name] for name, path in made.items()}

    def work() -> None:
        import pandas as pd

        from l2o.compute import prepare_device
        from l2o.evaluation.rastrigin import curve_rows, followed, load_rastrigin
        from l2o.evaluation.runs import recorded_iterations, start_points
        from l2o.storage.tables import read_table, write_table

        prepare_device("cpu", experiment.compute_threads)
        f = load_rastrigin(data, "test", experiment.alpha)
        given = (experiment.seed, steps.sizes.starts, *f.b.shape, experiment.start_scale)
        starts, lowest = start_points(*given), read_table(oracle)["oracle"].to_numpy(float)
        published = read_table(experiment.published_curves)["iteration"].unique().tolist()
        recorded = recorded_iterations(experiment.iterations, published)
        rows, seconds = [], []
        for entry in _entries(steps, group, settings_from):
            runs = followed(entry.optimizer, f, starts, recorded, entry.dtype)
            rows += curve_rows(entry.contestant, recorded, runs, lowest)
            if entry.contestant.variant == "main":
                about = {"setting": setting, "method": entry.contestant.name}
                about |= {"iteration": recorded[-1], "batch": starts.shape[:2].numel()}
                seconds.append({**about, "seconds": runs.seconds})
        table = pd.DataFrame(rows)
        table.insert(0, "setting", setting)
        write_table(outputs["curves"], table)
        write_table(outputs["solve_seconds"], seconds)

    produce(step, outputs, inputs, work)


def _entries(steps: Fig7Steps, group: str, source: Path) -> Iterator:
    """Yield the methods of a group; see :class:`l2o.evaluation.runs.Entry`."""
    import torch

    from l2o.evaluation.grid_search import chosen_hyperparameters
    from l2o.evaluation.runs import Contestant, Entry
    from l2o.optimizers.registry import methods
    from l2o.optimizers.trained import load_recurrent

    experiment, shift = steps.experiment, steps.experiment.published_shift
    if group != UNTRAINED:
        optimizer = load_recurrent(source).requires_grad_(False)
        who = Contestant(group, "recurrent", optimizer.label, shift=shift)
        yield Entry(who, optimizer, torch.float32)
        return
    for kind, variant, given in (
        ("first_order", "main", chosen_hyperparameters(source)),
        ("population", "main", experiment.population),
        ("first_order", "as_drawn", experiment.as_drawn),
    ):
        for name, hyper in given.items():
            head = methods(kind)[name]
            told = "population" if kind == "population" else "classical"
            who = Contestant(name, told, head.label, variant, shift=shift)
            yield Entry(who, head.load()(hyper))


def table(tables: list[Path], outputs: dict[str, Path], params: Path, preset: str) -> None:
    """Write the comparison with the published values as CSV, Markdown and JSON metrics."""
    from l2o.figures.fig7_table import fig7_metrics, fig7_table, write_table

    functions = (fig7_table, fig7_metrics, write_table)
    comparison.compare(Fig7Steps(params, preset), tables, outputs, *functions)


def figure(tables: list[Path], outputs: dict[str, Path], params: Path, preset: str) -> None:
    """Draw the figure as PDF and PNG."""
    from l2o.figures.fig7 import draw_fig7

    comparison.draw_compared(Fig7Steps(params, preset), tables, outputs, draw_fig7)


def table_page(table: Path, out: Path, params: Path, preset: str) -> None:
    """Write the comparison with the published values as an HTML page."""
    from l2o.figures.table_page import fig7_table_page

    comparison.write_table_page(Fig7Steps(params, preset), table, out, fig7_table_page)
