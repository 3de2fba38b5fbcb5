"""The benchmarks compare equal mathematics, and run."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from solve_cases import write_checkpoint

FOLDER = Path(__file__).parent / "bench"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def bench():
    return script("bench_training_step")


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


def test_the_benchmark_of_meta_training_compares_the_same_and_runs():
    module = script("bench_meta_training")
    result = module.bench(module.Size(m=5, n=10, batch=4, unroll=3), turns=2)
    assert all(value > 0 for value in result.values())
    assert "{" not in module.TABLE.format(**module.Size()._asdict(), torch="2", turns=2, **result)


def test_the_benchmark_of_network_training_compares_the_same_and_runs():
    module = script("bench_network_training")
    size = module.Size(runs=2, steps=2, count=40, size=8)
    for name in module.NETWORKS:
        result = module.bench(name, size, module.digits(size.count), turns=1)
        assert all(value > 0 for value in result.values())
        assert "{" not in module.ROW.format(name=name, **result)
    assert "{" not in module.HEAD.format(**size._asdict(), torch="2", turns=1)


def test_the_benchmark_of_a_step_runs():
    module = script("bench_optimizer_step")
    threads = torch.get_num_threads()
    rows = module.bench(module.Size(widths=(5, 4, 3), turns=1), 1)
    torch.set_num_threads(threads)
    assert [row["name"] for row in rows][:2] == ["Adam", "L2O-Scale"]
    assert "{" not in "".join(module.ROW.format(**row) for row in rows)
    lstm = module.methods("recurrent")["l2o_dm"].load()({}, torch.Generator())
    assert module.operations(lstm) == 2 * (80 * 23 + 80 * 41 + 21)


def test_the_comparison_of_learned_optimizers_runs_and_goes_on(tmp_path, monkeypatch):
    module = script("bench_learned_optimizer")
    networks = {name: pair for name, pair in module.NETWORKS.items() if "MNIST" not in name}
    monkeypatch.setattr(module, "NETWORKS", networks)
    monkeypatch.setattr(module, "RUNS", range(2))
    path = write_checkpoint(tmp_path / "w.safetensors", "l2o_scale")
    options = [str(path), "--steps", "1", "2", f"--runs={tmp_path / 'runs'}", "--threads=1"]
    options += [f"--out={tmp_path / 'table'}", "--networks", *networks]
    threads = torch.get_num_threads()
    text = module.main(options)
    torch.set_num_threads(threads)
    lines = text.splitlines()
    assert len(lines) == 2 + 3 * len(networks) and "| L2O-Scale | " in lines[4]
    assert (tmp_path / "table.csv").read_text("utf-8").count("\n") == 1 + 3 * len(networks)
    monkeypatch.setattr(module, "run", lambda *_: 1 / 0)  # all is there
    assert module.table(module.rows([*networks], [path], tmp_path / "runs", (1, 2)), (1, 2)) == text


@pytest.mark.parametrize("path", sorted(FOLDER.glob("bench_*.py")), ids=lambda path: path.stem)
def test_every_benchmark_finds_what_it_imports(path):
    assert callable(script(path.stem).main)


def test_the_benchmark_of_fits_runs(tmp_path):
    module = script("bench_fit")
    out = tmp_path / "bench.md"
    few = ["--methods=step_lista", "--budget=quick", "--layers=2", "--only=0", f"--out={out}"]
    text = module.main(few)
    assert out.read_text(encoding="utf-8") == text and "OMP" in text and "coherence" in text
    assert module.from_matlab().dtype == np.float32
