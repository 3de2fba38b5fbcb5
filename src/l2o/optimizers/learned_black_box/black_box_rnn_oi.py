"""The black-box RNN, trained by the improvement that is observed."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizers.black_box_rnn import BlackBoxRnn, observed_improvement


class BlackBoxRnnOi(BlackBoxRnn):
    """:class:`l2o.optimizers.black_box_rnn.BlackBoxRnn` for the lowest value of a run.

    Source: Chen et al. 2017, *Learning to learn without gradient descent by gradient descent*.
    """

    name = "black_box_rnn_oi"
    label = "RNN (OI)"
    reference = "Chen et al. 2017"
    hyperparameters = {"hidden": 64, "dimension": 2}
    ranges = {"hidden": "integers [1, 1000]", "dimension": "integers [1, 1000]"}
    departs = (
        "trained on draws by random features; the first query is random; a sigmoid keeps the box"
    )

    def search_loss(self, values: Tensor) -> Tensor:
        return observed_improvement(values).mean()
