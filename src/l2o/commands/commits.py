"""The commit that is checked out, as far as commands have to name one."""

from __future__ import annotations

import subprocess
from pathlib import Path

from l2o.errors import InputError

DECIDE = ("src", "params", "data", "workflow", "Snakefile", "requirements.lock")  # of results


def head(clone: Path = Path()) -> str:
    """Return the commit that is checked out in a clone.

    Raises
    ------
    InputError : it is no clone, or has no commit.
    """
    try:
        return _git(clone, "rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError) as error:
        raise InputError(clone, "", "is no clone: it has no commit", "name one") from error


def head_of_clean_tree(clone: Path = Path()) -> str:
    """Return the commit of a clone in which nothing that decides results differs from it.

    Raises
    ------
    InputError : as :func:`head`, or something differs.
    """
    commit = head(clone)
    if changed := _git(clone, "status", "--porcelain", "--", *DECIDE):
        first = changed.splitlines()[0].strip()
        problem = f"differs from its commit, first in {first.split()[-1]}"
        raise InputError(clone, "", problem, "commit what results were made with")
    return commit


def _git(clone: Path, *words: str) -> str:
    run = ["git", "-C", str(clone), *words]
    return subprocess.run(run, capture_output=True, text=True, check=True).stdout.rstrip()
