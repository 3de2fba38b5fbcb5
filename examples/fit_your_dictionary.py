"""Train a solver for your own dictionary.

Where the same A is met again and again, as in imaging or communication, a net that was unrolled
from a classical algorithm and trained for that A needs a few of its iterations. `l2o.fit` trains
one from nothing but A; the same works with your own signals or measurements.
"""

# %%
# A dictionary of 32 x 64 and some sparse signals that it measures, to try the solver on.
import matplotlib.pyplot as plt
import numpy as np

import l2o

random = np.random.default_rng(0)
A = random.standard_normal((32, 64))
x = random.standard_normal((512, 64)) * (random.random((512, 64)) < 0.1)
b = x @ A.T

# %%
# ALISTA learns two numbers a layer. Twelve seconds are for a first look: without `minutes`
# it takes the time that it needs. The columns of A may have any norm.
solver = l2o.fit(A, method="alista", layers=8, minutes=0.2, compare=False, progress=False)
print(solver)

# %%
# It solves all measurements at once.
solution = solver.solve(b)


def decibels(error, signal):
    """Return the mean error of the samples in dB."""
    return float(np.mean(10 * np.log10((error**2).sum(axis=1) / (signal**2).sum(axis=1))))


print(f"NMSE after {solution.iterations} layers: {decibels(solution.x - x, x):.1f} dB")

# %%
# Classical methods come through the same door. FISTA with as many iterations is far behind; with
# hundreds it ends at the error that its 1-norm leaves.
fista = l2o.solver("fista", A, lam=0.02)
places = [2**k for k in range(10)]
curve = [decibels(fista.solve(b, iterations=k).x - x, x) for k in places]
layers = range(1, 9)
learned = [decibels(solver.solve(b, iterations=k).x - x, x) for k in layers]

figure, axes = plt.subplots(figsize=(6, 3.4))
axes.semilogx(places, curve, "--", color="#6E6E6E", label="FISTA")
axes.semilogx(layers, learned, "P-", color="#009E73", label="ALISTA, trained for this A")
axes.set(xlabel="Iterations", ylabel="NMSE (dB)")
axes.grid(alpha=0.3)
axes.legend()
