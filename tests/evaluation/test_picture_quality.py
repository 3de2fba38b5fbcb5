"""PSNR against another scorer, and what both measures refuse."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from l2o.evaluation.picture_quality import psnr, ssim


def test_quality_is_that_of_another_scorer_and_of_clipped_pictures():
    rng = np.random.default_rng(0)
    original = rng.uniform(0, 1, (32, 40))
    restored = original + 0.2 * rng.normal(size=original.shape)
    other = peak_signal_noise_ratio(original, restored.clip(0, 1), data_range=1)
    assert psnr(original, restored) == pytest.approx(other, abs=1e-9)
    assert psnr(original, original) == np.inf and ssim(original, original) == 1
    assert ssim(original, restored) < 0.97
    for measure in (psnr, ssim):
        assert measure(original, restored) == measure(original, restored.clip(0, 1))
        with pytest.raises(ValueError, match="pixels"):
            measure(original, restored[:-1])
