"""Files appear whole or not at all: written aside, flushed to disk, then renamed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import signal
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from types import FrameType

from l2o.storage.paths import refuse_special, refused

LONGEST = 200  # bytes of a name to which the mark of a temporary one can be added
_UNFINISHED: set[Path] = set()  # what this process is writing aside


@contextmanager
def written_aside(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it replaces ``path`` atomically.

    Whatever goes wrong, ``path`` is either its old self or the complete new file, and the
    temporary file is removed. The temporary name keeps the suffix, for writers that look at it.
    The mode is that of any new file, 0666 less the umask, whatever the old one's was: a copy that
    DVC made read-only becomes a file of its own. A link is replaced, and what it leads to kept.

    Raises
    ------
    InputError : the disk is full, the folder cannot be written, or no plain file lies there.
    """
    path = Path(path)
    aside = path.parent / _aside_name(path, uuid.uuid4().hex)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        refuse_special(path)
        mode = _usual_mode(aside)
        _UNFINISHED.add(aside)
        yield aside
        descriptor = os.open(aside, os.O_RDONLY)
        try:
            if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
                os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        aside.replace(path)
    except OSError as error:
        raise refused(path, "written", error) from error
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        _UNFINISHED.discard(aside)


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP remove what is being written aside before they end the process.

    An exception in place of that could be lost, since a signal may arrive in a destructor.
    """

    def end(number: int, frame: FrameType | None) -> None:
        for aside in [*_UNFINISHED]:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    both = (signal.SIGTERM, signal.SIGHUP)
    ours = [each for each in both if signal.getsignal(each) is signal.SIG_DFL]  # nohup ignores one
    for each in ours:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each in ours:
            signal.signal(each, signal.SIG_DFL)


def remove_leftovers(path: Path) -> None:
    """Remove what a killed process left beside ``path`` while it was writing it aside."""
    before, after = map(re.escape, _aside_name(path, "\0").split("\0"))
    with suppress(OSError):
        for file in path.parent.iterdir():
            if re.fullmatch(f"{before}[0-9a-f]{{32}}{after}", file.name) and not _is_held(file):
                file.unlink(missing_ok=True)


def hold(file: FileIO) -> None:
    """Let no other process take a file, while it is open, for what a killed one left behind."""
    with suppress(OSError):  # a file system without locks
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_held(file: Path) -> bool:
    with file.open("rb") as left:
        try:
            fcntl.flock(left, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False


def _usual_mode(path: Path) -> int:
    """Return the mode of a new file; asking the umask itself would change it for all threads."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        return stat.S_IMODE(os.fstat(descriptor).st_mode)
    finally:
        os.close(descriptor)
        path.unlink()


def _aside_name(path: Path, mark: str) -> str:
    if len(os.fsencode(path.name)) > LONGEST:
        return f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()}.{mark}{path.suffix[:8]}"
    return f".{path.stem}.{mark}{path.suffix}"
