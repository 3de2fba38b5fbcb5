"""The checks of `make gpu-check` find what they are there to find."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from devices import deviations, different

HISTORY = {"validation_loss_db": [-3.0, -9.0, -20.0], "status": ["ok"] * 3}


def copy(folder: Path, **changes: list[float]) -> Path:
    """The training of one net, as far as its files go."""
    base = folder / "results/smoke/sparse_recovery"
    history = pd.DataFrame({**HISTORY, **changes})
    for part, content in (("histories", history.to_csv(index=False)), ("checkpoints", "weights")):
        path = base / part / "noiseless" / ("alista.csv" if part == "histories" else "alista.st")
        (path.parent / ".provenance").mkdir(parents=True)
        path.write_text(content)
    return folder


def test_equal_runs_are_equal(tmp_path):
    one, other = copy(tmp_path / "a"), copy(tmp_path / "b")
    assert not different(one, other)
    (found,) = deviations(one, other)
    assert found.near and (found.first, found.last) == (0, 0)


@pytest.mark.parametrize(
    "losses", [[-3.1, -9.0, -20.0], [-3.0, -9.0, -20.6], [-3.0, -9.0, float("nan")]]
)
def test_a_training_that_goes_elsewhere_is_found(tmp_path, losses):
    one, other = copy(tmp_path / "a", validation_loss_db=losses), copy(tmp_path / "b")
    (found,) = deviations(one, other)
    assert not found.near
    assert different(one, other) == ["sparse_recovery/histories/noiseless/alista.csv"]


def test_a_missing_file_is_found(tmp_path):
    one, other = copy(tmp_path / "a"), copy(tmp_path / "b")
    (one / "results/smoke/sparse_recovery/checkpoints/noiseless/alista.st").unlink()
    assert different(one, other) == ["sparse_recovery/checkpoints/noiseless/alista.st"]


def test_what_is_no_decibel_is_compared_by_shares(tmp_path):
    losses = {"validation_loss_db": [0.0] * 3}
    one, other = (copy(tmp_path / name, **losses) for name in "ab")
    for folder, value in ((one, 1.0), (other, 1.04)):
        path = folder / "results/smoke/sparse_recovery/histories/noiseless/alista.csv"
        pd.DataFrame({"validation_loss": [1.0, value]}).to_csv(path, index=False)
    (found,) = deviations(one, other)
    assert found.near and found.last == pytest.approx(0.04 / 1.04)
