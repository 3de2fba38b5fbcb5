"""How the reference reads the docstrings of this package: ``name : what it is``, types by Python.

The tool that the reference is made with expects a type after the colon, as numpydoc does.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_SECTION = re.compile(r"^( *)(Parameters|Returns|Raises|Attributes)\n\1-+\n", re.M)
_ITEM = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*) : (.+)$")


class Described(griffe.Extension):
    """Moves what stands after the colon of a name to where descriptions are expected."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of a module, class or function that was found."""
        if obj.docstring is not None:
            obj.docstring.value = described(obj.docstring.value)


def described(text: str) -> str:
    """Return a docstring with the descriptions in its sections on lines of their own."""
    parts = _SECTION.split(text)
    for at in range(3, len(parts), 3):
        parts[at] = _items(parts[at], parts[at - 2])
    heads = [f"{a}{b}\n{a}{'-' * len(b)}\n" for a, b in zip(parts[1::3], parts[2::3], strict=True)]
    return parts[0] + "".join(map("".join, zip(heads, parts[3::3], strict=True)))


def _items(body: str, margin: str) -> str:
    lines = []
    for line in body.split("\n"):
        found = _ITEM.match(line.removeprefix(margin)) if line.startswith(margin) else None
        lines += [f"{margin}{found[1]}", f"{margin}    {found[2]}"] if found else [line]
    return "\n".join(lines)
