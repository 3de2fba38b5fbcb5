"""What lies in the box: families of problems, and the methods whose weights for them it has."""

from __future__ import annotations

from dataclasses import dataclass

RECURRENT = ("l2o_scale", "l2o_rnnprop", "l2o_enhanced", "l2o_dm")
RULES = ("celo2_like", "small_fc_lopt")


@dataclass(frozen=True)
class Family:
    """The problems that weights were trained on.

    Parameters
    ----------
    experiment, setting : of the benchmark, in which they were trained
    trained_on : the problems in words
    methods : of the weights, the one to take first in front
    """

    experiment: str
    setting: str
    trained_on: str
    methods: tuple[str, ...]


def _recovery(setting: str, what: str, methods: tuple[str, ...]) -> Family:
    return Family("sparse_recovery", setting, f"sparse signals, {what}", methods)


FAMILIES = {
    "mnist": Family(
        "network_training",
        "mlp_sigmoid",
        "training an MLP (784, 20, 10; sigmoid) on MNIST",
        (*RULES, *RECURRENT),
    ),
    "noiseless": _recovery(
        "noiseless", "A Gaussian (256, 512), no noise", ("alista", "tilista", "step_lista")
    ),
    "snr20": _recovery(
        "snr20", "A Gaussian (256, 512), SNR 20 dB", ("alista", "tilista", "step_lista")
    ),
    "coherent": _recovery(
        "coherent",
        "A learned from image patches (256, 512), no noise",
        ("alista", "tilista", "step_lista"),
    ),
    "large": _recovery("large", "A Gaussian (512, 1024), no noise", ("alista", "step_lista")),
    "rastrigin_n10": Family(
        "rastrigin", "n10", "Rastrigin family, 10 unknowns", ("l2o_swarm", *RECURRENT)
    ),
    "rastrigin_n2": Family(
        "rastrigin", "n2", "Rastrigin family, 2 unknowns", ("l2o_swarm", *RECURRENT)
    ),
    "lasso_m25_n50": Family(
        "lasso", "m25_n50", "LASSO, A Gaussian (25, 50)", (*RECURRENT[1:], "alista", "lista")
    ),
    "lasso_m5_n10": Family(
        "lasso", "m5_n10", "LASSO, A Gaussian (5, 10)", (*RECURRENT[1:], "alista", "lista")
    ),
}
NAMES = tuple(f"{method}/{name}" for name, family in FAMILIES.items() for method in family.methods)
