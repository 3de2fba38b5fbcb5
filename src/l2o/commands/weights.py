"""The command that shows which weights lie in the box."""

from __future__ import annotations

import json
from typing import Any

from l2o.columns import aligned
from l2o.weights import card as card_of
from l2o.weights import names, path

TABLE, END = "<!-- weights -->", "<!-- end of weights -->"
TITLES = ("name", "method", "trained on", "preset", "must reach")


def listed() -> str:
    """Return a table of all weights."""
    rows = [TITLES]
    for name in names():
        card = card_of(name)
        rows.append((name, card["method"], card["trained_on"], card["preset"], reached(card)))
    return aligned(rows)


def documented(text: str) -> str:
    """Return a page with its table of weights, between two comments, as the cards are now.

    Raises
    ------
    ValueError : there are no such comments in it.
    """
    before, _, rest = text.partition(TABLE)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"no table between {TABLE!r} and {END!r}")
    titles = ("name", "trained on", "preset", "horizon", "must reach", "measured")
    rows = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    for name in names():
        card = card_of(name)
        cells = (f"`{name}`", card["trained_on"], card["preset"], f"{card['horizon']:,}")
        rows.append(f"| {' | '.join((*cells, reached(card), card['number']['how']))} |")
    table = "\n".join(rows)
    return f"{before}{TABLE}\n\n{table}\n\n{END}{after}"


def reached(card: dict[str, Any]) -> str:
    """Return the number that weights must reach, with its name and unit."""
    number = card["number"]
    return f"{number['what']} {number['value']:.4g} {number['unit']}".rstrip()


def shown(name: str) -> str:
    """Return the card of some weights, to read.

    Raises
    ------
    InputError : no weights are called so.
    """
    card = card_of(name)
    number = card.pop("number")
    allowed = f"{number['tolerance']:g}{' dB' if number['unit'] == 'dB' else ' of it'}"
    said = {"must reach": f"{number['what']} {number['value']:.6g} {number['unit']}".rstrip()}
    said |= {"measured": number["how"], "tolerance": allowed, "file": str(path(name))}
    plain = {key.replace("_", " "): value for key, value in card.items()} | said
    rows = [
        (key, value if isinstance(value, str) else json.dumps(value))
        for key, value in plain.items()
    ]
    return aligned(rows)
