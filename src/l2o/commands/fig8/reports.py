"""Commands that search rates, evaluate, compare and draw."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from l2o.artifacts.production import produce
from l2o.commands import comparison
from l2o.commands.common import check_known
from l2o.steps.fig8 import CLASSICAL, Fig8Steps


def grid_search(
    setting: str, digits: Path, starts: Path, out: Path, params: Path, preset: str
) -> None:
    """Try all rates of the grid on runs of their own; write their losses."""
    steps = Fig8Steps(params, preset)
    experiment, sizes = steps.experiment, steps.sizes
    check_known(params, "settings", setting, list(experiment.settings))
    step = steps.grid_search(setting)

    def work() -> None:
        import pandas as pd

        from l2o.compute import prepare_device
        from l2o.evaluation.networks import monitored, rate_search
        from l2o.storage.tables import write_table

        prepare_device("cpu", experiment.compute_threads)
        family, x = _runs(steps, setting, digits, starts, "validation")
        seen = monitored(family.digits, sizes.monitored)
        searched = (experiment.first_order, experiment.grid)
        rows = rate_search(family, x, sizes.rate_search.iterations, seen, *searched)
        table = pd.DataFrame(rows)
        table.insert(0, "setting", setting)
        write_table(out, table)

    inputs = {digits: step.inputs["digits"], starts: step.inputs["starts"]}
    produce(step, {"grid_search": out}, inputs, work)


def evaluate(
    setting: str,
    group: str,
    data: tuple[Path, Path, Path],
    outputs: dict[str, Path],
    params: Path,
    preset: str,
) -> None:
    """Train a network by the methods of a group; write curves, final values and seconds.

    ``data`` is the digits, the starts and the grid search (of the classical group) or checkpoint.
    """
    steps = Fig8Steps(params, preset)
    check_known(params, "settings", setting, list(steps.experiment.settings))
    check_known(params, "groups", group, steps.groups)
    step = steps.evaluation(setting, group)
    names = ("digits", "starts", "grid_search" if group == CLASSICAL else group)
    inputs = {path: step.inputs[name] for name, path in zip(names, data, strict=True)}

    def work() -> None:
        import pandas as pd

        from l2o.compute import prepare_device
        from l2o.evaluation.networks import load_digits
        from l2o.storage.tables import write_table

        prepare_device("cpu", steps.experiment.compute_threads)
        given = (*_runs(steps, setting, *data[:2], "test"), load_digits(data[0], "test"))
        tables: dict[str, list] = {name: [] for name in outputs}
        for entry in _entries(steps, group, data[2]):
            for name, rows in _evaluated(steps, setting, entry, *given).items():
                tables[name] += rows
        for name, rows in tables.items():
            table = pd.DataFrame(rows)
            table.insert(0, "setting", setting)
            write_table(outputs[name], table)

    produce(step, outputs, inputs, work)


def _evaluated(steps: Fig8Steps, setting: str, entry, family, x, test) -> dict[str, list]:
    """Return the rows of the tables of one method, by output.

    ``family`` and ``x`` are the runs and their starts, (runs, n); ``test`` the test digits.
    """
    import torch

    from l2o.evaluation import networks

    recorded = networks.recorded_iterations(steps.sizes.iterations)
    seen = networks.monitored(family.digits, steps.sizes.monitored)
    training, who = family.batch(torch.arange(len(x))), entry.contestant
    runs = networks.followed(entry.optimizer, training, x, recorded, seen)
    step, adam = networks.seconds_per_step(entry.optimizer, family, x)
    about = {"method": who.name, "iteration": recorded[-1], "batch": len(x)}
    about |= {"seconds": runs.seconds, "seconds_per_step": step, "adam_seconds_per_step": adam}
    return {
        "curves": networks.curve_rows(who, recorded, runs.losses),
        "finals": [networks.final_row(who, setting, runs, family.digits, test)],
        "solve_seconds": [{**about, "step_over_adam": step / adam}],
    }


def _runs(steps: Fig8Steps, setting: str, digits: Path, starts: Path, split: str):
    """Return the runs of a split, and their start points, (runs, n)."""
    import torch

    from l2o.evaluation.networks import load_digits
    from l2o.optimizees.network_training import NetworkTrainingFamily
    from l2o.optimizees.networks import NETWORKS
    from l2o.storage.digit_sets import read_starts

    experiment, x = steps.experiment, torch.from_numpy(read_starts(starts, split))
    images = load_digits(digits, "train")
    given = (len(x), experiment.seed, split, experiment.minibatch)
    return NetworkTrainingFamily(NETWORKS[setting], images, *given), x


def _entries(steps: Fig8Steps, group: str, source: Path) -> Iterator:
    """Yield the methods of a group; see :class:`l2o.evaluation.runs.Entry`."""
    import torch

    from l2o.evaluation.grid_search import chosen_hyperparameters
    from l2o.evaluation.runs import Contestant, Entry
    from l2o.optimizers.recurrent.blocks import in_blocks
    from l2o.optimizers.registry import methods
    from l2o.optimizers.trained import load_recurrent

    if group != CLASSICAL:
        optimizer = load_recurrent(source).requires_grad_(False)
        who = Contestant(group, "recurrent", optimizer.label)
        yield Entry(who, in_blocks(optimizer), torch.float32)
        return
    for name, hyper in chosen_hyperparameters(source).items():
        head = methods("first_order")[name]
        label = f"{head.label} (rate {(head.hyperparameters | hyper)['rate']:g})"
        yield Entry(Contestant(name, "classical", label), head.load()(hyper), torch.float32)


def table(tables: list[Path], outputs: dict[str, Path], params: Path, preset: str) -> None:
    """Write the comparison with the published values as CSV, Markdown and JSON metrics."""
    from l2o.figures.fig8_table import fig8_metrics, fig8_table, write_table

    functions = (fig8_table, fig8_metrics, write_table)
    comparison.compare(Fig8Steps(params, preset), tables, outputs, *functions)


def figure(tables: list[Path], outputs: dict[str, Path], params: Path, preset: str) -> None:
    """Draw the figure as PDF and PNG."""
    from l2o.figures.fig8 import draw_fig8

    comparison.draw_compared(Fig8Steps(params, preset), tables, outputs, draw_fig8)


def table_page(table: Path, out: Path, params: Path, preset: str) -> None:
    """Write the comparison with the published values as an HTML page."""
    from l2o.figures.fig8_page import fig8_table_page

    comparison.write_table_page(Fig8Steps(params, preset), table, out, fig8_table_page)
