"""SGD: gradient descent on minibatches, with a constant rate."""

from __future__ import annotations

from l2o.optimizers.first_order.gd import Gd


class Sgd(Gd):
    """x+ = x - rate g, where g is the gradient on the current minibatch."""

    name = "sgd"
    label = "SGD"
    reference = "Robbins & Monro 1951; paper 4.3"
    hyperparameters = {"rate": 1e-1}
    ranges = {"rate": "(0, inf)"}
