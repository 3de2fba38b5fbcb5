"""Adam without torch's class: the same bits, and none of its imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from l2o.training.adam import Adam

STEPS = 40


def parameters() -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(s, generator=generator)) for s in ((5, 7), (), (3,))]


def descend(weights: list[torch.nn.Parameter], k: int) -> None:
    """Set gradients; the last parameter has none in every third step."""
    a, b, c = weights
    loss = (a.sum() - 1.0).square() + (a * b).sin().sum()
    (loss + (c.square().sum() if k % 3 else 0.0)).backward()


@pytest.mark.parametrize("fused", [False, True])
def test_weights_and_moments_are_those_of_torch_to_the_bit(fused):
    ours, theirs = parameters(), parameters()
    mine = Adam(ours, fused)
    its = torch.optim.Adam([{"params": [p]} for p in theirs], fused=fused or None)
    for k in range(STEPS):
        rates = [1e-2 * (k + 1), 1e-3, 5e-2]
        for group, rate in zip(its.param_groups, rates, strict=True):
            group["lr"] = rate
        mine.zero_grad(), its.zero_grad()
        descend(ours, k), descend(theirs, k)
        mine.step(rates), its.step()
    for own, other in zip(ours, theirs, strict=True):
        assert torch.equal(own, other)
        assert mine.state[own].keys() == its.state[other].keys()
        for name, moment in its.state[other].items():
            assert torch.equal(mine.state[own][name], moment)
            assert mine.state[own][name].dtype == moment.dtype


JOB = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from small_training_jobs import do, given_to

for method in ("lista_cp", "l2o_rnnprop"):
    do(given_to(Path(sys.argv[2]), method))
unused = {"pandas", "scipy", "matplotlib", "torch._dynamo", "torch._inductor", "sympy"}
assert not unused & set(sys.modules), unused & set(sys.modules)
"""


def test_a_training_imports_nothing_that_it_does_not_use(tmp_path):
    """Each of these costs a second of CPU, in every job."""
    folders = str(Path(__file__).parents[1]), str(tmp_path)
    subprocess.run([sys.executable, "-c", JOB, *folders], check=True)
