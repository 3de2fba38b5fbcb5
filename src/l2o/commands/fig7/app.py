"""``l2o fig7 ...``: one thin command per step of Figure 7. Each runs without Snakemake.

Those that every figure has are in :mod:`l2o.commands.figure_app`.
"""

from __future__ import annotations

from pathlib import Path

from l2o.commands import comparison
from l2o.commands.common import Out, Params, Preset
from l2o.commands.fig7 import data as data_commands
from l2o.commands.fig7 import reports as report_commands
from l2o.commands.fig7 import training as training_commands
from l2o.commands.figure_app import figure_app
from l2o.steps.common import DEFAULT_PRESET
from l2o.steps.fig7 import Fig7Steps

PARAMS = Path("params/fig7.yaml")
app = figure_app(
    "The steps of Figure 7: the Rastrigin family.",
    Fig7Steps,
    PARAMS,
    training_commands.train,
    (report_commands.table, report_commands.figure, report_commands.table_page),
)


@app.command("sample-set")
def sample_set(
    setting: str, out: Path, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Draw the instances of SETTING."""
    data_commands.sample_set(setting, out, params, preset)


@app.command()
def oracle(
    setting: str, data: Path, out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Find the lowest objective of every test instance of DATA by Run-and-Inspect."""
    data_commands.oracle(setting, data, out, params, preset)


@app.command()
def oracles(
    tables: list[Path], out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Sum up the oracles of all settings, in their order in the parameter file."""
    data_commands.oracles(tables, out, params, preset)


@app.command("grid-search")
def grid_search(
    setting: str, data: Path, out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Try all hyperparameters of the grid on the validation set of DATA."""
    report_commands.grid_search(setting, data, out, params, preset)


@app.command()
def evaluate(
    setting: str,
    group: str,
    data: Path,
    oracle: Path,
    source: Path,
    curves: Out,
    seconds: Out,
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Follow the methods of GROUP on the test set of DATA over all iterations.

    SOURCE is the table of the grid search for the untrained methods, else the checkpoint.
    """
    outputs = {"curves": curves, "solve_seconds": seconds}
    report_commands.evaluate(setting, group, data, oracle, source, outputs, params, preset)


@app.command("collect-grid-searches")
def collect_grid_searches(
    tables: list[Path], out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Join the grid searches of all settings, in their order in the parameter file."""
    comparison.join(tables, out, Fig7Steps(params, preset).joined_grid_search())
