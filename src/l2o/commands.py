"""What the commands do: read, call, write. Heavy imports wait until a command needs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from l2o.config.loading import unknown_key
from l2o.errors import InputError
from l2o.optimizers.registry import KINDS
from l2o.optimizers.registry import methods as registered
from l2o.provenance import Step
from l2o.steps import Fig5Steps


def check(params: Path, preset: str) -> str:
    """Return what a valid parameter file asks for, in a line."""
    steps = Fig5Steps(params, preset)
    experiment, sizes = steps.experiment, steps.sizes
    nets = len(experiment.settings) * len(experiment.unrolled)
    return f"{params}: valid; {preset}: {nets} nets of {sizes.depth} layers"


def list_methods() -> str:
    """Return a line for each method of each kind."""
    heads = [head for kind in KINDS for head in registered(kind).values()]
    return "\n".join(f"{h.kind:10} {h.name:12} {h.label:12} {h.reference}" for h in heads)


def fetch_images(folder: Path, sums: Path, mirror: str) -> None:
    """Fetch the images from a mirror folder, or download them."""
    from l2o.dictionaries.images import fetch_images

    fetch_images(folder, sums, Path(mirror) if mirror else None)


def learn_dictionary(folder: Path, sums: Path, out: Path, params: Path, preset: str) -> None:
    """Learn the coherent dictionary and store it with its objective and properties."""
    from threadpoolctl import threadpool_limits

    from l2o.dictionaries.images import read_patches
    from l2o.dictionaries.learned import learn_dictionary
    from l2o.storage.sets import write_dictionary

    steps = Fig5Steps(params, preset)
    p, seed = steps.experiment.learning, steps.experiment.seed
    with threadpool_limits(steps.experiment.compute_threads):
        patches = read_patches(
            folder, sums, p.patches, p.patch_size, seed, remove_mean=p.remove_mean
        )
        learned = learn_dictionary(
            patches, p.atoms, p.sparsity_weight, p.iterations, seed, progress=_Every(20)
        )
    step = steps.learned_dictionary(sums)
    attributes = {"nonzeros_per_code": learned.nonzeros, **_provenance(step)}
    write_dictionary(out, learned.dictionary, attributes, objective=learned.objective)


class _Every:
    """Prints the objective of every so many iterations."""

    def __init__(self, iterations: int) -> None:
        self.iterations = iterations

    def __call__(self, done: int, objective: float) -> None:
        if done == 1 or done % self.iterations == 0:
            print(f"iteration {done}: objective {objective:.6g}", flush=True)


def draw_dictionary(name: str, out: Path, params: Path, preset: str) -> None:
    """Draw and store a Gaussian dictionary."""
    from l2o.dictionaries.gaussian import gaussian_dictionary
    from l2o.storage.sets import write_dictionary

    steps = Fig5Steps(params, preset)
    _known(params, "presets.gaussian", name, list(steps.sizes.gaussian))
    m, n = steps.sizes.gaussian[name]
    matrix = gaussian_dictionary(m, n, steps.experiment.seed)
    write_dictionary(out, matrix, _provenance(steps.gaussian_dictionary(name)))


def sample_set(setting: str, dictionary: Path, out: Path, params: Path, preset: str) -> None:
    """Sample and store an optimizee set."""
    from l2o.optimizees.sparse_recovery import sample_slices
    from l2o.storage.sets import read_dictionary, write_set

    steps = Fig5Steps(params, preset)
    experiment = steps.experiment
    _known(params, "settings", setting, list(experiment.settings))
    matrix, snr_db = read_dictionary(dictionary), experiment.settings[setting].snr_db
    splits = {}
    for split, count in steps.sizes.samples.model_dump().items():
        names = (setting, split)
        slices = sample_slices(matrix, count, experiment.density, snr_db, experiment.seed, names)
        splits[split] = (count, slices)
    attributes = {
        "setting": setting,
        "model": "b = A x* + noise",
        "density": experiment.density,
        "snr_db": "none" if snr_db is None else snr_db,
        **_provenance(steps.optimizee_set(setting)),
    }
    write_set(out, matrix, splits, attributes)


def train(
    setting: str,
    method: str,
    data: Path,
    out: Path,
    history: Path,
    timing: Path,
    state: Path,
    params: Path,
    preset: str,
) -> None:
    """Train a net; write the checkpoint, the history and the seconds."""
    import torch

    from l2o.compute import prepare_device
    from l2o.storage.checkpoints import save_tensors
    from l2o.storage.sets import read_dictionary, read_split
    from l2o.storage.tables import write_json, write_table
    from l2o.training.progress import ProgressReport
    from l2o.training.progressive import ProgressiveTrainer, Samples

    steps = Fig5Steps(params, preset)
    experiment = steps.experiment
    _known(params, "settings", setting, list(experiment.settings))
    _known(params, "unrolled", method, list(experiment.unrolled))
    device = prepare_device(experiment.device, experiment.compute_threads)
    step = steps.training(setting, method)
    A = torch.from_numpy(read_dictionary(data)).float()
    net_class, hyper = registered("unrolled")[method].load(), experiment.unrolled[method]
    net = net_class(A, steps.sizes.depth, hyper).to(device)
    budget = experiment.training(preset, setting, method)
    train_set, validation = (
        Samples(*(torch.from_numpy(part[:rows].copy()).to(device) for part in read_split(data, s)))
        for s, rows in (("train", budget.samples), ("validation", None))
    )
    report = ProgressReport(f"{setting} {net.label}", budget, net.depth)
    trainer = ProgressiveTrainer(
        net, train_set, validation, budget, experiment.seed, state, step.key, report
    )
    done = trainer.run()
    report.close()
    record = {
        "method": method,
        "setting": setting,
        "depth": net.depth,
        "hyperparameters": net.hyper,
        "provenance": step.record(),
    }
    write_table(history, done.history)
    seconds = {"setting": setting, "method": method, "training_seconds": done.seconds}
    write_json(timing, {**seconds, "device": device.type})
    save_tensors(out, net.state_dict(), record)
    done.discard()


def evaluate(
    setting: str,
    data: Path,
    checkpoints: list[Path],
    curves: Path,
    timings: Path,
    params: Path,
    preset: str,
) -> None:
    """Evaluate nets, classical solvers and the oracle; write curves and seconds apart.

    The measured seconds differ from run to run, so they stay out of the table of curves.
    """
    import numpy as np
    import pandas as pd

    from l2o.compute import prepare_device
    from l2o.evaluation import sparse_recovery as ev
    from l2o.storage.sets import read_dictionary, read_split
    from l2o.storage.tables import write_table

    steps = Fig5Steps(params, preset)
    experiment, depth = steps.experiment, steps.sizes.depth
    _known(params, "settings", setting, list(experiment.settings))
    prepare_device("cpu", experiment.compute_threads)
    A = read_dictionary(data)
    validation, test = (
        ev.TestSet(A, *(array.astype(np.float64) for array in read_split(data, split)))
        for split in ("validation", "test")
    )
    rows, seconds = [], []

    def add(name: str, result: tuple[list[dict], float]) -> None:
        rows.extend(result[0])
        seconds.append({"setting": setting, "method": name, "seconds_per_sample": result[1]})

    for path in checkpoints:
        net = load_net(path, A)
        add(net.name, ev.evaluate_unrolled(net, test))
    for name, hyper in experiment.classical.items():
        solver = registered("classical")[name].load()
        grid = experiment.lam_grid
        add(name, ev.evaluate_classical(solver, hyper, depth, grid, validation, test))
    rows.extend(ev.evaluate_oracle(test, depth))
    table = pd.DataFrame(rows)
    table.insert(0, "setting", setting)
    write_table(timings, seconds)
    write_table(curves, table)


def load_net(path: Path, dictionary: Any) -> Any:
    """Return the trained net of a checkpoint, on the CPU, for this dictionary.

    Parameters
    ----------
    path : safetensors file written by :func:`train`
    dictionary : A, (m, n), that the data were measured with

    Raises
    ------
    InputError : a damaged checkpoint, one of another architecture or another dictionary.
    """
    import torch

    from l2o.storage.checkpoints import load_into, load_tensors

    tensors, record = load_tensors(path)
    if record.get("method") not in registered("unrolled"):
        problem = "is not the checkpoint of a trained net of this project"
        raise InputError(path, "method", problem, "give a file of results/*/fig5/checkpoints")
    net_class = registered("unrolled")[record["method"]].load()
    A = torch.from_numpy(dictionary).float()
    net = net_class(A, record["depth"], record["hyperparameters"])
    load_into(net, tensors, path)
    if not torch.equal(net.A, A):
        problem = "was trained for another dictionary than the data were measured with"
        raise InputError(path, "A", problem, "train it on these data")
    return net


def collect(tables: list[Path], out: Path) -> None:
    """Join tables row by row."""
    import pandas as pd

    from l2o.storage.tables import read_table, write_table

    write_table(out, pd.concat([read_table(path) for path in tables], ignore_index=True))


def timings(files: list[Path], out: Path) -> None:
    """Join the seconds of solving (CSV) and of training (JSON) by setting and method."""
    import pandas as pd

    from l2o.storage.tables import read_json, read_table, write_table

    solve = pd.concat([read_table(p) for p in files if p.suffix == ".csv"], ignore_index=True)
    training = pd.DataFrame([read_json(p) for p in files if p.suffix == ".json"])
    write_table(out, solve.merge(training, how="left", on=["setting", "method"]))


def table(curves: Path, csv: Path, markdown: Path, params: Path, preset: str) -> None:
    """Write the comparison with the published values as CSV and Markdown."""
    from l2o.figures.fig5_table import fig5_table, write_table
    from l2o.storage.tables import read_table

    steps = Fig5Steps(params, preset)
    rows = fig5_table(read_table(curves), read_table(steps.experiment.published_curves))
    write_table(csv, markdown, rows, steps.titles(), preset, steps.sizes.note)


def figure(curves: Path, pdf: Path, png: Path, params: Path, preset: str) -> None:
    """Draw the figure as PDF and PNG."""
    from l2o.figures.fig5 import draw_fig5
    from l2o.storage.tables import read_table

    steps = Fig5Steps(params, preset)
    published = read_table(steps.experiment.published_curves)
    note = steps.sizes.note
    draw_fig5(read_table(curves), published, preset, note, pdf, png, steps.titles())


def unlock(folder: Path) -> str:
    """Remove the lock that a killed Snakemake left in ``folder``; return what was done.

    Raises
    ------
    InputError : a Snakemake process still works there.
    """
    import psutil

    locks = sorted((folder / ".snakemake" / "locks").glob("*.lock"))
    if not locks:
        return "no lock"
    for process in psutil.process_iter(["pid", "cwd", "cmdline"]):
        words = " ".join((process.info["cmdline"] or [])[:3])
        if "snakemake" in words and process.info["cwd"] == str(folder.resolve()):
            problem = f"locked by process {process.pid}, which is at work here"
            raise InputError(folder, "", problem, "wait until it ends, or stop it")
    for lock in locks:
        lock.unlink(missing_ok=True)
    return f"removed the stale lock of {folder.resolve()}"


def _known(file: Path, place: str, name: str, valid: list[str]) -> None:
    if name not in valid:
        raise unknown_key(file, f"{place}.{name}", valid)


def _provenance(step: Step) -> dict[str, str]:
    """Return a step's record as attributes of a file."""
    record = step.record()
    return {"provenance": json.dumps(record, sort_keys=True), "key": record["key"]}
