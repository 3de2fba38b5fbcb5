"""The benchmark of a training step compares equal mathematics, and runs."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "bench" / "bench_training_step.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_both_forms_compute_the_same_and_the_benchmark_runs(bench, tmp_path):
    size = bench.Size(m=20, n=40, depth=4, batch=8, samples=16)
    options = [f"--{name}={value}" for name, value in size._asdict().items()]
    for method, kind in bench.CASES:
        bench.check_equal_mathematics(method, kind, size)
    out = tmp_path / "bench.md"
    text = bench.main([*options, "--repetitions=2", f"--out={out}"])
    assert out.read_text(encoding="utf-8") == text
    for label in ("LISTA-CPSS, layer 4", "ALISTA, layer 4", "LISTA-CPSS, all layers"):
        assert label in text
