"""What is released: copies with proofs and a manifest, and numbers that can be had again."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import l2o.weights as weights
from every_room import ROOT
from l2o.artifacts.manifest import MANIFEST, RELEASED, read_manifest, released_name
from l2o.artifacts.production import produce
from l2o.artifacts.proof import Status, examine, proof_path
from l2o.commands import release as module
from l2o.commands.adopt import adopt
from l2o.commands.artifacts import verify
from l2o.commands.check_released import check_released, weights_of
from l2o.commands.release import release
from l2o.errors import InputError
from l2o.experiments.graph import experiment
from l2o.storage.json_files import read_json, write_json
from l2o.weights.catalogue import FAMILIES
from small_jobs import SmallJob

# Releasing


def report_job(kind: str, value: int, **writes: str) -> SmallJob:
    """A job of a report that writes some files."""
    paths = {role: Path("reports/paper") / name for role, name in writes.items()}
    given = {"value": value}, ("l2o.seeds",), {}, paths

    class Writing(SmallJob):
        def work(self) -> None:
            for path in self.writes.values():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"{kind} {value}")

    return Writing(kind, {"name": next(iter(writes.values()))}, *given, libraries=())


def report(name: str, value: int) -> SimpleNamespace:
    """An experiment as far as its reports go."""
    table = {"csv": f"{name}_table.csv", "markdown": f"{name}_table.md"}
    table |= {"metrics": f"metrics/{name}.json", "page": f"../{name}.html"}
    made = {
        "curves": report_job("join", value, table=f"{name}_curves.csv"),
        "runs": report_job("join", value, table=f"{name}_runs.csv"),
        "table": report_job("table", value, **table),
        name: report_job("figure", value, pdf=f"{name}.pdf", png=f"{name}.png"),
        f"{name}_cost": report_job(
            "figure", value + 1, pdf=f"{name}_cost.pdf", png=f"{name}_cost.png"
        ),
    }
    return SimpleNamespace(
        report_name=name,
        base=name,
        made=made,
        sizes=SimpleNamespace(note="the whole budget"),
        joined=lambda: {key: made[key] for key in ("curves", "runs")},
        figure_names=[name, f"{name}_cost"],
        figure=made.get,
        table=lambda: made["table"],
        jobs=lambda: [*made.values()],
    )


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone with a commit, and two reports in its graph of which nothing is built."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    (tmp_path / "src/code.py").write_text("1\n")
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b.c")
    for words in (("init", "--quiet"), ("add", "src"), ("commit", "--quiet", "-m", "a")):
        subprocess.run([*git, *words], check=True)
    reports = {name: report(name, value) for name, value in (("fig8", 8), ("fig9", 9))}
    jobs = [job for one in reports.values() for job in one.made.values()]
    graph = SimpleNamespace(reports=reports, judged=[], jobs=jobs)
    for command in ("release", "adopt", "artifacts"):
        monkeypatch.setattr(f"l2o.commands.{command}.Graph", lambda *given: graph)
    return graph


def build(one: SimpleNamespace) -> None:
    for job in one.made.values():
        produce(job)


def test_valid_reports_are_copied_with_their_proofs_and_others_are_named(clone):
    build(clone.reports["fig9"])
    folder = Path("released")
    lines = release(folder=folder).splitlines()
    assert "fig8             not released: 7 of its files are not valid" in lines
    assert "fig9             7 files" in lines
    copies = {path.name for path in folder.iterdir() if path.is_file()}
    tables = {"fig9_curves.csv", "fig9_table.csv", "fig9_table.md", "fig9_metrics.json"}
    assert copies == tables | {"fig9.pdf", "fig9.png", "fig9_cost.pdf", MANIFEST}
    for job in clone.reports["fig9"].made.values():
        for path in job.writes.values():
            copy = folder / released_name(path)
            if copy.name in copies:
                assert examine(copy, job.key).status is Status.VALID
    entry = read_manifest(folder)["fig9"]
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout
    assert entry["commit"] == head.strip() and entry["note"] == "the whole budget"
    assert {*entry["files"]} == copies - {MANIFEST}
    cost = entry["cost"]
    assert cost["jobs"] == cost["told"] == 4 and cost["processor_seconds"] > 0
    assert cost["own_processor_seconds"] == cost["processor_seconds"]
    assert len(cost["slowest"]) == 4 and cost["processors"] and cost["memory_mb"] > 0
    text, valid = verify("paper", "", False, folder)
    assert valid and text.splitlines()[0].startswith(f"fig9: commit {head[:10]}, 20")
    assert text.splitlines()[-1] == "released: 7 valid, 0 stale, 0 missing, 0 corrupt"


def test_what_is_not_valid_or_not_of_a_commit_is_not_released(clone):
    folder = Path("released")
    with pytest.raises(InputError, match="no report is valid here; build some"):
        release(folder=folder)
    with pytest.raises(InputError, match="fig9: 7 of its files are not valid; build it"):
        release(["fig9"], folder)
    with pytest.raises(InputError, match="did you mean `fig9`"):
        release(["fig99"], folder)
    build(clone.reports["fig9"])
    Path("reports/paper/fig9.pdf").write_text("edited")
    with pytest.raises(InputError, match="1 of its files are not valid"):
        release(["fig9"], folder)
    build(clone.reports["fig9"])
    Path("src/code.py").write_text("2\n")
    with pytest.raises(InputError, match=r"differs from its commit, first in src/code.py"):
        release(["fig9"], folder)
    assert not folder.exists()


def test_a_job_that_two_reports_share_is_the_cost_of_the_first_one_that_is_released(clone):
    fig8, fig9 = clone.reports.values()
    fig9.made["curves"] = fig8.made["curves"]
    for one in (fig8, fig9):
        build(one)
    alone, both = Path("alone"), Path("both")
    release(["fig9"], alone)
    release(folder=both)

    def own(folder: Path, name: str) -> float:
        cost = read_manifest(folder)[name]["cost"]
        return cost["own_processor_seconds"] / cost["processor_seconds"]

    assert own(alone, "fig9") == own(both, "fig8") == 1 and own(both, "fig9") < 1


def test_a_release_of_one_report_leaves_the_others_in_the_manifest(clone):
    folder = Path("released")
    for one in clone.reports.values():
        build(one)
    release(folder=folder)
    before = read_manifest(folder)
    release(["fig8"], folder)
    assert read_manifest(folder).keys() == before.keys() == {"fig8", "fig9"}
    assert module.LARGE == ("runs",)


def test_the_claims_are_a_release_of_their_own_with_their_own_cost(clone):
    built = [job for one in clone.reports.values() for job in one.made.values()]
    claims = report_job("claims", 7, csv="claims.csv", markdown="claims.md")
    claims.parameters["note"] = "whatever was at hand"
    clone.judged.append(claims)
    for job in (*built, claims):
        produce(job)
    folder = Path("released")
    release(["claims"], folder)
    entry = read_manifest(folder)["claims"]
    assert entry["files"] == ["claims.csv", "claims.md"]
    assert entry["note"] == "whatever was at hand" and entry["cost"]["jobs"] == 1


# Adopting


def test_what_is_released_is_taken_where_it_would_be_built(clone):
    one, folder = clone.reports["fig9"], Path("released")
    build(one)
    release(folder=folder)
    cost = read_manifest(folder)["fig9"]["cost"]
    shutil.rmtree("reports")
    shutil.rmtree("costs")
    assert adopt(folder=folder) == "fig9             7 files taken"
    for job in one.made.values():
        for path in job.writes.values():
            taken = released_name(path) in read_manifest(folder)["fig9"]["files"]
            assert examine(path, job.key).status is (Status.VALID if taken else Status.MISSING)
    assert adopt(["fig9"], folder) == "fig9             0 files taken, 7 were valid here"
    release(["fig9"], folder)  # nothing is known here of what it cost
    assert read_manifest(folder)["fig9"]["cost"] == cost
    with pytest.raises(InputError, match="fig8: unknown key; did you mean `fig9`"):
        adopt(["fig8"], folder)


def test_nothing_is_taken_that_is_not_valid_and_nothing_valid_is_replaced(clone):
    one, folder = clone.reports["fig9"], Path("released")
    with pytest.raises(InputError, match="holds no released report; give a folder"):
        adopt(folder=folder)
    build(one)
    release(folder=folder)
    (folder / "fig9.pdf").write_text("edited")
    stale, kept = Path("reports/paper/fig9_table.csv"), Path("reports/paper/fig9_table.md")
    stale.write_text("edited as well")
    Path("reports/paper/fig9.pdf").unlink()
    before = kept.stat().st_mtime_ns
    told = "1 files taken, 5 were valid here, 1 are not valid (`l2o verify --released` says why)"
    assert adopt(folder=folder) == f"fig9             {told}"
    assert stale.read_text() == "table 9" and kept.stat().st_mtime_ns == before
    assert not Path("reports/paper/fig9.pdf").exists()


@pytest.mark.parametrize("content", [[], {"fig9": 5}, {"fig9": {"commit": "a"}}])
def test_a_damaged_manifest_is_told_in_one_line(tmp_path, content):
    write_json(tmp_path / MANIFEST, content)
    with pytest.raises(InputError, match="write it again: `l2o release`"):
        read_manifest(tmp_path)


def test_what_made_a_copy_that_is_not_valid_is_told(clone):
    build(clone.reports["fig9"])
    release(folder=Path("released"))
    proof = proof_path("released/fig9.pdf")
    known = read_json(proof)
    other = {"parameters": {"value": 1}, "key": "0" * 64}
    write_json(proof, {**known, **other, "sources": {**known["sources"], "l2o.seeds": "other"}})
    text, valid = verify("paper", "", False, Path("released"))
    told = "stale    released/fig9.pdf (made by other parameters, sources (l2o.seeds))"
    assert not valid and told in text.splitlines()


# Numbers again

QUICK = ("sparse_recovery", "lasso")  # experiments whose evaluation takes seconds
SHIPPED = [
    name
    for name in weights.names()
    if weights.card(name)["preset"] == "paper" and FAMILIES[name.split("/")[1]].experiment in QUICK
]
SHIPPED += ["l2o_dm/rastrigin_n2"]  # whose evaluation also follows weights by the published recipe


@pytest.fixture
def here(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("name", SHIPPED)
def test_released_numbers_come_out_of_the_weights_in_the_box(here, name):
    method, family = name.split("/")
    place = FAMILIES[family]
    report = experiment(place.experiment, "paper").report
    text, agrees = check_released(report, place.setting, method)
    assert agrees and f"from the weights {name} in the box" in text, text


def test_a_number_that_does_not_come_out_is_told(here, tmp_path):
    """That of a method without weights, beside a table in which it was edited."""
    given = "fig6", "m5_n10", "ista"
    text, agrees = check_released(*given)
    assert agrees and "nothing is learned" in text, text
    table = pd.read_csv(RELEASED / "fig6_curves.csv")
    table.loc[table["method"] == "ista", "relative_loss"] *= 1.2
    table.to_csv(tmp_path / "fig6_curves.csv", index=False)
    shutil.copy(RELEASED / MANIFEST, tmp_path)
    text, agrees = check_released(*given, folder=tmp_path)
    assert not agrees and "THEY DO NOT AGREE" in text


def test_what_is_not_released_is_told_in_one_line(here, tmp_path):
    with pytest.raises(InputError, match="did you mean `alista`"):
        check_released("fig5", "noiseless", "alistaa")
    with pytest.raises(InputError, match="did you mean `noiseless`"):
        check_released("fig5", "noiselss", "alista")
    with pytest.raises(InputError, match="released are none"):
        check_released("fig5", "noiseless", "alista", folder=tmp_path)
    shutil.copy(RELEASED / MANIFEST, tmp_path)
    with pytest.raises(InputError, match="no such table; build it first"):
        check_released("fig5", "noiseless", "alista", folder=tmp_path)
    shutil.copy(RELEASED / "fig6_curves.csv", tmp_path / "fig5_curves.csv")
    with pytest.raises(InputError, match="has no row of noiseless alista"):
        check_released("fig5", "noiseless", "alista", folder=tmp_path)


def test_weights_stand_for_the_training_of_their_setting_alone():
    one = experiment("fig5", "paper")
    assert weights_of(one.train("noiseless", "alista")) == "alista/noiseless"
    assert not weights_of(one.train("large", "alista")) or "alista/large" in weights.names()
    assert not weights_of(one.sample("noiseless"))
