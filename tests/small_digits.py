"""A tiny set of digits in the form of MNIST, and a server on this machine that can hand it out."""

from __future__ import annotations

import gzip
import hashlib
import struct
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from l2o.datasets.mnist import FILES

TRAIN_IMAGES, TRAIN_LABELS = FILES["train"]
COUNTS = {"train": 7, "test": 3}
TRAINABLE = {"train": 300, "test": 60}  # enough for minibatches of 128


def make_digits(
    counts: Mapping[str, int] = COUNTS,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images (count, 28, 28) and labels (count,), uint8, of each split."""
    random = np.random.default_rng(8)
    return {
        split: (
            random.integers(0, 256, (count, 28, 28), dtype=np.uint8),
            random.integers(0, 10, count, dtype=np.uint8),
        )
        for split, count in counts.items()
    }


def idx_files(counts: Mapping[str, int] = COUNTS) -> dict[str, bytes]:
    """The contents of the four files of those digits."""
    digits = make_digits(counts)
    return {
        name: _idx(values)
        for split, names in FILES.items()
        for name, values in zip(names, digits[split], strict=True)
    }


def _idx(values: np.ndarray) -> bytes:
    magic = 0x800 + values.ndim
    return struct.pack(f">{1 + values.ndim}I", magic, *values.shape) + values.tobytes()


def sums_of(contents: Mapping[str, bytes]) -> str:
    """The list of the SHA-256 sums of those files."""
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in contents.items()]
    return "".join(lines)


def files_in(folder: Path) -> dict[str, bytes]:
    """{name: content} of a flat folder, empty if there is none."""
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def make_mirror(folder: Path, contents: dict[str, bytes], *, packed: bool) -> Path:
    """Make a folder of those files, packed by gzip or not."""
    folder.mkdir(parents=True)
    for name, data in contents.items():
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(data) if packed else data)
    return folder


class Server:
    """A server on this machine: answers by path, the paths asked for, those it never finishes."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.hanging: set[str] = set()
        self.reached, self.released = threading.Event(), threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                body = server.answers.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                if self.path in server.hanging:
                    self.wfile.write(body[: len(body) // 2])
                    self.wfile.flush()
                    server.reached.set()
                    server.released.wait(60)
                    return
                self.wfile.write(body or b"")

            def log_message(self, *args) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def gives(self, place: str, contents: dict[str, bytes]) -> str:
        """Serve files packed by gzip under a place; return its address."""
        packed = {f"/{place}/{name}.gz": gzip.compress(data) for name, data in contents.items()}
        self.answers.update(packed)
        return f"{self.address}/{place}/"

    def close(self) -> None:
        self.released.set()
        self.http.shutdown()
        self.http.server_close()
