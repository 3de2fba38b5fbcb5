"""The site of the smoke preset and the released copies, opened from the disk in a real browser."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from browser import Browser, chromium
from l2o.artifacts.proof import read_proof
from l2o.storage.tables import read_rows
from real_pipeline import RESULTS, ROOT, l2o

pytestmark = pytest.mark.pipeline
SOURCES = ("docs", "examples", "mkdocs.yml", "CONTRIBUTING.md")
WIDTH, HEIGHT = 1400, 1000
LARGEST = 64  # MiB; what is released of the paper preset is most of it
LEGEND = "document.querySelector('.l2o-legend button[data-series={}]')"
PANEL = "document.querySelector('.l2o-panel')"
NAMES = f"{PANEL}.data.filter(t => t.name && !t.meta.band).map(t => t.name)"
POINT = (  # the place of a point of a curve in the window, by the curve's name
    "(() => {{ const g = {panel}, t = g.data.find(t => t.name === {name}), l = g._fullLayout;"
    " const r = g.getBoundingClientRect();"
    " return [r.left + l.xaxis._offset + l.xaxis.d2p(t.x[{at}]),"
    " r.top + l.yaxis._offset + l.yaxis.d2p(t.y[{at}])]; }})()"
)


@pytest.fixture(scope="module")
def site(built, tmp_path_factory) -> Path:
    """The site, built in a copy of the folder that all tests share."""
    folder = tmp_path_factory.mktemp("site") / "copy"
    shutil.copytree(built, folder, symlinks=True)
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    run = l2o(folder, "site", "--no-examples")
    assert run.returncode == 0, run.stderr
    assert re.search(r"reports/site/index.html: \d+ pages", run.stdout)
    return folder / "reports/site"


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    """A browser's window."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    with Browser(program, tmp_path_factory.mktemp("profile")) as browser:
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        browser.call("Emulation.setDeviceMetricsOverride", size)
        yield browser


@pytest.fixture
def visit(site, window):
    """A function that opens a page; it must tell no error and ask for nothing but files."""
    window.requests.clear()
    window.errors.clear()

    def opened(page: str, ready: str = "true") -> Browser:
        address = (site / page).resolve().as_uri()
        window.open(site / page)
        here = f"location.href === {json.dumps(address)} && document.readyState === 'complete'"
        window.wait(f"{here} && {ready}")
        return window

    yield opened
    window.value("new Promise(done => requestAnimationFrame(() => setTimeout(done, 100)))")
    assert window.errors == []
    assert window.requests
    assert [one for one in window.requests if not re.match("(file|data|blob|about):", one)] == []


def choose(page: Browser, name: str, value: str) -> None:
    """Choose a value in one of the fields above the curves."""
    field = f"document.querySelector('.l2o-choices select[name={name}]')"
    page.value(f"{field}.value = '{value}'; {field}.dispatchEvent(new Event('change'))")


def tick(page: Browser, selector: str) -> None:
    page.value(f"document.querySelector('.l2o-choices input{selector}').click()")


def explorer(visit, report: str) -> Browser:
    """Open the curves of a report, those of the smoke preset alone."""
    page = visit(f"results/{report}.html", f"{PANEL}?.data?.length > 0")
    if not page.value("document.querySelector('input[value=smoke]').checked"):
        tick(page, "[value=smoke]")
        tick(page, "[value=released]")
    return page


def test_it_is_small_enough_to_pass_on(site):
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    assert size < LARGEST << 20


def test_a_click_on_the_legend_hides_a_curve_everywhere(visit):
    page, lista = explorer(visit, "fig5"), LEGEND.format("lista")
    before = page.value(NAMES)
    assert "LISTA" in before and len(before) >= 9
    page.value(f"{lista}.click()")
    assert page.value(NAMES) == [name for name in before if name != "LISTA"]
    assert page.value(f"{lista}.getAttribute('aria-pressed')") == "false"
    shown = "[...document.querySelectorAll('.l2o-panel')].map(g => g.data.map(t => t.name))"
    assert not any("LISTA" in names for names in page.value(shown))
    page.value(f"{lista}.click()")
    assert page.value(NAMES) == before


def test_a_pointer_on_a_curve_shows_the_value_of_the_table_and_a_click_its_proof(visit, site):
    page, at = explorer(visit, "fig5"), 2
    page.value(f"{LEGEND.format('alista')}.dispatchEvent(new MouseEvent('dblclick'))")
    assert page.value(NAMES) == ["ALISTA"]
    x, y = page.value(POINT.format(panel=PANEL, name='"ALISTA"', at=at))
    for place in ((x - 30, y - 30), (x, y)):
        page.call("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": place[0], "y": place[1]})
    told = page.wait(f"{PANEL}.querySelector('.hoverlayer .hovertext')?.textContent")
    file = RESULTS / "curves/noiseless/alista.csv"
    row = read_rows(site.parents[1] / file)[at]
    assert f"layer {row['layer']}" in told
    value = float(re.search(r"mean (\S+)", told.replace("−", "-"))[1].removesuffix("dB"))
    assert value == pytest.approx(row["nmse_db"], rel=1e-4)
    for kind in ("mousePressed", "mouseReleased"):
        press = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
        page.call("Input.dispatchMouseEvent", press)
    page.wait("document.querySelector('.l2o-record')?.open")
    text = page.wait("document.querySelector('.l2o-record table')?.innerText")
    proof = read_proof(site.parents[1] / file)
    assert proof["key"] in text and proof["sha256"] in text
    assert "l2o evaluate sparse_recovery noiseless alista --preset smoke" in text
    assert page.value("document.querySelector('.l2o-status').textContent") == "valid"


def test_axes_can_be_switched(visit):
    page, layout = explorer(visit, "fig6"), f"{PANEL}._fullLayout"
    assert page.value(f"[{layout}.xaxis.type, {layout}.yaxis.type]") == ["log", "log"]
    longest = f"Math.max(...{PANEL}.data.map(t => Math.max(...t.x)))"
    assert page.value(longest) > 100
    choose(page, "ylog", "linear")
    choose(page, "xlog", "linear")
    assert page.value(f"[{layout}.xaxis.type, {layout}.yaxis.type]") == ["linear", "linear"]
    choose(page, "axis", "seconds")
    assert page.value(f"{layout}.xaxis.title.text").startswith("Seconds")
    assert 0 < page.value(longest) < 100


def test_quartiles_published_curves_and_other_settings_are_shown_on_request(visit):
    page = explorer(visit, "fig6")
    curves = page.value(f"{PANEL}.data.length")
    tick(page, "[name=published]")
    assert any("published" in name for name in page.value(NAMES))
    tick(page, "[name=published]")
    tick(page, "[name=spread]")
    assert page.value(f"{PANEL}.data.length") == 3 * curves
    tick(page, "[name=spread]")
    tick(page, "[name=drawn]")
    assert any("as drawn" in name for name in page.value(NAMES))
    tick(page, "[name=recipe]")
    assert any("published recipe" in name for name in page.value(NAMES))
    assert page.value(f"{PANEL}.data.length") > curves


def test_presets_stand_side_by_side(visit):
    page = explorer(visit, "fig5")
    titles = "[...document.querySelectorAll('.l2o-panel')].map(g => g._fullLayout.title.text)"
    assert len(page.value(titles)) == 2
    tick(page, "[value=released]")
    found = page.value(titles)
    assert sorted({title.split(" · ")[1] for title in found}) == ["released", "smoke"]
    tops = "[...document.querySelectorAll('.l2o-panel')].map(g => g.getBoundingClientRect().top)"
    first, second, *_ = page.value(tops)
    assert first == second


def test_a_table_is_sorted_and_searched(visit):
    page = visit("results/fig6.html", f"{PANEL}?.data?.length > 0")
    table = "document.querySelector('.l2o-table')"
    head = f"[...{table}.querySelectorAll('th')].find(h => h.innerText.trim() === 'ratio')"
    at = page.value(f"{head}.cellIndex")
    rows = f"[...{table}.querySelectorAll('tbody tr:not([hidden])')]"
    cells = f"{rows}.map(r => r.cells[{at}])"
    values = f"{cells}.map(c => c.dataset.value).filter(v => v !== undefined).map(Number)"
    for order in (False, True):
        page.value(f"{head}.querySelector('button').click()")
        found = page.value(values)
        assert len(found) > 5 and found == sorted(found, reverse=order)
        assert page.value(f"{cells}.at(-1).dataset.value ?? ''") == "" or len(found) == page.value(
            f"{cells}.length"
        )
    field = f"{table}.querySelector('input')"
    page.value(f"{field}.value = 'smoke alista'; {field}.dispatchEvent(new Event('input'))")
    left = page.value(f"{rows}.map(r => r.innerText)")
    assert left and all("smoke" in row and "ALISTA" in row for row in left)
    assert page.value(f"{table}.querySelector('output').textContent").startswith(f"{len(left)} of")


def test_a_proof_leads_to_those_of_its_inputs(visit):
    page = visit("results/provenance.html")
    page.click(".l2o-made[data-edition=smoke][data-record$='fig6_table.csv']")
    page.wait("document.querySelector('.l2o-record')?.open")
    page.click(".l2o-record .l2o-link", "fig6_curves.csv")
    page.wait("document.querySelector('.l2o-record h3').innerText.includes('fig6_curves.csv')")
    page.click(".l2o-record .l2o-back")
    page.wait("document.querySelector('.l2o-record h3').innerText.includes('fig6_table.csv')")
    page.click(".l2o-record .l2o-close")
    assert not page.value("document.querySelector('.l2o-record').open")


def test_every_training_has_its_history(visit, site):
    page = visit("results/histories.html", "document.querySelectorAll('.l2o-small').length > 0")
    trainings = [*site.parents[1].glob("results/smoke/*/histories/*/*.csv")]
    assert page.value("document.querySelectorAll('.l2o-small').length") == len(trainings)
    last = "[...document.querySelectorAll('.l2o-small')].at(-1)"
    page.value(f"{last}.scrollIntoView()")
    page.wait(f"{last}.data?.some(t => t.y.filter(v => v !== null).length > 0)")


@pytest.mark.parametrize("page", ["index", "use", "results/index", "results/claims", "api"])
def test_pages_are_whole(visit, page):
    opened = visit(f"{page}.html")
    images = "[...document.querySelectorAll('.md-content img')].every(i => i.naturalWidth > 0)"
    assert opened.value(images)
    assert opened.value("document.documentElement.scrollWidth <= innerWidth")


def test_the_search_works_from_a_file(visit):
    page = visit("index.html", "!!document.querySelector('iframe')?.contentWindow.lunr")
    page.value("document.querySelector('.md-search__input').focus()")
    page.call("Input.insertText", {"text": "dictionary"})
    typed = "document.querySelector('.md-search__input').dispatchEvent(new KeyboardEvent('keyup'))"
    found = "document.querySelectorAll('.md-search-result__item').length > 0"
    page.wait(f"{typed} && {found}")
