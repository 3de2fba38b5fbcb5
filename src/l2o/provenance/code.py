"""What a piece of code consists of: its statements without comments and layout, and its imports.

A definition is taken with all that it can use of its module, see :mod:`l2o.provenance.pieces`.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from l2o.provenance.pieces import ASSIGNMENTS, Piece, split

DOCSTRINGS_READ = re.compile(rb"__doc__|getdoc")


class Import(NamedTuple):
    """An import as it is written.

    Parameters
    ----------
    level : number of leading dots
    module : after ``from``, or after ``import``
    name : after ``from ... import``; "" for ``import module``
    """

    level: int
    module: str
    name: str


class Examined(NamedTuple):
    """The hash of a piece of code, and what it imports."""

    code: str
    imported: tuple[Import, ...]


class Code:
    """The code of a module.

    Parameters
    ----------
    source : the bytes of its file

    Raises
    ------
    SyntaxError : they are no Python.
    """

    def __init__(self, source: bytes) -> None:
        tree = ast.parse(source)
        if not DOCSTRINGS_READ.search(source):
            _drop_docstrings(tree)
        self._statements = [node for node in tree.body if not _only_for_types(node)]

    def whole(self) -> Examined:
        """Return what all of it consists of."""
        return _examined(self._statements)

    def definition(self, name: str) -> Examined:
        """Return what one definition and all that it can use here consist of.

        Raises
        ------
        AttributeError : nothing here defines ``name``.
        """
        defined = {bound for piece in self._pieces for bound in piece.binds}
        if name not in defined:
            if defined & {"*", "__getattr__"}:  # it may come from there
                return self.whole()
            raise AttributeError(f"nothing defines {name}")
        kept: set[int] = set()
        wanted = {name}
        while more := {
            i for i, p in enumerate(self._pieces) if i not in kept and p.counts(wanted, self._used)
        }:
            kept |= more
            for piece in (self._pieces[i] for i in more):
                wanted |= piece.uses
                if piece.looks_up:
                    return self.whole()
        return _examined([self._pieces[i].node for i in sorted(kept)])

    @cached_property
    def _pieces(self) -> list[Piece]:
        pieces = [Piece.of(node) for statement in self._statements for node in split(statement)]
        variables = {n for p in pieces if isinstance(p.node, ASSIGNMENTS) for n in p.binds}
        return [piece._replace(changes=piece.changes & variables) for piece in pieces]

    @cached_property
    def _used(self) -> set[str]:
        """All names that anything here uses."""
        return {name for piece in self._pieces for name in piece.uses}


def _only_for_types(node: ast.stmt) -> bool:
    """Say whether a statement is an ``if TYPE_CHECKING:``, which never runs."""
    named = isinstance(node, ast.If) and getattr(node.test, "attr", getattr(node.test, "id", ""))
    return named == "TYPE_CHECKING" and not node.orelse


def _drop_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            node.body = body[1:] or [ast.Pass()]


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _examined(statements: list[ast.stmt]) -> Examined:
    code = "\n".join(map(ast.unparse, statements))
    imported = dict.fromkeys(found for part in statements for found in _imports(part))
    return Examined(hashlib.sha256(code.encode()).hexdigest(), tuple(imported))


def _imports(tree: ast.AST) -> Iterator[Import]:
    """Yield all imports in a piece of code, also those inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(0, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (Import(node.level, node.module or "", alias.name) for alias in node.names)
