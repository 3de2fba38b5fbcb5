"""The released dictionary is the one that this project learns from the images."""

from __future__ import annotations

import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from l2o.artifacts.job import content_hash
from l2o.dictionaries.images import fetch_images, read_patches
from l2o.dictionaries.learned import learn_dictionary
from l2o.dictionaries.properties import coherence
from l2o.experiments.sparse_recovery.experiment import SparseRecovery

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "data/dictionaries/bsds500.h5"
LEARNED_AGAIN = ROOT / "results/dictionaries/bsds500.h5"
SUMS = ROOT / "data/bsds500.sha256"


@pytest.fixture(scope="module")
def released():
    with h5py.File(RELEASED) as file:
        return file["A"][:], file["objective"][:], json.loads(file.attrs["provenance"])


def test_it_has_unit_columns_is_coherent_and_was_learned_by_descent(released):
    dictionary, objective, _ = released
    assert dictionary.shape == (256, 512)
    assert np.allclose(np.linalg.norm(dictionary, axis=0), 1.0, atol=1e-12)
    assert 0.8 < coherence(dictionary) < 1.0
    assert np.all(np.diff(objective) <= 0)


@pytest.fixture(scope="module")
def learning():
    """The parameters of the job that learns it."""
    (job,) = SparseRecovery("paper", path=ROOT / "params/fig5.yaml").apart()
    return job.parameters


def test_its_provenance_names_the_parameters_of_this_repository(released, learning):
    named = dict(released[2]["parameters"])
    assert named.pop("images") == content_hash(SUMS)
    assert len(named) == 7 and named == {name: learning[name] for name in named}


def test_learning_from_the_images_takes_the_same_path(released, learning, tmp_path):
    """The first iterations; `make dictionary` runs all of them, the next test compares."""
    mirror = os.environ.get("L2O_IMAGE_MIRROR")
    if not mirror:
        pytest.skip("L2O_IMAGE_MIRROR names no folder with the BSDS500 images")
    fetch_images(tmp_path, SUMS, Path(mirror))
    p, iterations = learning, 8
    with threadpool_limits(p["compute_threads"]):
        cut = (p["patches"], p["patch_size"], p["seed"])
        patches = read_patches(tmp_path, SUMS, *cut, remove_mean=p["remove_mean"])
        how = (p["atoms"], p["sparsity_weight"], iterations, p["seed"])
        again = learn_dictionary(patches, *how)
    assert np.allclose(again.objective, released[1][:iterations], rtol=1e-9)


def test_the_dictionary_learned_again_is_the_released_one(released):
    if not LEARNED_AGAIN.exists():
        pytest.skip("`make dictionary` has not been run")
    with h5py.File(LEARNED_AGAIN) as file:
        assert np.allclose(file["A"][:], released[0], atol=1e-6)
