"""The steps of Figure 3: what each reads, runs and depends on, and which artifacts it writes."""

from __future__ import annotations

from collections.abc import Iterator

from l2o.artifacts.tasks import Task
from l2o.config.fig3 import Fig3, Preset, load_fig3
from l2o.layout import Fig3Layout
from l2o.optimizers.registry import methods
from l2o.provenance import Step
from l2o.steps.common import FigureSteps, task_of
from l2o.steps.digits import digits_step


class Fig3Steps(FigureSteps):
    """All steps of Figure 3 under one preset."""

    figure_name, load, make_layout = "fig3", staticmethod(load_fig3), Fig3Layout
    experiment: Fig3
    sizes: Preset
    layout: Fig3Layout

    def summary(self) -> str:
        """Return what the parameters ask for, in a line."""
        lengths, runs = len(self.experiment.settings), self.sizes.runs
        return (
            f"{self.path}: valid; {self.preset}: {lengths} unroll lengths, "
            f"{runs} runs of {self.sizes.iterations} iterations each"
        )

    @property
    def learned(self) -> list[str]:
        """Names of the methods that are trained: one."""
        return list(self.experiment.recurrent)

    def training(self, setting: str) -> Step:
        """Meta-train with the unroll length of a setting."""
        experiment, (method,) = self.experiment, self.learned
        parameters = {
            "network": experiment.trained_on,
            "method": method,
            "hyperparameters": experiment.recurrent[method],
            "meta_training": experiment.meta_training(self.preset, setting, method).model_dump(),
            **self._running(),
            "device": experiment.device,
        }
        modules = ("l2o.training.meta_job", "l2o.evaluation.networks", *self._method())
        return Step("train", parameters, modules, {"digits": digits_step()})

    def evaluation(self, setting: str) -> Step:
        """Follow the runs of the meta-test."""
        sizes = self.sizes.model_dump(include={"runs", "iterations", "monitored"})
        parameters = {"network": self.experiment.trained_on, "setting": setting}
        parameters |= {"unroll": self.experiment.settings[setting].unroll, **self._running()}
        inputs = {"digits": digits_step(), setting: self.training(setting)}
        modules = ("l2o.evaluation.networks", "l2o.optimizers.trained", "l2o.storage.tables")
        modules += ("l2o.optimizers.recurrent.blocks", *self._method())
        return Step("evaluate", {**parameters, **sizes}, modules, inputs)

    def _running(self) -> dict[str, object]:
        return self.experiment.model_dump(include={"minibatch", "seed", "compute_threads"})

    def _method(self) -> tuple[str, ...]:
        return tuple(methods("recurrent")[name].module for name in self.learned)

    def curves(self) -> Step:
        """Join the curves of all lengths."""
        inputs = {setting: self.evaluation(setting) for setting in self.experiment.settings}
        return Step("join", {}, ("l2o.storage.tables",), inputs, ("pandas",))

    def lengths(self) -> Step:
        """Sum up the meta-training of all lengths."""
        inputs = {setting: self.training(setting) for setting in self.experiment.settings}
        modules = ("l2o.evaluation.unroll_lengths", "l2o.storage.tables")
        return Step("sum up lengths", {}, modules, inputs, ("pandas", "numpy"))

    def timings(self) -> Step:
        """Join the seconds of runs and of training."""
        settings = self.experiment.settings
        inputs = {f"{setting} runs": self.evaluation(setting) for setting in settings}
        inputs |= {setting: self.training(setting) for setting in settings}
        return Step("join seconds", {}, ("l2o.storage.tables",), inputs, ("pandas",))

    def compared(self) -> dict[str, Step]:
        """Return the tables that figure and comparison are made from, by name."""
        return {"curves": self.curves(), "lengths": self.lengths()}

    def _report(self, name: str, module: str, *libraries: str) -> Step:
        given = {"preset": self.preset, "note": self.sizes.note, "titles": self.titles()}
        return Step(name, given, (module,), self.compared(), libraries)

    def memory(self) -> Step:
        """Measure the peak memory of meta-gradients."""
        measured = self.sizes.memory.model_dump(
            include={"unrolls", "networks", "unroll", "limit_gib"}
        )
        modules = ("l2o.evaluation.memory", "l2o.storage.tables")
        return Step("measure memory", {**self._running(), **measured}, modules)

    def memory_training(self) -> Step:
        """Meta-train through a large network, with checkpointing."""
        large = self.sizes.memory.model_dump(include={"large", "large_unroll", "meta_steps"})
        modules = ("l2o.evaluation.memory", "l2o.evaluation.networks", "l2o.storage.tables")
        return Step("train large", {**self._running(), **large}, modules, {"digits": digits_step()})

    def memory_figure(self) -> Step:
        """Draw memory against unroll length and size, and the training of the large network."""
        given = {"preset": self.preset, "note": self.sizes.note}
        inputs = {"measured": self.memory(), "training": self.memory_training()}
        return Step("figure", given, ("l2o.figures.memory",), inputs, ("pandas", "matplotlib"))

    def tasks(self) -> Iterator[Task]:
        """Yield every job with its artifacts, inputs before what is made of them."""
        at, (method,) = self.layout, self.learned
        yield task_of("digits", digits_step(), at.digits)
        trained = (at.checkpoint, at.history, at.training_seconds)
        for setting in self.experiment.settings:
            here, paths = {"setting": setting}, (at.method_curves, at.solve_seconds)
            yield task_of(
                "fig3_meta_train", self.training(setting), *trained, **here, method=method
            )
            yield task_of("fig3_evaluate", self.evaluation(setting), *paths, **here)
        yield task_of("fig3_curves", self.curves(), at.curves)
        yield task_of("fig3_lengths", self.lengths(), at.lengths)
        yield task_of("fig3_timings", self.timings(), at.timings)
        yield task_of("fig3_memory", self.memory(), at.memory)
        yield task_of("fig3_memory_training", self.memory_training(), at.memory_training)
        drawn = (at.memory_figure, at.memory_picture)
        yield task_of("fig3_memory_figure", self.memory_figure(), *drawn)
        yield from self.last_tasks()

    def results(self) -> dict[str, Step]:
        """Return the steps that a reader wants, by the path of what they write."""
        at, memory = self.layout, self.memory_figure()
        steps = {at.lengths: self.lengths(), at.memory_figure: memory, at.memory_picture: memory}
        steps |= {at.memory: self.memory(), at.memory_training: self.memory_training()}
        return {**super().results(), **steps}

    def titles(self) -> dict[str, str]:
        """Return the names of the lengths, by setting."""
        return {name: length.title for name, length in self.experiment.settings.items()}
