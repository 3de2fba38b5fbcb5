"""The grammar of update rules: formulas of the gradient and its running means, as text and as tree.

A rule is ``b(u1(o1), u2(o2))``: two operands, a unary function of each, a binary function of both;
nested, o1 is such a rule itself. Its text is its formula, such as ``exp(sign(g) * sign(m)) * g``,
and is read back to the same tree. Source: Bello, Zoph, Vasudevan & Le 2017 (Neural Optimizer
Search), section 4, less x^y; what each name computes is in :mod:`l2o.optimizers.update_rules`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from numpy.random import Generator

from l2o.errors import InputError

OPERANDS = (
    *("g", "g^2", "g^3", "m", "v", "gamma", "1", "2", "noise"),
    *("0.0001w", "0.001w", "0.01w", "0.1w", "adam", "rmsprop", "ld", "cd", "rd"),
)
NUMBERS = {"clip": ("0.00001", "0.0001", "0.001"), "drop": ("0.1", "0.3", "0.5")}
UNARY = (
    *(("-", ""), ("exp", ""), ("log", ""), ("sqrt", ""), ("sign", "")),
    *((name, number) for name, numbers in NUMBERS.items() for number in numbers),
)
BINARY = ("+", "-", "*", "/")
LONGEST = 100  # tokens of a formula
TRIES = 100  # changes of which one fits the grammar
_TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?w|g\^\d+|\d+(?:\.\d+)?|[A-Za-z]+|[()+*/,-])")


@dataclass(frozen=True)
class Term:
    """An operand, or a function of one or two terms.

    Parameters
    ----------
    name : of the operand or the function
    parts : what it is a function of
    number : of ``clip`` and ``drop``
    """

    name: str
    parts: tuple[Term, ...] = ()
    number: str = ""

    def __str__(self) -> str:
        """Return the formula: binary functions inside of binary ones are in brackets."""
        if not self.parts:
            return self.name
        if len(self.parts) == 2:
            left, right = map(_bracketed, self.parts)
            return f"{left} {self.name} {right}"
        (part,) = self.parts
        if self.name == "-":
            return f"-{_bracketed(part)}"
        return f"{self.name}({part}{f', {self.number}' if self.number else ''})"

    def walk(self) -> Iterator[tuple[tuple[int, ...], Term]]:
        """Yield all terms in it, itself first, each with the way to it."""
        yield (), self
        for at, part in enumerate(self.parts):
            for way, term in part.walk():
                yield (at, *way), term

    def replaced(self, way: tuple[int, ...], new: Term) -> Term:
        """Return it with another term at the end of a way."""
        if not way:
            return new
        parts = [*self.parts]
        parts[way[0]] = parts[way[0]].replaced(way[1:], new)
        return Term(self.name, tuple(parts), self.number)

    @property
    def operands(self) -> frozenset[str]:
        """The names of the operands in it."""
        return frozenset(term.name for _, term in self.walk() if not term.parts)


def _bracketed(term: Term) -> str:
    return f"({term})" if len(term.parts) == 2 else str(term)


# As in the paper the signs are operands, too: of an operand there is one unary function.
CHOICES = (*map(Term, OPERANDS), Term("sign", (Term("g"),)), Term("sign", (Term("m"),)))


def fits(term: Term, nested: int) -> bool:
    """Say whether a term is a rule of the grammar, nested at most so many times."""
    if len(term.parts) == 2:
        left, right = term.parts
        return _is_leg(left, nested) and _is_leg(right, 0)
    return _is_leg(term, nested)


def _is_leg(term: Term, nested: int) -> bool:
    """Say whether it is a unary function, or none, of an operand or of a nested rule."""
    if term in CHOICES:
        return True
    inner = term.parts[0] if len(term.parts) == 1 else term
    return inner in CHOICES or (nested > 0 and fits(inner, nested - 1))


def drawn_rule(random: Generator, nested: int) -> Term:
    """Return a rule, every part of it uniform; each nesting that is left is taken or not."""
    deeper = nested > 0 and random.integers(2) == 1
    left = _drawn_leg(random, drawn_rule(random, nested - 1) if deeper else None)
    at = int(random.integers(len(BINARY) + 1))
    return left if at == len(BINARY) else Term(BINARY[at], (left, _drawn_leg(random)))


def _drawn_leg(random: Generator, inner: Term | None = None) -> Term:
    inner = inner or CHOICES[random.integers(len(CHOICES))]
    at = int(random.integers(len(UNARY) + 1))
    return inner if at == len(UNARY) else _function(at, inner)


def _function(at: int, part: Term) -> Term:
    name, number = UNARY[at]
    return Term(name, (part,), number)


def mutated(term: Term, random: Generator, nested: int) -> Term:
    """Return a rule that differs in one place: another operand or function, one less, one more."""
    for _ in range(TRIES):
        places = [*term.walk()]
        way, place = places[random.integers(len(places))]
        grown = random.integers(3) == 0
        new = term.replaced(way, _grown(place, random) if grown else _altered(place, random))
        if new != term and fits(new, nested):
            return new
    return drawn_rule(random, nested)


def _grown(term: Term, random: Generator) -> Term:
    """Return a function of a term, alone or with a second operand."""
    if random.integers(2):
        return _function(int(random.integers(len(UNARY))), term)
    return Term(BINARY[random.integers(len(BINARY))], (term, _drawn_leg(random)))


def _altered(term: Term, random: Generator) -> Term:
    """Return another operand, another function of the same, or a part of it alone."""
    if not term.parts:
        return CHOICES[random.integers(len(CHOICES))]
    if random.integers(2):
        return term.parts[random.integers(len(term.parts))]
    if len(term.parts) == 1:
        return _function(int(random.integers(len(UNARY))), term.parts[0])
    at = int(random.integers(len(BINARY) + 1))
    if at == len(BINARY):
        return Term(term.name, term.parts[::-1])
    return Term(BINARY[at], term.parts)


def parsed(formula: str, source: str | Path = "update rule") -> Term:
    """Return the term of a formula, nested however often.

    Brackets and precedence are as usual; ``log`` and ``sqrt`` are of absolute values.

    Parameters
    ----------
    source : where the formula is from, for the message

    Raises
    ------
    InputError : a name or number that is none of the grammar's, a bracket that does not fit, or
        more than :data:`LONGEST` parts.
    """
    return _Reader(formula, source).whole()


class _Reader:
    """Reads a formula from left to right."""

    def __init__(self, formula: str, source: str | Path) -> None:
        self.formula, self.source = formula, source
        self.tokens, at = [], 0
        while at < len(formula.rstrip()):
            if (match := _TOKEN.match(formula, at)) is None:
                self._fail(f"`{formula[at:].strip()[0]}` is nothing that a formula has")
            self.tokens.append(match[1])
            at = match.end()
        if len(self.tokens) > LONGEST:
            self._fail(f"is of {len(self.tokens)} parts, and {LONGEST} are allowed")
        self.tokens.reverse()

    def whole(self) -> Term:
        term = self._sum()
        if self.tokens:
            self._fail(f"`{self.tokens[-1]}` does not belong there")
        return term

    def _next(self) -> str:
        return self.tokens[-1] if self.tokens else ""

    def _expect(self, token: str) -> None:
        if self._next() != token:
            found = f"`{self._next()}`" if self.tokens else "its end"
            self._fail(f"`{token}` is missing before {found}")
        self.tokens.pop()

    def _sum(self) -> Term:
        term = self._product()
        while self._next() in ("+", "-"):
            term = Term(self.tokens.pop(), (term, self._product()))
        return term

    def _product(self) -> Term:
        term = self._factor()
        while self._next() in ("*", "/"):
            term = Term(self.tokens.pop(), (term, self._factor()))
        return term

    def _factor(self) -> Term:
        if not self.tokens:
            self._fail("ends where an operand is missing")
        token = self.tokens.pop()
        if token == "-":
            return Term("-", (self._factor(),))
        if token == "(":
            term = self._sum()
            self._expect(")")
            return term
        if token in OPERANDS:
            return Term(token)
        if token not in {name for name, _ in UNARY}:
            self._fail(f"`{token}` is no operand and no function")
        self._expect("(")
        part, number = self._sum(), ""
        if token in NUMBERS:
            self._expect(",")
            number = self._number(token)
        self._expect(")")
        return Term(token, (part,), number)

    def _number(self, name: str) -> str:
        found = self.tokens.pop() if self.tokens else ""
        if found not in NUMBERS[name]:
            self._fail(f"{name} takes {', '.join(NUMBERS[name])}, not `{found}`")
        return found

    def _fail(self, problem: str) -> NoReturn:
        shown = " ".join(self.formula.split())[:80]
        remedy = (
            f"write +, -, *, / and brackets; operands are {', '.join(OPERANDS)}; functions exp, "
            "log, sqrt, sign, clip(x, 0.001), drop(x, 0.3)"
        )
        raise InputError(self.source, "formula", f"`{shown}`: {problem}", remedy)
