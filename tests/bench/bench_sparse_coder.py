"""LearnedSparseCoder beside scikit-learn's SparseCoder, on 10,000 samples in one run.

Two tasks. Recovery: codes with normal entries at a tenth of the places, Gaussian atoms, noise;
judged by the mean NMSE of the codes, SparseCoder with the setting that is best on others. LASSO:
patches of scikit-learn's two photographs and a dictionary learned from them; judged by the excess
of the objective over certified optima. All with one thread and `n_jobs=1`, block by block in turns,
in seconds of the processor. SparseCoder, whose time is linear in the samples, may get fewer.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_sample_image
from sklearn.decomposition import MiniBatchDictionaryLearning, SparseCoder
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.image import extract_patches_2d
from threadpoolctl import threadpool_limits

from l2o.metrics import mean_nmse_db
from l2o.optimizees.lasso_optimum import lasso_objective, lasso_optimum
from l2o.optimizees.sparse_recovery import measure, sparse_signals
from l2o.seeds import named_generator
from l2o.sklearn import LearnedSparseCoder

BLOCK = 500
HEAD = "| method | {error} | us a sample | samples timed | of LearnedSparseCoder |"
Transform = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Contender:
    """A transformer, and how many samples it is timed on at most."""

    name: str
    transform: Transform
    samples: int


def timed(contenders: list[Contender], X: np.ndarray) -> dict[str, tuple[float, np.ndarray]]:
    """Return seconds a sample and the codes of each, in turns block by block."""
    spent, codes = {}, {c.name: [] for c in contenders}
    for at in range(0, len(X), BLOCK):
        for contender in contenders:
            if at < contender.samples:
                began = time.process_time()
                codes[contender.name].append(contender.transform(X[at : at + BLOCK]))
                spent[contender.name] = spent.get(contender.name, 0) + time.process_time() - began
    joined = {name: np.concatenate(parts) for name, parts in codes.items()}
    return {name: (spent[name] / len(code), code) for name, code in joined.items()}


def table(title: str, error: str, found: dict, judge: Callable[[np.ndarray], float]) -> str:
    """Return a Markdown table; the first row is the one that others are divided by."""
    first = next(iter(found.values()))[0]
    lines = [f"## {title}", "", HEAD.format(error=error), "|:--|--:|--:|--:|--:|"]
    for name, (seconds, code) in found.items():
        told = f"{judge(code):.3g} | {1e6 * seconds:.0f} | {len(code):,} | {seconds / first:.3g}"
        lines.append(f"| {name} | {told} |")
    return "\n".join(lines) + "\n"


def ours(name: str, coder: LearnedSparseCoder, samples: int) -> list[Contender]:
    """Return the coder on data of both precisions."""
    return [
        Contender(f"{name}, {kind}", lambda X, k=kind: coder.transform(X.astype(k)), samples)
        for kind in ("float32", "float64")
    ]


def reference(D: np.ndarray, samples: int, algorithm: str, **setting: float) -> Contender:
    """Return scikit-learn's coder."""
    settings = {f"transform_{key}": value for key, value in setting.items()}
    coder = SparseCoder(D, transform_algorithm=algorithm, n_jobs=1, **settings)
    told = ", ".join(f"{key}={value:g}" for key, value in setting.items())
    return Contender(f"SparseCoder {algorithm}, {told}", coder.transform, samples)


def recovery(m: int, n: int, snr: float, budget: str, samples: int, slow: int) -> str:
    """Return the table of the first task."""
    generator = named_generator(0, "sparse coder", m, n)
    D = generator.standard_normal((n, m))
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    x = sparse_signals(generator, samples + 200, n, 0.1)
    X = measure(generator, D.T, x, snr).astype(np.float64)
    known, X, truth, x = X[:200], X[200:], x[:200], x[200:]
    settings = {"train_on": "drawn", "density": 0.1, "snr": snr, "budget": budget}
    began = time.process_time()
    coders = {
        method: LearnedSparseCoder(D, method=method, **settings, random_state=0).fit(known)
        for method in ("alista",)
    }
    spent = time.process_time() - began

    def best(algorithm: str, key: str, values: list[float]) -> Contender:
        tried = [reference(D, slow, algorithm, **{key: value}) for value in values]
        return min(tried, key=lambda c: mean_nmse_db(c.transform(known), truth))

    contenders = [c for name, coder in coders.items() for c in ours(name, coder, samples)]
    contenders.append(best("omp", "n_nonzero_coefs", [n // 20, n // 13, n // 10, n // 8]))
    contenders.append(best("lasso_lars", "alpha", [0.02, 0.05, 0.1, 0.2]))
    found = timed(contenders, X)
    title = f"Recovery, {m} features, {n} atoms, SNR {snr:g} dB; fit ({budget}) {spent:.0f} s"
    return table(title, "NMSE, dB", found, lambda z: mean_nmse_db(z.astype(float), x[: len(z)]))


def patches(samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return patches without their mean, (count, 64), and atoms of the last, (128, 64)."""
    images = [load_sample_image(name).mean(axis=2) for name in ("china.jpg", "flower.jpg")]
    most = samples // 2 + 6000
    cut = [extract_patches_2d(i, (8, 8), max_patches=most, random_state=0) for i in images]
    X = np.concatenate(cut).reshape(-1, 64)
    X -= X.mean(axis=1, keepdims=True)
    X /= X.std()
    named_generator(0, "patches").shuffle(X)
    learner = MiniBatchDictionaryLearning(
        128, alpha=0.5, max_iter=5, batch_size=256, fit_algorithm="cd", random_state=0
    )
    D = learner.fit(X[samples:][:4000]).components_
    return X, D / np.linalg.norm(D, axis=1, keepdims=True)


def lasso(alpha: float, budget: str, samples: int, slow: int) -> str:
    """Return the table of the second task."""
    X, D = patches(samples)
    coder = LearnedSparseCoder(D, alpha=alpha, budget=budget, random_state=0)
    began = time.process_time()
    coder.fit(X[samples:])
    spent = time.process_time() - began
    fista = LearnedSparseCoder(D, alpha=alpha).fit(X[:5])  # too few to learn from: FISTA
    X = X[:samples]
    contenders = [
        *ours("step_lista, then FISTA", coder, samples),
        *ours("FISTA alone, to the same gap", fista, samples),
        reference(D, slow, "lasso_lars", alpha=alpha),
        reference(D, slow, "lasso_cd", alpha=alpha),
    ]
    found = timed(contenders, X)
    judged = min(1000, slow)
    optimum = lasso_optimum(D.T, X[:judged], alpha)

    def excess(z: np.ndarray) -> float:
        f = lasso_objective(D.T, X[:judged], alpha, z[:judged].astype(np.float64))
        return float(f.mean() / optimum.objective.mean() - 1)

    density = (optimum.x != 0).mean()
    title = f"LASSO, 64 features, 128 atoms, alpha {alpha:g} (density {density:.2f}); "
    return table(f"{title}fit ({budget}) {spent:.0f} s", "(f - f*) / f*", found, excess)


def main() -> None:
    """Print the tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument(
        "--slow", type=int, default=10_000, help="of those for scikit-learn's coder"
    )
    parser.add_argument("--budget", default="quick")
    parser.add_argument("--large", action="store_true", help="256 x 512 too")
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ConvergenceWarning)
    with threadpool_limits(1):
        print(recovery(64, 128, 30.0, given.budget, given.samples, given.slow), flush=True)
        if given.large:
            print(recovery(256, 512, 30.0, given.budget, given.samples, given.slow), flush=True)
        print(lasso(0.3, given.budget, given.samples, given.slow), flush=True)


if __name__ == "__main__":
    main()
