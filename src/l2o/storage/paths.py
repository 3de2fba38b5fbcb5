"""Paths that users name: what lies there, and what is told where it cannot be used."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from l2o.errors import InputError

CHECK = "check the path"
SPACE = "free disk space or choose another folder"
REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), SPACE),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "ask for the permission, or use another place"),
    **dict.fromkeys((errno.EIO, errno.ESTALE), "try again, then look after disk and network"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "raise the limit, see `ulimit -n`"),
    errno.EROFS: "choose another folder",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "correct the links",
    errno.ENOMEM: "free memory",
}
STREAMS = ("/proc/", "/dev/std", "/dev/fd/")  # links to what is open: replaced, it would be lost
KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}


def refused(path: str | Path, done: str, error: OSError) -> InputError:
    """Return what is told where the system does not let a path be ``done``, such as "read"."""
    reason = error.strerror or str(error)
    remedy = REMEDIES.get(error.errno, CHECK)
    return InputError(path, "", f"cannot be {done} ({reason})", remedy)


def kind_at(path: Path, follow: bool = True) -> int:
    """Return the kind of what lies at a path, such as ``stat.S_IFREG``; 0 for nothing to be seen.

    Parameters
    ----------
    follow : whether a link is what it leads to
    """
    try:
        return stat.S_IFMT(path.stat(follow_symlinks=follow).st_mode)
    except (OSError, ValueError):
        return 0


def readable(
    path: str | Path, kind: int = stat.S_IFREG, what: str = "file", absent: str = CHECK
) -> Path:
    """Return the path of a file, or a folder, that is there and can be read.

    Parameters
    ----------
    kind : one of :data:`KINDS`
    what : lies there, in words
    absent : the remedy where nothing does

    Raises
    ------
    InputError : nothing is there, or what is no file, or one that the system does not open.
    """
    path = Path(path)
    try:
        found = stat.S_IFMT(path.stat().st_mode)
        if found == kind:  # else it is not opened: that may block, or set a device going
            os.close(os.open(path, os.O_RDONLY))
            return path
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(path, "", f"no such {what}", absent) from error
    except OSError as error:
        raise refused(path, "read", error) from error
    except ValueError as error:  # a null character
        raise InputError(repr(str(path)), "", f"is no path ({error})", CHECK) from error
    raise _other_kind(path, found, KINDS[kind])


def refuse_special(path: Path) -> None:
    """Refuse to replace what is neither a plain file nor a link.

    Raises
    ------
    InputError : a folder, a device, a pipe or a socket lies there.
    OSError : the path cannot be used at all, for example a name that is too long.
    """
    try:
        found = stat.S_IFMT(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if found not in (stat.S_IFREG, stat.S_IFLNK):
        raise _other_kind(path, found, "a file to write")


def written_to(path: Path) -> Path:
    """Return the file that is written where a user names ``path``: of a link what it leads to.

    Raises
    ------
    InputError : a link leads in a circle, to a stream, to what is no file, or to a read-only one,
        as links into a store do, whose content others count on.
    """
    if kind_at(path, follow=False) != stat.S_IFLNK:
        return path
    if any(str(each).startswith(STREAMS) for each in (path.absolute(), path.readlink())):
        raise InputError(path, "", "is a stream of this process, not a file to write", CHECK)
    target = Path(os.path.realpath(path))
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return target
    except OSError as error:
        raise refused(path, "written", error) from error
    if not stat.S_ISREG(mode):
        raise _other_kind(path, stat.S_IFMT(mode), "a file to write")
    if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        problem = f"is a link to a read-only file, {target}"
        raise InputError(path, "", problem, "remove the link, or write to another file")
    return target


def _other_kind(path: Path, found: int, wanted: str) -> InputError:
    return InputError(path, "", f"is {KINDS.get(found, 'no file')}, not {wanted}", CHECK)
