"""The steps of Figure 5: what each reads, runs and depends on, and which artifacts it writes.

The commands prove with a step's record what they wrote; the Snakefile runs the steps whose
artifacts do not carry the key that current parameters and sources give.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from l2o.artifacts.tasks import Task
from l2o.config.fig5 import Fig5, Preset, load_fig5
from l2o.layout import Fig5Layout
from l2o.optimizers.registry import methods
from l2o.provenance import Step
from l2o.steps.common import FigureSteps, content_hash, task_of

SUMS = Path("data/bsds500.sha256")  # of the images
LEARNED = Path("results/dictionaries/bsds500.h5")  # learned again, beside the released one


class Fig5Steps(FigureSteps):
    """All steps of Figure 5 under one preset."""

    figure_name, load, make_layout = "fig5", staticmethod(load_fig5), Fig5Layout
    experiment: Fig5
    sizes: Preset
    layout: Fig5Layout

    def summary(self) -> str:
        """Return what the parameters ask for, in a line."""
        nets = len(self.experiment.settings) * len(self.experiment.unrolled)
        return f"{self.path}: valid; {self.preset}: {nets} nets of {self.sizes.depth} layers"

    @property
    def learned(self) -> list[str]:
        """Names of the methods that are trained."""
        return list(self.experiment.unrolled)

    def learned_dictionary(self, sums: Path) -> Step:
        """Learn the coherent dictionary from images with the SHA-256 sums in ``sums``."""
        parameters = {**self.experiment.learning.model_dump(), "seed": self.experiment.seed}
        parameters["images"] = content_hash(sums)
        modules = ("l2o.dictionaries.learned", "l2o.dictionaries.images", "l2o.storage.sets")
        libraries = ("numpy", "scipy", "pillow", "h5py")
        return Step("learn dictionary", parameters, modules, libraries=libraries)

    def gaussian_dictionary(self, name: str) -> Step:
        """Draw a Gaussian dictionary."""
        m, n = self.sizes.gaussian[name]
        parameters = {"m": m, "n": n, "seed": self.experiment.seed}
        modules = ("l2o.dictionaries.gaussian", "l2o.storage.sets")
        return Step("draw dictionary", parameters, modules, libraries=("numpy", "h5py"))

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
        modules = ("l2o.optimizees.sparse_recovery", "l2o.storage.sets")
        return Step("sample set", parameters, modules, inputs, libraries=("numpy", "h5py"))

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
        modules = ("l2o.training.job", methods("unrolled")[method].module)
        return Step("train", parameters, modules, {"set": self.optimizee_set(setting)})

    def evaluation(self, setting: str) -> Step:
        """Evaluate all nets and classical solvers on a setting."""
        experiment = self.experiment
        parameters = {
            "classical": experiment.classical,
            "lam_grid": experiment.lam_grid,
            "compute_threads": experiment.compute_threads,
        }
        modules = ["l2o.evaluation.sparse_recovery", "l2o.optimizers.trained", "l2o.compute"]
        modules += ["l2o.storage.tables"]
        modules += [methods("classical")[name].module for name in experiment.classical]
        inputs = {name: self.training(setting, name) for name in experiment.unrolled}
        inputs["set"] = self.optimizee_set(setting)
        return Step("evaluate", parameters, tuple(modules), inputs)

    def curves(self) -> Step:
        """Join the curves of all settings."""
        inputs = {setting: self.evaluation(setting) for setting in self.experiment.settings}
        return Step("join", {}, ("l2o.storage.tables",), inputs, ("pandas",))

    def timings(self) -> Step:
        """Join the measured seconds of solving and of training."""
        inputs = {setting: self.evaluation(setting) for setting in self.experiment.settings}
        for setting, method in product(self.experiment.settings, self.experiment.unrolled):
            inputs[f"{setting}/{method}"] = self.training(setting, method)
        return Step("join seconds", {}, ("l2o.storage.tables",), inputs, ("pandas",))

    def learning_task(self) -> Task:
        """Return the job that learns the coherent dictionary again; no figure needs it."""
        return Task("learned_dictionary", (), self.learned_dictionary(SUMS), (LEARNED,))

    def tasks(self) -> Iterator[Task]:
        """Yield every job with its artifacts, inputs before what is made of them."""
        at = self.layout

        used = {setting.dictionary for setting in self.experiment.settings.values()}
        for name in sorted(used & self.sizes.gaussian.keys()):
            step = self.gaussian_dictionary(name)
            yield task_of("gaussian_dictionary", step, at.dictionary, dictionary=name)
        for setting in self.experiment.settings:
            step = self.optimizee_set(setting)
            yield task_of("optimizee_set", step, at.optimizee_set, setting=setting)
            for method in self.experiment.unrolled:
                paths = (at.checkpoint, at.history, at.training_seconds)
                step = self.training(setting, method)
                yield task_of("train", step, *paths, setting=setting, method=method)
            paths = (at.setting_curves, at.solve_seconds)
            yield task_of("evaluate", self.evaluation(setting), *paths, setting=setting)
        yield task_of("curves", self.curves(), at.curves)
        yield task_of("timings", self.timings(), at.timings)
        yield from self.last_tasks()

    def released(self) -> list[Path]:
        """Return the artifacts that the repository brings along."""
        return [self.experiment.released_dictionary]

    def titles(self) -> dict[str, str]:
        """Return the panel titles with the problem sizes, by setting."""
        titles = {}
        for name, setting in self.experiment.settings.items():
            learning = self.experiment.learning
            size = self.sizes.gaussian.get(setting.dictionary)
            m, n = size or (learning.patch_size**2, learning.atoms)
            titles[name] = f"{setting.title} ({m}, {n})"
        return titles
