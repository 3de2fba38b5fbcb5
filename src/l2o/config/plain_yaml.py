"""YAML as parameter files have it: the values of JSON, in the plain words of YAML 1.2.

``yes`` and ``on`` are texts, and so is what only YAML 1.1 takes for a number or a date: 0100,
10:00, 1_000, 2021-01-01. There are no tags; a key is a text and is given once. Anchors, aliases and
merge keys (``<<``) work as usual, within bounds: what brackets or aliases blow up is refused.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from l2o.errors import InputError

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the parser in C, where there is one
DEEPEST, LARGEST = 40, 100_000  # levels; values, of which aliases repeat those that they stand for
WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")  # of 64 bits
FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")


def parsed(content: bytes, path: str | Path) -> Any:
    """Return the value of the one document in ``content``; None if there is none.

    Raises
    ------
    InputError : it is not YAML, or more than the above; ``path`` and the line are named.
    """
    try:
        return _Document(content, path).value()
    except yaml.MarkedYAMLError as error:
        text = ", ".join(filter(None, (error.context, error.problem)))
        place = f"line {error.problem_mark.line + 1}"
        raise InputError(path, place, *_no_yaml(text)) from error
    except yaml.YAMLError as error:
        raise InputError(path, "", *_no_yaml(error)) from error


def _no_yaml(why: object) -> tuple[str, str]:
    return f"is not valid YAML ({' '.join(str(why).split())})", "correct the syntax"


class _Document:
    """Builds the values of a document from what the parser finds one after another."""

    def __init__(self, content: bytes, path: str | Path) -> None:
        self.path, self.size = path, 0
        self.events = yaml.parse(content, Loader=LOADER)
        self.anchors: dict[str, tuple[Any, int]] = {}  # value and size

    def value(self) -> Any:
        next(self.events)  # the stream begins
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return None
        value = self._node(next(self.events), 0)
        next(self.events)  # the document ends
        if not isinstance(event := next(self.events), yaml.StreamEndEvent):
            raise self._fault(event, "a second document begins", "keep one")
        return value

    def _node(self, event: yaml.NodeEvent, depth: int) -> Any:
        before, self.size = self.size, self.size + 1
        if depth > DEEPEST or self.size > LARGEST:
            problem = f"more than {DEEPEST} levels or {LARGEST:,} values"
            raise self._fault(event, problem, "write what the file's comments ask for")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise self._fault(event, f"*{event.anchor} is not known yet", "name a value by &")
            value, size = self.anchors[event.anchor]
            self.size += size
            return value
        if event.tag is not None:
            raise self._fault(event, f"a tag, {event.tag}", "write the value without it")
        if isinstance(event, yaml.ScalarEvent):
            value = plain(event.value) if event.implicit[0] else event.value
        elif isinstance(event, yaml.SequenceStartEvent):
            value = [self._node(each, depth + 1) for each in self._until(yaml.SequenceEndEvent)]
        else:
            value = self._mapping(depth + 1)
        if event.anchor is not None:
            self.anchors[event.anchor] = value, self.size - before
        return value

    def _mapping(self, depth: int) -> dict[str, Any]:
        own, merged, lines = {}, {}, {}
        for event in self._until(yaml.MappingEndEvent):
            key = self._node(event, depth)
            if not isinstance(key, str):
                problem = f"the key {reprlib.repr(key)} is no text"
                raise self._fault(event, problem, "put it in quotes")
            if key in lines:
                problem = f"the key `{key}` is given twice, first in line {lines[key]}"
                raise self._fault(event, problem, "keep one")
            lines[key], value = event.start_mark.line + 1, self._node(next(self.events), depth)
            if key == "<<":
                merged = self._merged(event, value)
            else:
                own[key] = value
        return {**merged, **own}

    def _merged(self, event: yaml.NodeEvent, value: Any) -> dict[str, Any]:
        """Return the union of the mappings behind a merge key; the first of a list wins."""
        merged: dict[str, Any] = {}
        for each in reversed(value) if isinstance(value, list) else [value]:
            if not isinstance(each, dict):
                raise self._fault(event, "`<<` takes mappings only", "give *NAME of one")
            merged |= each
        return merged

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.NodeEvent]:
        return takewhile(lambda event: not isinstance(event, end), self.events)

    def _fault(self, event: yaml.Event, problem: str, remedy: str) -> InputError:
        return InputError(self.path, f"line {event.start_mark.line + 1}", problem, remedy)


def plain(text: str) -> Any:
    """Return what a plain scalar says: null, a truth value, a number, or the text itself."""
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        return int(text)
    return float(text) if FLOAT.fullmatch(text) else text
