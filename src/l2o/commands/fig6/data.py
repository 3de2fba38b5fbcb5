"""The command that makes LASSO sets."""

from __future__ import annotations

from pathlib import Path

from l2o.artifacts.production import produce
from l2o.commands.common import check_known, stored_provenance
from l2o.steps.fig6 import Fig6Steps


def sample_set(setting: str, out: Path, params: Path, preset: str) -> None:
    """Draw a dictionary and LASSO instances, certify their optima, and store all."""
    import numpy as np

    from l2o.dictionaries.gaussian import gaussian_dictionary
    from l2o.optimizees.lasso_optimum import lasso_optimum
    from l2o.optimizees.sparse_recovery import sample_slices
    from l2o.storage.sets import LASSO, write_set

    steps = Fig6Steps(params, preset)
    experiment = steps.experiment
    check_known(params, "settings", setting, list(experiment.settings))
    step = steps.optimizee_set(setting)

    def work() -> None:
        m, n = steps.sizes.sizes[setting]
        A = gaussian_dictionary(m, n, experiment.seed)

        def certified(split: str, count: int):
            names = ("lasso", setting, split)
            for x, b in sample_slices(A, count, experiment.density, None, experiment.seed, names):
                optima = lasso_optimum(A, b.astype(np.float64), experiment.lam)
                yield x, b, optima.objective, optima.gap

        samples = steps.sizes.samples.model_dump()
        splits = {split: (count, certified(split, count)) for split, count in samples.items()}
        attributes = {
            "setting": setting,
            "model": "f(x) = ||A x - b||^2 / 2 + lam ||x||_1, b = A x*",
            "density": experiment.density,
            "lam": experiment.lam,
            **stored_provenance(step),
        }
        write_set(out, LASSO, A, splits, attributes)

    produce(step, {"set": out}, {}, work)
