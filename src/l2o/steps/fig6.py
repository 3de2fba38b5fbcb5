"""The steps of Figure 6: what each reads, runs and depends on, and which artifacts it writes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from l2o.artifacts.tasks import Task
from l2o.config.fig6 import Fig6, Preset, load_fig6
from l2o.layout import Fig6Layout
from l2o.optimizers.registry import methods
from l2o.provenance import Step
from l2o.steps.common import FigureSteps, content_hash, task_of

CLASSICAL = "classical"  # the group of all methods without training


class Fig6Steps(FigureSteps):
    """All steps of Figure 6 under one preset."""

    figure_name, load, make_layout = "fig6", staticmethod(load_fig6), Fig6Layout
    experiment: Fig6
    sizes: Preset
    layout: Fig6Layout

    def summary(self) -> str:
        """Return what the parameters ask for, in a line."""
        experiment, settings = self.experiment, len(self.experiment.settings)
        nets, recurrent = len(experiment.unrolled), len(experiment.recurrent)
        return (
            f"{self.path}: valid; {self.preset}: {settings * nets} nets of {self.sizes.depth} "
            f"layers, {settings * recurrent} recurrent optimizers"
        )

    @property
    def learned(self) -> list[str]:
        """Names of the methods that are trained."""
        return [*self.experiment.unrolled, *self.experiment.recurrent]

    @property
    def groups(self) -> list[str]:
        """What one evaluation job evaluates: all classical methods, or one learned method."""
        return [CLASSICAL, *self.learned]

    def optimizee_set(self, setting: str) -> Step:
        """Draw the dictionary and the instances of a setting; certify their optima."""
        m, n = self.sizes.sizes[setting]
        parameters = {
            "setting": setting,
            "m": m,
            "n": n,
            "samples": self.sizes.samples.model_dump(),
            "density": self.experiment.density,
            "lam": self.experiment.lam,
            "seed": self.experiment.seed,
        }
        modules = (
            "l2o.dictionaries.gaussian",
            "l2o.optimizees.sparse_recovery",
            "l2o.optimizees.lasso_optimum",
            "l2o.storage.sets",
        )
        return Step("sample LASSO set", parameters, modules, libraries=("numpy", "h5py"))

    def training(self, setting: str, method: str) -> Step:
        """Train an unrolled net or a recurrent optimizer on a setting."""
        experiment = self.experiment
        unrolled = method in experiment.unrolled
        parameters = {
            "method": method,
            "lam": experiment.lam,
            "seed": experiment.seed,
            "device": experiment.device,
            "compute_threads": experiment.compute_threads,
        }
        if unrolled:
            budget = experiment.training(self.preset, setting, method)
            parameters |= {"hyperparameters": experiment.unrolled[method]}
            parameters |= {"depth": self.sizes.depth, "training": budget.model_dump()}
            modules = ["l2o.training.job", "l2o.training.lasso_loss"]
            modules += [methods("unrolled")[method].module]
        else:
            meta = experiment.meta_training(self.preset, setting, method)
            parameters |= {"hyperparameters": experiment.recurrent[method]}
            parameters |= {"meta_training": meta.model_dump()}
            modules = ["l2o.training.meta_job", "l2o.optimizees.lasso"]
            modules += [methods("recurrent")[method].module]
            if meta.imitation > 0:
                parameters["teacher"] = experiment.teacher
                modules += [methods("first_order")[name].module for name in experiment.teacher]
        return Step("train", parameters, tuple(modules), {"set": self.optimizee_set(setting)})

    def evaluation(self, setting: str, group: str) -> Step:
        """Follow the methods of a group over all iterations on the test set of a setting."""
        parameters = {"group": group, "starts": self.sizes.starts, **self._solving()}
        inputs = {"set": self.optimizee_set(setting)}
        if group != CLASSICAL:
            inputs[group] = self.training(setting, group)
        modules = self._solvers([] if group == CLASSICAL else [group])
        return Step("evaluate", parameters, modules, inputs)

    def solve_seconds(self, setting: str) -> Step:
        """Time all methods on the test set of a setting."""
        inputs = {method: self.training(setting, method) for method in self.learned}
        inputs["set"] = self.optimizee_set(setting)
        return Step("time", self._solving(), self._solvers(self.learned), inputs)

    def _solving(self) -> dict[str, object]:
        experiment = self.experiment
        names = ("first_order", "classical", "as_drawn", "as_drawn_shift", "continued_with")
        names = (*names, "lam", "iterations", "start_scale", "seed", "compute_threads")
        given = experiment.model_dump(include=set(names))
        return {**given, "published_curves": content_hash(experiment.published_curves)}

    def _solvers(self, learned: list[str]) -> tuple[str, ...]:
        experiment, modules = self.experiment, ["l2o.evaluation.lasso", "l2o.evaluation.contest"]
        for kind in ("first_order", "classical"):
            heads = methods(kind)
            modules += [heads[name].module for name in getattr(experiment, kind)]
        modules += [
            head.module
            for kind in ("unrolled", "recurrent")
            for name, head in methods(kind).items()
            if name in learned
        ]
        return (*modules, "l2o.storage.tables")

    def curves(self) -> Step:
        """Join the curves of all settings and methods."""
        inputs = {
            f"{setting}/{group}": self.evaluation(setting, group)
            for setting, group in product(self.experiment.settings, self.groups)
        }
        return Step("join", {}, ("l2o.storage.tables",), inputs, ("pandas",))

    def optima(self) -> Step:
        """Hold the paper's way to the optimum against the certified optima."""
        inputs = {setting: self.optimizee_set(setting) for setting in self.experiment.settings}
        parameters = {
            "lam": self.experiment.lam,
            "iterations": self.experiment.published_optimum_iterations,
            "compute_threads": self.experiment.compute_threads,
        }
        return Step("check optima", parameters, self._solvers([]), inputs)

    def seconds(self) -> Step:
        """Join the seconds over the iterations of all settings."""
        inputs = {setting: self.solve_seconds(setting) for setting in self.experiment.settings}
        return Step("join seconds", {}, ("l2o.storage.tables",), inputs, ("pandas",))

    def timings(self) -> Step:
        """Join the seconds of whole runs and of training."""
        inputs = {"seconds": self.seconds()}
        for setting, method in product(self.experiment.settings, self.learned):
            inputs[f"{setting}/{method}"] = self.training(setting, method)
        return Step("join seconds", {}, ("l2o.storage.tables",), inputs, ("pandas",))

    def seconds_figure(self) -> Step:
        """Draw the figure over seconds."""
        drawn = self.figure()
        inputs = {**drawn.inputs, "seconds": self.seconds()}
        name = "figure of seconds"
        return Step(name, drawn.parameters, drawn.modules, inputs, drawn.libraries)

    def tasks(self) -> Iterator[Task]:
        """Yield every job with its artifacts, inputs before what is made of them."""
        at, experiment = self.layout, self.experiment
        trained = (at.checkpoint, at.history, at.training_seconds)
        for setting in experiment.settings:
            here = {"setting": setting}
            yield task_of("fig6_set", self.optimizee_set(setting), at.optimizee_set, **here)
            for method in self.learned:
                rule = "fig6_train" if method in experiment.unrolled else "fig6_meta_train"
                yield task_of(rule, self.training(setting, method), *trained, **here, method=method)
            for group in self.groups:
                step = self.evaluation(setting, group)
                yield task_of("fig6_evaluate", step, at.method_curves, **here, group=group)
            yield task_of("fig6_time", self.solve_seconds(setting), at.setting_seconds, **here)
        yield task_of("fig6_curves", self.curves(), at.curves)
        yield task_of("fig6_optima", self.optima(), at.optima)
        yield task_of("fig6_seconds", self.seconds(), at.seconds)
        yield task_of("fig6_timings", self.timings(), at.timings)
        yield from self.last_tasks()
        drawn = (at.seconds_figure, at.seconds_picture)
        yield task_of("fig6_seconds_figure", self.seconds_figure(), *drawn)

    def results(self) -> dict[str, Step]:
        """Return the steps that a reader wants, by the path of what they write."""
        at, seconds = self.layout, self.seconds_figure()
        steps = {at.seconds_figure: seconds, at.seconds_picture: seconds}
        return {**super().results(), **steps, at.optima: self.optima()}

    def titles(self) -> dict[str, str]:
        """Return the panel titles with the problem sizes, by setting."""
        return {
            name: f"{setting.title} ({', '.join(map(str, self.sizes.sizes[name]))})"
            for name, setting in self.experiment.settings.items()
        }
