"""Progress of a training: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys


class Progress:
    """What is done of a training.

    Parameters
    ----------
    title : of the training
    total : steps or epochs that there are
    unit : their name
    quiet : show nothing
    """

    def __init__(self, title: str, total: int, unit: str, quiet: bool = False) -> None:
        self.title, self.bar, self.quiet = title, None, quiet
        if sys.stderr.isatty() and not quiet:
            from tqdm import tqdm

            self.bar = tqdm(total=total, desc=title, unit=unit)

    def show(self, done: int, text: str, line: str = "") -> None:
        """Show what is done: on a bar with a text beside it, or as a line of the log."""
        if self.bar is not None:
            self.bar.n = done
            self.bar.set_postfix_str(text)
        elif line and not self.quiet:
            print(f"{self.title}: {line}", flush=True)

    def close(self) -> None:
        """End the bar."""
        if self.bar is not None:
            self.bar.close()
