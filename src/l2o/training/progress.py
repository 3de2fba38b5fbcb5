"""Progress of a training: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm

from l2o.config.training import Training
from l2o.training.stages import Stage, schedule


class ProgressReport:
    """Called with each stage and history row; counts the steps of the whole schedule."""

    def __init__(self, title: str, budget: Training, depth: int) -> None:
        self.title, self.stages = title, schedule(depth, budget)
        total = sum(stage.steps for stage in self.stages)
        self.bar = tqdm(total=total, desc=title, unit="step", disable=not sys.stderr.isatty())

    def __call__(self, stage: Stage, row: dict[str, Any]) -> None:
        before = self.stages[: self.stages.index(stage)]
        self.bar.n = sum(earlier.steps for earlier in before) + row["step"]
        self.bar.set_postfix_str(f"{stage.title} {row['validation_loss_db']:.2f} dB")
        if self.bar.disable and row["step"] == stage.steps:
            text = f"{self.title}: {stage.title}, step {row['step']}"
            text += f", validation {row['validation_loss_db']:.2f} dB ({row['status']})"
            print(text, flush=True)

    def close(self) -> None:
        """End the bar."""
        self.bar.close()
