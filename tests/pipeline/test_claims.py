"""The claims in the pipeline: what proves their table, and when Snakemake runs them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from l2o.artifacts.proof import write_proof
from l2o.experiments.graph import DEFAULT_PRESET, Graph
from l2o.experiments.register import rooms
from real_pipeline import copy_repository, planned

pytestmark = pytest.mark.pipeline


def test_snakemake_repairs_a_set_and_the_claims_and_nothing_between(tmp_path, monkeypatch):
    """All artifacts are made up, with valid proofs: what a dry run lists is told by these alone."""
    folder = copy_repository(tmp_path / "copy")
    monkeypatch.chdir(folder)
    graph = Graph("smoke")
    for job in graph.jobs:
        for path in job.writes.values():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("made up")
            write_proof(path, job.record)
    assert planned(folder) == {}
    table, data = graph.claims.writes["csv"], Path("results/smoke/sparse_recovery/sets/coherent.h5")
    table.write_text("damaged")
    assert planned(folder) == {"claims": 1}
    assert planned(folder, "--", "fig5_all") == {}
    shutil.copy(table, data)
    assert planned(folder) == {"claims": 1, "sample": 1}
    assert planned(folder, "--", "fig5_all") == {"sample": 1, "fig5_all": 1}
    Path("reports/smoke/fig7_optima.csv").write_text("damaged")
    expected = {"claims": 1, "join": 1, "claims_all": 1}
    assert planned(folder, "--", "claims_all") == expected


def test_the_default_preset_shows_all_reports_at_the_top(tmp_path, monkeypatch):
    """With nothing asked for by name; that other presets have no copies, the test above tells."""
    folder = copy_repository(tmp_path / "copy")
    monkeypatch.chdir(folder)
    copies = [job.wildcards["file"] for job in Graph(DEFAULT_PRESET).copies]
    shown = {"fig5.pdf", "fig5.png", "fig5_table.csv", "fig5_table.md", "claims.md", "verdict.md"}
    assert shown <= {*copies}
    assert planned(folder, preset=DEFAULT_PRESET)["copy"] == len(copies) == 4 * len(rooms()) + 2
