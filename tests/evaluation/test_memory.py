"""Memory of meta-gradients: measured in processes of their own, and estimated."""

from __future__ import annotations

import math
import mmap

import numpy as np
import pytest
import torch

from conftest import told
from l2o.errors import InputError
from l2o.evaluation import memory
from l2o.evaluation.memory import MemoryModel, measure_memory, train_large
from l2o.evaluation.memory_probe import peak_mib, random_digits, resident_mib, restart_peak
from l2o.optimizees.networks import Mlp, dimension

SMALL = (784, 8, 10)  # 6,370 coordinates
HUGE = (784, 2000, 2000, 10)


def test_the_peak_begins_anew_and_is_this_process_own():
    before = resident_mib()
    restart_peak()
    block = mmap.mmap(-1, 64 << 20)  # not what this process has freed and kept
    np.frombuffer(block, np.uint8)[:] = 1
    block.close()
    assert 60 < peak_mib() - before < 100  # 64 MiB
    restart_peak()
    assert peak_mib() - resident_mib() < 10


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    """Small cases under a limit that one case exceeds by estimate."""
    cases = [(SMALL, 90), (HUGE, 20)]
    return measure_memory(cases, 1, limit_mib=2000.0, minibatch=16, reference=SMALL)


def test_checkpointing_needs_a_fraction_of_the_memory_of_each_step(rows):
    needed = {}
    for row in rows:
        if row["n"] == 6370:
            assert row["status"] == "measured" and row["seconds"] > 0
            assert row["peak_rss_mib"] - row["rss_before_mib"] == row["peak_mib"]
            needed[row["checkpointing"]] = 2**20 * row["peak_mib"] / 90 / 6370
    # Per coordinate and step: 82 numbers of 4 bytes against all activations; images beside them.
    assert 320 < needed[True] < 480
    assert 1200 < needed[False] < 1600


def test_what_is_estimated_over_the_limit_is_not_run(rows):
    plain, checkpointed = (row for row in rows if row["n"] == dimension(Mlp(HUGE, "sigmoid")))
    for row in (plain, checkpointed):
        assert row["status"] == "over limit" and math.isnan(row["seconds"])
        assert row["peak_mib"] == row["estimate_mib"] > 2000
    assert plain["peak_mib"] > 2 * checkpointed["peak_mib"]
    for row in rows:
        if row["unroll"] == 90:
            assert row["estimate_mib"] == pytest.approx(row["peak_mib"], rel=0.35)


def test_the_model_goes_through_its_two_measurements():
    pair = [{"unroll": u, "n": 2**20, "peak_mib": 300.0 * u + 50.0} for u in (2, 8)]
    model = MemoryModel.through(pair)
    assert (model.per_step, model.once) == (300.0, 50.0)
    assert model.mib(2**21, 10) == 2 * 3050.0


def test_a_measurement_that_fails_is_told(monkeypatch):
    monkeypatch.setattr(memory.sys, "executable", "/bin/false")
    with pytest.raises(InputError) as error:
        measure_memory([(SMALL, 2)], 1)
    told(error, "memory measurement", "was not measured", "784-100-10")


def test_a_training_through_an_mlp_gives_a_loss_per_meta_step_and_takes_up(tmp_path):
    digits, state = random_digits(64), tmp_path / "state.safetensors"
    small = {"widths": SMALL, "unroll": 3, "minibatch": 16}
    whole = train_large(digits, 4, 7, 1, state, "key", **small)
    assert [row["meta_step"] for row in whole.rows] == [1, 2, 3, 4]
    assert all(row["status"] == "ok" and math.isfinite(row["meta_loss"]) for row in whole.rows)
    assert {(row["n"], row["unroll"]) for row in whole.rows} == {(6370, 3)}
    assert whole.seconds > 0 and whole.peak_rss_mib > whole.peak_mib >= 0
    again = train_large(digits, 4, 7, 1, state, "key", **small)
    fresh = train_large(digits, 4, 7, 1, tmp_path / "other.safetensors", "key", **small)
    assert again.rows == fresh.rows == whole.rows
    pairs = zip(fresh.optimizer.parameters(), whole.optimizer.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_the_large_network_has_a_million_coordinates():
    assert dimension(Mlp(memory.LARGE, "sigmoid")) >= 1_000_000


def test_random_digits_are_digits():
    assert len(random_digits(5)) == 5
    assert torch.equal(random_digits(5).images, random_digits(5).images)
