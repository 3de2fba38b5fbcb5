"""Files fetched from elsewhere: a list of SHA-256 sums, downloads, and a place for what is right.

Sources yield :class:`Found` records and verify nothing: :func:`verified` does, and only what passes
it is ever placed.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import stat
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from l2o.errors import InputError
from l2o.storage.atomic import written_aside
from l2o.storage.paths import readable

MIRROR_VARIABLE = "L2O_IMAGE_MIRROR"
NAME_A_MIRROR = (
    f"name a folder with the images in the environment variable {MIRROR_VARIABLE} "
    "or under the config key image_mirror"
)
TRY_AGAIN = f"try again, or {NAME_A_MIRROR}"
REPAIR_THE_MIRROR = "repair the mirror, or leave it out to download the images"
TIMEOUT_S = 60.0
BLOCK_BYTES = 1 << 18


class Found(NamedTuple):
    """A file as its source holds it, and how to speak of it in an error message."""

    name: str  # as in the list of sums, such as train/12003.jpg
    content: bytes
    file: str  # the file or address it came from
    key: str  # its name in there; "" if that file is all of it
    remedy: str  # what to do if the content is wrong


def read_sums(sums: Path, pattern: str, form: str) -> dict[str, str]:
    """Return {name: SHA-256}, sorted by name, from lines such as ``<hex>  train/12003.jpg``.

    Parameters
    ----------
    sums : the list, as ``sha256sum`` writes it
    pattern : regular expression of the names that may be in it
    form : the same, as an error message shows it

    Raises
    ------
    InputError : the file is missing, empty or has a line of another form (line number as the key).
    """
    remedy = "restore the file from the repository"
    try:
        lines = Path(sums).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(sums, "", f"cannot be read ({error})", remedy) from error
    found = {}
    for number, line in enumerate(lines, 1):
        match = re.fullmatch(rf"([0-9a-f]{{64}})  ({pattern})", line)
        if match is None:
            problem = f"{line!r} is not '<64 hex digits>  {form}'"
            raise InputError(sums, f"line {number}", problem, remedy)
        found[match[2]] = match[1]
    if not found:
        raise InputError(sums, "", "names no file", remedy)
    return dict(sorted(found.items()))


def still_wanted(folder: Path, sums: dict[str, str]) -> dict[str, str]:
    """Return those of ``sums`` whose files are not in ``folder`` or are wrong there."""
    return {name: digest for name, digest in sums.items() if not _is_right(folder / name, digest)}


def verified(files: Iterable[Found], sums: dict[str, str]) -> Iterator[Found]:
    """Yield ``files`` for as long as they have the right sums.

    Raises
    ------
    InputError : a file has a wrong sum; or whatever its source raises.
    """
    for file in files:
        found = hashlib.sha256(file.content).hexdigest()
        if found != sums[file.name]:
            problem = f"has the SHA-256 {found}, not {sums[file.name]}"
            raise InputError(file.file, file.key or "SHA-256", problem, file.remedy)
        yield file


def place(file: Found, folder: Path) -> None:
    """Put a verified file into ``folder`` atomically.

    Raises
    ------
    InputError : the disk is full or the folder cannot be written.
    """
    with written_aside(folder / file.name) as aside:
        aside.write_bytes(file.content)


def chosen_mirror(mirror: str | Path | None) -> Path | None:
    """Return the folder ``mirror``, or the one that the environment names, or None for no mirror.

    Raises
    ------
    InputError : it is no folder that can be read.
    """
    named = mirror or os.environ.get(MIRROR_VARIABLE)
    if not named:
        return None
    return readable(named, stat.S_IFDIR, "folder", NAME_A_MIRROR)


def content_in_mirror(path: Path) -> bytes:
    """Return the content of a file of a mirror.

    Raises
    ------
    InputError : it is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise InputError(path, "image_mirror", problem, REPAIR_THE_MIRROR) from error


def download(url: str, target: Path, title: str) -> None:
    """Stream ``url`` to the file ``target``, which appears only once it is complete.

    Raises
    ------
    InputError : as :func:`received`, and on a full disk.
    """
    # Network errors become InputErrors inside received: what written_aside sees is the disk's.
    with written_aside(target) as aside, aside.open("wb") as file:
        for block in received(url, title):
            file.write(block)


def received(url: str, title: str, most_bytes: int | None = None) -> Iterator[bytes]:
    """Yield the blocks of a download, under a progress bar with a title.

    Raises
    ------
    InputError : no network, a refusal, a connection that ends early, or more than ``most_bytes``.
    """
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:
            length = response.headers.get("Content-Length")
            total, got = int(length) if length else None, 0
            # disable=None: a progress bar on a terminal only
            with tqdm(total=total, unit="B", unit_scale=True, desc=title, disable=None) as bar:
                while block := response.read(BLOCK_BYTES):
                    got += len(block)
                    if most_bytes is not None and got > most_bytes:
                        raise InputError(url, "", f"sends over {most_bytes} bytes", TRY_AGAIN)
                    bar.update(len(block))
                    yield block
    except InputError:
        raise
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it holds the connection
        raise InputError(url, "", f"cannot be downloaded ({error})", NAME_A_MIRROR) from error
    if total is not None and got < total:  # read() with a size does not complain of this itself
        raise InputError(url, "", f"ended after {got} of {total} bytes", TRY_AGAIN)


def _is_right(path: Path, digest: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == digest
    except OSError:  # absent or unreadable: fetched anew
        return False
