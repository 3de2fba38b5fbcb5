"""The report of the smoke preset: built without network, and looked at in a real browser."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from browser import Browser, chromium
from l2o.experiments.graph import Graph
from l2o.experiments.register import rooms
from real_pipeline import RESULTS, planned, snakemake

pytestmark = pytest.mark.pipeline
STYLE = "workflow/report/style.css"
NOWHERE = "http://127.0.0.1:9"  # a proxy that nobody runs: whatever is fetched fails
COMPARISON = "Figure 5: sparse recovery: comparison (page)"
PICTURE = "Figure 5: sparse recovery: fig5 (PNG)"
SHOWN = ("join", "table", "figure", "claims", "verdict", "records")
RESULT = "[...document.querySelectorAll('nav tbody tr')].find(e => e.cells[0].innerText.trim() =="
FRAME = 2**21  # characters of the longest address that browsers show in a frame
CONTENT = "#app > div > nav + div"


@pytest.fixture(scope="module")
def report(built, tmp_path_factory) -> Path:
    """The report, built in a copy, so that the folder that all tests share stays as it is."""
    folder = tmp_path_factory.mktemp("report") / "copy"
    shutil.copytree(built, folder, symlinks=True)
    offline = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOWHERE)
    file = folder / "reports/smoke/report.html"
    arguments = ("--report", str(file), "--report-stylesheet", STYLE)
    for options in ((), arguments):
        run = snakemake(folder, "--cores", "2", *options, "--", "report_parts", environment=offline)
        assert run.returncode == 0, run.stderr
    assert "download" not in run.stderr
    return file


@pytest.fixture(scope="module")
def page(report, tmp_path_factory):
    """The report in a browser."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    with Browser(program, tmp_path_factory.mktemp("profile")) as browser:
        browser.open(report)
        browser.wait("typeof app === 'object' && !!document.querySelector('nav')")
        yield browser


@pytest.fixture
def quiet(page):
    """The page, which must ask for nothing outside itself and tell no error during the test."""
    yield page
    page.value("new Promise(done => requestAnimationFrame(() => setTimeout(done, 200)))")
    assert page.errors == []
    assert [url for url in page.requests if not re.match("(file|data|blob):", url)] == []
    assert sum(url.startswith("file:") for url in page.requests) == 1


def show(page: Browser, *folders: str) -> None:
    """Go from the start through the folders of the menu to a list of results."""
    page.click("nav nav a")
    for folder in folders:
        page.click("nav a", folder)


def choose(page: Browser, label: str, action: int) -> None:
    """Open a result of the list (action 0), or tell about it (1)."""
    row = f"{RESULT} {json.dumps(label)})"
    page.wait(f"!!{row}")
    page.value(f"{row}.querySelectorAll('a')[{action}].click()")


def test_all_results_are_embedded_with_their_captions(report, monkeypatch):
    text = report.read_text(encoding="utf-8")
    results = json.loads(re.search(r"var results = (\{.*\});", text)[1])
    names = {name for name in results if "/histories/" not in name}
    monkeypatch.chdir(report.parents[2])
    graph = Graph("smoke")
    shown = [job for job in (*graph.jobs, *graph.apart) if job.kind in SHOWN]
    expected = {str(path) for job in shown for path in job.writes.values()}
    assert names == {p for p in expected if "/metrics/" not in p and "/plots/" not in p}
    trainings = [*Path("results/smoke").glob("*/training_seconds/*/*.json")]
    assert len(results) - len(names) == len(trainings) > 40
    for name, result in results.items():
        assert result["data_uri"].startswith("data:"), name
        assert "system-message" not in result["caption"] and "<p>" in result["caption"], name
        if name.endswith(".html"):
            assert len(result["data_uri"]) < FRAME, name


def test_a_damaged_page_makes_nothing_else_run(report):
    folder = report.parents[2]
    page = folder / "results/smoke/pages/records/fig5.html"
    data = folder / RESULTS / "sets/coherent.h5"
    kept = page.read_bytes()
    page.write_text("damaged")
    data.rename(data.with_suffix(".aside"))  # not needed any more, where all that follows is valid
    try:
        assert planned(folder) == {}
        assert planned(folder, "--", "report_parts") == {"records": 1, "report_parts": 1}
    finally:
        data.with_suffix(".aside").rename(data)
        page.write_bytes(kept)


def test_the_start_shows_what_this_is_and_the_graph_of_rules(quiet):
    text = quiet.wait(f"document.querySelector({CONTENT!r}).innerText")
    assert "Learned optimizers beside hand-made ones" in text and "smoke preset: tiny sizes" in text
    items = quiet.value("[...document.querySelectorAll('li')].map(item => item.innerText)")
    notes = [item for item in items if item.endswith(": smoke preset: tiny sizes, for tests only.")]
    assert len(notes) == len(rooms()) and notes == sorted(notes) and len(items) >= 5 + 5
    assert re.search(r"\d+ of 14 published values are reached", text)
    assert re.search(r"Of \d+ claims of the paper about its figures: \d+", text)
    figures = f"[...document.querySelectorAll('{CONTENT} img')].map(i => i.naturalWidth)"
    quiet.wait(f"JSON.stringify({figures}) === JSON.stringify({[720] * len(rooms())})")
    quiet.wait("document.querySelector('#rulegraph canvas, #rulegraph svg')?.clientHeight > 300")


def test_the_figure_is_seen_whole_with_its_caption(quiet, tmp_path):
    show(quiet, "Figures")
    choose(quiet, PICTURE, 0)
    image = f"document.querySelector('{CONTENT} img')"
    quiet.wait(f"{image}?.naturalWidth > 0")
    box = quiet.value(f"{image}.getBoundingClientRect().toJSON()")
    height = quiet.value("innerHeight")
    assert box["width"] > 300 and box["top"] >= 0 and box["bottom"] <= height
    choose(quiet, PICTURE, 1)
    quiet.wait("document.querySelector('nav').innerText.includes('Recovery of sparse signals')")
    caption = quiet.value("document.querySelector('nav').innerText")
    assert "section 4.1.1" in caption and "tiny sizes" in caption
    quiet.screenshot(tmp_path / "report.png")
    assert (tmp_path / "report.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("folder", "label", "expected"),
    [
        ("Tables", COMPARISON, ("LISTA-CPSS", "missed", "of 14")),
        ("Provenance", "What made fig5", ("fig5.png", "bsds500.h5", "train")),
    ],
)
def test_pages_can_be_read(quiet, folder, label, expected):
    show(quiet, folder)
    choose(quiet, label, 0)
    quiet.wait(f"!!document.querySelector('{CONTENT} iframe')")
    text = ""
    for _ in range(100):  # the frame loads by itself
        text = " ".join(filter(None, quiet.frame_values("document.body?.innerText")))
        if all(part in text for part in expected):
            break
        quiet.value("new Promise(done => setTimeout(done, 100))")
    assert [part for part in expected if part not in text] == []


def test_loss_histories_lie_by_experiment_and_setting(quiet, report):
    for setting in ("noiseless", "coherent"):
        trainings = [*(report.parents[2] / RESULTS / "training_seconds" / setting).glob("*.json")]
        assert len(trainings) >= 13
        show(quiet, "Loss histories", f"sparse_recovery, {setting}")
        quiet.wait(f"document.querySelectorAll('nav tbody tr').length == {len(trainings)}")


def test_run_times_are_drawn(quiet):
    show(quiet, "Statistics")
    for part in ("#runtimes", "#timeline"):
        quiet.wait(f"document.querySelector('{part} canvas, {part} svg')?.clientHeight > 50")
