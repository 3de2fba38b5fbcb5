"""Examples are run cell by cell, and what they print and draw is shown under each."""

from __future__ import annotations

import json

import pytest

from l2o.errors import InputError
from l2o.site.examples import SCRIPTS, executed, page, run, split
from real_pipeline import ROOT

SCRIPT = '''"""A title.

What it is about.
"""

# %%
# Some *text*.
value = 6 * 7
print(value)

# %%
import matplotlib.pyplot as plt

plt.plot([0, 1], [value, 0])
'''


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "one.py"
    path.write_text(SCRIPT)
    return path


def test_cells_share_names_and_show_what_they_print_and_draw(script, tmp_path):
    run(script, tmp_path)
    first, second = json.loads((tmp_path / "cells.json").read_text())
    assert (first["text"], first["output"], first["pictures"]) == ("Some *text*.", "42\n", [])
    (picture,) = second["pictures"]
    assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
    text = page(script, [first, second])
    assert text.startswith("# A title\n\nWhat it is about.")
    assert "value = 6 * 7" in text and f"![](one/{picture})" in text and "\n42\n" in text


def test_an_example_that_fails_is_told_with_its_line(script, tmp_path):
    script.write_text(SCRIPT.replace("value, 0", "nothing, 0"))
    with pytest.raises(InputError, match="name 'nothing' is not defined"):
        executed(script, tmp_path / "out")
    with pytest.raises(NameError) as error:
        run(script, tmp_path)
    line = error.traceback[-1].lineno + 1
    assert "nothing" in script.read_text().splitlines()[line - 1]


@pytest.mark.parametrize("path", sorted((ROOT / SCRIPTS).glob("*.py")), ids=lambda path: path.stem)
def test_every_example_can_be_shown(path):
    about, cells = split(path.read_text(encoding="utf-8"))
    title, _, text = about.partition("\n\n")
    assert title.endswith(".") and text and len(cells) > 1
    assert all(cell.code.strip() for cell in cells)
