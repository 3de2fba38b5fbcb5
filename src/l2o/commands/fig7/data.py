"""Commands that make sets of the Rastrigin family and look for their minima."""

from __future__ import annotations

from pathlib import Path

from l2o.artifacts.production import produce
from l2o.commands.common import check_known, stored_provenance
from l2o.steps.fig7 import Fig7Steps


def sample_set(setting: str, out: Path, params: Path, preset: str) -> None:
    """Draw instances of the family and store them."""
    from l2o.optimizees.rastrigin import sample_slices
    from l2o.storage.rastrigin_sets import write_rastrigin_set

    steps = Fig7Steps(params, preset)
    experiment = steps.experiment
    check_known(params, "settings", setting, list(experiment.settings))
    step = steps.optimizee_set(setting)

    def work() -> None:
        n, splits = steps.sizes.sizes[setting], {}
        for split, count in steps.sizes.samples.model_dump().items():
            names = ("rastrigin", setting, split)
            splits[split] = sample_slices(n, count, experiment.seed, names)
        attributes = {
            "setting": setting,
            "model": "f(x) = ||A x - b||^2 / 2 - alpha c^T cos(2 pi x) + alpha n",
            "alpha": experiment.alpha,
            **stored_provenance(step),
        }
        write_rastrigin_set(out, splits, attributes)

    produce(step, {"set": out}, {}, work)


def oracle(setting: str, data: Path, out: Path, params: Path, preset: str) -> None:
    """Write the lowest f found of every test instance, and what an exhaustive grid finds."""
    steps = Fig7Steps(params, preset)
    experiment = steps.experiment
    check_known(params, "settings", setting, list(experiment.settings))
    step, how = steps.oracle(setting), steps.sizes.oracle[setting]

    def work() -> None:
        import numpy as np

        from l2o.compute import prepare_device
        from l2o.evaluation.rastrigin import load_rastrigin
        from l2o.evaluation.runs import start_points
        from l2o.optimizees.rastrigin import Rastrigin
        from l2o.optimizers.exhaustive import exhaustive_minimum
        from l2o.optimizers.run_and_inspect import Inspection, run_and_inspect
        from l2o.storage.tables import write_table

        prepare_device("cpu", experiment.compute_threads)
        f = load_rastrigin(data, "test", experiment.alpha)
        starts = start_points(experiment.seed, how.starts, *f.b.shape, experiment.start_scale)
        inspection = Inspection(radius=how.radius, points=how.points)
        minima = run_and_inspect(f, starts, experiment.seed, inspection)
        best, grid = minima.objective.numpy(), np.full(len(f.b), np.nan)
        if how.grid:
            ones = (Rastrigin(f.A[[i]], f.b[[i]], f.c[[i]], f.alpha) for i in range(len(grid)))
            grid = [exhaustive_minimum(one, at) for one, at in zip(ones, best, strict=True)]
        rows = {
            "instance": range(len(best)),
            "oracle": best,
            "lower_bound": f.lower_bound().numpy(),
            "agreeing": minima.agreeing.numpy(),
            "settled": minima.stopped.double().numpy(),
            "grid": grid,
        }
        write_table(out, rows)

    produce(step, {"oracle": out}, {data: step.inputs["set"]}, work)


def oracles(tables: list[Path], out: Path, params: Path, preset: str) -> None:
    """Sum up the oracles of all settings."""
    steps = Fig7Steps(params, preset)
    step, experiment = steps.oracles(), steps.experiment

    def work() -> None:
        from l2o.evaluation.rastrigin import oracle_summary
        from l2o.storage.tables import read_table, write_table

        rows = []
        for setting, path in zip(experiment.settings, tables, strict=True):
            columns = {name: column.to_numpy(float) for name, column in read_table(path).items()}
            n, starts = steps.sizes.sizes[setting], steps.sizes.oracle[setting].starts
            given = (n, experiment.alpha, starts, experiment.published_instances)
            rows.append({"setting": setting, **oracle_summary(columns, *given)})
        write_table(out, rows)

    inputs = dict(zip(tables, step.inputs.values(), strict=True))
    produce(step, {"oracles": out}, inputs, work)
