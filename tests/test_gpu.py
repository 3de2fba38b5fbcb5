"""What a GPU computes: `make gpu-check`, on a machine that has one.

L2O_CHECKED_DEVICE=cpu runs the same checks without one, to see that they work.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest
import torch

from bench.bench_meta_training import Ours, Size, instances
from devices import build, deviations, devices_of, different, graph_on, step_times, trained
from l2o.compute import prepare_device

pytestmark = pytest.mark.gpu
DEVICE = os.environ.get("L2O_CHECKED_DEVICE", "cuda")
CORES = os.cpu_count() or 1


@pytest.fixture(scope="module", autouse=True)
def there():
    assert DEVICE == "cpu" or torch.cuda.is_available(), "no CUDA device is available"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The whole smoke graph, with all trainings on the device."""
    folder = graph_on(DEVICE, tmp_path_factory.mktemp("whole"))
    assert not (problem := build(folder, CORES, "all")), problem
    return folder


def trainings_only(whole, folder, device):
    targets = [str(path.relative_to(whole)) for path in trained(whole).values()]
    assert not (problem := build(graph_on(device, folder), CORES, *targets)), problem
    return folder


def test_all_trainings_of_the_smoke_graph_run_on_the_device(whole):
    assert len(trained(whole)) > 50 and devices_of(whole) == {DEVICE}
    assert (whole / "reports/smoke/verdict.md").is_file()


def test_two_runs_have_the_same_bytes(whole, tmp_path):
    assert not different(whole, trainings_only(whole, tmp_path, DEVICE))


def test_trainings_agree_with_those_on_the_cpu(whole, tmp_path):
    found = deviations(whole, trainings_only(whole, tmp_path, "cpu"))
    for one in found[:20]:
        print(f"{one.training:70} first {one.first:.2e} last {one.last:.2e} of {one.allowed}")
    assert len(found) > 50 and all(one.near for one in found)


def test_auto_takes_the_device():
    assert prepare_device("auto", 1).type == DEVICE or DEVICE == "cpu"


def seconds(step: Callable[[], object], device: str, turns: int = 20) -> float:
    """Return the seconds of a step, of many in a row."""
    step()
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    wait()
    began = time.perf_counter()
    for _ in range(turns):
        step()
    wait()
    return (time.perf_counter() - began) / turns


def test_times_of_steps_are_told():
    """Beside those of one thread of the CPU; a GPU need not be quicker at every size."""
    prepare_device("cpu", 1)
    there, here = (step_times(device, seconds) for device in (DEVICE, "cpu"))
    for device, found in ((DEVICE, there), ("cpu", here)):
        size = Size(batch=512)
        lasso = instances(size).to(torch.device(device))
        ours = Ours(size, lasso)
        ours.optimizer.to(device)
        with torch.device(device):
            found["l2o_dm, an unroll of 20"] = seconds(ours, device, 3)
    for name, value in there.items():
        both = f"{1e3 * value:8.2f} ms, CPU {1e3 * here[name]:8.2f} ms"
        print(f"{name:28} {both}, {here[name] / value:.2f} times as quick")
    assert all(0 < value < 60 for value in (*there.values(), *here.values()))
