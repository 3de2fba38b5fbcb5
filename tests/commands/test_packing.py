"""Packing: what is proven, from the best preset, the same bytes each time."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import torch

from every_room import ROOT
from l2o.artifacts.proof import proof_path, write_proof
from l2o.commands import packing
from l2o.commands.packing import pack
from l2o.errors import InputError
from l2o.experiments.graph import find
from l2o.optimizers.registry import methods
from l2o.storage.checkpoints import save_tensors
from l2o.weights import matrices
from l2o.weights.matrices import analytic, completed, dictionary_of, reduced, stored_dictionary

NAMES = ("alista/coherent", "l2o_dm/rastrigin_n2")
SETTINGS = {"alista/coherent": ("sparse_recovery", "coherent", "alista"),
            "l2o_dm/rastrigin_n2": ("rastrigin", "n2", "l2o_dm")}  # fmt: skip
LEARNED = torch.nn.functional.normalize(torch.randn(6, 12, dtype=torch.float64), dim=0).float()


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone with a commit, in which nothing is trained."""
    for name in ("params", "data"):
        (tmp_path / name).symlink_to(ROOT / name)
    git = ("git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c")
    subprocess.run([*git[:3], "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "a"], check=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(packing, "NAMES", NAMES)
    monkeypatch.setattr(packing, "measured", lambda name, checkpoint: 0.5)
    return tmp_path


def train(name: str, preset: str, clone: Path, scale: float = 1.0) -> Path:
    """Write the checkpoint of a net as it starts, with its proof."""
    experiment, setting, method = SETTINGS[name]
    job = find("train", [experiment, setting, method], preset)
    path = clone / job.writes["checkpoint"]
    record = {"method": method, "setting": setting, "provenance": job.record}
    if method == "alista":
        A = torch.from_numpy(packing.read_dictionary(packing.LEARNED)).float()
        made = methods("unrolled")[method].load()(A, 2, {})
        record |= {"depth": 2}
    else:
        generator = torch.Generator().manual_seed(0)
        made = methods("recurrent")[method].load()({}, generator)
    tensors = {k: t if k in "AW" else t * scale for k, t in made.state_dict().items()}
    save_tensors(path, tensors, {**record, "hyperparameters": made.hyper})
    write_proof(path, job.record)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_is_proven_is_packed_from_the_best_preset(clone, tmp_path):
    box = tmp_path / "box"
    with pytest.raises(InputError, match="holds no proven checkpoint"):
        pack(clone, box)
    laptop = train(NAMES[1], "laptop", clone)
    assert pack(clone, box).splitlines()[-1].endswith("not there: alista/coherent")
    card = json.loads((box / f"{NAMES[1]}.json").read_text())
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert card["preset"] == "laptop" and card["commit"] == head.stdout.strip()
    assert card["budget"]["horizons"] == [100, 200] and card["horizon"] == 200
    paper = train(NAMES[1], "paper", clone, scale=1.1)
    train(NAMES[0], "laptop", clone)
    told = pack(clone, box).splitlines()
    assert [line.split()[:2] for line in told[:-1]] == [[NAMES[0], "laptop"], [NAMES[1], "paper"]]
    assert told[-1].endswith("not there: none")
    first = contents(box)
    pack(clone, box)
    assert contents(box) == first
    # What was damaged, or trained with other parameters, is not taken.
    paper.write_bytes(paper.read_bytes()[:-1] + b"!")
    assert pack(clone, box).splitlines()[1].split()[1] == "laptop"
    proof = json.loads(proof_path(laptop).read_text())
    for changed in ({"parameters": {**proof["parameters"], "seed": 1}}, {"sources": {}}):
        proof_path(laptop).write_text(json.dumps({**proof, **changed}))
        assert NAMES[1] not in pack(clone, box).splitlines()[1]


def test_a_box_that_grows_too_large_is_refused(clone, tmp_path, monkeypatch):
    train(NAMES[1], "laptop", clone)
    monkeypatch.setattr(packing, "LIMIT", 1000)
    with pytest.raises(InputError, match=r"more than 1,000; leave some out"):
        pack(clone, tmp_path / "box")


# Matrices that are not stored


def net_of(A: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"A": A, "W": analytic(A), "step.0": torch.ones(())}


def test_matrices_that_can_be_made_again_are_not_stored(tmp_path, monkeypatch):
    from l2o.dictionaries.gaussian import gaussian_dictionary

    monkeypatch.setattr(matrices, "FOLDER", tmp_path)
    matrices.store_dictionary("learned", LEARNED, {}, tmp_path)
    assert torch.equal(stored_dictionary("learned", tmp_path), LEARNED)
    drawn = torch.from_numpy(gaussian_dictionary(6, 12, 5)).float()
    own = torch.nn.functional.normalize(LEARNED + 1, dim=0)
    for A, kept in ((drawn, {"step.0"}), (LEARNED, {"step.0"}), (own, {"step.0", "A"})):
        tensors = net_of(A)
        stored, remade = reduced(tensors, 5, LEARNED, "learned", smallest=1)
        assert stored.keys() == kept
        monkeypatch.setattr(matrices.stored_dictionary, "__defaults__", (tmp_path,))
        again = completed(stored, {"remade": remade})
        assert again.keys() == tensors.keys()
        assert all(torch.equal(again[name], tensors[name]) for name in tensors)
        same = dictionary_of(stored, {"remade": remade})
        assert torch.equal(torch.from_numpy(same).float(), A)


def test_a_matrix_that_would_come_out_otherwise_is_stored():
    tensors = net_of(LEARNED)
    tensors["W"] = tensors["W"] + 1e-4
    assert "W" in reduced(tensors, 5, LEARNED, "learned", smallest=1)[0]
    assert reduced(net_of(LEARNED), 5, LEARNED, "learned")[1] == {}  # small ones are left alone
    assert reduced({"lstm": LEARNED}, 5, LEARNED, "learned", smallest=1)[1] == {}


def test_a_folder_without_a_commit_is_refused(clone, tmp_path, tmp_path_factory):
    train(NAMES[1], "laptop", clone)
    bare = tmp_path_factory.mktemp("bare")
    (bare / "results").symlink_to(clone / "results")
    with pytest.raises(InputError, match="is no clone: it has no commit"):
        pack(bare, tmp_path / "box")
