"""The site, built by MkDocs from docs/, the examples and whatever results there are."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from l2o.errors import InputError

CONFIGURATION = Path("mkdocs.yml")
NEEDED = ("mkdocs", "material", "mkdocstrings", "plotly")
EXAMPLES = "L2O_EXAMPLES"  # whether the examples are run; also read in mkdocs.yml
_MARK = "sitemap.xml"  # is in every site
_MIB = 1 << 20


def build_site(out: Path, examples: bool = True) -> str:
    """Build the site into a folder; return what was built.

    Parameters
    ----------
    out : the folder, whose former site is replaced
    examples : run the examples, which takes about a minute; else their code alone is shown

    Raises
    ------
    InputError : MkDocs is not installed, the folder holds something else, or a page or an example
        is wrong.
    """
    if lacking := [name for name in NEEDED if find_spec(name) is None]:
        remedy = "pip install --editable '.[docs]'"
        raise InputError("l2o site", "", f"not installed: {', '.join(lacking)}", remedy)
    if out.is_dir() and any(out.iterdir()) and not (out / _MARK).is_file():
        raise InputError(out, "", "holds something that is no site", "name a new folder")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict"]
    given = {"NO_MKDOCS_2_WARNING": "1", EXAMPLES: str(examples).lower()}
    done = subprocess.run(
        [*command, "--site-dir", str(out.resolve())],
        env={**os.environ, **given},
        text=True,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise InputError(CONFIGURATION, "", _fault(lines), "correct that page")
    sizes = [path.stat().st_size for path in out.rglob("*") if path.is_file()]
    pages = len([*out.rglob("*.html")])
    return f"{out / 'index.html'}: {pages} pages, {sum(sizes) / _MIB:.1f} MiB, for any browser"


def _fault(lines: list[str]) -> str:
    """Return the line that says what is wrong: the first warning or error, or else the last one."""
    told = [line for line in lines if line.startswith(("WARNING", "ERROR", "error:"))]
    return (told or lines or ["MkDocs failed"])[0 if told else -1]
