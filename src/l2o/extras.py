"""What is not installed with the package alone, and the extra that brings it."""

from __future__ import annotations

from l2o.errors import InputError

DISTRIBUTION = "l2o-benchmark"
# The extra of each module that this package imports beyond the dependencies of the base.
EXTRAS = {
    "PIL": "pipeline",
    "celer": "pipeline",
    "griffe": "docs",
    "matplotlib": "pipeline",
    "mkdocs": "docs",
    "pandas": "pipeline",
    "pywt": "pipeline",
    "seaborn": "pipeline",
    "skimage": "pipeline",
    "sklearn": "sklearn",
    "snakemake": "pipeline",
    "yaml": "pipeline",
}


def missing(error: ModuleNotFoundError) -> InputError | None:
    """Return what is told of a module that is not installed; None of any that no extra brings."""
    module = (error.name or "").split(".")[0]
    if module not in EXTRAS:
        return None
    remedy = f"install it: `pip install '.[{EXTRAS[module]}]'` in a clone of {DISTRIBUTION}"
    return InputError(module, "", "this package is not installed", remedy)
