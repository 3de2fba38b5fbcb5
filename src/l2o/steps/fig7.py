"""The steps of Figure 7: what each reads, runs and depends on, and which artifacts it writes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from l2o.artifacts.tasks import Task
from l2o.config.fig7 import Fig7, Preset, load_fig7
from l2o.layout import Fig7Layout
from l2o.optimizers.registry import methods
from l2o.provenance import Step
from l2o.steps.common import FigureSteps, content_hash, task_of

UNTRAINED = "untrained"  # the group of all methods without training


class Fig7Steps(FigureSteps):
    """All steps of Figure 7 under one preset."""

    figure_name, load, make_layout = "fig7", staticmethod(load_fig7), Fig7Layout
    experiment: Fig7
    sizes: Preset
    layout: Fig7Layout

    def summary(self) -> str:
        """Return what the parameters ask for, in a line."""
        settings, recurrent = len(self.experiment.settings), len(self.experiment.recurrent)
        return f"{self.path}: valid; {self.preset}: {settings * recurrent} recurrent optimizers"

    @property
    def learned(self) -> list[str]:
        """Names of the methods that are trained."""
        return list(self.experiment.recurrent)

    @property
    def groups(self) -> list[str]:
        """What one evaluation job evaluates: all untrained methods, or one trained method."""
        return [UNTRAINED, *self.learned]

    def optimizee_set(self, setting: str) -> Step:
        """Draw the instances of a setting."""
        parameters = {
            "setting": setting,
            "n": self.sizes.sizes[setting],
            "samples": self.sizes.samples.model_dump(),
            "alpha": self.experiment.alpha,
            "seed": self.experiment.seed,
        }
        modules = ("l2o.optimizees.rastrigin", "l2o.storage.rastrigin_sets")
        return Step("sample Rastrigin set", parameters, modules, libraries=("numpy", "h5py"))

    def training(self, setting: str, method: str) -> Step:
        """Meta-train a recurrent optimizer on a setting."""
        experiment = self.experiment
        meta = experiment.meta_training(self.preset, setting, method)
        parameters = {
            "method": method,
            "hyperparameters": experiment.recurrent[method],
            "meta_training": meta.model_dump(),
            "alpha": experiment.alpha,
            "seed": experiment.seed,
            "device": experiment.device,
            "compute_threads": experiment.compute_threads,
        }
        modules = ["l2o.training.meta_job", "l2o.optimizees.rastrigin"]
        modules += [methods("recurrent")[method].module]
        if meta.imitation > 0:
            parameters["teacher"] = experiment.teacher
            modules += [methods("first_order")[name].module for name in experiment.teacher]
        return Step("train", parameters, tuple(modules), {"set": self.optimizee_set(setting)})

    def oracle(self, setting: str) -> Step:
        """Find the lowest f of every test instance, by Run-and-Inspect."""
        parameters = {**self._running(), "oracle": self.sizes.oracle[setting].model_dump()}
        modules = ("l2o.optimizers.run_and_inspect", "l2o.optimizers.exhaustive")
        modules += ("l2o.evaluation.rastrigin", "l2o.storage.tables")
        return Step("oracle", parameters, modules, {"set": self.optimizee_set(setting)})

    def grid_search(self, setting: str) -> Step:
        """Choose the hyperparameters that the text leaves open, on the validation instances."""
        given = self.experiment.model_dump(include={"first_order", "grid", "iterations"})
        parameters = {**self._running(), **given, "starts": self.sizes.starts}
        modules = (*self._solvers(["first_order"], []), "l2o.evaluation.grid_search")
        return Step("grid search", parameters, modules, {"set": self.optimizee_set(setting)})

    def evaluation(self, setting: str, group: str) -> Step:
        """Follow the methods of a group over all iterations on the test set of a setting."""
        experiment = self.experiment
        names = {"as_drawn", "population", "iterations", "published_shift"}
        parameters = {"group": group, "starts": self.sizes.starts, **self._running()}
        parameters |= experiment.model_dump(include=names)
        parameters |= {"published_curves": content_hash(experiment.published_curves)}
        inputs = {"set": self.optimizee_set(setting), "oracle": self.oracle(setting)}
        if group == UNTRAINED:
            inputs["grid_search"] = self.grid_search(setting)
            modules = self._solvers(["first_order", "population"], [])
        else:
            inputs[group] = self.training(setting, group)
            modules = self._solvers([], [group])
        return Step("evaluate", parameters, modules, inputs)

    def _running(self) -> dict[str, object]:
        names = {"alpha", "start_scale", "seed", "compute_threads"}
        return self.experiment.model_dump(include=names)

    def _solvers(self, kinds: list[str], learned: list[str]) -> tuple[str, ...]:
        experiment = self.experiment
        modules = ["l2o.evaluation.rastrigin", "l2o.evaluation.runs", "l2o.optimizers.trained"]
        for kind in kinds:
            modules += [methods(kind)[name].module for name in getattr(experiment, kind)]
        modules += [methods("recurrent")[name].module for name in learned]
        return (*modules, "l2o.storage.tables")

    def curves(self) -> Step:
        """Join the curves of all settings and methods."""
        return self._joined({f"{s}/{group}": self.evaluation(s, group) for s, group in self._all()})

    def _all(self) -> Iterator[tuple[str, str]]:
        return product(self.experiment.settings, self.groups)

    def _joined(self, inputs: dict[str, Step], name: str = "join") -> Step:
        return Step(name, {}, ("l2o.storage.tables",), inputs, ("pandas",))

    def joined_grid_search(self) -> Step:
        """Join the grid searches of all settings."""
        return self._joined({s: self.grid_search(s) for s in self.experiment.settings})

    def oracles(self) -> Step:
        """Sum up the oracles of all settings."""
        experiment = self.experiment
        parameters = experiment.model_dump(include={"alpha", "published_instances"})
        parameters |= {"sizes": self.sizes.sizes}
        inputs = {setting: self.oracle(setting) for setting in experiment.settings}
        modules = ("l2o.evaluation.rastrigin", "l2o.storage.tables")
        return Step("sum up oracles", parameters, modules, inputs)

    def timings(self) -> Step:
        """Join the seconds of whole runs and of training."""
        inputs = {f"{s}/{group} runs": self.evaluation(s, group) for s, group in self._all()}
        for setting, method in product(self.experiment.settings, self.learned):
            inputs[f"{setting}/{method}"] = self.training(setting, method)
        return self._joined(inputs, "join seconds")

    def compared(self) -> dict[str, Step]:
        """Return the tables that figure and comparison are made from, by name."""
        return {"curves": self.curves(), "oracles": self.oracles()}

    def tasks(self) -> Iterator[Task]:
        """Yield every job with its artifacts, inputs before what is made of them."""
        at = self.layout
        trained = (at.checkpoint, at.history, at.training_seconds)
        for setting in self.experiment.settings:
            here = {"setting": setting}
            yield task_of("fig7_set", self.optimizee_set(setting), at.optimizee_set, **here)
            yield task_of("fig7_oracle", self.oracle(setting), at.oracle, **here)
            searched = self.grid_search(setting)
            yield task_of("fig7_grid_search", searched, at.setting_grid_search, **here)
            for method in self.learned:
                step = self.training(setting, method)
                yield task_of("fig7_meta_train", step, *trained, **here, method=method)
            for group in self.groups:
                step, paths = self.evaluation(setting, group), (at.method_curves, at.solve_seconds)
                yield task_of("fig7_evaluate", step, *paths, **here, group=group)
        yield task_of("fig7_curves", self.curves(), at.curves)
        yield task_of("fig7_oracles", self.oracles(), at.oracles)
        yield task_of("fig7_grid_searches", self.joined_grid_search(), at.grid_search)
        yield task_of("fig7_timings", self.timings(), at.timings)
        yield from self.last_tasks()

    def results(self) -> dict[str, Step]:
        """Return the steps that a reader wants, by the path of what they write."""
        at = self.layout
        steps = {at.oracles: self.oracles(), at.grid_search: self.joined_grid_search()}
        return {**super().results(), **steps}

    def titles(self) -> dict[str, str]:
        """Return the column titles, by setting."""
        return {name: setting.title for name, setting in self.experiment.settings.items()}
