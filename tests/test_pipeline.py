"""The real pipeline, run by Snakemake at the smoke preset in a copy of the repository."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pandas as pd
import pytest

from l2o.storage.sets import read_dictionary
from real_pipeline import REPORTS, RESULTS, ROOT, copy_repository, snakemake

pytestmark = pytest.mark.pipeline


def planned(folder: Path) -> dict[str, int]:
    """Return how many jobs of each rule a dry run lists."""
    run = snakemake(folder, "--cores", "1", "--dry-run")
    assert run.returncode == 0, run.stderr
    table = run.stdout.split("Job stats:")[1] if "Job stats:" in run.stdout else ""
    return {rule: int(n) for rule, n in re.findall(r"^(\w+)\s+(\d+)$", table, re.M)}


@pytest.fixture
def edited(built):
    """Let a test edit a source file, and restore it afterwards."""
    kept: dict[Path, str] = {}

    def edit(path: str, old: str, new: str) -> None:
        file = built / path
        kept.setdefault(file, file.read_text())
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    yield edit
    for file, text in kept.items():
        file.write_text(text)


def test_the_smoke_graph_builds_figure_and_tables(built):
    for name in ("fig5.pdf", "fig5.png", "fig5_table.csv", "fig5_table.md", "fig5_timings.csv"):
        assert (built / REPORTS / name).stat().st_size > 0
    curves = pd.read_csv(built / REPORTS / "fig5_curves.csv")
    assert curves.groupby("setting")["method"].nunique().eq(13).all()
    assert len(pd.read_csv(built / REPORTS / "fig5_table.csv")) == 28
    assert not list((built / RESULTS / "unfinished").rglob("*.safetensors"))


def test_the_coherent_setting_stands_on_the_released_dictionary(built):
    stored = read_dictionary(built / RESULTS / "sets/coherent.h5")
    assert (stored == read_dictionary(ROOT / "data/dictionaries/bsds500.h5")).all()


def test_a_second_call_does_nothing_and_soon(built):
    start = time.monotonic()
    run = snakemake(built, "--cores", "2")
    seconds = time.monotonic() - start
    assert "Nothing to be done" in run.stdout + run.stderr
    assert seconds < 15  # 2 s on a free machine; the bound only catches heavy imports on parsing


def test_touched_files_and_new_comments_change_nothing(built, edited):
    (built / RESULTS / "sets/noiseless.h5").touch()
    edited("src/l2o/optimizers/unrolled/lista.py", "class Lista", "# A comment.\nclass Lista")
    assert planned(built) == {}


def test_editing_one_method_retrains_it_alone(built, edited):
    edited("src/l2o/optimizers/unrolled/lista.py", "torch.zeros(n, n)", "torch.zeros(n, n) + 0")
    jobs = planned(built)
    assert jobs["train"] == 4
    assert "optimizee_set" not in jobs
    assert jobs["evaluate"] == 4


def test_editing_the_figure_only_redraws(built, edited):
    edited("src/l2o/figures/fig5.py", "_TOP_DB = 6.0", "_TOP_DB = 7.0")
    assert planned(built) == {"fig5": 1, "all": 1, "total": 2}


def test_a_parameter_of_one_method_retrains_it_alone(built, edited):
    edited("params/fig5.yaml", "lamp: {alpha: 1.1}", "lamp: {alpha: 1.2}")
    assert planned(built)["train"] == 4


def test_presets_share_no_path(built):
    outputs = {}
    for preset in ("smoke", "laptop", "paper"):
        run = snakemake(built, "--summary", preset=preset)
        assert run.returncode == 0, run.stderr
        outputs[preset] = {line.split("\t")[0] for line in run.stdout.splitlines()[1:]}
        assert len(outputs[preset]) > 100
    assert not outputs["smoke"] & outputs["laptop"]
    assert not outputs["smoke"] & outputs["paper"]
    assert not outputs["laptop"] & outputs["paper"]


def test_one_core_and_eight_give_the_same_bytes(built, tmp_path):
    folder = copy_repository(tmp_path)
    wanted = [str(RESULTS / "curves/coherent.csv")]
    run = snakemake(folder, "--cores", "1", "--", *wanted)
    assert run.returncode == 0, run.stderr
    compared = [p for p in (folder / RESULTS).rglob("*") if p.suffix in (".h5", ".safetensors")]
    compared += [folder / wanted[0], *(folder / RESULTS / "histories").rglob("*.csv")]
    assert len(compared) == 1 + 9 + 1 + 9
    for path in compared:
        assert path.read_bytes() == (built / path.relative_to(folder)).read_bytes(), path


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("density: 0.1", "densty: 0.1", "did you mean `density`?"),
        ("density: 0.1", "density: 1.5", "density: Input should be less than or equal to 1"),
    ],
)
def test_bad_parameters_stop_before_any_job_with_one_clear_line(built, edited, old, new, expected):
    edited("params/fig5.yaml", old, new)
    run = snakemake(built, "--cores", "1")
    assert run.returncode != 0
    told = [line for line in run.stderr.splitlines() if expected in line]
    assert len(told) == 1
    assert "params/fig5.yaml" in told[0]
    assert "Traceback" not in run.stderr
