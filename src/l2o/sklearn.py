"""Sparse coding by unrolled nets as a scikit-learn transformer; needs scikit-learn.

coder = LearnedSparseCoder(dictionary, alpha=0.2).fit(X)
code = coder.transform(X)
"""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch

from l2o.errors import InputError
from l2o.extras import missing
from l2o.optimizees.lasso_optimum import lasso_objective
from l2o.optimizers.refined import refined
from l2o.optimizers.registry import methods
from l2o.solvers import budgets
from l2o.solvers.dictionary import Dictionary
from l2o.solvers.fitting import Plan, fitted, kept, steady
from l2o.solvers.opening import solver as classical
from l2o.solvers.samples import (
    LEAST,
    Data,
    Split,
    drawn,
    own_measurements,
    sample_counts,
)
from l2o.solvers.solver import Solver

try:
    import sklearn.utils.validation as validation
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.decomposition import MiniBatchDictionaryLearning
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils import check_array, check_random_state, check_scalar
except ModuleNotFoundError as error:
    raise ImportError(str(missing(error) or error)) from error

FLOATS = [np.float64, np.float32]
ENOUGH = 1000  # samples that are worth the whole budget; with fewer the steps are fewer
ROWS = 1024  # samples refined at once
USUAL = {"data": "step_lista", "drawn": "alista"}


class LearnedSparseCoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Sparse codes of data by an unrolled net that ``fit`` trains for their dictionary.

    On ``"data"`` (the default) the net learns to minimise the objective of scikit-learn's
    ``lasso_lars`` and ``lasso_cd`` for rows x of X and atoms in the rows of D,

        0.5 ||x - code D||^2 + alpha sum_j ||d_j|| |code_j|

    and ``transform`` continues it with FISTA until a duality gap says that the code is near the
    optimum: what has been learned makes it fast, the gap makes it right. On ``"drawn"`` codes the
    net learns to find the code that a sample was made from, with no bias towards 0; there
    ``transform`` is the net alone.

    Parameters
    ----------
    dictionary : (n_components, n_features), an atom a row, of any norm above 0; None: ``fit``
        learns one with ``MiniBatchDictionaryLearning``
    n_components : atoms of a dictionary that is learned; by default as many as features
    method : unrolled net that ``l2o methods`` lists; None: ``step_lista`` on ``"data"``, where it
        learns most from few samples, and ``alista`` on ``"drawn"``: it is one net, so that ``fit``
        stays quick inside a grid search, where ``l2o.fit`` trains two and keeps the better one
        (``lamp_mixture`` may be named here as well)
    layers : iterations that are learned
    alpha : weight of the 1-norm, on ``"data"`` and in learning a dictionary
    train_on : ``"data"``, the X of ``fit``; or ``"drawn"``, codes with normal entries at random
        places, scaled as X
    density : share of the entries that are not zero, on ``"drawn"``
    snr : signal-to-noise ratio in dB, on ``"drawn"``; None: no noise
    budget : of the training: ``"quick"``, ``"standard"`` or ``"thorough"``; less than 1,000 samples
        get a part of it
    transform_tol : relative duality gap at which FISTA stops, on ``"data"``: the objective is
        within that share of its optimum, most often far closer
    transform_max_iter : iterations of FISTA at most; 0: the net alone
    random_state : of the training and of a dictionary that is learned
    verbose : show the progress of the training

    Attributes
    ----------
    components_ : dictionary, (n_components, n_features)
    n_components_ : number of atoms
    solver_ : what was trained, a :class:`l2o.solvers.solver.Solver`; FISTA with ``layers``
        iterations where X has fewer than 20 samples with a code that is not zero
    n_features_in_, feature_names_in_ : of the X of ``fit``

    Notes
    -----
    Computes in float32 where X is float32, with as many threads as ``torch.set_num_threads`` says.
    """

    def __init__(
        self,
        dictionary: Any = None,
        *,
        n_components: int | None = None,
        method: str | None = None,
        layers: int = 16,
        alpha: float = 1.0,
        train_on: str = "data",
        density: float = 0.1,
        snr: float | None = None,
        budget: str = "quick",
        transform_tol: float = 1e-2,
        transform_max_iter: int = 1000,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.dictionary = dictionary
        self.n_components = n_components
        self.method = method
        self.layers = layers
        self.alpha = alpha
        self.train_on = train_on
        self.density = density
        self.snr = snr
        self.budget = budget
        self.transform_tol = transform_tol
        self.transform_max_iter = transform_max_iter
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> LearnedSparseCoder:
        """Train the net; y is ignored.

        Parameters
        ----------
        X : (n_samples, n_features)

        Raises
        ------
        ValueError : bad parameters or data, an atom that is zero.
        """
        self._check_parameters()
        X = validation.validate_data(self, X, dtype=FLOATS)
        generator = check_random_state(self.random_state)
        atoms = self._atoms(X, generator)
        norms = np.linalg.norm(atoms, axis=1)
        dictionary = Dictionary(np.ascontiguousarray((atoms / norms[:, None]).T), norms)
        seed = int(generator.randint(np.iinfo(np.int32).max))
        with steady(None):
            self.solver_ = self._trained(dictionary, X.astype(np.float64), seed)
        self.components_ = atoms.astype(X.dtype)
        self.n_components_ = len(atoms)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the codes, (n_samples, n_components), in the precision of X.

        Parameters
        ----------
        X : (n_samples, n_features)

        Raises
        ------
        ValueError : not fitted, or X does not fit.
        """
        validation.check_is_fitted(self)
        X = validation.validate_data(self, X, reset=False, dtype=FLOATS)
        if self.solver_.lam is None:
            return self.solver_.solve(X).x
        code, far = np.zeros((len(X), self.n_components_), X.dtype), 0
        for at in range(0, len(X), ROWS):
            part, gap = self._minimised(X[at : at + ROWS])
            code[at : at + ROWS] = part
            far += int((gap > self._tolerance(X.dtype)).sum())
        if far and self.transform_max_iter:
            told = f"{far} of {len(X)} samples are not within transform_tol of the optimum"
            warnings.warn(f"{told}: raise transform_max_iter", ConvergenceWarning, stacklevel=2)
        return code

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Return code @ components_, (n_samples, n_features).

        Parameters
        ----------
        X : codes, (n_samples, n_components)

        Raises
        ------
        ValueError : not fitted, or another number of components.
        """
        validation.check_is_fitted(self)
        code = check_array(X, dtype=FLOATS)
        if code.shape[1] != self.n_components_:
            wanted = f"this coder has {self.n_components_} components"
            raise ValueError(f"X has {code.shape[1]} columns, and {wanted}")
        return code @ self.components_.astype(code.dtype)

    def score(self, X: Any, y: Any = None) -> float:
        """Return minus the mean of the objective; on drawn codes, of half ||x - code D||^2.

        It compares methods, layers and budgets. It cannot choose ``alpha``: the least would win.

        Parameters
        ----------
        X : (n_samples, n_features)
        """
        code = self.transform(X).astype(np.float64)
        X = validation.validate_data(self, X, reset=False, dtype=np.float64)
        atoms = self.components_.astype(np.float64)
        norms, lam = np.linalg.norm(atoms, axis=1), self.solver_.lam or 0.0
        return -float(lasso_objective((atoms / norms[:, None]).T, X, lam, code * norms).mean())

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _minimised(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return codes near the minimum of the objective, and their relative duality gaps."""
        solver, b = self.solver_, torch.from_numpy(np.array(X, order="C"))
        A = solver.at(b.dtype)[1]
        norms = torch.ones(1) if solver.norms is None else solver.norms
        z = torch.from_numpy(solver.solve(X).x) * norms.to(b.dtype)
        z[(b @ A).abs_().amax(dim=1) <= solver.lam] = 0.0  # which is then the minimiser
        most = self.transform_max_iter
        z, gap = refined(A, b, solver.lam, z, self._tolerance(X.dtype), most)
        return (z / norms.to(b.dtype)).numpy(), gap.numpy()

    def _tolerance(self, dtype: np.dtype) -> float:
        return max(self.transform_tol, 32.0 * float(np.finfo(dtype).eps))

    def _trained(self, dictionary: Dictionary, X: np.ndarray, seed: int) -> Solver:
        """Return the solver for the dictionary, trained; FISTA where there is nothing to learn."""
        lasso, counts = self.train_on == "data", sample_counts(self.budget, dictionary)
        plan = Plan(
            self.method or USUAL[self.train_on],
            self.layers,
            "lasso" if lasso else "recovery",
            float(self.alpha) if lasso else None,
            self.budget,
            None,
            {},
            seed,
        )
        if lasso:
            # Of the others 0 is the minimiser, and transform knows it.
            usable = X[np.abs(X @ dictionary.A).max(axis=1) > self.alpha]
            if len(usable) < LEAST:
                user = dictionary.A * dictionary.norms
                fista = classical("fista", user, float(self.alpha))
                fista.about = replace(fista.about, default=self.layers)
                return fista
            data = own_measurements(dictionary, usable, counts, seed)
            data = _with_optima(data, dictionary.A, plan.lam)
            plan = replace(plan, share=min(1.0, len(usable) / ENOUGH))
        else:
            data = self._drawn(dictionary, X, counts, seed)
        with kept(None) as folder:
            return fitted(dictionary, data, plan, folder, quiet=not self.verbose)

    def _drawn(
        self, dictionary: Dictionary, X: np.ndarray, counts: dict[str, int], seed: int
    ) -> Data:
        """Return drawn codes with the mean energy of X."""
        data = drawn(dictionary, counts, self.density, self.snr, seed)
        energy = np.square(X).sum(axis=1).mean()
        ours = np.square(data.splits["train"].b.astype(np.float64)).sum(axis=1).mean()
        return replace(data, scale=float(np.sqrt(energy / ours)) or 1.0)

    def _atoms(self, X: np.ndarray, generator: np.random.RandomState) -> np.ndarray:
        """Return the dictionary, (n_components, n_features) float64: the one given, or learned."""
        if self.dictionary is None:
            return _learned_atoms(X, self.n_components or X.shape[1], self.alpha, generator)
        atoms = check_array(self.dictionary, dtype=np.float64, input_name="dictionary", copy=True)
        if atoms.shape[1] != X.shape[1]:
            problem = f"has atoms of {atoms.shape[1]} features, and X has {X.shape[1]}"
            raise InputError("dictionary", "", problem, "give one atom a row")
        if self.n_components not in (None, len(atoms)):
            problem = f"is {self.n_components}, and the dictionary has {len(atoms)} atoms"
            raise InputError("n_components", "", problem, "leave it out")
        empty = np.flatnonzero(~atoms.any(axis=1))
        if len(empty):
            problem = f"atom {empty[0]} (counted from 0) is zero"
            raise InputError("dictionary", "", problem, "remove it: its code is 0")
        return atoms

    def _check_parameters(self) -> None:
        """Refuse parameters that no training can follow."""
        choices = {
            "method": (None, *methods("unrolled")),
            "train_on": ("data", "drawn"),
            "budget": tuple(budgets.FACTORS),
        }
        for name, known in choices.items():
            if (value := getattr(self, name)) not in known:
                problem = f"{value!r} is not known"
                raise InputError(name, "", problem, f"give one of {', '.join(map(str, known))}")
        whole = {"layers": 1, "transform_max_iter": 0}
        whole |= {} if self.n_components is None else {"n_components": 1}
        for name in ("alpha", "transform_tol", "density", "snr"):
            if isinstance(value := getattr(self, name), float) and math.isnan(value):
                raise InputError(name, "", "is NaN", "give a number")
        for name, least in whole.items():
            check_scalar(getattr(self, name), name, Integral, min_val=least)
        neither, right = {"include_boundaries": "neither"}, {"include_boundaries": "right"}
        check_scalar(self.alpha, "alpha", Real, min_val=0, max_val=np.inf, **neither)
        check_scalar(self.transform_tol, "transform_tol", Real, min_val=0)
        check_scalar(self.density, "density", Real, min_val=0, max_val=1, **right)
        if self.snr is not None:
            check_scalar(self.snr, "snr", Real, min_val=-20, max_val=120)


def _with_optima(data: Data, A: np.ndarray, alpha: float) -> Data:
    """Return the data with the optima of the objective as targets, to a relative 1e-6 or so.

    The point is found in float32, where a gap of 1e-4 stands for a far smaller excess.
    """
    splits, lam = {}, alpha / data.scale
    low = torch.from_numpy(A).float()
    for name, split in data.splits.items():
        b = torch.from_numpy(split.b).float()
        parts = [
            refined(low, part, lam, part.new_zeros(len(part), A.shape[1]), 1e-4, 1000)[0]
            for part in b.split(ROWS)
        ]
        z = torch.cat(parts).double().numpy()
        splits[name] = Split(split.b, lasso_objective(A, split.b.astype(np.float64), lam, z))
    return replace(data, splits=splits)


def _learned_atoms(
    X: np.ndarray, count: int, alpha: float, generator: np.random.RandomState
) -> np.ndarray:
    """Return atoms of unit norm, (count, n_features), learned from X.

    scikit-learn leaves atoms at 0 that no sample uses; those become random directions.
    """
    learner = MiniBatchDictionaryLearning(
        count,
        alpha=alpha,
        max_iter=100,
        fit_algorithm="cd",
        random_state=generator.randint(np.iinfo(np.int32).max),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of single batches, which is usual
        atoms = learner.fit(X).components_.astype(np.float64)
    norms = np.linalg.norm(atoms, axis=1)
    idle = ~(norms > 1e-6)
    atoms[idle] = generator.standard_normal((int(idle.sum()), X.shape[1]))
    return atoms / np.linalg.norm(atoms, axis=1, keepdims=True)
