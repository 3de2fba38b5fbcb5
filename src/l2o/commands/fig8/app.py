"""``l2o fig8 ...``: one thin command per step of Figure 8. Each runs without Snakemake.

Those that every figure has are in :mod:`l2o.commands.figure_app`.
"""

from __future__ import annotations

from pathlib import Path

from l2o.commands import comparison
from l2o.commands.common import Out, Params, Preset
from l2o.commands.fig8 import data as data_commands
from l2o.commands.fig8 import reports as report_commands
from l2o.commands.fig8 import training as training_commands
from l2o.commands.figure_app import figure_app
from l2o.steps.common import DEFAULT_PRESET
from l2o.steps.fig8 import Fig8Steps

PARAMS = Path("params/fig8.yaml")
app = figure_app(
    "The steps of Figure 8: training networks on MNIST.",
    Fig8Steps,
    PARAMS,
    training_commands.train,
    (report_commands.table, report_commands.figure, report_commands.table_page),
)


@app.command("draw-starts")
def draw_starts(
    setting: str, out: Path, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Draw the start points of the runs on the network SETTING."""
    data_commands.draw_starts(setting, out, params, preset)


@app.command("grid-search")
def grid_search(
    setting: str,
    digits: Path,
    starts: Path,
    out: Out,
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Try all rates of the grid on the validation runs of STARTS."""
    report_commands.grid_search(setting, digits, starts, out, params, preset)


@app.command()
def evaluate(
    setting: str,
    group: str,
    digits: Path,
    starts: Path,
    source: Path,
    curves: Out,
    finals: Out,
    seconds: Out,
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Train the network SETTING by the methods of GROUP from all test STARTS.

    SOURCE is the table of the grid search for the classical methods, else the checkpoint.
    """
    outputs = {"curves": curves, "finals": finals, "solve_seconds": seconds}
    data = (digits, starts, source)
    report_commands.evaluate(setting, group, data, outputs, params, preset)


@app.command("collect-finals")
def collect_finals(
    tables: list[Path], out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Join the final values of all settings and methods, in their order in the parameter file."""
    comparison.join(tables, out, Fig8Steps(params, preset).finals())


@app.command("collect-grid-searches")
def collect_grid_searches(
    tables: list[Path], out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Join the grid searches of all settings, in their order in the parameter file."""
    comparison.join(tables, out, Fig8Steps(params, preset).joined_grid_search())
