"""DVC over Snakemake, with the real tools: a small repository, its clone, its experiments."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from l2o.artifacts.proof import proof_path
from l2o.experiments.graph import Graph
from real_pipeline import (
    ORDINARY,
    ROOT,
    drop_settings,
    environment_of,
    l2o,
    planned,
    snakemake,
)

pytestmark = pytest.mark.pipeline
LAMP = "params/fig5.yaml:unrolled.lamp.alpha"
METRICS = "reports/smoke/metrics/fig5.json"
ONE_NET = {"train": 1, "evaluate": 1, "time": 1, "join": 7, "figure": 4, "table": 2}
ONE_NET |= {"measure": 1, "claims": 1, "verdict": 1}


def run(folder: Path, *command: str, cache: Path | None = None) -> str:
    """Run a program in a checkout and return what it printed."""
    environment = environment_of(folder, {"L2O_CACHE": str(cache)} if cache else None)
    for name, value in (("NAME", "tester"), ("EMAIL", "tester@example.org")):
        environment |= {f"GIT_AUTHOR_{name}": value, f"GIT_COMMITTER_{name}": value}
    done = subprocess.run(
        [*ORDINARY, *command],
        cwd=folder,
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def commit(folder: Path) -> None:
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", "built")


@pytest.fixture(scope="module")
def origin(tmp_path_factory, built) -> Path:
    """A repository at the smoke preset, brought by `dvc repro` to one setting less, and pushed."""
    folder = tmp_path_factory.mktemp("dvc") / "origin"
    shutil.copytree(built, folder, ignore=shutil.ignore_patterns(".snakemake", ".l2o", "logs"))
    for name in ("dvc.yaml", ".dvcignore", ".gitignore", "requirements.lock"):
        shutil.copy(ROOT / name, folder / name)
    drop_settings(folder / "params/fig5.yaml", "coherent")
    settings = folder / "params/run.yaml"
    settings.write_text(settings.read_text().replace("preset: laptop", "preset: smoke"))
    run(folder, "git", "init", "--quiet")
    run(folder, "dvc", "init", "--quiet")
    run(folder, "dvc", "config", "core.analytics", "false")
    run(folder, "dvc", "remote", "add", "--default", "store", str(folder.parent / "store"))
    run(folder, "dvc", "repro")
    commit(folder)
    run(folder, "dvc", "push")
    return folder


@pytest.fixture
def clone(origin, tmp_path) -> Path:
    run(tmp_path, "git", "clone", "--quiet", str(origin), "clone")
    run(tmp_path / "clone", "dvc", "pull")
    return tmp_path / "clone"


def linked(folder: Path, kind: str) -> dict[Path, bytes]:
    """Let the files of a checkout be read-only links into its cache; return what is in that."""
    run(folder, "dvc", "config", "--local", "cache.type", kind)
    run(folder, "dvc", "checkout", "--force", "--relink")
    return {p: p.read_bytes() for p in (folder / ".dvc/cache").rglob("*") if p.is_file()}


def lamp(folder: Path) -> float:
    return json.loads((folder / METRICS).read_text())["noiseless"]["lamp_nmse_db"]


def set_lamp(folder: Path, alpha: float) -> None:
    params = folder / "params/fig5.yaml"
    text = re.sub(r"lamp: \{alpha: .*?\}", f"lamp: {{alpha: {alpha}}}", params.read_text())
    params.write_text(text)


@pytest.mark.parametrize("preset", ["smoke", "laptop", "paper"])
def test_everything_that_is_verified_is_carried_with_its_proof(preset, monkeypatch):
    monkeypatch.chdir(ROOT)
    stage = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]["benchmark"]
    carried = [Path(next(iter(out)).replace("${preset}", preset)) for out in stage["outs"]]
    for job in Graph(preset).jobs:
        for path in job.writes.values():
            assert any(out in path.parents and out in proof_path(path).parents for out in carried)
    read = {path for job in Graph(preset).jobs for path in job.files.values()}
    depends = [Path(path) for path in stage["deps"]]
    assert read and all(any(d == p or d in p.parents for d in depends) for p in read)


def test_a_clone_that_pulled_has_nothing_to_do(clone):
    dry = snakemake(clone, "--cores", "1", "--dry-run")
    assert "Nothing to be done" in dry.stdout + dry.stderr
    assert l2o(clone, "verify", "--preset", "smoke").returncode == 0
    assert "didn't change, skipping" in run(clone, "dvc", "repro")


def test_a_changed_parameter_in_a_clone_costs_one_net_and_changes_its_result(clone):
    """The first hazard: Snakemake remembers nothing here, and the outputs persist."""
    before = lamp(clone)
    cache = linked(clone, "hardlink")
    assert (clone / METRICS).stat().st_mode & 0o777 == 0o444
    set_lamp(clone, 1.3)
    assert planned(clone) == ONE_NET
    done = snakemake(clone, "--cores", "2")
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in cache} == cache
    assert lamp(clone) != before
    assert l2o(clone, "verify", "--preset", "smoke").returncode == 0
    difference = json.loads(run(clone, "dvc", "metrics", "diff", "--json"))
    assert set(difference[METRICS]) >= {"noiseless.lamp_nmse_db"}
    assert not {name for name in difference[METRICS] if name.endswith("lista_nmse_db")}
    changed = json.loads(run(clone, "dvc", "params", "diff", "--json"))["params/fig5.yaml"]
    assert {(name, of["old"], of["new"]) for name, of in changed.items()} == {
        ("unrolled.lamp.alpha", 1.1, 1.3)
    }

    # The third hazard: the files of the old parameters come back, Snakemake remembers the new ones.
    run(clone, "git", "stash", "--quiet")
    linked(clone, "symlink")
    assert (clone / METRICS).is_symlink() and lamp(clone) == before
    assert planned(clone) == {}
    set_lamp(clone, 1.3)
    assert planned(clone) == ONE_NET


def test_experiments_give_the_result_of_their_parameters(clone, tmp_path):
    """The second hazard: experiments beside the workspace, in it, and from the queue."""
    before = lamp(clone)
    cache = tmp_path / "cache"  # the last experiment computes nothing that the first has
    alpha = "--set-param", f"{LAMP}=1.3"
    run(clone, "dvc", "exp", "run", "--temp", "--name", "beside", *alpha, cache=cache)
    assert lamp(clone) == before
    run(clone, "dvc", "exp", "run", "--queue", "--name", "queued", "--set-param", f"{LAMP}=2.5")
    run(clone, "dvc", "exp", "run", "--run-all")
    run(clone, "dvc", "exp", "run", "--name", "here", *alpha, cache=cache)
    assert lamp(clone) != before
    assert planned(clone) == {}
    shown = {}
    for name in ("beside", "queued", "here"):
        found = json.loads(run(clone, "dvc", "metrics", "diff", "--all", "--json", "HEAD", name))
        methods = (found[METRICS][f"noiseless.{net}_nmse_db"] for net in ("lamp", "lista"))
        shown[name] = tuple(values["new"] for values in methods)
    assert shown["beside"] == shown["here"]
    assert shown["queued"][0] not in (shown["here"][0], before)
    assert shown["queued"][1] == shown["here"][1]


def test_metrics_and_plots_can_be_shown(clone, tmp_path):
    assert METRICS in run(clone, "dvc", "metrics", "show", "--json")
    run(clone, "dvc", "plots", "show", "--out", str(tmp_path / "plots"))
    page = (tmp_path / "plots/index.html").read_text()
    assert "fig5" in page
