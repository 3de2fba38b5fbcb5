"""A plain environment with nothing but the wheel of this checkout and what that asks for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILT_FROM = ("src", "pyproject.toml", "README.md", "LICENSE")
EXAMPLE = re.compile(
    r"<!-- example: (?P<name>[\w-]+)(?: \[(?P<extra>\w+)\])? -->\s*"
    r"```(?P<language>python|sh)\n(?P<text>.*?)```",
    re.S,
)


@dataclass(frozen=True)
class Example:
    """An example of a text: a block of code after a comment such as ``<!-- example: fit -->``.

    ``<!-- example: coder [sklearn] -->`` names an extra that it needs; None for the base alone.
    """

    name: str
    extra: str | None
    language: str
    text: str


def examples(markdown: str) -> list[Example]:
    """The marked examples of a text, in their order."""
    return [Example(**match.groupdict()) for match in EXAMPLE.finditer(markdown)]


def build_wheel(folder: Path) -> Path:
    """Build the wheel from a copy, in which no earlier build has left anything."""
    source = folder / "source"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=ignored)
        else:
            source.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, source)
    words = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", *words, str(source)], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Plain:
    """A plain environment, used from a folder of its own outside of any clone."""

    folder: Path
    wheel: Path

    @property
    def packages(self) -> Path:
        """Where it has its packages."""
        (found,) = (self.folder / "environment").glob("lib/python3*/site-packages")
        return found

    @classmethod
    def create(cls, folder: Path, wheel: Path) -> Plain:
        """Install the wheel with the versions of the lock file, which say which torch is meant."""
        subprocess.run([sys.executable, "-m", "venv", folder / "environment"], check=True)
        (folder / "work").mkdir()
        made = cls(folder, wheel)
        made.install()
        return made

    def install(self, extra: str | None = None) -> None:
        """Install the wheel, and what an extra of it brings."""
        pip = self.folder / "environment/bin/pip"
        what = f"{self.wheel}[{extra}]" if extra else self.wheel
        words = [pip, "install", "--quiet", "--disable-pip-version-check", "--constraint"]
        subprocess.run([*words, ROOT / "requirements.lock", what], check=True)

    def run(self, *words: str, **more: object) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment, or of the system."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "L2O_", "VIRT"))}
        path = f"{self.folder / 'environment/bin'}{os.pathsep}{os.defpath}"
        given = {"cwd": self.folder / "work", "env": {**kept, "PATH": path}, "text": True}
        return subprocess.run(words, capture_output=True, **{**given, **more})

    def does(self, example: Example) -> subprocess.CompletedProcess[str]:
        """Run an example, with the extra that it needs."""
        if example.extra:
            self.install(example.extra)
        if example.language == "python":
            return self.run("python", "-c", example.text)
        return self.run("sh", "-e", "-c", example.text)
