"""Read the released curves.

The tables behind every figure are plain CSV files, those of the `paper` preset in `docs/paper`.
This example asks how many iterations each method needs for a relative loss of 1 % on LASSO.
"""

# %%
# A table has a row for each setting, method and iteration.
import matplotlib.pyplot as plt
import pandas as pd

curves = pd.read_csv("docs/paper/fig6_curves.csv")
curves = curves[(curves["setting"] == "m25_n50") & (curves["variant"] == "main")]
print(curves[["method", "iteration", "relative_loss"]].iloc[::200].to_string(index=False))

# %%
# The first iteration below 1 %: unrolled nets get there with their last layer, or one step of
# FISTA after it.
reached = curves[curves["relative_loss"] < 1e-2].groupby("label")["iteration"].min().sort_values()
print(reached.to_string())

# %%
# The same as a picture, in the colours of the figures.
from l2o.figures.style import styles_for  # noqa: E402

styles = styles_for(curves["method"].unique())
figure, axes = plt.subplots(figsize=(6, 3.4))
for (method, label), rows in curves.groupby(["method", "label"], sort=False):
    rows = rows[rows["iteration"] > 0]
    axes.loglog(rows["iteration"], rows["relative_loss"], color=styles[method].colour, label=label)
axes.axhline(1e-2, color="black", linestyle=":", linewidth=1)
axes.set(xlabel="Iteration", ylabel="Relative loss", ylim=(1e-7, 1e4))
axes.legend(fontsize=7, ncols=2)
