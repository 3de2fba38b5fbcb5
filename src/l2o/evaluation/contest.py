"""Who takes part in the comparison on LASSO: classical methods, trained nets and optimizers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from l2o.evaluation.runs import Contestant, Entry
from l2o.optimizees.lasso import Lasso
from l2o.optimizers.continued import Continued
from l2o.optimizers.registry import methods
from l2o.optimizers.trained import load_net, load_recurrent
from l2o.storage.sets import LASSO, read_split

Settings = Mapping[str, Mapping[str, float]]


def load_lasso(path: Path, dictionary: np.ndarray, lam: float, split: str = "test") -> Lasso:
    """Return the instances of a split of a stored set, in float64.

    Raises
    ------
    InputError : see :func:`l2o.storage.sets.read_split`.
    """
    b, optimum = read_split(path, split, names=("b", "optimum"), columns=LASSO)
    arrays = (dictionary, b.astype(np.float64), optimum)
    A, b64, f = (torch.from_numpy(array) for array in arrays)
    return Lasso(A, b64, lam, f)


def classical_entries(
    A: Tensor,
    lam: float,
    first_order: Settings,
    classical: Settings,
    as_drawn: Settings,
    shifts: Mapping[str, int],
) -> list[Entry]:
    """Return the methods without training: in the paper's settings, then as they were drawn.

    Parameters
    ----------
    A : dictionary, (m, n), float64
    lam : weight of the 1-norm
    first_order, classical : hyperparameters by method
    as_drawn : hyperparameters that reproduce the published curve, by method
    shifts : iterations by which a published curve lags, by method
    """
    entries = []
    for variant, given, shift in (
        ("main", {**first_order, **classical}, {}),
        ("as_drawn", as_drawn, shifts),
    ):
        for name, hyper in given.items():
            kind = "first_order" if name in methods("first_order") else "classical"
            head = methods(kind)[name]
            made = head.load()
            optimizer = made(hyper) if kind == "first_order" else made(A, {**hyper, "lam": lam})
            who = Contestant(name, "classical", head.label, variant, 0, shift.get(name, 0))
            entries.append(Entry(who, optimizer))
    return entries


def learned_entries(
    paths: Mapping[str, Path], A: np.ndarray, lam: float, continued_with: str
) -> Iterable[Entry]:
    """Yield the trained methods.

    Parameters
    ----------
    paths : checkpoints by method
    A : dictionary, (m, n), float64
    lam : weight of the 1-norm
    continued_with : classical method that follows the layers of an unrolled net

    Raises
    ------
    InputError : see :mod:`l2o.optimizers.trained`.
    """
    for name, path in paths.items():
        if name in methods("unrolled"):
            net = load_net(path, A).double().requires_grad_(False)
            net.A = torch.from_numpy(A)  # the net was trained on A rounded to float32
            after = methods("classical")[continued_with].load()(net.A, {"lam": lam})
            who = Contestant(name, "unrolled", net.label, "main", net.depth)
            yield Entry(who, Continued(net, after))
        else:
            optimizer = load_recurrent(path).requires_grad_(False)
            who = Contestant(name, "recurrent", optimizer.label)
            yield Entry(who, optimizer, torch.float32)
