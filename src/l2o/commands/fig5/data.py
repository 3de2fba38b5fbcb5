"""Commands that make dictionaries and optimizee sets."""

from __future__ import annotations

from pathlib import Path

from l2o.artifacts.production import produce
from l2o.commands.common import check_known, stored_provenance
from l2o.steps.fig5 import Fig5Steps


def fetch_images(folder: Path, sums: Path, mirror: str) -> None:
    """Fetch the images from a mirror folder, or download them."""
    from l2o.dictionaries.images import fetch_images

    fetch_images(folder, sums, Path(mirror) if mirror else None)


def learn_dictionary(folder: Path, sums: Path, out: Path, params: Path, preset: str) -> None:
    """Learn the coherent dictionary and store it with its objective and properties."""
    from threadpoolctl import threadpool_limits

    from l2o.dictionaries.images import read_patches
    from l2o.dictionaries.learned import learn_dictionary
    from l2o.storage.hdf5 import write_dictionary

    steps = Fig5Steps(params, preset)
    p, seed = steps.experiment.learning, steps.experiment.seed
    step = steps.learned_dictionary(sums)

    def work() -> None:
        with threadpool_limits(steps.experiment.compute_threads):
            patches = read_patches(
                folder, sums, p.patches, p.patch_size, seed, remove_mean=p.remove_mean
            )
            learned = learn_dictionary(
                patches, p.atoms, p.sparsity_weight, p.iterations, seed, progress=_Every(20)
            )
        attributes = {"nonzeros_per_code": learned.nonzeros, **stored_provenance(step)}
        write_dictionary(out, learned.dictionary, attributes, objective=learned.objective)

    produce(step, {"dictionary": out}, {}, work)


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
    from l2o.storage.hdf5 import write_dictionary

    steps = Fig5Steps(params, preset)
    check_known(params, "presets.gaussian", name, list(steps.sizes.gaussian))
    step = steps.gaussian_dictionary(name)

    def work() -> None:
        m, n = steps.sizes.gaussian[name]
        matrix = gaussian_dictionary(m, n, steps.experiment.seed)
        write_dictionary(out, matrix, stored_provenance(step))

    produce(step, {"dictionary": out}, {}, work)


def sample_set(setting: str, dictionary: Path, out: Path, params: Path, preset: str) -> None:
    """Sample and store an optimizee set."""
    from l2o.optimizees.sparse_recovery import sample_slices
    from l2o.storage.hdf5 import read_dictionary
    from l2o.storage.sets import SPARSE_RECOVERY, write_set

    steps = Fig5Steps(params, preset)
    experiment = steps.experiment
    check_known(params, "settings", setting, list(experiment.settings))
    step = steps.optimizee_set(setting)

    def work() -> None:
        matrix, snr_db = read_dictionary(dictionary), experiment.settings[setting].snr_db
        splits = {}
        for split, count in steps.sizes.samples.model_dump().items():
            names = (setting, split)
            slices = sample_slices(
                matrix, count, experiment.density, snr_db, experiment.seed, names
            )
            splits[split] = (count, slices)
        attributes = {
            "setting": setting,
            "model": "b = A x* + noise",
            "density": experiment.density,
            "snr_db": "none" if snr_db is None else snr_db,
            **stored_provenance(step),
        }
        write_set(out, SPARSE_RECOVERY, matrix, splits, attributes)

    # The released dictionary is no step's work: its content is a parameter of this one.
    inputs = {dictionary: step.inputs["dictionary"]} if step.inputs else {}
    produce(step, {"set": out}, inputs, work)
