"""Where the BSDS500 images come from: a local mirror, or a pinned archive on the network.

Both sources verify nothing: :mod:`l2o.dictionaries.images` does.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from l2o.errors import InputError
from l2o.storage.fetching import REPAIR_THE_MIRROR, TRY_AGAIN, Found, content_in_mirror
from l2o.storage.paths import kind_at

# A pinned commit. GitHub may compress it anew at any time, so the images are verified, not the zip.
ARCHIVE_URL = "https://github.com/BIDS/BSDS500/archive/a04b7c6c3a9f0ace74bf205c72a43d32e1c72722.zip"
IN_ARCHIVE = "BSDS500/data/images"


def images_in_mirror(mirror: Path, names: Iterable[str]) -> Iterator[Found]:
    """Yield the images ``names`` of a local folder.

    The folder holds ``bsds500/train``, ``train`` or ``BSDS500/data/images/train`` (an unpacked
    archive), and ``test`` beside it.

    Raises
    ------
    InputError : an image is not in it or cannot be read.
    """
    layouts = [mirror / "bsds500", mirror, mirror / IN_ARCHIVE]
    source = next((each for each in layouts if kind_at(each / "train") == stat.S_IFDIR), mirror)
    for name in names:
        path = source / name
        yield Found(name, content_in_mirror(path), str(path), "", REPAIR_THE_MIRROR)


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
