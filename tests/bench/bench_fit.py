"""Solvers fitted to three dictionaries of users: what the training costs, what it is worth.

A random 64 x 128; a 128 x 256 whose columns have any norms, in float32, from a file of MATLAB; and
128 atoms for 8 x 8 patches, learned from two images that scikit-learn has. Codes are drawn without
noise, a tenth of the entries on average. Each fit ends with its table: FISTA, OMP and AMP after the
time that the solver takes, and at convergence.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import scipy.io
from sklearn.datasets import load_sample_images
from sklearn.feature_extraction.image import extract_patches_2d

import l2o
from l2o.dictionaries.learned import learn_dictionary
from l2o.dictionaries.properties import coherence
from l2o.storage.matrices import read_array

HEAD = """# Solvers fitted to dictionaries of users

`tests/bench/bench_fit.py`, one thread; codes drawn with density 0.1, no noise; {layers} layers.
"""
PART = """
## {name}: {method}, budget {budget}

Trained in {seconds:.0f} s ({cpu:.0f} s of CPU), with the data; coherence of A {coherence:.2f}.

```
{table}
```
"""


def random() -> np.ndarray:
    """Return a Gaussian matrix with columns of unit norm, (64, 128)."""
    A = np.random.default_rng(0).standard_normal((64, 128))
    return A / np.linalg.norm(A, axis=0)


def from_matlab() -> np.ndarray:
    """Return a Gaussian matrix with columns of any norms that went through a file, (128, 256)."""
    generator = np.random.default_rng(1)
    A = generator.standard_normal((128, 256)) * generator.uniform(0.1, 10.0, 256)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "A.mat"
        scipy.io.savemat(path, {"A": A.astype(np.float32)})
        return read_array(path, single=True)


def of_patches() -> np.ndarray:
    """Return atoms that were learned from patches of two images, in columns, (64, 128)."""
    images = [image.mean(axis=2) / 255.0 for image in load_sample_images().images]
    patches = np.concatenate(
        [extract_patches_2d(image, (8, 8), max_patches=5000, random_state=0) for image in images]
    ).reshape(-1, 64)
    patches -= patches.mean(axis=1, keepdims=True)
    return learn_dictionary(patches, 128, 0.1, 100, 0).dictionary


DICTIONARIES: dict[str, Callable[[], np.ndarray]] = {
    "Random 64 x 128": random,
    "128 x 256 with columns of any norm, float32, .mat": from_matlab,
    "8 x 8 patches, 64 x 128": of_patches,
}


def part(name: str, A: np.ndarray, method: str, layers: int, budget: str) -> str:
    """Fit a solver, and return what it took and what came of it."""
    began, before = time.perf_counter(), time.process_time()
    given = {"method": method, "layers": layers, "budget": budget, "threads": 1}
    solver = l2o.fit(A, **given, compare=False, progress=False)
    spent = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - before}
    told = {"name": name, "method": solver.label, "budget": budget}
    likeness = coherence(A.astype(np.float64))
    return PART.format(**told, **spent, coherence=likeness, table=compared(A, solver))


def compared(A: np.ndarray, solver: l2o.Solver) -> object:
    """Return the comparison on codes that no training has seen, drawn as for the training."""
    generator, (_, n) = np.random.default_rng(7), A.shape
    z = np.where(generator.random((640, n)) < 0.1, generator.standard_normal((640, n)), 0.0)
    z[~z.any(axis=1), 0] = 1.0
    norms = np.linalg.norm(A.astype(np.float64), axis=0)
    x = z * np.sqrt(np.square(norms).mean()) / norms
    return l2o.compare(A, x @ A.T.astype(np.float64), x, solvers=[solver], threads=1)


def main(arguments: list[str] | None = None) -> str:
    """Run the fits and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", default="lamp_mixture,alista,lista_cpss")
    parser.add_argument("--budget", default="standard")
    parser.add_argument("--layers", type=int, default=16)
    parser.add_argument("--only", type=int, help="one dictionary, counted from 0")
    parser.add_argument("--out", type=Path, default=Path("reports/bench_fit.md"))
    options = parser.parse_args(arguments)
    text = HEAD.format(layers=options.layers)
    for number, (name, made) in enumerate(DICTIONARIES.items()):
        if options.only in (None, number):
            for method in options.methods.split(","):
                text += part(name, made(), method, options.layers, options.budget)
                print(text.rpartition("##")[2], flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text, encoding="utf-8")
    return text


if __name__ == "__main__":
    main()
