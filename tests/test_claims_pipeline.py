"""The claims in the pipeline: their command, what proves their table, when Snakemake runs them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from conftest import told
from l2o import claims as names
from l2o.artifacts.demand import verdicts
from l2o.artifacts.proof import Status, examine, read_proof, write_proof
from l2o.claims.common import CLAIMS
from l2o.claims.table import claims_table
from l2o.cli import main
from l2o.commands import claims as command
from l2o.errors import InputError
from l2o.steps import claims
from l2o.steps.common import DEFAULT_PRESET
from l2o.steps.figures import all_figures, all_tasks, provenance_page
from real_pipeline import ROOT, copy_repository, planned
from test_claims import fig8_curves

PRESET = "smoke"


@pytest.fixture(autouse=True)
def checkout(tmp_path, monkeypatch) -> Path:
    """A folder with the repository's parameters, in which the commands run."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for part in ("params", "data"):
        (folder / part).symlink_to(ROOT / part)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)
    return folder


def small_table(figure: str, table: str) -> pd.DataFrame:
    """The committed table of a figure, or curves as the paper tells them."""
    file = ROOT / "docs" / "paper" / f"{figure}_{table}.csv"
    return pd.read_csv(file) if file.exists() else fig8_curves()


@pytest.fixture
def tables(checkout) -> list[Path]:
    """The tables of all figures, with proofs."""
    figures = all_figures(PRESET)
    steps, paths = claims.tested_tables(figures), [*map(Path, claims.tested_paths(figures))]
    for path, ((figure, table), step) in zip(paths, steps.items(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        small_table(figure, table).to_csv(path, index=False)
        write_proof(path, step.record())
    return paths


def run(monkeypatch, capsys, *words: object) -> tuple[int, str]:
    """Return the exit code of ``l2o`` with these words, and its error."""
    monkeypatch.setattr(sys, "argv", ["l2o", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0), capsys.readouterr().err


def words(tables: list[Path], csv: str, markdown: str) -> list[object]:
    return ["claims", *tables, "--csv", csv, "--markdown", markdown, "--preset", PRESET]


def outputs(folder: Path) -> dict[str, Path]:
    return {"table": folder / "claims.csv", "table_text": folder / "claims.md"}


def test_the_command_writes_a_proven_table_the_same_twice(tables, monkeypatch, capsys):
    csv, markdown = (Path(path) for path in claims.results(PRESET))
    assert run(monkeypatch, capsys, *words(tables, csv, markdown)) == (0, "")
    figures = all_figures(PRESET)
    key = claims.claims(figures, PRESET).key
    assert all(examine(path, key).status is Status.VALID for path in (csv, markdown))
    given: dict[str, dict] = {}
    for figure, table in claims.tested_tables(figures):
        given.setdefault(figure, {})[table] = small_table(figure, table)
    pd.testing.assert_frame_equal(pd.read_csv(csv), claims_table(given), check_dtype=False)
    assert markdown.read_text("utf-8").endswith("Smoke preset: tiny sizes, for tests only.\n")
    assert run(monkeypatch, capsys, *words(tables, "again/a.csv", "again/a.md")) == (0, "")
    assert Path("again/a.csv").read_bytes() == csv.read_bytes()
    assert Path("again/a.md").read_bytes() == markdown.read_bytes()


def test_figures_and_tables_are_called_by_the_names_that_the_claims_use():
    assert set(names.FIGURES) == {claim.figure for claim in CLAIMS.values()}
    tested = claims.tested_tables(all_figures(PRESET))
    assert {("fig5", "curves"), ("fig6", "curves"), ("fig7", "curves"), ("fig7", "oracles")} <= {
        *tested
    }
    assert "reports/smoke/fig7_oracles.csv" in claims.tested_paths(all_figures(PRESET))


@pytest.mark.parametrize("status", ["stale", "corrupt", "missing"])
def test_a_table_that_is_not_valid_is_refused(status, tables, monkeypatch, capsys):
    damaged = tables[-1]
    if status == "stale":
        write_proof(damaged, read_proof(damaged) | {"key": "0" * 64})
    elif status == "corrupt":
        damaged.write_text(damaged.read_text("utf-8") + "\n", "utf-8")
    else:
        damaged.unlink()
    code, error = run(monkeypatch, capsys, *words(tables, "a.csv", "a.md"))
    assert code == 2
    assert error.startswith(f"error: {damaged}: is {status}")
    assert not Path("a.csv").exists()


def test_another_number_of_tables_is_told_with_what_is_wanted(tables, tmp_path):
    with pytest.raises(InputError) as error:
        command.write_verdicts(tables[1:], outputs(tmp_path), PRESET)
    told(error, Path("claims"), f"{len(tables) - 1} tables", "reports/smoke/fig7_oracles.csv")


def test_some_of_the_figures_are_enough(tables, tmp_path, monkeypatch):
    figures = all_figures(PRESET)
    monkeypatch.setattr(command, "all_figures", lambda preset: {"fig6": figures["fig6"]})
    given = [path for path in tables if path.name == "fig6_curves.csv"]
    command.write_verdicts(given, outputs(tmp_path), PRESET)
    table = pd.read_csv(tmp_path / "claims.csv")
    tested = table["verdict"] != "not tested"
    assert set(table.loc[tested, "figure"]) == {"fig6"}


def test_what_a_preset_means_is_told_once_or_for_each_figure():
    def figures(**notes: str) -> dict:
        return {name: SimpleNamespace(sizes=SimpleNamespace(note=n)) for name, n in notes.items()}

    assert claims.budget_note(figures(fig3="none", fig5="small", fig6="small")) == "small"
    several = figures(fig5="small", fig7="tiny", fig8="small")
    assert claims.budget_note(several) == "fig5, fig8: small; fig7: tiny"


def test_verify_and_the_page_of_provenance_cover_the_claims(tables, monkeypatch, capsys):
    figures = all_figures(PRESET)
    *_, last = all_tasks(figures, PRESET)
    assert [*map(str, last.outputs)] == claims.results(PRESET)
    assert verdicts([last])[0].status is Status.MISSING
    run(monkeypatch, capsys, *words(tables, *claims.results(PRESET)))
    assert verdicts([last])[0].status is Status.VALID
    page = provenance_page(figures, PRESET)
    assert {page.inputs[path].key for path in claims.results(PRESET)} == {last.step.key}


def test_the_verdicts_are_copied_to_the_top(tables, monkeypatch, capsys):
    run(monkeypatch, capsys, *words(tables, *claims.results(PRESET)))
    assert run(monkeypatch, capsys, "front-page", "claims", "--preset", PRESET) == (0, "")
    copy = Path("reports/claims.md")
    assert copy.read_bytes() == Path("reports/smoke/claims.md").read_bytes()
    assert verdicts([claims.front_page_task(all_figures(PRESET), PRESET)])[0].status is Status.VALID


@pytest.mark.pipeline
def test_snakemake_repairs_a_set_and_the_claims_and_nothing_between(tmp_path, monkeypatch):
    """All artifacts are made up, with valid proofs: what a dry run lists is told by these alone."""
    folder = copy_repository(tmp_path / "copy")
    monkeypatch.chdir(folder)
    figures = all_figures("smoke")
    for task in all_tasks(figures, "smoke"):
        for path in task.outputs:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("made up")
            write_proof(path, task.step.record())
    assert planned(folder) == {}
    table, data = (Path(claims.results("smoke")[0]), Path("results/smoke/fig5/sets/snr20.h5"))
    table.write_text("damaged")
    assert planned(folder) == {"claims": 1}
    assert planned(folder, "--", "fig5_all") == {}
    shutil.copy(table, data)
    assert planned(folder) == {"claims": 1, "optimizee_set": 1}
    assert planned(folder, "--", "fig5_all") == {"optimizee_set": 1, "fig5_all": 1}
    Path("reports/smoke/fig7_oracles.csv").write_text("damaged")
    expected = {"claims": 1, "fig7_oracles": 1, "claims_all": 1}
    assert planned(folder, "--", "claims_all") == expected


@pytest.mark.pipeline
def test_the_default_preset_shows_all_reports_at_the_top(tmp_path):
    """With nothing asked for by name; that other presets have no copies, the test above tells."""
    jobs = planned(copy_repository(tmp_path / "copy"), preset=DEFAULT_PRESET)
    shown = {f"{name}_front_page" for name in (*all_figures(DEFAULT_PRESET), "claims")}
    assert {rule for rule in jobs if rule.endswith("front_page")} == shown
