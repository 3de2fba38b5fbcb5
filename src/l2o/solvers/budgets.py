"""How long a user's solver is trained: budgets by name, or by minutes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from l2o.config.training import STEPS, Training
from l2o.errors import InputError

AUTO = "auto"  # in place of a method: of these the one that is best on validation samples
CANDIDATES = ("lamp_mixture", "alista")  # for recovery; of equals the earlier one is kept
LASSO_DEFAULT = "alista"  # a posterior mean, as LAMP's, minimises no LASSO
# Those of the benchmark's sparse recovery (params/fig5.yaml), found there by trying; 0.3 times
# as many steps for `quick`, thrice as many for `thorough`.
FACTORS = {"quick": 0.3, "standard": 1.0, "thorough": 3.0}
SAMPLES = {"quick": 10_240, "standard": 20_480, "thorough": 51_200}
MEMORY = 1 << 28  # numbers that the training set may hold as a layer sees it: one gigabyte
USUAL: Mapping[str, Any] = {
    "batch_size": 128,
    "layer_steps": 250,
    "layer_rate": 1.0e-3,
    "window": 16,
    "window_every": 4,
    "window_steps": 120,
    "window_rate": 2.0e-4,
    "window_decay": 1.0,
    "final_steps": 0,
    "final_rate": 1.0e-4,
    "final_decay": 1.0,
    "scalar_factor": 10,
    "validate_every": 50,
}
_FREE = {"window": 4, "window_steps": 100, "window_rate": 5.0e-4, "window_decay": 0.5}
_FEW = {"layer_steps": 100, "layer_rate": 2.0e-3}
_BAYES = {"layer_steps": 150, "window": 4, "window_every": 2, "window_steps": 80}
BY_METHOD: Mapping[str, Mapping[str, Any]] = {
    "lista": {**_FREE, "final_steps": 150, "final_rate": 2.0e-4},
    "lfista": {**_FREE, "final_steps": 100, "final_rate": 2.0e-4},
    "lista_cp": {"layer_steps": 200, "window_every": 2, "window_steps": 100, "window_rate": 1.0e-3}
    | {"final_steps": 250, "final_rate": 1.0e-3},
    "lista_cpss": {"layer_steps": 300, "window_every": 1, "window_steps": 80},
    "alista": {**_FEW, "window": 4, "window_every": 1, "window_steps": 60, "window_rate": 1.0e-3}
    | {"final_steps": 1200, "final_rate": 4.0e-3},
    "tilista": {**_FEW, "window_steps": 0, "final_steps": 600},
    "step_lista": {**_FEW, "window_steps": 0, "final_steps": 50},
    "lamp_bg": {**_BAYES, "final_steps": 300},
    "lamp_bg_tied": {"layer_steps": 60, "window_steps": 0, "final_steps": 600},
    "lamp_mixture": {**_BAYES, "final_steps": 200},
    "lvamp_bg": {**_BAYES, "layer_steps": 40, "window_steps": 40, "final_steps": 100},
}
# On LASSO: one layer after the other, then all together (params/fig6.yaml).
LASSO: Mapping[str, Any] = {"layer_steps": 100, "window_steps": 0, "final_steps": 2000}
LASSO_RATES = {"alista": 3.0e-3, "step_lista": 3.0e-3}


def training(method: str, objective: str, factor: float, samples: int, width: int) -> Training:
    """Return the stages of a training.

    Parameters
    ----------
    method : name of an unrolled net
    objective : ``recovery`` or ``lasso``
    factor : on the steps of the standard budget
    samples : of the training set
    width : m + n
    """
    chosen = {**USUAL, **BY_METHOD.get(method, {})}
    if objective == "lasso":
        chosen |= {**LASSO, "final_rate": LASSO_RATES.get(method, 1.0e-3)}
    for name in STEPS:
        chosen[name] = round(factor * chosen[name])
    chosen["layer_steps"] = max(chosen["layer_steps"], 5)
    return Training(**chosen, samples=max(1, min(samples, MEMORY // width)))


def factor_of(budget: str) -> float:
    """Return the factor on the steps of the standard budget.

    Raises
    ------
    InputError : no such budget.
    """
    if budget not in FACTORS:
        problem = f"{budget!r} is no budget"
        raise InputError("budget", "", problem, f"give one of {', '.join(FACTORS)}, or minutes")
    return FACTORS[budget]
