"""``l2o fig5 ...``: one thin command per step of Figure 5. Each runs without Snakemake.

Those that every figure has are in :mod:`l2o.commands.figure_app`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l2o.commands.common import Params, Preset
from l2o.commands.fig5 import data as data_commands
from l2o.commands.fig5 import reports as report_commands
from l2o.commands.fig5 import training as training_commands
from l2o.commands.figure_app import figure_app
from l2o.steps.common import DEFAULT_PRESET
from l2o.steps.fig5 import Fig5Steps

PARAMS = Path("params/fig5.yaml")
app = figure_app(
    "The steps of Figure 5: sparse recovery.",
    Fig5Steps,
    PARAMS,
    training_commands.train,
    (report_commands.table, report_commands.figure, report_commands.table_page),
)


@app.command()
def images(folder: Path, sums: Path, mirror: str = "") -> None:
    """Fetch the BSDS500 images into FOLDER, each verified against SUMS."""
    data_commands.fetch_images(folder, sums, mirror)


@app.command("learn-dictionary")
def learn_dictionary(
    folder: Path, sums: Path, out: Path, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Learn the coherent dictionary from the images in FOLDER."""
    data_commands.learn_dictionary(folder, sums, out, params, preset)


@app.command("draw-dictionary")
def draw_dictionary(
    name: str, out: Path, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Draw the Gaussian dictionary NAME."""
    data_commands.draw_dictionary(name, out, params, preset)


@app.command("sample-set")
def sample_set(
    setting: str,
    dictionary: Path,
    out: Path,
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Sample the optimizee set of SETTING with the matrix stored in DICTIONARY."""
    data_commands.sample_set(setting, dictionary, out, params, preset)


@app.command()
def evaluate(
    setting: str,
    data: Path,
    checkpoints: list[Path],
    curves: Annotated[Path, typer.Option(help="tidy table of curves, CSV")],
    timings: Annotated[Path, typer.Option(help="seconds per solve, CSV")],
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Evaluate CHECKPOINTS and the classical solvers on the test set of DATA."""
    training_commands.evaluate(setting, data, checkpoints, curves, timings, params, preset)
