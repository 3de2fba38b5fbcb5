"""The kinds of methods there are: each a folder of ``l2o.optimizers`` and a section of parameters.

What computes does not read this table, so that another kind changes no key of a computation.
"""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """What holds for all methods of a kind.

    Parameters
    ----------
    heading : of the kind, in legends
    asks : what its methods are given of a problem
    learned : whether they are told from analytic ones in figures and tables
    trained : whether each has a training of its own
    meta : whether that is the meta-training of an optimizer; else a network is trained
    """

    heading: str
    asks: str
    learned: bool = False
    trained: bool = False
    meta: bool = False


# In the order in which methods take part.
KINDS = {
    "first_order": Kind("First-order", "gradients"),
    "classical": Kind("Classical", "A and b of b = A x + noise"),
    "population": Kind("Population", "values; some ask for gradients, too"),
    "minimax": Kind("Minimax", "the gradients of both players"),
    "sensing": Kind("Classical", "measurements of a picture's blocks, and how they are made"),
    "black_box": Kind("Black-box", "values, in a box"),
    "unrolled": Kind("Learned, unrolled", "A and b; trained for an A", True, True),
    "recurrent": Kind(
        "Learned, recurrent", "gradients; trained on a family of problems", True, True, True
    ),
    "learned_minimax": Kind(
        "Learned, minimax", "the gradients of both players; trained on a family", True, True, True
    ),
    "policies": Kind(
        "Learned, policies", "values and gradients; trained on a family", True, True, True
    ),
    "learned_black_box": Kind(
        "Learned, black-box", "values, in a box; trained through draws of functions", True, True
    ),
    "sensing_nets": Kind(
        "Learned, unrolled", "measurements of blocks; trained for one way to measure", True, True
    ),
    "denoisers": Kind("Learned, denoisers", "a noisy picture; trained on pictures", True, True),
    "plug_and_play": Kind(
        "Learned, plug-and-play", "a proximal operator or a gradient, and a trained denoiser", True
    ),
}
TRAINED = tuple(name for name, kind in KINDS.items() if kind.trained)
META = tuple(name for name, kind in KINDS.items() if kind.meta)
LEARNED = tuple(name for name, kind in KINDS.items() if kind.learned)
ANALYTIC = tuple(name for name in KINDS if name not in LEARNED)
