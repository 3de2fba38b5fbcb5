"""The steps of Figure 8: what each reads, runs and depends on, and which artifacts it writes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from l2o.artifacts.tasks import Task
from l2o.config.fig8 import Fig8, Preset, load_fig8
from l2o.layout import Fig8Layout
from l2o.optimizers.registry import methods
from l2o.provenance import Step
from l2o.steps.common import FigureSteps, task_of
from l2o.steps.digits import digits_step

CLASSICAL = "classical"  # the group of all methods without training


class Fig8Steps(FigureSteps):
    """All steps of Figure 8 under one preset."""

    figure_name, load, make_layout = "fig8", staticmethod(load_fig8), Fig8Layout
    experiment: Fig8
    sizes: Preset
    layout: Fig8Layout

    def summary(self) -> str:
        """Return what the parameters ask for, in a line."""
        sizes, recurrent = self.sizes, len(self.experiment.recurrent)
        return (
            f"{self.path}: valid; {self.preset}: {recurrent} recurrent optimizers, "
            f"{sizes.runs} runs of {sizes.iterations} iterations on each network"
        )

    @property
    def learned(self) -> list[str]:
        """Names of the methods that are trained."""
        return list(self.experiment.recurrent)

    @property
    def settings(self) -> list[str]:
        """Networks of the figure, and the one that is trained on."""
        return [*self.experiment.settings, self.experiment.trained_on]

    @property
    def groups(self) -> list[str]:
        """What one evaluation job evaluates: all untrained methods, or one trained method."""
        return [CLASSICAL, *self.learned]

    def starts(self, setting: str) -> Step:
        """Draw the start points of a network's runs."""
        sizes = self.sizes
        runs = {"validation": sizes.rate_search.runs, "test": sizes.runs}
        parameters = {"network": setting, "runs": runs, "seed": self.experiment.seed}
        modules = ("l2o.optimizees.networks", "l2o.storage.digit_sets")
        return Step("draw starts", parameters, modules, libraries=("numpy", "h5py"))

    def training(self, setting: str, method: str) -> Step:
        """Meta-train a recurrent optimizer on the training of a network."""
        experiment = self.experiment
        meta = experiment.meta_training(self.preset, setting, method)
        parameters = {
            "network": setting,
            "method": method,
            "hyperparameters": experiment.recurrent[method],
            "meta_training": meta.model_dump(),
            "logarithm": method in experiment.log_loss,
            **self._running(),
            "device": experiment.device,
        }
        modules = ["l2o.training.meta_job", "l2o.evaluation.networks"]
        modules += [methods("recurrent")[method].module]
        if meta.imitation > 0:
            parameters["teacher"] = experiment.teacher
            modules += [methods("first_order")[name].module for name in experiment.teacher]
        return Step("train", parameters, tuple(modules), {"digits": digits_step()})

    def grid_search(self, setting: str) -> Step:
        """Choose the rates of the classical methods, on runs of their own."""
        given = self.experiment.model_dump(include={"first_order", "grid"})
        searched = self.sizes.rate_search.model_dump()
        parameters = {"network": setting, **self._running(), **given, **searched}
        parameters |= {"monitored": self.sizes.monitored}
        return Step("grid search", parameters, self._solvers(CLASSICAL), self._data(setting))

    def evaluation(self, setting: str, group: str) -> Step:
        """Train a network by the methods of a group, over all iterations, from all starts."""
        sizes, inputs = self.sizes, self._data(setting)
        parameters = {"network": setting, "group": group, **self._running()}
        parameters |= {"iterations": sizes.iterations, "monitored": sizes.monitored}
        if group == CLASSICAL:
            inputs["grid_search"] = self.grid_search(setting)
        else:
            inputs[group] = self.training(self.experiment.trained_on, group)
        return Step("evaluate", parameters, self._solvers(group), inputs)

    def _data(self, setting: str) -> dict[str, Step]:
        return {"digits": digits_step(), "starts": self.starts(setting)}

    def _running(self) -> dict[str, object]:
        return self.experiment.model_dump(include={"minibatch", "seed", "compute_threads"})

    def _solvers(self, group: str) -> tuple[str, ...]:
        modules = ["l2o.evaluation.networks", "l2o.storage.tables"]
        if group == CLASSICAL:
            modules += [methods("first_order")[name].module for name in self.experiment.first_order]
        else:
            modules += ["l2o.optimizers.trained", "l2o.optimizers.recurrent.blocks"]
            modules += [methods("recurrent")[group].module]
        return tuple(modules)

    def curves(self) -> Step:
        """Join the curves of all settings and methods."""
        return self._joined("join")

    def finals(self) -> Step:
        """Join what the trained networks are worth, of all settings and methods."""
        return self._joined("join finals")

    def _all(self) -> Iterator[tuple[str, str]]:
        return product(self.experiment.settings, self.groups)

    def _joined(self, name: str) -> Step:
        inputs = {f"{s}/{group}": self.evaluation(s, group) for s, group in self._all()}
        return Step(name, {}, ("l2o.storage.tables",), inputs, ("pandas",))

    def joined_grid_search(self) -> Step:
        """Join the grid searches of all settings."""
        inputs = {setting: self.grid_search(setting) for setting in self.experiment.settings}
        return Step("join", {}, ("l2o.storage.tables",), inputs, ("pandas",))

    def timings(self) -> Step:
        """Join the seconds of runs and steps, and of training."""
        inputs = {f"{s}/{group} runs": self.evaluation(s, group) for s, group in self._all()}
        trained_on = self.experiment.trained_on
        inputs |= {f"{trained_on}/{m}": self.training(trained_on, m) for m in self.learned}
        return Step("join seconds", {}, ("l2o.storage.tables",), inputs, ("pandas",))

    def compared(self) -> dict[str, Step]:
        """Return the tables that figure and comparison are made from, by name."""
        return {"curves": self.curves(), "finals": self.finals()}

    def tasks(self) -> Iterator[Task]:
        """Yield every job with its artifacts, inputs before what is made of them."""
        at, trained_on = self.layout, self.experiment.trained_on
        yield task_of("digits", digits_step(), at.digits)
        trained = (at.checkpoint, at.history, at.training_seconds)
        for method in self.learned:
            step, here = self.training(trained_on, method), {"setting": trained_on}
            yield task_of("fig8_meta_train", step, *trained, **here, method=method)
        paths = (at.method_curves, at.method_finals, at.solve_seconds)
        for setting in self.experiment.settings:
            here = {"setting": setting}
            yield task_of("fig8_starts", self.starts(setting), at.optimizee_set, **here)
            searched = self.grid_search(setting)
            yield task_of("fig8_grid_search", searched, at.setting_grid_search, **here)
            for group in self.groups:
                step = self.evaluation(setting, group)
                yield task_of("fig8_evaluate", step, *paths, **here, group=group)
        yield task_of("fig8_curves", self.curves(), at.curves)
        yield task_of("fig8_finals", self.finals(), at.finals)
        yield task_of("fig8_grid_searches", self.joined_grid_search(), at.grid_search)
        yield task_of("fig8_timings", self.timings(), at.timings)
        yield from self.last_tasks()

    def results(self) -> dict[str, Step]:
        """Return the steps that a reader wants, by the path of what they write."""
        at = self.layout
        steps = {at.finals: self.finals(), at.grid_search: self.joined_grid_search()}
        return {**super().results(), **steps}

    def titles(self) -> dict[str, str]:
        """Return the panel titles, by setting."""
        return {name: setting.title for name, setting in self.experiment.settings.items()}
