"""The command that packs the trained weights of a clone into the box of the package.

A training takes long, and the code goes on meanwhile. So weights count as proven when their bytes
are those that their proof states, its key is the one of what it states, and it states today's
parameters; the sources may be those of an earlier commit, which the card names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from l2o.artifacts.job import key_of
from l2o.artifacts.proof import file_hash, read_proof
from l2o.commands.commits import head
from l2o.commands.weights import documented
from l2o.errors import InputError
from l2o.experiments.graph import experiment
from l2o.optimizers.trained import read_checkpoint
from l2o.storage.atomic import written_aside
from l2o.storage.checkpoints import save_tensors
from l2o.storage.hdf5 import read_dictionary
from l2o.storage.json_files import write_json
from l2o.weights import FOLDER, file_of, matrices
from l2o.weights.catalogue import FAMILIES, NAMES
from l2o.weights.trials import measured, trial_of

PRESETS = ("paper", "laptop")  # the best one in front
LEARNED = Path("data/dictionaries/bsds500.h5")
KINDS = (".safetensors", ".json")  # of files in the box
PAGE = Path("docs/weights.md")  # has a table of them
LIMIT = 3_000_000  # bytes of all of them
LICENCE = "MIT"


def pack(clone: Path = Path(), folder: Path = FOLDER) -> str:
    """Pack all weights that are proven, each from the best preset; return what was done.

    What is not built stays as it lies in the box. The table of :data:`PAGE` follows.

    Parameters
    ----------
    clone : in which they were trained, with the commit that trained them checked out
    folder : of the box

    Raises
    ------
    InputError : bad parameters, no commit, nothing to pack, or a box larger than allowed.
    """
    from l2o.compute import prepare_device

    prepare_device("cpu", 1)
    built = {name: found for name in NAMES for found in _best(name, clone)}
    if not built:
        problem = "holds no proven checkpoint of the weights in the box"
        raise InputError(clone / "results", "", problem, "build some: `snakemake --cores 2 FILE`")
    commit = head(clone)
    for name, found in built.items():
        _pack(name, found, commit, folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.suffix in KINDS)
    if size > LIMIT:
        problem = f"holds {size:,} bytes, more than {LIMIT:,}"
        raise InputError(folder, "", problem, "leave some out of l2o.weights.catalogue")
    if folder == FOLDER:
        with written_aside(PAGE) as aside:
            aside.write_text(documented(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    absent = [name for name in NAMES if not file_of(name, folder).is_file()]
    lines = [
        f"{name:24} {found.preset:8} {found.proof['key'][:12]}" for name, found in built.items()
    ]
    return "\n".join([*lines, f"{size:,} bytes; not there: {', '.join(absent) or 'none'}"])


@dataclass(frozen=True)
class Built:
    """A checkpoint that is proven.

    Parameters
    ----------
    path : of the checkpoint
    preset, note : of the training
    proof : that lies beside it
    """

    path: Path
    preset: str
    note: str
    proof: Mapping[str, Any]


def _best(name: str, clone: Path) -> Iterator[Built]:
    """Yield the checkpoint of some weights from the best preset in which it is proven, if any."""
    method, family = name.split("/")[0], FAMILIES[name.split("/")[1]]
    for preset in PRESETS:
        one = experiment(family.experiment, preset)
        job = one.train(family.setting, method)
        path = clone / job.writes["checkpoint"]
        if proof := _proof(path, json.loads(json.dumps(job.parameters))):
            yield Built(path, preset, one.sizes.note, proof)
            return


def _proof(path: Path, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the proof of a checkpoint that was trained with these parameters."""
    proof = read_proof(path)
    if proof is None or proof.get("parameters") != parameters or not path.is_file():
        return None
    return proof if (proof["key"], proof["sha256"]) == (key_of(proof), file_hash(path)) else None


def _pack(name: str, built: Built, commit: str, folder: Path) -> None:
    """Write the weights of a training, and their card."""
    path, told = file_of(name, folder), built.proof["parameters"]
    found = read_checkpoint(built.path, "unrolled", "recurrent")
    learned = torch.from_numpy(read_dictionary(LEARNED)).float()
    kept, remade = matrices.reduced(found.tensors, told["seed"], learned, LEARNED.stem)
    if remade.get("A") == {"stored": LEARNED.stem}:
        about = {"made_of": LEARNED.name, "sha256": file_hash(LEARNED)}
        matrices.store_dictionary(LEARNED.stem, learned, about, folder / matrices.FOLDER.name)
    record = {key: value for key, value in found.record.items() if key != "provenance"}
    record |= {"key": built.proof["key"]} | ({"remade": remade} if remade else {})
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
        "preset": built.preset,
        "note": built.note,
        "budget": budget,
        "horizon": found.record.get("depth") or _horizon(budget),
        "seed": told["seed"],
        "hyperparameters": found.record["hyperparameters"],
        "commit": commit,
        "key": built.proof["key"],
        "checkpoint_sha256": built.proof["sha256"],
        "sha256": file_hash(path),
        "licence": LICENCE,
        "number": number,
    }
    write_json(file_of(name, folder, "json"), card)


def _horizon(budget: dict[str, Any]) -> int:
    """Return the number of iterations of the longest run that a meta-training looks at."""
    evolution = budget.get("evolution") or {"horizon": 0}
    return max(*budget["horizons"], evolution["horizon"])
