"""The steps of Figure 5: what each reads, runs and depends on, as provenance.

The Snakefile takes a step's key as a parameter, so that a change of exactly these parameters and
sources triggers exactly this step; the commands store the same record in what they write.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from l2o.config.fig5 import PRESETS, Fig5, load_fig5
from l2o.config.loading import unknown_key
from l2o.errors import InputError
from l2o.optimizers.registry import methods
from l2o.provenance import Step

TRAINER = ("l2o.training.progressive", "l2o.compute")


class Fig5Steps:
    """All steps of Figure 5 under one preset.

    Parameters
    ----------
    path : the parameter file
    preset : one of :data:`PRESETS`

    Raises
    ------
    InputError : bad parameters or an unknown preset.
    """

    def __init__(self, path: str | Path, preset: str) -> None:
        if preset not in PRESETS:
            raise unknown_key("params/run.yaml", f"preset {preset}", list(PRESETS))
        known = {
            kind: {name: set(head.hyperparameters) for name, head in methods(kind).items()}
            for kind in ("unrolled", "classical")
        }
        self.path, self.preset = Path(path), preset
        self.experiment: Fig5 = load_fig5(path, known)
        if preset not in self.experiment.presets:
            raise InputError(path, f"presets.{preset}", "this key is missing", "add the preset")
        self.sizes = self.experiment.presets[preset]

    def learned_dictionary(self, sums: Path) -> Step:
        """Learn the coherent dictionary from images with the SHA-256 sums in ``sums``."""
        parameters = {**self.experiment.learning.model_dump(), "seed": self.experiment.seed}
        parameters["images"] = content_hash(sums)
        modules = ("l2o.dictionaries.learned", "l2o.dictionaries.images")
        return Step("learn dictionary", parameters, modules, libraries=("numpy", "scipy", "pillow"))

    def gaussian_dictionary(self, name: str) -> Step:
        """Draw a Gaussian dictionary."""
        m, n = self.sizes.gaussian[name]
        parameters = {"m": m, "n": n, "seed": self.experiment.seed}
        return Step("draw dictionary", parameters, ("l2o.dictionaries.gaussian",))

    def optimizee_set(self, setting: str) -> Step:
        """Sample the optimizee set of a setting."""
        chosen = self.experiment.settings[setting]
        parameters = {
            "setting": setting,
            "samples": self.sizes.samples.model_dump(),
            "density": self.experiment.density,
            "snr_db": chosen.snr_db,
            "seed": self.experiment.seed,
        }
        inputs = {}
        if chosen.dictionary == "learned":
            parameters["released_dictionary"] = content_hash(self.experiment.released_dictionary)
        else:
            inputs["dictionary"] = self.gaussian_dictionary(chosen.dictionary)
        return Step("sample set", parameters, ("l2o.optimizees.sparse_recovery",), inputs)

    def training(self, setting: str, method: str) -> Step:
        """Train an unrolled net on a setting."""
        experiment = self.experiment
        parameters = {
            "method": method,
            "hyperparameters": experiment.unrolled[method],
            "depth": self.sizes.depth,
            "training": experiment.training(self.preset, setting, method).model_dump(),
            "seed": experiment.seed,
            "device": experiment.device,
            "compute_threads": experiment.compute_threads,
        }
        modules = (*TRAINER, methods("unrolled")[method].module)
        return Step("train", parameters, modules, {"set": self.optimizee_set(setting)})

    def evaluation(self, setting: str) -> Step:
        """Evaluate all nets and classical solvers on a setting."""
        experiment = self.experiment
        parameters = {
            "classical": experiment.classical,
            "lam_grid": experiment.lam_grid,
            "compute_threads": experiment.compute_threads,
        }
        modules = ["l2o.evaluation.sparse_recovery", "l2o.compute"]
        modules += [methods("classical")[name].module for name in experiment.classical]
        inputs = {name: self.training(setting, name) for name in experiment.unrolled}
        return Step("evaluate", parameters, tuple(modules), inputs)

    def table(self) -> Step:
        """Set the last layers beside the published ones."""
        return self._report("table", ("l2o.figures.fig5_table",), ("pandas",))

    def figure(self) -> Step:
        """Draw the figure."""
        return self._report("figure", ("l2o.figures.fig5",), ("pandas", "matplotlib"))

    def _report(self, name: str, modules: tuple[str, ...], libraries: tuple[str, ...]) -> Step:
        parameters = {
            "preset": self.preset,
            "note": self.sizes.note,
            "titles": self.titles(),
            "published_curves": content_hash(self.experiment.published_curves),
        }
        inputs = {setting: self.evaluation(setting) for setting in self.experiment.settings}
        return Step(name, parameters, modules, inputs, libraries)

    def titles(self) -> dict[str, str]:
        """Return the panel titles with the problem sizes, by setting."""
        titles = {}
        for name, setting in self.experiment.settings.items():
            learning = self.experiment.learning
            size = self.sizes.gaussian.get(setting.dictionary)
            m, n = size or (learning.patch_size**2, learning.atoms)
            titles[name] = f"{setting.title} ({m}, {n})"
        return titles


def content_hash(path: str | Path) -> str:
    """Return the SHA-256 of a file that the repository brings along.

    Raises
    ------
    InputError : it is missing.
    """
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise InputError(path, "", problem, "restore it: `git checkout -- FILE`") from error
