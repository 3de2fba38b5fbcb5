"""FISTA with wavelets of the whole picture, every level weighed as pictures are."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from l2o.optimizees.block_sensing import BlockSensing
from l2o.optimizees.picture_scales import WAVELET, WHOLE, wavelets
from l2o.optimizers.protocol import Optimizer, State

TURN = 5  # pixels down, TURN + 2 to the right: by how much the grid of the wavelets is moved


class FistaWavelet(Optimizer):
    """R(x) = lam sum |c| / (mean magnitude over training pictures), c the details of symlets.

    The transform is orthogonal, so that thresholds are its proximal operator; approximations are
    free. From step to step its grid is moved over the picture (cycle spinning), which takes its
    artefacts away; the objective is then another one in each step, and FISTA not monotone.

    Source: Beck & Teboulle 2009 (FISTA); Kamilov, Bostan & Unser 2012, "Wavelet shrinkage with
    consistent cycle spinning".
    """

    name = "fista_wavelet"
    label = "FISTA, wavelets"
    reference = "Beck & Teboulle 2009; weights ours"
    hyperparameters = {"lam": 1e-4}
    ranges = {"lam": "(0, inf)"}

    def init(self, optimizee: BlockSensing, x: Tensor) -> State:
        return x, x, x.new_ones(()), torch.zeros((), dtype=torch.long)

    def step(self, optimizee: BlockSensing, state: State) -> State:
        x, z, t, done = state
        new = self.proximal(optimizee, z - optimizee.gradient(z), int(done))
        following = (1 + torch.sqrt(1 + 4 * t * t)) / 2
        return new, new + ((t - 1) / following) * (new - x), following, done + 1

    def proximal(self, optimizee: BlockSensing, v: Tensor, turn: int) -> Tensor:
        """Return pictures with thresholded details, on a grid that was moved ``turn`` times."""
        import pywt

        _, height, width = v.shape
        whole = pad(v[:, None], (0, -width % WHOLE, 0, -height % WHOLE), mode="replicate")[:, 0]
        moved = (turn * TURN % WHOLE, turn * (TURN + 2) % WHOLE)
        whole = torch.roll(whole, moved, (1, 2)).numpy()
        low, *levels = wavelets(whole)
        thresholds = self.hyper["lam"] / np.maximum(optimizee.scales["wavelet"], 1e-6)
        kept = [
            tuple(
                pywt.threshold(values, whole.dtype.type(threshold), "soft")
                for values, threshold in zip(details, row, strict=True)
            )
            for details, row in zip(levels, thresholds, strict=True)
        ]
        found = pywt.waverec2([low, *kept], WAVELET, "periodization")
        back = torch.roll(torch.from_numpy(found), (-moved[0], -moved[1]), (1, 2))
        return back[:, :height, :width].to(v)
