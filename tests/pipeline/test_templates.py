"""Methods and experiments from the templates: what they take, and that they are everywhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from real_pipeline import (
    REPORTS,
    ROOT,
    copy_repository,
    drop_settings,
    environment_of,
    l2o,
    snakemake,
)

pytestmark = pytest.mark.pipeline
LAYER = "        v = x + self.step[k] * (residual @ self.A)\n"
UPDATE = '        return self.hyper["scale"] * output\n'
OBJECTIVE = "        return ((x - self.b).square() + (3 * x).sin().square()).sum(dim=-1)\n"
ADDED = [f"mine{number}" for number in range(6)]


def files(folder: Path) -> set[str]:
    paths = (
        path
        for part in ("src", "params", "workflow", "data")
        for path in (folder / part).rglob("*")
    )
    return {str(p.relative_to(folder)) for p in paths if p.is_file() and p.suffix != ".pyc"}


def fill(path: Path, line: str) -> None:
    """Write the one line of mathematics in place of what the template raises."""
    lines = path.read_text().splitlines(keepends=True)
    at = next(i for i, text in enumerate(lines) if "raise NotImplementedError" in text)
    path.write_text("".join([*lines[:at], line, *lines[at + 1 :]]))


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    return copy_repository(tmp_path_factory.mktemp("templates") / "clone")


def contract(folder: Path, tests: str, *names: str) -> None:
    """Run the contract tests of what has these names, on the sources of a copy."""
    options = ("-v", "-p", "no:cacheprovider", "-x", "-k", " or ".join(names))
    command = [sys.executable, "-m", "pytest", *options, tests]
    run = subprocess.run(
        command, cwd=ROOT, env=environment_of(folder), text=True, capture_output=True, check=False
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-2000:]
    assert all(re.search(rf"{name}.* PASSED", run.stdout) for name in names)


def test_an_experiment_is_one_folder_and_one_parameter_file(clone):
    before = files(clone)
    made = l2o(clone, "new", "experiment", "ripples")
    assert made.returncode == 0, made.stderr
    added = files(clone) - before
    room = "src/l2o/experiments/ripples/"
    assert {path for path in added if not path.startswith(room)} == {"params/ripples.yaml"}
    assert len(added) <= 7
    fill(clone / room / "problem.py", OBJECTIVE)
    checked = l2o(clone, "check", "ripples", "--preset", "smoke")
    assert checked.stdout.startswith("params/ripples.yaml: valid; smoke: 1 settings, 3 methods")
    run = snakemake(clone, "--cores", "2", "--", "ripples_all")
    assert run.returncode == 0, run.stderr
    for name in ("ripples.pdf", "ripples.png", "ripples_table.md", "ripples_timings.csv"):
        assert (clone / REPORTS / name).stat().st_size > 0
    compared = pd.read_csv(clone / REPORTS / "ripples_table.csv")
    assert {*compared["method"]} == {"adam", "nag", "l2o_dm"}
    verified = l2o(clone, "verify", "--preset", "smoke", "--all")
    assert f"valid    {REPORTS}/ripples_table.csv" in verified.stdout
    listed = snakemake(clone, "--dry-run", "--quiet", "rules", "--", "all", "report_parts")
    assert listed.returncode == 0, listed.stderr
    contract(clone, "tests/experiments/test_contracts.py", "ripples")


def test_six_added_methods_and_a_setting_of_ones_own_are_built_to_the_end(clone):
    before = files(clone)
    for name in ADDED:
        assert l2o(clone, "new", "method", name).returncode == 0
        fill(clone / f"src/l2o/optimizers/unrolled/{name}.py", LAYER)
    assert len(files(clone) - before) == len(ADDED)
    params = clone / "params/fig5.yaml"
    text = params.read_text()
    own = '  own: {title: "My own", dictionary: gaussian, snr_db: 30}\n'
    text = text.replace("settings:                  # paper 4.1.1\n", f"settings:\n{own}")
    lines = "".join(f"  {name}: {{}}\n" for name in ADDED)
    params.write_text(
        text.replace("  step_lista: {lam: 0.1}\n", f"  step_lista: {{lam: 0.1}}\n{lines}")
    )
    drop_settings(params, "noiseless", "coherent")
    params.write_text(params.read_text().replace("  setting: noiseless\n", "  setting: own\n", 1))
    for other in ("fig2", "shifts"):  # what else shows a setting that is no more
        path = clone / f"params/{other}.yaml"
        path.write_text(re.sub(r"(settings: [\[{])noiseless", r"\1own", path.read_text()))
    only = ",".join([*ADDED, "alista", "ista"])
    run = snakemake(
        clone, "--cores", "2", "--config", "preset=smoke", f"methods=[{only}]", "--", "fig5_all"
    )
    assert run.returncode == 0, run.stderr
    name = "_".join(("fig5", "only", *ADDED, "alista", "ista"))
    for table in ("curves", "finals", "timings", "table"):
        rows = pd.read_csv(clone / REPORTS / f"{name}_{table}.csv")
        assert {*ADDED, "alista", "ista"} <= {*rows.loc[rows["setting"] == "own", "method"]}, table
    text = (clone / REPORTS / f"{name}_table.md").read_text()
    assert all(method.capitalize() in text for method in ADDED)


def test_a_method_passes_its_contract_after_one_line(clone):
    made = l2o(clone, "new", "method", "mine_too", "--kind", "recurrent")
    assert made.returncode == 0, made.stderr
    fill(clone / "src/l2o/optimizers/recurrent/mine_too.py", UPDATE)
    contract(clone, "tests/optimizers", ADDED[0], "mine_too")
