"""``l2o fig6 ...``: one thin command per step of Figure 6. Each runs without Snakemake.

Those that every figure has are in :mod:`l2o.commands.figure_app`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l2o.commands import comparison
from l2o.commands.common import Drawn, Out, Params, Preset
from l2o.commands.fig6 import data as data_commands
from l2o.commands.fig6 import reports as report_commands
from l2o.commands.fig6 import training as training_commands
from l2o.commands.figure_app import figure_app
from l2o.steps.common import DEFAULT_PRESET
from l2o.steps.fig6 import Fig6Steps

PARAMS = Path("params/fig6.yaml")
app = figure_app(
    "The steps of Figure 6: LASSO.",
    Fig6Steps,
    PARAMS,
    training_commands.train,
    (report_commands.table, report_commands.figure, report_commands.table_page),
)


@app.command("sample-set")
def sample_set(
    setting: str, out: Path, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Draw the dictionary and the instances of SETTING and certify their optima."""
    data_commands.sample_set(setting, out, params, preset)


@app.command()
def evaluate(
    setting: str,
    group: str,
    data: Path,
    out: Out,
    checkpoints: Annotated[list[Path] | None, typer.Argument()] = None,
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Follow the methods of GROUP on the test set of DATA over all iterations."""
    report_commands.evaluate(setting, group, data, checkpoints or [], out, params, preset)


@app.command("time")
def time_methods(
    setting: str,
    data: Path,
    checkpoints: list[Path],
    out: Out,
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Time all methods on the test set of DATA."""
    report_commands.time_methods(setting, data, checkpoints, out, params, preset)


@app.command("check-optima")
def check_optima(
    sets: list[Path], out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Hold the paper's way to the optimum against the certified optima of SETS."""
    report_commands.check_optima(sets, out, params, preset)


@app.command("collect-seconds")
def collect_seconds(
    tables: list[Path], out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Join the seconds of all settings, in their order in the parameter file."""
    comparison.join(tables, out, Fig6Steps(params, preset).seconds())


@app.command("seconds-figure")
def seconds_figure(
    curves: Path,
    seconds: Path,
    pdf: Drawn,
    png: Drawn,
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Draw Figure 6 over wall-clock time from CURVES and SECONDS."""
    report_commands.seconds_figure(curves, seconds, pdf, png, params, preset)
