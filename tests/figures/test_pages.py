"""The pages of the report: whole by themselves, in words, with nothing unescaped."""

from __future__ import annotations

from html.parser import HTMLParser
from importlib import import_module

import pytest

from figures.figure_tables import about, published, tables
from l2o.errors import InputError
from l2o.figures.compared import as_page
from l2o.figures.pages import html_page, write_page
from l2o.figures.provenance_page import provenance_page

VOID = {"meta", "br"}
KEYS = {"set": "a1" * 32, "train": "b2" * 32, "elsewhere": "c3" * 32}


class Reader(HTMLParser):
    """Checks that tags are closed in their order, and keeps the text and all attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def self_contained(page: str) -> Reader:
    reader = Reader(page)
    assert "script" not in reader.tags
    assert not [a for a in reader.attributes if a[0] in ("src", "href") and a[1][0] != "#"]
    assert "url(" not in page and "@import" not in page
    return reader


def record(step: str, **changes) -> dict:
    content = {
        "step": step,
        "parameters": {"snr_db": None, "title": "<b>λ & more</b>"},
        "sources": {"l2o.seeds": "d4" * 32},
        "inputs": {},
        "libraries": {"numpy": "2.4.6"},
        "key": KEYS[step],
    }
    return content | changes


def test_a_comparison_is_a_page_by_itself():
    room = import_module("l2o.experiments.lasso.report")
    told = about("fig6", titles={"m5_n10": "m < n", "m25_n50": "m = 25"})
    reader = self_contained(as_page(room.table(tables("fig6"), published("fig6"), told), told))
    assert (reader.tags.count("table"), reader.tags.count("tr")) == (3, 11 + 6 + 11)
    for text in ("m < n", "4.58 / 106reached", "2.62 / 0.0797missed", "0.0584 / 0.07971.36×"):
        assert text in reader.text
    assert "Figure 6: LASSO, in numbers" in reader.text


def test_the_provenance_tells_every_artifact_and_every_step_once():
    train = record("train", inputs={"set": KEYS["set"], "other": KEYS["elsewhere"]})
    artifacts = [
        ("net.safetensors", train),
        ("history.csv", train),
        ("set <1>.h5", record("set")),
        ("lost.csv", None),
    ]
    page = provenance_page(artifacts)
    reader = self_contained(page)
    assert reader.tags.count("details") == 2
    for text in ("net.safetensors and 1 more", "set <1>.h5", "λ & more", "numpy: 2.4.6"):
        assert text in reader.text
    for text in (KEYS["train"], KEYS["elsewhere"][:12], "l2o.seeds", "d4" * 6, '"snr_db": null'):
        assert text in reader.text
    assert "lost.csv" in reader.text and "no record" in reader.text
    targets = {value[1:] for name, value in reader.attributes if name == "href"}
    assert targets == {value for name, value in reader.attributes if name == "id"}
    assert "Artifacts" in self_contained(provenance_page([])).text


def test_pages_are_written_whole(tmp_path):
    file = tmp_path / "folder" / "page.html"
    write_page(file, html_page("a < b", "<p>é</p>"))
    assert "<title>a &lt; b</title>" in file.read_text(encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        write_page(file / "below.html", "")
    assert [path.name for path in file.parent.iterdir()] == ["page.html"]


def test_sources_that_steps_share_are_shown_once():
    shared = {"sources": {f"l2o.module{i}": f"{i:064x}" for i in range(200)}, "libraries": {}}
    shared |= {"parameters": {}, "inputs": {}, "step": "train"}
    records = [(f"net{i}", shared | {"key": f"{i + 1:064x}"}) for i in range(300)]
    page = provenance_page(records)
    assert page.count("l2o.module7:") == 1 and page.count("those of <a") == 299
    assert len(page) < 500_000  # embedded, a browser shows no more than two megabytes
