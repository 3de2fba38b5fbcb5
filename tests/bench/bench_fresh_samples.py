"""How trained nets do on many samples that nobody has seen: tails and failures of Figure 5.

A test set of 1,024 samples says little of what happens once in some thousand. Draws fresh samples
of the law of each setting, from a random stream of their own, and tells for every checkpoint of a
build mean and pooled NMSE, the worst sample, and how many end no better than zero.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from l2o.columns import aligned
from l2o.experiments.graph import experiment
from l2o.metrics import pooled_nmse_db, sample_nmse_db
from l2o.optimizees.sparse_recovery import sample_slices
from l2o.optimizers.trained import load_net
from l2o.storage.hdf5 import read_dictionary

STREAM, BATCH = "fresh", 512
HEADS = ("setting", "method", "mean dB", "pooled dB", "worst dB", "failed", "of")


@torch.no_grad()
def errors(checkpoint: Path, A: np.ndarray, b: np.ndarray, x: np.ndarray) -> tuple[str, ...]:
    """Return mean, pooled and worst NMSE after the last layer, in float64, and the failures."""
    net = load_net(checkpoint, A).double()
    net.A.copy_(torch.from_numpy(A))
    last = torch.cat([net(part)[-1] for part in torch.from_numpy(b).split(BATCH)])
    each = sample_nmse_db(last.numpy(), x)
    pooled = pooled_nmse_db(last.numpy(), x)
    return f"{each.mean():.2f}", f"{pooled:.2f}", f"{each.max():.1f}", str(int((each >= 0).sum()))


def main() -> None:
    """Print a row for each setting and net."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="laptop")
    parser.add_argument("--samples", type=int, default=8192)
    given = parser.parse_args()
    torch.set_num_threads(1)
    one, rows = experiment("fig5", given.preset), [HEADS]
    for setting in one.settings:
        A = read_dictionary(one.sample(setting).writes["set"])
        law = (one.parameters.density, one.parameters.settings[setting].snr_db)
        names = (setting, STREAM)
        slices = sample_slices(A, given.samples, *law, one.parameters.seed, names)
        x, b = (np.concatenate(parts).astype(float) for parts in zip(*slices, strict=True))
        for method, who in one.contestants.items():
            path = one.train(setting, method).writes["checkpoint"] if who.trained else None
            if path is not None and path.is_file():
                rows.append((setting, method, *errors(path, A, b, x), f"{len(x):,}"))
    print(aligned(rows, 2))


if __name__ == "__main__":
    main()
