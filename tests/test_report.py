"""The report of the smoke preset: built without network, and looked at in a real browser."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from browser import Browser, chromium
from real_pipeline import RESULTS, planned, snakemake

pytestmark = pytest.mark.pipeline
STYLE = "workflow/report/style.css"
NOWHERE = "http://127.0.0.1:9"  # a proxy that nobody runs: whatever is fetched fails
TRAININGS = 4 * 9 + 2 * 5 + 2 * 5 + 4 + 2
COMPARISON = "Figure 5 beside the published values"
RESULT = "[...document.querySelectorAll('nav tbody tr')].find(e => e.cells[0].innerText.trim() =="
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


def test_all_results_are_embedded_with_their_captions(report):
    text = report.read_text(encoding="utf-8")
    results = json.loads(re.search(r"var results = (\{.*\});", text)[1])
    names = [name for name in results if "/histories/" not in name]
    assert sorted(Path(name).name for name in names) == [
        *("claims.csv", "claims.md"),
        *("fig3.pdf", "fig3.png", "fig3_curves.csv", "fig3_lengths.csv", "fig3_memory.csv"),
        *("fig3_memory.pdf", "fig3_memory.png", "fig3_memory_training.csv", "fig3_table.csv"),
        *("fig3_table.html", "fig3_table.md", "fig3_timings.csv"),
        *("fig5.pdf", "fig5.png", "fig5_curves.csv", "fig5_table.csv", "fig5_table.html"),
        *("fig5_table.md", "fig5_timings.csv", "fig6.pdf", "fig6.png", "fig6_curves.csv"),
        *("fig6_optima.csv", "fig6_seconds.pdf", "fig6_seconds.png", "fig6_table.csv"),
        *("fig6_table.html", "fig6_table.md", "fig6_timings.csv"),
        *("fig7.pdf", "fig7.png", "fig7_curves.csv", "fig7_grid_search.csv", "fig7_oracles.csv"),
        *("fig7_table.csv", "fig7_table.html", "fig7_table.md", "fig7_timings.csv"),
        *("fig8.pdf", "fig8.png", "fig8_curves.csv", "fig8_finals.csv", "fig8_grid_search.csv"),
        *("fig8_table.csv", "fig8_table.html", "fig8_table.md", "fig8_timings.csv"),
        "provenance.html",
    ]
    assert len(results) - len(names) == TRAININGS
    for name, result in results.items():
        assert result["data_uri"].startswith("data:"), name
        assert "system-message" not in result["caption"] and "<p>" in result["caption"], name


def test_a_damaged_page_makes_nothing_else_run(report):
    folder = report.parents[2]
    page, data = folder / "results/smoke/pages/fig5_table.html", folder / RESULTS / "sets/snr20.h5"
    kept = page.read_bytes()
    page.write_text("damaged")
    data.rename(data.with_suffix(".aside"))  # not needed any more, where all that follows is valid
    try:
        assert planned(folder) == {}
        assert planned(folder, "--", "report_parts") == {"fig5_table_page": 1, "report_parts": 1}
    finally:
        data.with_suffix(".aside").rename(data)
        page.write_bytes(kept)


def test_the_start_shows_what_this_is_and_the_graph_of_rules(quiet):
    text = quiet.wait(f"document.querySelector({CONTENT!r}).innerText")
    assert "Figures 3 and 5 to 8" in text and "smoke preset: tiny sizes" in text
    assert quiet.value("document.querySelectorAll('li').length") >= 5
    quiet.wait("document.querySelector('#rulegraph canvas, #rulegraph svg')?.clientHeight > 300")


def test_the_figure_is_seen_whole_with_its_caption(quiet, tmp_path):
    show(quiet, "Figures")
    choose(quiet, "Figure 5 (PNG)", 0)
    image = f"document.querySelector('{CONTENT} img')"
    quiet.wait(f"{image}?.naturalWidth > 0")
    box = quiet.value(f"{image}.getBoundingClientRect().toJSON()")
    height = quiet.value("innerHeight")
    assert box["width"] > 300 and box["top"] >= 0 and box["bottom"] <= height
    choose(quiet, "Figure 5 (PNG)", 1)
    quiet.wait("document.querySelector('nav').innerText.includes('NMSE against layer')")
    caption = quiet.value("document.querySelector('nav').innerText")
    assert "section 4.1" in caption and "tiny sizes" in caption
    quiet.screenshot(tmp_path / "report.png")
    assert (tmp_path / "report.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("folder", "label", "expected"),
    [
        ("Tables", COMPARISON, ("LISTA-CPSS", "missed", "of 28 cells")),
        ("Provenance", "What made each artifact", ("fig5.png", "bsds500.h5", "train")),
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


def test_loss_histories_lie_by_setting(quiet):
    for setting in ("Noiseless", "SNR = 20 dB", "Coherent", "Large scale"):
        show(quiet, "Loss histories", setting)
        quiet.wait("document.querySelectorAll('nav tbody tr').length == 9")


def test_run_times_are_drawn(quiet):
    show(quiet, "Statistics")
    for part in ("#runtimes", "#timeline"):
        quiet.wait(f"document.querySelector('{part} canvas, {part} svg')?.clientHeight > 50")
