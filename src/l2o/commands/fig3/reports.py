"""Commands that follow the meta-test, measure memory, and draw."""

from __future__ import annotations

from pathlib import Path

from l2o.artifacts.production import produce
from l2o.commands import comparison
from l2o.commands.common import check_known
from l2o.steps.fig3 import Fig3Steps


def evaluate(
    setting: str,
    digits: Path,
    checkpoint: Path,
    outputs: dict[str, Path],
    params: Path,
    preset: str,
) -> None:
    """Follow the runs of an optimizer far beyond its training; write curves and seconds."""
    steps = Fig3Steps(params, preset)
    check_known(params, "settings", setting, list(steps.experiment.settings))
    step = steps.evaluation(setting)

    def work() -> None:
        import pandas as pd

        from l2o.evaluation import networks
        from l2o.evaluation.runs import Contestant
        from l2o.storage.tables import write_table

        recorded = networks.recorded_iterations(steps.sizes.iterations)
        runs, name, label = _meta_test(steps, digits, checkpoint, recorded)
        who = Contestant(name, "recurrent", label)
        table = pd.DataFrame(networks.curve_rows(who, recorded, runs.losses))
        table.insert(0, "unroll", steps.experiment.settings[setting].unroll)
        table.insert(0, "setting", setting)
        write_table(outputs["curves"], table)
        about = {"setting": setting, "method": name, "iteration": recorded[-1]}
        about |= {"batch": runs.losses.shape[1], "seconds": runs.seconds}
        write_table(outputs["solve_seconds"], [about])

    inputs = {digits: step.inputs["digits"], checkpoint: step.inputs[setting]}
    produce(step, outputs, inputs, work)


def _meta_test(steps: Fig3Steps, digits: Path, checkpoint: Path, recorded: list[int]):
    """Return all runs of a trained optimizer, its name and its label."""
    import torch

    from l2o.compute import prepare_device
    from l2o.evaluation import networks
    from l2o.optimizees.network_training import NetworkTrainingFamily
    from l2o.optimizees.networks import NETWORKS, initial
    from l2o.optimizers.recurrent.blocks import in_blocks
    from l2o.optimizers.trained import load_recurrent
    from l2o.seeds import named_seed

    experiment, count = steps.experiment, steps.sizes.runs
    prepare_device("cpu", experiment.compute_threads)
    network, images = NETWORKS[experiment.trained_on], networks.load_digits(digits, "train")
    given = (count, experiment.seed, "test", experiment.minibatch)
    family = NetworkTrainingFamily(network, images, *given)
    x = initial(network, count, named_seed(experiment.seed, experiment.trained_on, "test"))
    optimizer = in_blocks(load_recurrent(checkpoint).requires_grad_(False))
    seen = networks.monitored(images, steps.sizes.monitored)
    training = family.batch(torch.arange(count))
    runs = networks.followed(optimizer, training, x, recorded, seen)
    return runs, optimizer.name, optimizer.label


def lengths(histories: list[Path], out: Path, params: Path, preset: str) -> None:
    """Sum up the loss histories of all lengths."""
    steps = Fig3Steps(params, preset)
    step, (method,) = steps.lengths(), steps.learned

    def work() -> None:
        from l2o.evaluation.unroll_lengths import length_row
        from l2o.storage.tables import read_table, write_table

        rows = []
        for setting, path in zip(steps.experiment.settings, histories, strict=True):
            budget = steps.experiment.meta_training(preset, setting, method)
            row = length_row(read_table(path), budget.unroll, max(budget.horizons))
            rows.append({"setting": setting, **row})
        write_table(out, rows)

    inputs = comparison.given_tables(steps, step.inputs, histories)
    produce(step, {"lengths": out}, inputs, work)


def memory(out: Path, params: Path, preset: str) -> None:
    """Measure the peak memory of meta-gradients against unroll length and size."""
    steps = Fig3Steps(params, preset)
    how, threads = steps.sizes.memory, steps.experiment.compute_threads

    def work() -> None:
        from l2o.evaluation.memory import measure_memory
        from l2o.storage.tables import write_table

        cases = [(how.networks[0], unroll) for unroll in how.unrolls]
        cases += [(widths, how.unroll) for widths in how.networks]
        given = (threads, 1024 * how.limit_gib, steps.experiment.minibatch)
        write_table(out, measure_memory(dict.fromkeys(cases), *given))

    produce(steps.memory(), {"memory": out}, {}, work)


def memory_training(digits: Path, out: Path, state: Path, params: Path, preset: str) -> None:
    """Meta-train through a large network with checkpointing; write losses, memory and seconds."""
    steps = Fig3Steps(params, preset)
    step, how = steps.memory_training(), steps.sizes.memory

    def work() -> None:
        from l2o.evaluation.memory import train_large
        from l2o.evaluation.networks import load_digits
        from l2o.storage.tables import write_table

        experiment = steps.experiment
        given = (load_digits(digits, "train"), how.meta_steps, experiment.seed)
        given += (experiment.compute_threads, state, step.key, how.large, how.large_unroll)
        done = train_large(*given, minibatch=experiment.minibatch)
        measured = {"peak_rss_mib": done.peak_rss_mib, "seconds": done.seconds}
        write_table(out, [{**row, **measured} for row in done.rows])
        state.unlink(missing_ok=True)

    produce(step, {"training": out}, {digits: step.inputs["digits"]}, work)


def memory_figure(tables: list[Path], pdf: Path, png: Path, params: Path, preset: str) -> None:
    """Draw the memory of unrolling."""
    from l2o.figures.memory import draw_memory

    steps = Fig3Steps(params, preset)
    step = steps.memory_figure()

    def draw(measured, training, preset, note, pdf, png, _titles, key) -> None:
        draw_memory(measured, training, preset, note, pdf, png, key)

    made = comparison.given_tables(steps, step.inputs, tables)
    comparison.draw(steps, step, made, pdf, png, draw)


def table(tables: list[Path], outputs: dict[str, Path], params: Path, preset: str) -> None:
    """Write what each length comes to as CSV, Markdown and JSON metrics."""
    from l2o.figures.fig3_table import fig3_metrics, fig3_table, write_table

    steps = Fig3Steps(params, preset)

    def work() -> None:
        from l2o.storage.json_files import write_json
        from l2o.storage.tables import read_table

        rows = fig3_table(*(read_table(path) for path in tables))
        files = outputs["table"], outputs["table_text"]
        write_table(*files, rows, steps.titles(), steps.preset, steps.sizes.note)
        write_json(outputs["metrics"], fig3_metrics(rows))

    made = comparison.given_tables(steps, steps.compared(), tables)
    produce(steps.table(), outputs, made, work)


def figure(tables: list[Path], outputs: dict[str, Path], params: Path, preset: str) -> None:
    """Draw the figure as PDF and PNG."""
    from l2o.figures.fig3 import draw_fig3

    steps = Fig3Steps(params, preset)
    step = steps.figure()
    made = comparison.given_tables(steps, step.inputs, tables)
    comparison.draw(steps, step, made, outputs["pdf"], outputs["png"], draw_fig3)


def table_page(table: Path, out: Path, params: Path, preset: str) -> None:
    """Write the table of lengths as an HTML page."""
    from l2o.figures.fig3_page import fig3_table_page

    comparison.write_table_page(Fig3Steps(params, preset), table, out, fig3_table_page)
