"""Small regressions and quadratics: an optimizer found by reinforcement learning."""
