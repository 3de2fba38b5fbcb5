"""Templates: a new method or a new experiment, complete but for its mathematics."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

from l2o.errors import InputError
from l2o.kinds import KINDS
from l2o.optimizers.registry import methods
from l2o.provenance import module_path
from l2o.storage.atomic import written_aside

UNROLLED = '''"""$label: say in a line what it learns."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.thresholding import soft_threshold
from l2o.optimizers.unrolled.net import UnrolledNet


class $camel(UnrolledNet):
    """x+ = eta_{t_k}(x + s_k A^T (b - A x)): write the equation of a layer, and its source.

    s_k starts at 1/L and t_k at lam/L, so that the untrained net is ISTA, as ``starts`` says.
    """

    name = "$name"
    label = "$label"
    reference = "Author 2026, eq. (1)"
    trainable = ("step", "log_threshold")
    starts = {"ista": "ista"}
    hyperparameters = {"lam": 0.1}
    ranges = {"lam": "(0, inf)"}

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        self.step = self._per_layer(1 / self.lipschitz)
        self.log_threshold = self._ista_thresholds()

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, residual = prepared  # the latter is b - A x
        # The one line of mathematics, for ISTA with learned steps and thresholds:
        # v = x + self.step[k] * (residual @ self.A)
        raise NotImplementedError("write the layer")
        return (soft_threshold(v, self.log_threshold[k].exp()),)
'''
RECURRENT = '''"""$label: say in a line what it learns."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizers.protocol import State
from l2o.optimizers.recurrent.coordinatewise import CoordinatewiseOptimizer


class $camel(CoordinatewiseOptimizer):
    """An LSTM sees the gradient of a coordinate and moves it: write what is new, and its source."""

    name = "$name"
    label = "$label"
    reference = "Author 2026, eq. (1)"
    hyperparameters = {"hidden": 20, "scale": 0.1}
    ranges = {"hidden": "integers [1, 1000]", "scale": "(0, inf)"}
    features = 1

    def inputs(self, gradient: Tensor, memory: State) -> tuple[Tensor, State]:
        """Return the LSTM's input, (features, coordinates), and the new memory."""
        return gradient.reshape(1, -1), memory

    def update(self, output: Tensor) -> Tensor:
        """Return the change of x from the LSTM's output, (1, coordinates)."""
        # The one line of mathematics:
        # return self.hyper["scale"] * output
        raise NotImplementedError("write the update")
'''
EXPERIMENT = '''"""The jobs of $name: all those of a family of differentiable problems."""

from __future__ import annotations

from l2o.experiments.family import FamilyExperiment


class $camel(FamilyExperiment):
    """$label: say what it is about, and its source. The report shows this text."""

    title = "$label"
'''
PROBLEM = '''"""The problem of $name: how instances are drawn, and their objective."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from l2o.optimizees.instances import Instances


@dataclass(frozen=True)
class Problem(Instances):
    """f(x) = ...: write the objective, and what its tensors are.

    Parameters
    ----------
    b : (batch, n)
    """

    b: Tensor

    def objective(self, x: Tensor) -> Tensor:
        """Return the objective, (..., batch), at x, (..., batch, n)."""
        # The one line of mathematics:
        # return ((x - self.b).square() + (3 * x).sin().square()).sum(dim=-1)
        raise NotImplementedError("write the objective")


def draw(random: np.random.Generator, count: int, n: int) -> dict[str, np.ndarray]:
    """Return the tensors of ``count`` instances with ``n`` unknowns, by name."""
    return {"b": random.standard_normal((count, n))}
'''
REPORT = '''"""What the report of $name draws and compares: a panel a setting, final objectives."""

from l2o.figures.measure import Measure
from l2o.figures.standard import Standard

REPORT = Standard(
    Measure(
        x="iteration",
        xlabel="Iteration (1: after one step)",
        value="loss",
        median="loss_median",
        low="loss_q25",
        high="loss_q75",
        label="Objective f",
        what="Objective f of each pair of instance and start.",
    ),
    tails={"loss": "mean", "loss_median": "median", "loss_p99": "99th percentile"},
)
CONTEST = REPORT.contest
figure, table = REPORT.figure, REPORT.table
profiles_figure, cost_figure = REPORT.profiles, REPORT.cost
'''
PARAMETERS = """# $label. Every key says what it means; `l2o check $name` says whether all is well.

seed: 2026                 # root of all named random streams
device: cpu                # auto | cpu | cuda
compute_threads: 1         # CPU threads of one job; part of every key, since it orders sums
iterations: 1000           # of every method
start_scale: 1             # start points from N(0, start_scale^2)

settings:                  # panels; targets: values of f, whose reaching is profiled
  n10: {title: "n = 10", targets: [10, 1, 0.1]}

# Methods and their hyperparameters; `grid`: values that are tried on the validation instances.
first_order:
  adam: {}
  nag: {rate: 0.1}
grid:
  adam: {rate: [0.01, 0.03, 0.1, 0.3]}
recurrent:
  l2o_dm: {}

# sizes: unknowns n of each setting; samples: instances of each split; starts: runs of an instance
# meta_training: see params/fig6.yaml, where each key is explained.
presets:
  smoke:
    note: "smoke preset: tiny sizes, for tests only"
    sizes: {n10: 3}
    samples: {train: 32, validation: 8, test: 8}
    starts: 2
    meta_training: &training
      epochs: 2
      batch_size: 4
      unroll: 5
      horizons: [10]
      rate: 5.0e-3
      clip: 1.0
      start_scale: 1
      scaling: 0
      convex: 0
      imitation: 0
      imitation_share: 0
      validate_every: 2
      validation_samples: 8
      validation_steps: 20
  laptop:
    note: "laptop preset"
    sizes: {n10: 10}
    samples: {train: 1024, validation: 128, test: 128}
    starts: 3
    meta_training: {<<: *training, epochs: 100, batch_size: 32, unroll: 20, horizons: [100, 200],
                    validate_every: 20, validation_samples: 128, validation_steps: 1000}
  paper:
    note: "paper preset"
    sizes: {n10: 10}
    samples: {train: 1024, validation: 128, test: 128}
    starts: 10
    meta_training: {<<: *training, epochs: 400, batch_size: 32, unroll: 20, horizons: [100, 200],
                    validate_every: 20, validation_samples: 128, validation_steps: 1000}
"""
METHODS = {"unrolled": UNROLLED, "recurrent": RECURRENT}


def new_method(name: str, kind: str) -> str:
    """Write the file of a new method; return what is left to do.

    Raises
    ------
    InputError : no name for a file, a name that is taken, or a kind without template.
    """
    if kind not in METHODS:
        raise InputError("kind", kind, "no template of that kind", f"take {' or '.join(METHODS)}")
    taken = [known for each in KINDS for known in methods(each)]
    path = module_path(f"l2o.optimizers.{kind}").parent / f"{_checked(name, taken)}.py"
    _write({path: METHODS[kind]}, name)
    where = "params/fig5.yaml" if kind == "unrolled" else "params/fig6.yaml, fig7.yaml or fig8.yaml"
    return (
        f"{path}: write its line of mathematics, then add `  {name}: {{}}` under `{kind}:` in "
        f"{where}; check it by `pytest -k {name} tests/optimizers`"
    )


def new_experiment(name: str) -> str:
    """Write the room and the parameter file of a new experiment; return what is left to do.

    Raises
    ------
    InputError : as :func:`new_method`.
    """
    rooms = module_path("l2o.experiments").parent
    _checked(name, [path.stem for path in rooms.iterdir()])
    files = {"__init__": '"""$label."""\n', "experiment": EXPERIMENT, "problem": PROBLEM}
    files["report"] = REPORT
    parameters = Path("params") / f"{name}.yaml"
    where = {rooms / name / f"{file}.py": text for file, text in files.items()}
    _write({**where, parameters: PARAMETERS}, name)
    return (
        f"{rooms / name}: write the objective in problem.py; parameters are in {parameters}; build "
        f"it by `snakemake --cores 2 --config preset=smoke -- {name}_all`"
    )


def _checked(name: str, taken: list[str]) -> str:
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise InputError("name", name, "is no name of a Python file", "take a-z, 0-9 and _")
    if name in taken:
        raise InputError("name", name, "is taken", "choose another one")
    return name


def _write(files: dict[Path, str], name: str) -> None:
    words = name.split("_")
    label = " ".join(word.capitalize() for word in words)
    named = {"name": name, "label": label, "camel": "".join(word.capitalize() for word in words)}
    for path in files:
        if path.exists():
            raise InputError(path, "", "is there already", "choose another name, or remove it")
    for path, text in files.items():
        with written_aside(path) as aside:
            aside.write_text(Template(text).substitute(named), encoding="utf-8")
