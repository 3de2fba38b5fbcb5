"""Names that nobody knows, and the nearest ones that are known."""

from __future__ import annotations

import difflib
from pathlib import Path

from l2o.errors import InputError


def unknown_key(file: str | Path, key: str, valid: list[str]) -> InputError:
    """Return the error for an unknown ``key`` where only the names ``valid`` are allowed."""
    near = difflib.get_close_matches(key.rsplit(".", 1)[-1], valid, n=1, cutoff=0.4)
    others = f"valid are {', '.join(sorted({*valid}))}" if valid else "drop it: none is valid"
    remedy = f"did you mean `{near[0]}`?" if near else others
    return InputError(file, key, "unknown key", remedy)
