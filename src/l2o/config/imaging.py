"""Parameters of an inverse problem on pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from l2o.config.nearest import unknown_key
from l2o.config.values import NonNegative, Positive, Section, Share
from l2o.errors import InputError

FOURIER = ("fourier_random", "fourier_radial", "fourier_cartesian")
NEEDED = {  # what a problem is defined by, beside its noise
    **dict.fromkeys((*FOURIER, "inpainting"), ("share",)),
    "deblurring": ("blur_size", "blur_sigma"),
}
ALL = ("share", "blur_size", "blur_sigma")


class ImagingLaw(Section):
    """What is measured of a picture; see :mod:`l2o.optimizees.imaging_draws`."""

    problem: Literal[tuple(NEEDED)]
    noise: NonNegative = Field(le=1, description="standard deviation, of pixels from 0 to 1")
    share: Share | None = Field(None, gt=0, description="of frequencies or pixels, that is known")
    blur_size: int | None = Field(None, ge=1, le=255, description="side of the blur, pixels, odd")
    blur_sigma: Positive | None = Field(None, description="its standard deviation, pixels")

    def law(self) -> dict[str, Any]:
        """Return what :func:`l2o.optimizees.imaging_draws.draw` is told."""
        return {name: getattr(self, name) for name in ("problem", "noise", *NEEDED[self.problem])}

    def check(self, path: str | Path, place: str) -> None:
        """Check what types cannot say.

        Raises
        ------
        InputError : a key is missing, or not of this problem, or a blur has no middle.
        """
        needed = NEEDED[self.problem]
        for key in ALL:
            given = getattr(self, key) is not None
            if given and key not in needed:
                raise unknown_key(path, f"{place}.{key}", ["problem", "noise", *needed])
            if not given and key in needed:
                raise InputError(path, f"{place}.{key}", "this key is missing", "give it")
        if self.blur_size is not None and self.blur_size % 2 == 0:
            problem = f"is {self.blur_size}: such a blur has no middle"
            raise InputError(path, f"{place}.blur_size", problem, "give an odd number")
