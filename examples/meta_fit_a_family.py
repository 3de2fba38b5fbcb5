"""Meta-train an optimizer for your own family of problems.

Many problems of one kind, each minimised from its gradients: a class of ten lines says what they
are, and `l2o.meta_fit` trains a recurrent optimizer for them. Here: robust regression, where some
of the measurements are badly wrong.
"""

# %%
# A family is a frozen dataclass of tensors, the problems on the first axis. The objective takes
# points of shape (..., problems, n).
from dataclasses import dataclass

import matplotlib.pyplot as plt
import torch
from torch import Tensor

import l2o


@dataclass(frozen=True)
class RobustRegression(l2o.Problems):
    A: Tensor  # (problems, rows, n)
    b: Tensor  # (problems, rows)

    def objective(self, x):
        residual = (self.A @ x[..., None])[..., 0] - self.b
        return ((1 + residual.square()).sqrt() - 1).mean(dim=-1)


def drawn(count, seed):
    draw = torch.Generator().manual_seed(seed)
    A, x = torch.randn(count, 20, 8, generator=draw), torch.randn(count, 8, 1, generator=draw)
    wrong = 10 * torch.randn(count, 20, generator=draw)
    wrong *= torch.rand(count, 20, generator=draw) < 0.1
    return RobustRegression(A, (A @ x)[..., 0] + wrong)


family = drawn(120, seed=0)

# %%
# Fifteen seconds are enough to see something; without `minutes` it takes the time that it needs.
fitted = l2o.meta_fit(family, horizon=50, minutes=0.25, compare=False, progress=False)
print(fitted)

# %%
# New problems of the family: the objective against the iteration.
new = drawn(40, seed=1)
steps = [1, 2, 5, 10, 20, 50]
losses = [float(fitted.minimise(new, iterations=k).objective.mean()) for k in steps]
for step, loss in zip(steps, losses, strict=True):
    print(f"{step:3} iterations: {loss:.4f}")
figure, axes = plt.subplots(figsize=(6, 3))
axes.loglog(steps, losses, "*-", color="#AA3377")
axes.set(xlabel="Iteration", ylabel="Objective, mean")
axes.grid(alpha=0.3)
