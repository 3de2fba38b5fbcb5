"""The reference finds what this package's docstrings say of each parameter."""

from __future__ import annotations

import pytest

griffe = pytest.importorskip("griffe")

TEXT = '''
def scaled(x: float, by: float = 2.0, name: str = "") -> float:
    """Return a number, scaled: as in ``x : by``.

    Parameters
    ----------
    x, by : numbers, the second
        over two lines
    name : of the result

    Returns
    -------
    float : x times ``by``

    Raises
    ------
    ValueError : the name is bad.
    """
'''


def test_names_types_and_descriptions_are_told_apart():
    from l2o.site.docstrings import described

    package = griffe.visit("one", filepath=None, code=TEXT)
    docstring = package["scaled"].docstring
    docstring.value = described(docstring.value)
    text, parameters, returns, raises = docstring.parse("numpy")
    assert text.value == "Return a number, scaled: as in ``x : by``."
    found = {one.name: (str(one.annotation), one.description) for one in parameters.value}
    both = "numbers, the second\nover two lines"
    assert found == {
        "x": ("float", both),
        "by": ("float", both),
        "name": ("str", "of the result"),
    }
    assert [str(one.annotation) for one in returns.value] == ["float"]
    assert [(str(e.annotation), e.description) for e in raises.value] == [
        ("ValueError", "the name is bad.")
    ]
