"""The weights in the box: each is whole, has its card, and reaches its number."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import l2o.weights as weights
from every_room import ROOT
from l2o.commands.weights import documented, listed, shown
from l2o.dictionaries.gaussian import gaussian_dictionary
from l2o.errors import InputError
from l2o.optimizers.registry import methods
from l2o.storage.checkpoints import load_tensors
from l2o.weights.catalogue import FAMILIES, NAMES
from l2o.weights.trials import agrees, measured, strokes, trial_of

BOX = weights.names()
UNROLLED = [name for name in BOX if name.split("/")[0] in methods("unrolled")]
WANTED = {
    "name", "method", "reference", "trained_on", "preset", "note", "budget", "horizon", "seed",
    "hyperparameters", "commit", "key", "checkpoint_sha256", "sha256", "licence", "number",
}  # fmt: skip


# Each of them


@pytest.mark.parametrize("name", BOX)
def test_weights_are_whole_and_their_card_says_what_they_are(name):
    path, card = weights.path(name), weights.card(name)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card["sha256"]
    assert card.keys() == WANTED and card["name"] == name and card["licence"] == "MIT"
    checkpoint = weights.checkpoint(name)
    method, family = name.split("/")
    assert checkpoint.head.name == method and card["method"] == checkpoint.head.label
    assert checkpoint.record["setting"] == FAMILIES[family].setting
    assert checkpoint.record["key"] == card["key"]
    assert len(card["commit"]) == 40 and len(card["key"]) == 64 and card["preset"] != "smoke"
    if checkpoint.head.kind == "unrolled":
        assert card["horizon"] == checkpoint.record["depth"]
    else:
        assert card["horizon"] >= max(card["budget"]["horizons"])
    trial = trial_of(name)
    said = {key: card["number"][key] for key in ("what", "how", "unit", "tolerance")}
    assert said == {key: getattr(trial, key) for key in said}


@pytest.mark.parametrize("name", BOX)
def test_weights_reach_their_number(name):
    number = weights.card(name)["number"]
    assert agrees(found := measured(name), number), (found, number["value"])


@pytest.mark.parametrize("name", UNROLLED)
def test_the_dictionary_of_a_net_is_the_one_of_its_training(name):
    A, checkpoint = weights.dictionary(name), weights.checkpoint(name)
    assert A.dtype == np.float64 and np.abs(np.linalg.norm(A, axis=0) - 1).max() < 1e-6
    assert torch.equal(torch.from_numpy(A).float(), checkpoint.tensors["A"])
    setting = FAMILIES[name.split("/")[1]].setting
    if setting != "coherent":
        assert np.abs(A - gaussian_dictionary(*A.shape, 2021)).max() < 1e-7


# The box


def test_the_box_is_small_and_holds_nothing_else():
    files = {path for path in weights.FOLDER.rglob("*") if path.suffix in (".safetensors", ".json")}
    of_names = {weights.file_of(name, suffix=s) for name in BOX for s in ("safetensors", "json")}
    stored = {path for path in files if path.parent.name == "dictionaries"}
    used = {
        how["stored"]
        for name in UNROLLED
        if "stored" in (how := load_tensors(weights.path(name))[1].get("remade", {}).get("A", {}))
    }
    assert files == of_names | stored and {path.stem for path in stored} == used
    assert sum(path.stat().st_size for path in files) <= 3_000_000


def test_what_the_catalogue_says_is_in_the_box():
    """A package without weights would pass every other test here."""
    assert {"l2o_scale", "alista"} <= {name.split("/")[0] for name in BOX}
    assert {*BOX} <= {*NAMES}


def test_a_method_alone_is_its_first_weights():
    for name in BOX:
        method = name.split("/")[0]
        assert weights.full_name(method) == next(n for n in BOX if n.startswith(f"{method}/"))
        assert weights.path(method) == weights.path(weights.full_name(method))


@pytest.mark.parametrize("name", ["l2o_scale/mnits", "alistaa", "", "..", "dictionaries/bsds500"])
def test_an_unknown_name_is_told_in_one_line(name):
    with pytest.raises(InputError, match=r"no weights of this name; .*\(`l2o weights`\)"):
        weights.path(name)


def test_a_recurrent_optimizer_has_no_dictionary():
    name = next(name for name in BOX if name not in UNROLLED)
    with pytest.raises(InputError, match="a recurrent optimizer takes any problem"):
        weights.dictionary(name)


# Numbers


@pytest.mark.parametrize("method", ["alista", "l2o_scale"])
def test_a_broken_file_would_miss_its_number(method):
    """Weights as they were before the training, or all twice as large."""
    name = weights.full_name(method)
    whole, number = weights.checkpoint(name), weights.card(name)["number"]
    made, hyper = whole.head.load(), whole.record["hyperparameters"]
    if whole.head.kind == "unrolled":
        untrained = made(whole.tensors["A"], whole.record["depth"], hyper)
    else:
        untrained = made(hyper, torch.Generator().manual_seed(0))
    larger = {k: t if k in "AW" else 2.0 * t for k, t in whole.tensors.items()}
    for tensors in (untrained.state_dict(), larger):
        assert not agrees(measured(name, replace(whole, tensors=tensors)), number)


def test_a_number_may_differ_by_its_tolerance():
    decibels = {"value": -80.0, "tolerance": 0.2, "unit": "dB"}
    assert agrees(-79.9, decibels) and not agrees(-79.7, decibels) and not agrees(-81, decibels)
    plain = {"value": 0.5, "tolerance": 0.1, "unit": ""}
    assert agrees(0.54, plain) and not agrees(0.56, plain) and not agrees(float("nan"), plain)


def test_the_images_of_strokes_are_of_ten_classes_told_by_their_shape():
    digits = strokes(500)
    assert (
        digits.images.shape == (500, 784) and 0 <= digits.images.min() <= digits.images.max() <= 1
    )
    means = torch.stack([digits.images[digits.labels == k].mean(dim=0) for k in range(10)])
    nearest = torch.cdist(digits.images, means).argmin(dim=1)
    assert (nearest == digits.labels).double().mean() > 0.8


# The page and the command


def test_the_page_of_the_weights_has_their_numbers():
    page = (ROOT / "docs/weights.md").read_text("utf-8")
    assert documented(page) == page and all(f"| `{name}` |" in page for name in BOX)
    with pytest.raises(ValueError, match="no table between"):
        documented("no comments")


def test_the_command_lists_names_and_numbers_and_shows_a_card():
    lines = listed().splitlines()
    assert [line.split()[0] for line in lines[1:]] == [*BOX]
    name = BOX[0]
    card = weights.card(name)
    assert f"{card['number']['value']:.4g}" in lines[1] and card["trained_on"] in lines[1]
    told = shown(name)
    for word in ("commit", "key", "sha256", "seed"):
        assert str(card[word]) in told
    assert json.dumps(card["budget"]) in told and card["number"]["how"] in told
    assert str(weights.path(name)) in told
