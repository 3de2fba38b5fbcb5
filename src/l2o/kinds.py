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
    learned : whether they are told from analytic ones in figures and tables
    trained : whether each has a training of its own
    meta : whether that is the meta-training of an optimizer; else a network is trained
    """

    heading: str
    learned: bool = False
    trained: bool = False
    meta: bool = False


# In the order in which methods take part.
KINDS = {
    "first_order": Kind("First-order"),
    "classical": Kind("Classical"),
    "population": Kind("Population"),
    "minimax": Kind("Minimax"),
    "sensing": Kind("Classical"),
    "black_box": Kind("Black-box"),
    "unrolled": Kind("Learned, unrolled", learned=True, trained=True),
    "recurrent": Kind("Learned, recurrent", learned=True, trained=True, meta=True),
    "learned_minimax": Kind("Learned, minimax", learned=True, trained=True, meta=True),
    "learned_black_box": Kind("Learned, black-box", learned=True, trained=True),
    "sensing_nets": Kind("Learned, unrolled", learned=True, trained=True),
    "denoisers": Kind("Learned, denoisers", learned=True, trained=True),
    "plug_and_play": Kind("Learned, plug-and-play", learned=True),
}
TRAINED = tuple(name for name, kind in KINDS.items() if kind.trained)
META = tuple(name for name, kind in KINDS.items() if kind.meta)
LEARNED = tuple(name for name, kind in KINDS.items() if kind.learned)
ANALYTIC = tuple(name for name in KINDS if name not in LEARNED)
