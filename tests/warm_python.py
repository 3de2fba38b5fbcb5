"""A process that has imported what jobs import, and forks itself for each: most of a small job's
time is imports.

Jobs stay processes, which Snakemake starts as always: ``warm/sitecustomize.py`` has them done here.
The package itself is imported by each job anew, from the copy of the repository that it is in.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from functools import cache
from pathlib import Path

# Third-party packages, and the parts of them that are imported late.
WARM = ("torch", "numpy", "pandas", "seaborn", "h5py", "click", "yaml", "snakemake.cli")
WARM += ("pydantic.fields", "pydantic.types", "matplotlib.backends.backend_pdf", "fontTools.subset")
COLD = {"L2O_TEST_SERVER": ""}  # an environment in which programs start as users start them
FOLDER = Path(__file__).parent / "warm"
LONGEST = 1 << 20  # bytes of a request


def forked(request: dict, streams: list[int], others: list[socket.socket]) -> None:
    """Do what the program would do that asks, and end."""
    for at, stream in enumerate(streams):
        os.dup2(stream, at)
    for stream in streams:
        os.close(stream)
    for other in others:
        other.close()
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    os.umask(request["mask"])
    sys.argv[:] = request["argv"]
    searched = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:] = [*filter(None, searched), *sys.path]
    code = 0
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def asked(asking: socket.socket) -> tuple[dict, list[int]]:
    """Return what a program asks for: a line of JSON, and its standard streams."""
    text, streams, _, _ = socket.recv_fds(asking, LONGEST, 3)
    while not text.endswith(b"\n"):
        if not (more := asking.recv(LONGEST)):
            break
        text += more
    return json.loads(text), streams


def serve(door: socket.socket) -> None:
    """Fork for whoever asks, until the tests have ended, which standard input tells.

    A job whose program is killed is killed as well.
    """
    running: dict[socket.socket, tuple[int, int]] = {}
    with selectors.DefaultSelector() as ready:
        ready.register(0, selectors.EVENT_READ)
        ready.register(door, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj == 0:
                    for pid, _ in running.values():
                        os.kill(pid, signal.SIGKILL)
                    return
                if key.fileobj is door:
                    asking, _ = door.accept()
                    request, streams = asked(asking)
                    if (pid := os.fork()) == 0:
                        ready.close()
                        forked(request, streams, [door, asking, *running])
                    for stream in streams:
                        os.close(stream)
                    running[asking] = pid, os.pidfd_open(pid)
                    ready.register(asking, selectors.EVENT_READ)
                    ready.register(running[asking][1], selectors.EVENT_READ, asking)
                elif key.data is None:  # the program has been killed
                    os.kill(running[key.fileobj][0], signal.SIGKILL)
                    ready.unregister(key.fileobj)
                else:
                    finish(key.data, *running.pop(key.data), ready)


def finish(asking: socket.socket, pid: int, handle: int, ready: selectors.BaseSelector) -> None:
    """Tell the program how its job has ended."""
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    ready.unregister(handle)
    os.close(handle)
    with contextlib.suppress(KeyError):
        ready.unregister(asking)
    with contextlib.suppress(OSError), asking:  # the program may be dead
        asking.send(bytes([code if code >= 0 else 128 - code]))


@cache
def address(starter: tuple[str, ...]) -> str:
    """Start the server with the rights that ``starter`` leaves; return where it listens."""
    folder = tempfile.TemporaryDirectory(prefix="l2o", ignore_cleanup_errors=True)
    path = f"{folder.name}/door"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen(64)
        command = [*starter, sys.executable, __file__, str(door.fileno())]
        alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # to be forked
        server = subprocess.Popen(
            command, stdin=subprocess.PIPE, pass_fds=[door.fileno()], env=alone
        )

    @atexit.register
    def end() -> None:
        server.communicate()
        folder.cleanup()

    return path


def served(starter: list[str]) -> dict[str, str]:
    """Return what the environment of a program needs for its jobs to be done here."""
    if not hasattr(os, "pidfd_open"):  # it is Linux's
        return {}
    return {"L2O_TEST_SERVER": address(tuple(starter))}


if __name__ == "__main__":
    sys.path[:] = sys.path[1:]  # a job is to find nothing of the tests
    for name in WARM:
        importlib.import_module(name)
    gc.freeze()  # so that forks share its memory
    serve(socket.socket(fileno=int(sys.argv[1])))
