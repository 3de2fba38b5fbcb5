"""The pages of the report: whole by themselves, in words, with nothing unescaped."""

from __future__ import annotations

from html.parser import HTMLParser

import pandas as pd
import pytest

from l2o.errors import InputError
from l2o.figures.pages import html_page, write_page
from l2o.figures.provenance_page import provenance_page
from l2o.figures.table_page import fig6_table_page, table_page

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


def comparison(**changes) -> pd.DataFrame:
    rows = [
        ("noiseless", "lista", "LISTA", -40.0, -35.46, "met", "converged"),
        ("noiseless", "lamp", "LAMP", float("nan"), -55.1, "missed", "diverged"),
        ("coherent", "lista", "LISTA", float("-inf"), -13.49, "met", "converged"),
    ]
    columns = ["setting", "method", "label", "nmse_db", "paper_nmse_db", "verdict", "status"]
    return pd.DataFrame(rows, columns=columns).assign(layer=16, paper_layer=16, **changes)


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


def test_the_table_says_in_words_what_is_reached():
    titles = {"noiseless": "Noiseless (m < n)", "coherent": "Coherent"}
    page = table_page(comparison(), titles, "laptop", "laptop preset: reduced budget")
    reader = self_contained(page)
    assert (reader.tags.count("tr"), reader.tags.count("td")) == (3, 4)
    assert "−40.00 / −35.46<small>reached</small>" in page
    assert "diverged / −55.10<small>missed</small>" in page
    assert "−∞ / −13.49<small>reached</small>" in page
    assert "2 of 3 cells" in reader.text
    assert "Noiseless (m < n)" in reader.text
    assert "Laptop preset: reduced budget." in reader.text


def test_the_page_of_figure_6_has_a_table_for_each_variant():
    columns = ["setting", "method", "variant", "label", "relative_loss", "paper_relative_loss"]
    columns += ["verdict", "curve_ratio", "status"]
    nothing = float("nan")
    rows = [
        ("m5_n10", "gd", "main", "GD <1e-3>", 2.0, 106.0, "met", nothing, "converged"),
        ("m5_n10", "gd", "as_drawn", "GD", 107.0, 106.0, "missed", 1.04, "converged"),
        ("m5_n10", "lista", "main", "LISTA", nothing, 5.53e-6, "missed", nothing, "diverged"),
    ]
    table = pd.DataFrame(rows, columns=columns).assign(iteration=1000, paper_iteration=1000)
    reader = self_contained(fig6_table_page(table, {"m5_n10": "m < n"}, "paper", "unsaid"))
    assert (reader.tags.count("table"), reader.tags.count("td")) == (2, 3)
    for text in ("GD <1e-3>", "m < n", "2.00e0 / 1.06e2reached", "1.07e2 / 1.06e21.04×"):
        assert text in reader.text
    for text in ("diverged / 5.53e-6missed", "1 of 2 cells", "iteration 1,000", "Preset: paper."):
        assert text in reader.text


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
    for text in (KEYS["train"], KEYS["elsewhere"][:12], "l2o.seeds", "d4" * 32, '"snr_db": null'):
        assert text in reader.text
    assert "lost.csv" in reader.text and "no record" in reader.text
    targets = {value[1:] for name, value in reader.attributes if name == "href"}
    assert targets == {value for name, value in reader.attributes if name == "id"}


def test_a_page_of_nothing_is_a_page():
    assert "Artifacts" in self_contained(provenance_page([])).text


def test_pages_are_written_whole(tmp_path):
    file = tmp_path / "folder" / "page.html"
    write_page(file, html_page("a < b", "<p>é</p>"))
    assert "<title>a &lt; b</title>" in file.read_text(encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        write_page(file / "below.html", "")
    assert [path.name for path in file.parent.iterdir()] == ["page.html"]
