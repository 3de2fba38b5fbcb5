"""The command that draws the start points of a network's runs."""

from __future__ import annotations

from pathlib import Path

from l2o.artifacts.production import produce
from l2o.commands.common import check_known, stored_provenance
from l2o.steps.fig8 import Fig8Steps


def draw_starts(setting: str, out: Path, params: Path, preset: str) -> None:
    """Draw the start points of the rate search's runs and of the evaluation's, and store them."""
    steps = Fig8Steps(params, preset)
    check_known(params, "settings", setting, list(steps.experiment.settings))
    step = steps.starts(setting)

    def work() -> None:
        from l2o.optimizees.networks import NETWORKS, START_SCALE, initial
        from l2o.seeds import named_seed
        from l2o.storage.digit_sets import write_starts

        network, splits, seeds = NETWORKS[setting], {}, {}
        for split, runs in step.parameters["runs"].items():
            seeds[split] = named_seed(steps.experiment.seed, setting, split)
            splits[split] = initial(network, runs, seeds[split]).numpy()
        about = {"network": setting, "standard_deviation": START_SCALE, "seeds": seeds}
        write_starts(out, splits, {**about, **stored_provenance(step)})

    produce(step, {"starts": out}, {}, work)
