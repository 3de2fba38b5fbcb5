"""The environment of a computation: deterministic, its threads from the parameters alone."""

from __future__ import annotations

import os
import subprocess
import sys

CODE = """
import sys
import numpy, torch
from threadpoolctl import threadpool_info
from l2o.compute import prepare_device

assert prepare_device("cpu", 1).type == "cpu"
assert torch.get_num_threads() == 1
assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {1}
assert torch.get_deterministic_debug_mode() == 2  # an error, not a warning
assert torch.are_deterministic_algorithms_enabled()
assert not torch.is_deterministic_algorithms_warn_only_enabled()
assert torch.utils.deterministic.fill_uninitialized_memory
assert torch.tensor([1e-40]).mul(1.0).item() == 0.0  # no denormal numbers
assert "torch._inductor.config" not in sys.modules  # half a second of imports
"""


def test_a_computation_is_deterministic_whatever_the_machine_says():
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    subprocess.run([sys.executable, "-c", CODE], check=True, env=environment)
