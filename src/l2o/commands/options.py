"""The door of the command line: options that commands share, whose faults are told in one line."""

from __future__ import annotations

import math
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import l2o.weights as weights
from l2o.errors import InputError
from l2o.storage.paths import CHECK, readable, written_to

FORMATS = (".csv", ".h5", ".hdf5", ".json", ".mat", ".npy", ".npz", ".pdf", ".png", ".pt", ".pth")
FORMATS += (".safetensors", ".tif", ".txt")


class _Checked(click.ParamType):
    """A type of words: ``checked`` returns the value of one, or raises an InputError."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value of what was given for an option."""
        return self.checked(os.fspath(value) if isinstance(value, Path) else str(value), _of(param))

    def checked(self, text: str, option: str) -> Any:
        """Return the value of a word."""
        raise NotImplementedError


class InputPath(_Checked):
    """A file, or a folder, that is there and can be read.

    Parameters
    ----------
    what : it is, in words
    absent : the remedy where it is not there
    kind : of :data:`l2o.storage.paths.KINDS`
    """

    def __init__(self, what: str = "file", absent: str = CHECK, kind: int = stat.S_IFREG) -> None:
        self.name, self.what, self.absent, self.kind = what.split()[-1], what, absent, kind

    def checked(self, text: str, option: str) -> Path:
        return readable(_path(text, option), self.kind, self.what, self.absent)


class Trained(InputPath):
    """A trained method: a file, or the name of weights in the box where no file is called so."""

    def __init__(self) -> None:
        super().__init__(absent="check the path, or give a name that `l2o weights` lists")

    def checked(self, text: str, option: str) -> Path | str:
        if weights.has(text) and not os.path.lexists(text):
            return text
        return super().checked(text, option)


class OutputPath(_Checked):
    """A file to write, which may be there; of a link, the file that it leads to.

    Parameters
    ----------
    endings : of what is written, such as ``.h5``: a name must not end as another of
        :data:`FORMATS` does
    """

    name = "file"

    def __init__(self, *endings: str) -> None:
        self.endings = endings

    def checked(self, text: str, option: str) -> Path:
        if text.endswith(os.sep):
            raise InputError(option, "", f"{text} names a folder", "name a file")
        if self.endings and (Path(text).suffix.lower() in set(FORMATS) - {*self.endings}):
            problem = f"{text} does not end in {' or '.join(self.endings)}"
            raise InputError(option, "", problem, "name it so: that is what is written")
        return written_to(_path(text, option))


class Whole(_Checked):
    """An integer from ``least`` to ``most``."""

    name = "integer"

    def __init__(self, most: int, least: int = 1) -> None:
        self.most, self.least = most, least

    def checked(self, text: str, option: str) -> int:
        if re.fullmatch("[0-9]{1,19}", text) and self.least <= int(text) <= self.most:
            return int(text)
        problem = f"{text!r} is no whole number from {self.least} to {self.most}"
        raise InputError(option, "", problem, "give one")


class OneOf(_Checked):
    """One of some words."""

    name = "word"

    def __init__(self, *words: str) -> None:
        self.words = words

    def checked(self, text: str, option: str) -> str:
        if text in self.words:
            return text
        raise InputError(option, "", f"{text!r} is unknown", f"give {' or '.join(self.words)}")


class Real(_Checked):
    """A finite floating-point number."""

    name = "float"

    def checked(self, text: str, option: str) -> float:
        value = _number(text)
        if math.isfinite(value):
            return value
        raise InputError(option, "", f"{text!r} is not a finite number", "give one")


class Positive(_Checked):
    """A floating-point number above 0."""

    name = "float"

    def checked(self, text: str, option: str) -> float:
        value = _number(text)
        if 0 < value < math.inf:
            return value
        raise InputError(option, "", f"{text!r} is not a positive number", "give one above 0")


def _number(text: str) -> float:
    """Return a word as a number, NaN where it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _of(param: click.Parameter | None) -> str:
    return param.opts[0] if param else "value"


def _path(text: str, option: str) -> Path:
    if not text or "\0" in text:
        raise InputError(option, "", f"{text!r} names nothing", CHECK)
    return Path(text)


PRESET = click.option("--preset", default="laptop", show_default=True, help="smoke, laptop, paper")
METHODS = click.option("--methods", default="", help="only these take part, as in mine,alista")
OF_RELEASED = click.option("--released", is_flag=True, help="of all that is released instead")
FILE = InputPath()
FOLDER = InputPath("folder", kind=stat.S_IFDIR)
TRAINED = Trained()
DICTIONARY = (
    click.option(
        "--dictionary",
        type=FILE,
        help="A, (m, n), of any norms; 1 for a recurrent optimizer",
    ),
    click.option("--dictionary-key", default="", help="name of the array in that file"),
)
MEASUREMENTS = (
    click.option("--measurements", type=FILE, help="b, (samples, m)"),
    click.option("--key", default="", help="name of the array in that file"),
)
SIGNALS = (
    click.option("--signals", type=FILE, help="x, (samples, n)"),
    click.option("--signals-key", default="", help="name of the array in that file"),
)
LAM = click.option(
    "--lam", type=Positive(), help="weight of the 1-norm, for LASSO, without signals"
)
THREADS = click.option(
    "--threads", type=Whole(1024), default=1, show_default=True, help="of the CPU"
)


def given(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what gives a command these options, in this order."""

    def wrapped(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return wrapped


def _tell_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        from l2o.version import __version__

        print(f"l2o {__version__}")
        context.exit()


VERSION = click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_tell_version,
    help="Show the version and exit.",
)
