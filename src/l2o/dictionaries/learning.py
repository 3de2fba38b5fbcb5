"""The job that learns a dictionary from image patches: from what it is given to its file."""

from __future__ import annotations

from pathlib import Path

from l2o.artifacts.job import Given
from l2o.storage.hdf5 import provenance_attributes


def learn(given: Given) -> None:
    """Learn the coherent dictionary from images and store it with its objective."""
    from threadpoolctl import threadpool_limits

    from l2o.dictionaries.images import fetch_images, read_patches
    from l2o.dictionaries.learned import learn_dictionary
    from l2o.storage.hdf5 import write_dictionary

    p, sums = given.parameters, given.inputs["sums"]
    folder, seed = Path(p["images"]), p["seed"]
    fetch_images(folder, sums)
    with threadpool_limits(p["compute_threads"]):
        cut = (p["patches"], p["patch_size"], seed)
        patches = read_patches(folder, sums, *cut, remove_mean=p["remove_mean"])
        how = (p["atoms"], p["sparsity_weight"], p["iterations"], seed)
        learned = learn_dictionary(patches, *how, progress=_told)
    attributes = {"nonzeros_per_code": learned.nonzeros, **provenance_attributes(given.record)}
    out = given.outputs["dictionary"]
    write_dictionary(out, learned.dictionary, attributes, objective=learned.objective)


def _told(done: int, objective: float) -> None:
    """Print the objective now and then."""
    if done == 1 or done % 20 == 0:
        print(f"iteration {done}: objective {objective:.6g}", flush=True)
