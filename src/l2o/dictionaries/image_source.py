"""Where the BSDS500 images come from: a local mirror, or a pinned archive on the network.

Both sources yield :class:`Found` records and verify nothing: :mod:`l2o.dictionaries.images` does.
"""

from __future__ import annotations

import http.client
import struct
import urllib.request
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from l2o.errors import InputError
from l2o.storage.atomic import written_aside

# A pinned commit. GitHub may compress it anew at any time, so the images are verified, not the zip.
ARCHIVE_URL = "https://github.com/BIDS/BSDS500/archive/a04b7c6c3a9f0ace74bf205c72a43d32e1c72722.zip"
IN_ARCHIVE = "BSDS500/data/images"
MIRROR_VARIABLE = "L2O_IMAGE_MIRROR"
NAME_A_MIRROR = (
    f"name a folder with the images in the environment variable {MIRROR_VARIABLE} "
    "or under the config key image_mirror"
)
TRY_AGAIN = f"try again, or {NAME_A_MIRROR}"
TIMEOUT_S = 60.0
BLOCK_BYTES = 1 << 18


class Found(NamedTuple):
    """An image as its source holds it, and how to speak of it in an error message."""

    name: str  # such as train/12003.jpg
    content: bytes
    file: str  # the file or address it came from
    key: str  # its name in there; "" if the file is the image
    remedy: str  # what to do if the content is wrong


def images_in_mirror(mirror: Path, names: Iterable[str]) -> Iterator[Found]:
    """Yield the images ``names`` of a local folder.

    The folder holds ``bsds500/train``, ``train`` or ``BSDS500/data/images/train`` (an unpacked
    archive), and ``test`` beside it.

    Raises
    ------
    InputError : ``mirror`` is no folder, or an image is not in it or cannot be read.
    """
    if not mirror.is_dir():
        raise InputError(mirror, "image_mirror", "is not a folder", NAME_A_MIRROR)
    layouts = [mirror / "bsds500", mirror, mirror / IN_ARCHIVE]
    source = next((layout for layout in layouts if (layout / "train").is_dir()), mirror)
    remedy = "repair the mirror, or leave it out to download the images"
    for name in names:
        path = source / name
        try:
            content = path.read_bytes()
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError(path, "image_mirror", f"cannot be read ({reason})", remedy) from error
        yield Found(name, content, str(path), "", remedy)


def images_in_archive(archive: Path, names: Iterable[str]) -> Iterator[Found]:
    """Yield the images ``names`` of the downloaded zip file ``archive``.

    Raises
    ------
    InputError : the zip is damaged, or an image is not in it.
    """
    try:
        with zipfile.ZipFile(archive) as content:
            members = {name.partition(f"{IN_ARCHIVE}/")[2]: name for name in content.namelist()}
            for name in names:
                if name not in members:
                    raise InputError(ARCHIVE_URL, name, "is not in the archive", TRY_AGAIN)
                yield Found(name, content.read(members[name]), ARCHIVE_URL, name, TRY_AGAIN)
    except InputError:
        raise
    # zipfile tells most damage by BadZipFile, some by whatever its parsing stumbles over.
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
    ) as error:
        problem = f"is not a whole zip archive ({error})"
        raise InputError(ARCHIVE_URL, "", problem, TRY_AGAIN) from error


def download(url: str, target: Path) -> None:
    """Stream ``url`` to the file ``target``, which appears only once it is complete.

    Raises
    ------
    InputError : no network, a refusal, a connection that ends early, or a full disk.
    """
    # Network errors become InputErrors inside _received: what written_aside sees is the disk's.
    with written_aside(target) as aside, aside.open("wb") as file:
        for block in _received(url):
            file.write(block)


def _received(url: str) -> Iterator[bytes]:
    """Yield the blocks of a download; every network error becomes one InputError."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:
            length = response.headers.get("Content-Length")
            total, got = int(length) if length else None, 0
            # disable=None: a progress bar on a terminal only
            with tqdm(total=total, unit="B", unit_scale=True, desc="BSDS500", disable=None) as bar:
                while block := response.read(BLOCK_BYTES):
                    got += len(block)
                    bar.update(len(block))
                    yield block
    except (OSError, http.client.HTTPException) as error:
        raise InputError(url, "", f"cannot be downloaded ({error})", NAME_A_MIRROR) from error
    if total is not None and got < total:  # read() with a size does not complain of this itself
        raise InputError(url, "", f"ended after {got} of {total} bytes", TRY_AGAIN)
