"""The gallery: scripts of ``examples/``, run while the site is built and shown cell by cell.

A script begins with a docstring, title first. A line ``# %%`` begins a cell; comments right below
it are its text. What a cell prints, and figures of Matplotlib that it leaves open, follow it.

``python -m l2o.site.examples SCRIPT FOLDER`` runs a script and writes ``cells.json`` and pictures.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l2o.errors import InputError

SCRIPTS = Path("examples")
PATIENCE = 900  # seconds for one script, on a busy machine
_CELL = re.compile(r"^# %%.*\n?", re.M)
_DPI = 110


@dataclass(frozen=True)
class Cell:
    """A cell: its text (Markdown), its code, and the line of the script that the code begins at."""

    text: str
    code: str
    line: int


def split(script: str) -> tuple[str, list[Cell]]:
    """Return the docstring of a script and its cells.

    Raises
    ------
    SyntaxError : it is no Python.
    """
    tree = ast.parse(script)
    first = tree.body[0].end_lineno if ast.get_docstring(tree) is not None else 0
    lines = script.splitlines(keepends=True)
    rest, cells, line = "".join(lines[first:]), [], first + 1
    for number, part in enumerate(_CELL.split(rest)):
        line += number > 0
        text, code = _parted(part)
        if text or code.strip():
            cells.append(Cell(text, code, line + len(part.splitlines()) - len(code.splitlines())))
        line += len(part.splitlines())
    return ast.get_docstring(tree) or "", cells


def _parted(part: str) -> tuple[str, str]:
    """Return the comment that a cell begins with, as text, and the code below."""
    lines = part.splitlines(keepends=True)
    count = next((at for at, line in enumerate(lines) if not line.startswith("#")), len(lines))
    text = "".join(line[1:].removeprefix(" ") for line in lines[:count])
    return text.strip(), "".join(lines[count:])


def run(script: Path, folder: Path) -> None:
    """Run a script cell by cell; write what comes of it to a folder."""
    import matplotlib

    matplotlib.use("agg")
    _, cells = split(script.read_text(encoding="utf-8"))
    space: dict[str, Any] = {"__name__": "__main__", "__file__": str(script)}
    shown = []
    for number, cell in enumerate(cells):
        code = compile("\n" * (cell.line - 1) + cell.code, str(script), "exec")
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, space)
        pictures = list(_pictures(folder, number))
        output = printed.getvalue()
        shown.append({"text": cell.text, "code": cell.code.strip("\n"), "output": output})
        shown[-1]["pictures"] = pictures
    (folder / "cells.json").write_text(json.dumps(shown), encoding="utf-8")


def _pictures(folder: Path, number: int) -> Iterator[str]:
    """Save all open figures and close them; yield their names."""
    import matplotlib.pyplot as plt

    for figure in map(plt.figure, plt.get_fignums()):
        name = f"{number}_{figure.number}.png"
        figure.savefig(folder / name, dpi=_DPI, bbox_inches="tight")
        yield name
    plt.close("all")


def executed(script: Path, folder: Path) -> list[dict[str, Any]]:
    """Run a script in a process of its own; return its cells as :func:`run` writes them.

    Raises
    ------
    InputError : the script fails, or takes longer than :data:`PATIENCE`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "l2o.site.examples", str(script), str(folder)]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            text=True,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(script, "", f"ran for {PATIENCE} s", "make it shorter") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        problem = lines[-1] if lines else f"ended with {done.returncode}"
        raise InputError(script, "", problem, f"run `python {script}`")
    return json.loads((folder / "cells.json").read_text(encoding="utf-8"))


def page(script: Path, cells: list[Mapping[str, Any]]) -> str:
    """Return the page of a script: text, code, what it printed, pictures."""
    title, _, text = split(script.read_text(encoding="utf-8"))[0].partition("\n")
    parts = [f"# {title.rstrip('.')}", text.strip()]
    for cell in cells:
        parts += [cell["text"], f"```python\n{cell['code']}\n```" if cell["code"].strip() else ""]
        if cell.get("output"):
            parts.append(f'```text title="prints"\n{cell["output"].rstrip()}\n```')
        parts += [f"![]({script.stem}/{name})" for name in cell.get("pictures", ())]
    parts.append(f"The script: `{script}`.")
    return "\n\n".join(filter(None, parts)) + "\n"


def unexecuted(script: Path) -> list[dict[str, Any]]:
    """Return the cells of a script without what they print."""
    _, cells = split(script.read_text(encoding="utf-8"))
    return [{"text": cell.text, "code": cell.code.strip("\n")} for cell in cells]


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
