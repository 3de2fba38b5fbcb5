"""What Snakemake is told wrongly ends in one line, before anything is planned."""

from __future__ import annotations

from pathlib import Path

import pytest

from real_pipeline import RESULTS, copy_repository, planned, snakemake

pytestmark = pytest.mark.pipeline
TARGET = str(RESULTS / "sets/noiseless.h5")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return copy_repository(tmp_path_factory.mktemp("configuration"))


@pytest.mark.parametrize(
    ("name", "old", "new", "config", "line"),
    [
        (
            *("fig5", "reference/fig5.csv", "reference/fig55.csv", []),
            "params/fig5.yaml: published_curves: data/reference/fig55.csv is no table that can be "
            "read; correct the path or the file",
        ),
        (
            *("run", "cache:", "cahce:", []),
            "params/run.yaml: cahce: unknown key; did you mean `cache`?",
        ),
        (
            *("run", "", "", ["prset=smoke"]),
            "--config: prset: unknown key; did you mean `preset`?",
        ),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(folder, name, old, new, config, line):
    path = folder / f"params/{name}.yaml"
    before = path.read_text()
    assert old in before
    path.write_text(before.replace(old, new, 1))
    run = snakemake(folder, *config, "--cores", "1", "--dry-run", "--", TARGET)
    path.write_text(before)
    assert run.returncode == 2 and run.stdout == ""
    assert [told for told in run.stderr.splitlines() if "rofile" not in told] == [f"error: {line}"]
    assert not (folder / "results").exists()


def test_a_setting_that_is_missing_has_its_default(folder):
    path = folder / "params/run.yaml"
    before = path.read_text()
    path.write_text("preset: paper\n")
    assert planned(folder, "--", TARGET) == {"sample": 1}
    path.write_text(before)
