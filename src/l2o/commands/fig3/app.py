"""``l2o fig3 ...``: one thin command per step of Figure 3. Each runs without Snakemake.

Those that every figure has are in :mod:`l2o.commands.figure_app`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l2o.commands.common import Drawn, Out, Params, Preset
from l2o.commands.fig3 import reports as report_commands
from l2o.commands.fig3 import training as training_commands
from l2o.commands.figure_app import figure_app
from l2o.steps.common import DEFAULT_PRESET
from l2o.steps.fig3 import Fig3Steps

PARAMS = Path("params/fig3.yaml")
app = figure_app(
    "The steps of Figure 3: unroll lengths, and the memory of unrolling.",
    Fig3Steps,
    PARAMS,
    training_commands.train,
    (report_commands.table, report_commands.figure, report_commands.table_page),
)


@app.command()
def evaluate(
    setting: str,
    digits: Path,
    checkpoint: Path,
    curves: Out,
    seconds: Out,
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Follow the optimizer that was trained with the length of SETTING on new runs."""
    outputs = {"curves": curves, "solve_seconds": seconds}
    report_commands.evaluate(setting, digits, checkpoint, outputs, params, preset)


@app.command()
def lengths(
    histories: list[Path], out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Sum up the loss histories of all lengths, in their order in the parameter file."""
    report_commands.lengths(histories, out, params, preset)


@app.command()
def memory(out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET) -> None:
    """Measure the peak memory of meta-gradients against unroll length and size."""
    report_commands.memory(out, params, preset)


@app.command("memory-training")
def memory_training(
    digits: Path,
    out: Out,
    state: Annotated[Path, typer.Option(help="where an unfinished training is kept")],
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Meta-train through a network of more than a million parameters."""
    report_commands.memory_training(digits, out, state, params, preset)


@app.command("memory-figure")
def memory_figure(
    tables: list[Path],
    pdf: Drawn,
    png: Drawn,
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Draw the memory of unrolling from the tables of `memory` and `memory-training`."""
    report_commands.memory_figure(tables, pdf, png, params, preset)
