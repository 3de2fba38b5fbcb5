"""The statements of a module, and which of them a definition needs.

What a definition uses is told by Python's own tables of symbols. Where that is not enough, more
counts rather than less: statements that define nothing, definitions under decorators that may
register them, imports for their effects; and the whole module where a definition looks names up by
itself (``globals()``, ``sys.modules``, ``eval``...).
"""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterator
from typing import NamedTuple

# Decorators that leave nothing behind elsewhere; those of other names may.
PURE = (
    *("abstractmethod", "cache", "cached_property", "classmethod", "contextmanager", "dataclass"),
    *("final", "lru_cache", "no_grad", "overload", "property", "staticmethod", "wraps"),
)
LOOKING_UP = {"globals", "eval", "exec", "__import__", "__name__"}
WITHOUT_ARGUMENTS = {"vars", "locals", "dir"}  # of the module itself only when called with none

ASSIGNMENTS = (ast.Assign, ast.AnnAssign)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


class Piece(NamedTuple):
    """A statement at the top of a module.

    Parameters
    ----------
    node : the statement; an import of several names is several
    binds : names that it may define
    uses : names that it uses
    changes : variables of the module that it may change
    always : it counts whatever is wanted
    looks_up : it may use any name of the module
    """

    node: ast.stmt
    binds: frozenset[str]
    uses: frozenset[str]
    changes: frozenset[str]
    always: bool
    looks_up: bool

    @classmethod
    def of(cls, node: ast.stmt) -> Piece:
        """Return what can be told of a statement by itself."""
        nodes = [*ast.walk(node)]
        uses = frozenset([*_globals(node), *_quoted(nodes)])
        calls = any(isinstance(n, ast.Call) for n in nodes)
        changes = uses if isinstance(node, ASSIGNMENTS) and calls else frozenset()
        return cls(node, _bound(node), uses, changes, _always(node), _looks_up(nodes))

    def counts(self, wanted: set[str], used: set[str]) -> bool:
        """Say whether it belongs to the code of the ``wanted`` names."""
        if self.always or (self.binds | self.changes) & wanted:
            return True
        return isinstance(self.node, _IMPORTS) and not self.binds & used  # for its effects


def split(statement: ast.stmt) -> list[ast.stmt]:
    """Return an import as one statement a name, anything else as it is."""
    if isinstance(statement, ast.ImportFrom):
        return [ast.ImportFrom(statement.module, [a], statement.level) for a in statement.names]
    if isinstance(statement, ast.Import):
        return [ast.Import([alias]) for alias in statement.names]
    return [statement]


def _bound(node: ast.stmt) -> frozenset[str]:
    """Return the names that a statement at the top of a module may define there."""
    names: set[str] = set()
    waiting: list[ast.AST] = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, _DEFINITIONS):
            names.add(part.name)
            inner = [name for n in ast.walk(part) if isinstance(n, ast.Global) for name in n.names]
            names.update(inner)
            continue
        if isinstance(part, _IMPORTS):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in part.names}
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names.add(part.id)
        elif isinstance(part, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and part.name:
            names.add(part.name)
        waiting += ast.iter_child_nodes(part)
    return frozenset(names)


def _always(node: ast.stmt) -> bool:
    """Say whether a statement may matter to names that it does not define."""
    if isinstance(node, _DEFINITIONS):
        keywords = node.keywords if isinstance(node, ast.ClassDef) else []
        return bool(keywords) or not all(_last_name(d) in PURE for d in node.decorator_list)
    if isinstance(node, _IMPORTS):
        return "*" in _bound(node)
    if isinstance(node, ast.AnnAssign):
        return not isinstance(node.target, ast.Name)
    if isinstance(node, ast.Assign):
        return any(
            isinstance(n, ast.Attribute | ast.Subscript) for t in node.targets for n in ast.walk(t)
        )
    return not _is_alias(node)


def _is_alias(node: ast.stmt) -> bool:
    """Say whether it is ``type X = ...`` of Python 3.12."""
    return type(node).__name__ == "TypeAlias"


def _last_name(decorator: ast.expr) -> str:
    """Return ``cache`` of ``@cache``, ``@functools.cache`` and ``@cache()``."""
    inner = decorator.func if isinstance(decorator, ast.Call) else decorator
    return getattr(inner, "attr", "") or getattr(inner, "id", "")


def _looks_up(nodes: list[ast.AST]) -> bool:
    """Say whether code may use names that are not written in it."""
    for node in nodes:
        if isinstance(node, ast.Name):
            found = node.id in LOOKING_UP
        elif isinstance(node, ast.Attribute):
            found = node.attr == "modules" and _last_name(node.value) == "sys"
        else:
            bare = isinstance(node, ast.Call) and not node.args
            found = bare and _last_name(node.func) in WITHOUT_ARGUMENTS
        if found:
            return True
    return False


def _globals(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement takes from its module, as Python's compiler sees it."""
    top = symtable.symtable(ast.unparse(node), "", "exec")
    tables: list[symtable.SymbolTable] = [top]
    while tables:
        table = tables.pop()
        local = isinstance(table, symtable.Function)  # what it assigns is its own
        for symbol in table.get_symbols():
            outer = table is not top and symbol.is_global()
            if outer or (symbol.is_referenced() and not local):
                yield symbol.get_name()
        tables += table.get_children()


def _quoted(nodes: list[ast.AST]) -> Iterator[str]:
    """Yield the names in annotations that are written as strings."""
    for node in nodes:
        for field in ("annotation", "returns"):
            for part in ast.walk(getattr(node, field, None) or ast.Pass()):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield from re.findall(r"\w+", part.value)
