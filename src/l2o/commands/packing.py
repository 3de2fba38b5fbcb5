"""The command that packs the trained weights of a clone into the box of the package."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from l2o.artifacts.job import Job
from l2o.artifacts.proof import Status, examine, file_hash
from l2o.errors import InputError
from l2o.experiments.experiment import Experiment
from l2o.experiments.graph import experiment
from l2o.optimizers.trained import read_checkpoint
from l2o.storage.checkpoints import save_tensors
from l2o.storage.hdf5 import read_dictionary
from l2o.storage.json_files import write_json
from l2o.weights import FOLDER, file_of, matrices
from l2o.weights.catalogue import FAMILIES, NAMES
from l2o.weights.trials import measured, trial_of

PRESETS = ("paper", "laptop")  # the best one in front
LEARNED = Path("data/dictionaries/bsds500.h5")
LIMIT = 3_000_000  # bytes of the whole box
LICENCE = "MIT"


def pack(commit: str, folder: Path = FOLDER) -> str:
    """Pack all weights whose proofs are valid, each from the best preset; return what was done.

    What is not built stays as it lies in the box.

    Parameters
    ----------
    commit : of the sources that trained them; "": the one that is checked out
    folder : of the box

    Raises
    ------
    InputError : bad parameters, no commit, nothing to pack, or a box larger than allowed.
    """
    from l2o.compute import prepare_device

    prepare_device("cpu", 1)
    built = {name: found for name in NAMES for found in _best(name)}
    if not built:
        problem = "no valid checkpoint of the weights in the box"
        raise InputError("results", "", problem, "build some: `snakemake --cores 2 FILE`")
    learned = _learned(folder)
    commit = commit or _head()
    for name, (one, job) in built.items():
        _pack(name, one, job, learned, commit, folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.suffix != ".py")
    if size > LIMIT:
        problem = f"holds {size:,} bytes, more than {LIMIT:,}"
        raise InputError(folder, "", problem, "leave some out of l2o.weights.catalogue")
    absent = [name for name in NAMES if not file_of(name, folder).is_file()]
    lines = [f"{name:24} {one.preset:8} {job.key[:12]}" for name, (one, job) in built.items()]
    return "\n".join([*lines, f"{size:,} bytes; not there: {', '.join(absent) or 'none'}"])


def _best(name: str) -> Iterator[tuple[Experiment, Job]]:
    """Yield the best training of some weights whose checkpoint is valid, if there is one."""
    method, family = name.split("/")[0], FAMILIES[name.split("/")[1]]
    for preset in PRESETS:
        one = experiment(family.experiment, preset)
        job = one.train(family.setting, method)
        if examine(job.writes["checkpoint"], job.key).status is Status.VALID:
            yield one, job
            return


def _learned(folder: Path) -> Any:
    """Store the learned dictionary in the box; return it."""
    import torch

    A = torch.from_numpy(read_dictionary(LEARNED)).float()
    about = {"made_of": LEARNED.name, "sha256": file_hash(LEARNED)}
    matrices.store_dictionary(LEARNED.stem, A, about, folder / matrices.FOLDER.name)
    return A


def _pack(name: str, one: Experiment, job: Job, learned: Any, commit: str, folder: Path) -> None:
    """Write the weights of a training, and their card."""
    source, path = job.writes["checkpoint"], file_of(name, folder)
    found, told = read_checkpoint(source, "unrolled", "recurrent"), job.parameters
    kept, remade = matrices.reduced(found.tensors, told["seed"], learned, LEARNED.stem)
    record = {key: value for key, value in found.record.items() if key != "provenance"}
    record |= {"key": job.key} | ({"remade": remade} if remade else {})
    save_tensors(path, kept, record)
    trial, family = trial_of(name), FAMILIES[name.split("/")[1]]
    number = {"what": trial.what, "how": trial.how, "unit": trial.unit}
    number |= {"value": measured(name, found), "tolerance": trial.tolerance}
    budget = told.get("training") or told["meta_training"]
    card = {
        "name": name,
        "method": found.head.label,
        "reference": found.head.reference,
        "trained_on": family.trained_on,
        "preset": one.preset,
        "note": one.sizes.note,
        "budget": budget,
        "horizon": found.record.get("depth") or _horizon(budget),
        "seed": told["seed"],
        "hyperparameters": found.record["hyperparameters"],
        "commit": commit,
        "key": job.key,
        "checkpoint_sha256": file_hash(source),
        "sha256": file_hash(path),
        "licence": LICENCE,
        "number": number,
    }
    write_json(file_of(name, folder, "json"), card)


def _horizon(budget: dict[str, Any]) -> int:
    """Return the number of iterations of the longest run that a meta-training looks at."""
    evolution = budget.get("evolution") or {"horizon": 0}
    return max(*budget["horizons"], evolution["horizon"])


def _head() -> str:
    """Return the commit that is checked out."""
    words = ["git", "rev-parse", "HEAD"]
    try:
        run = subprocess.run(words, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise InputError("--commit", "", "no commit is known here", "name one") from error
    return run.stdout.strip()
