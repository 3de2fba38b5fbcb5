"""An experiment on a family of differentiable problems, which its room merely has to define.

``problem.py`` of such a room has a subclass ``Problem`` of
:class:`l2o.optimizees.instances.Instances`, and ``draw(random, count, n)``, which returns its
arrays by name. All the rest is here: sets, searches, trainings, evaluations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from l2o.artifacts.job import Given, Job, resolved
from l2o.config import experiment
from l2o.config.sections import Sizes, check_by_setting
from l2o.config.values import Count, Name, NonNegative, Size
from l2o.experiments.experiment import Experiment
from l2o.storage.tables import write_table
from l2o.variants import MAIN, PUBLISHED

if TYPE_CHECKING:
    import torch
    from torch import Tensor

HERE = "l2o.experiments.family"


class Preset(experiment.Preset, experiment.RecurrentBudget):
    """Sizes and budgets."""

    sizes: dict[Name, Size]
    samples: Sizes
    starts: int = Field(ge=1, le=1000)


class Parameters(experiment.ExperimentParameters):
    """The parameter file of a family."""

    kinds = ("first_order", "population", "recurrent")

    iterations: Count
    start_scale: NonNegative = Field(le=1e6)
    published_shift: int = Field(0, ge=0, le=10**9)
    presets: dict[experiment.PresetName, Preset]

    def check_preset(self, path: str | Path, prefix: str, preset: Preset) -> None:
        """Check one preset."""
        what = "give the number of unknowns"
        check_by_setting(path, f"{prefix}.sizes", preset.sizes, self.settings, what)
        super().check_preset(path, prefix, preset)


class FamilyExperiment(Experiment):
    """A family of problems, minimised by methods that see values and gradients."""

    model, value, tuned = Parameters, ("iteration", "loss"), True

    def pooled(self) -> str:
        """Return what a point of a curve pools."""
        starts = self.sizes.starts
        what = f"{starts} random start{'s' * (starts != 1)}"
        return f"{self.sizes.samples.test:,} instances from {what} each"

    def problem(self, setting: str) -> dict[str, Any]:
        """Return the parameters that define the problem: the class of its instances."""
        return {"family": f"{self.room()}.problem:Problem"}

    def sample(self, setting: str) -> Job:
        """Draw the instances of a setting."""
        wildcards, room = self.place(setting), f"{self.room()}.problem"
        parameters = {"setting": setting, "n": self.sizes.sizes[setting]}
        parameters |= {"samples": self.sizes.samples.model_dump(), "seed": self.parameters.seed}
        parameters |= {"draw": f"{room}:draw", "family": f"{room}:Problem"}
        sources = [self.work("sample"), f"{room}:draw"]
        return self.job(
            "sample", wildcards, parameters, sources=sources, libraries=("numpy", "h5py")
        )

    def work(self, kind: str) -> str:
        """Return the entry of the function that does a kind of work."""
        return f"{HERE}:{kind}"

    def solvers(self, method: str) -> list[str]:
        """Return the modules that run a method, and the problem."""
        return [*super().solvers(method), f"{self.room()}.problem:Problem"]

    def runs(self) -> dict[str, Any]:
        """Return how long methods run, and from where."""
        given = self.parameters.model_dump(include={"iterations", "start_scale"})
        return given | {"starts": self.sizes.starts}

    def tuning(self, method: str) -> dict[str, Any]:
        """Return the parameters of the search."""
        return self.runs()

    def evaluation(self, setting: str, method: str) -> dict[str, Any]:
        """Return how a method is followed."""
        return self.runs() | {"published_shift": self.parameters.published_shift}

    def recorded(self) -> dict[str, Path]:
        """Return the published curves: at their iterations ours are recorded, too."""
        published = self.parameters.published_curves
        return {} if published is None else {"published": published}


def sample(given: Given) -> None:
    """Draw instances of the family and store them."""
    from l2o.seeds import named_generator
    from l2o.storage.array_sets import write_arrays
    from l2o.storage.hdf5 import provenance_attributes

    p, splits = given.parameters, {}
    for split, count in p["samples"].items():
        random = named_generator(p["seed"], p["family"], p["setting"], split)
        splits[split] = resolved(p["draw"])(random, count, p["n"])
    attributes = {"setting": p["setting"], **provenance_attributes(given.record)}
    write_arrays(given.outputs["set"], splits, attributes)


def loaded(given: Given, split: str) -> Any:
    """Return the instances of a split, in float64."""
    import torch

    from l2o.storage.array_sets import read_arrays

    arrays = read_arrays(given.inputs["set"], split)
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return resolved(given.parameters["family"])(**tensors)


def random_starts(p: Mapping[str, Any], f: Any) -> Tensor:
    """Return the start points of all runs, (starts, instances, n) float64."""
    from l2o.evaluation.runs import start_points

    return start_points(p["seed"], p["starts"], len(f), f.dimension, p["start_scale"])


def train(given: Given) -> None:
    """Meta-train a recurrent optimizer, or go on with the training that is kept."""
    from l2o.training.recurrent import train_recurrent

    train_recurrent(given, partial(_family, given), {})


def _family(given: Given, split: str, device: torch.device) -> Any:
    import torch

    return loaded(given, split).to(torch.float32).to(device)


def _mean(values: Any) -> float:
    return float(values.mean())


def tune(given: Given) -> None:
    """Try all hyperparameters of the grid on the validation instances; write their losses."""
    from l2o.compute import prepare_device

    prepare_device("cpu", given.parameters["compute_threads"])
    searched(given, loaded(given, "validation"))


def searched(
    given: Given, f: Any, summed: Callable[[Any], float] = _mean, along: bool = False
) -> None:
    """Search the grid on instances ``f``, float64, and write the table.

    ``summed`` makes one number, to be as low as possible, of the ends of all runs, or of their
    values ``along`` the way: at iterations that are even on a logarithmic axis.
    """
    from l2o.evaluation.family import followed
    from l2o.evaluation.grid_search import grid_search
    from l2o.evaluation.runs import recorded_iterations, with_about
    from l2o.optimizers.registry import methods

    p = given.parameters
    recorded = recorded_iterations(p["iterations"]) if along else [p["iterations"]]
    starts, made = random_starts(p, f), methods(p["kind"])[p["method"]].load()

    def loss(hyper: Mapping[str, float]) -> float:
        runs = followed(made(hyper), f, starts, recorded, starts.dtype)
        return summed(runs.values)

    about = {"setting": p["setting"], "method": p["method"]}
    rows = grid_search(p["hyperparameters"], p["grid"], loss)
    write_table(given.outputs["tuned"], with_about(about, rows))


def evaluate(given: Given) -> None:
    """Follow a method over all iterations from all starts."""
    from l2o.compute import prepare_device

    prepare_device("cpu", given.parameters["compute_threads"])
    follow(given, loaded(given, "test"))


def follow(
    given: Given, f: Any, gaps: Any = None, lowest: Any = 0.0, also: Iterable[int] = ()
) -> None:
    """Follow a method on instances ``f``, float64, and write its tables.

    ``gaps`` gives further columns of the curves, from the runs: a row for each recorded iteration,
    among which are those of ``also``. Targets are values of f above ``lowest``, (instances,).
    """
    from l2o.evaluation.family import curve_rows, entries, final_row, followed
    from l2o.evaluation.grid_search import tuned_hyperparameters
    from l2o.evaluation.runs import recorded_iterations, run_rows, with_about

    p, inputs = given.parameters, given.inputs
    starts = random_starts(p, f)
    recorded = recorded_iterations(p["iterations"], inputs.get("published"))
    recorded = sorted({*recorded, *also})
    tuned = tuned_hyperparameters(p, inputs.get("tuned"))
    curves, finals, seconds, each = [], [], [], []
    for entry in entries(p, tuned, inputs.get("checkpoint"), inputs.get(PUBLISHED)):
        runs, who = followed(entry.optimizer, f, starts, recorded, entry.dtype), entry.contestant
        more = gaps(runs) if gaps else [{} for _ in recorded]
        rows = curve_rows(who, recorded, runs)
        curves += [row | extra for row, extra in zip(rows, more, strict=True)]
        finals.append(final_row(who, runs, lowest) | more[-1])
        if who.variant == MAIN:
            taken = {"method": p["method"], "iteration": recorded[-1]}
            taken |= {"batch": starts.shape[:2].numel(), "seconds": runs.seconds}
            seconds.append(taken)
            above = run_rows(runs.values - lowest, recorded, p["targets"], runs.evaluations)
            each += with_about({"method": p["method"]}, above)
    about = {"setting": p["setting"]}
    tables = {"curves": curves, "finals": finals, "seconds": seconds, "runs": each}
    for name, rows in tables.items():
        write_table(given.outputs[name], with_about(about, rows))


def time(given: Given) -> None:
    """Time all methods from one start; write the seconds at each recorded iteration."""
    from l2o.compute import prepare_device

    prepare_device("cpu", given.parameters["compute_threads"])
    timed(given, loaded(given, "test"))


def timed(given: Given, f: Any) -> None:
    """Time all methods on instances ``f``, float64, from one start, and write the table."""
    from l2o.evaluation.family import entries, seconds_rows
    from l2o.evaluation.grid_search import tuned_hyperparameters
    from l2o.evaluation.runs import recorded_iterations, with_about

    p, inputs, found, recorded, start = given.parameters, given.inputs, [], {}, None
    for name, who in p["methods"].items():
        hyper = tuned_hyperparameters(who, inputs.get(f"tuned {name}"))
        found.append(entries(who, hyper, inputs.get(name))[0])
        recorded[name] = recorded_iterations(who["iterations"], inputs.get("published"))
        (start,) = random_starts({**who, "seed": p["seed"], "starts": 1}, f)
    rows = seconds_rows(found, f, start, recorded)
    write_table(given.outputs["seconds"], with_about({"setting": p["setting"]}, rows))
