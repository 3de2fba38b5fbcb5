"""Figure 8, its table and its page: stable bytes, hand computations, odd values, errors."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from l2o.errors import InputError
from l2o.figures import fig8, style
from l2o.figures.fig8 import draw_fig8
from l2o.figures.fig8_page import fig8_table_page
from l2o.figures.fig8_table import fig8_metrics, fig8_table, write_table
from l2o.figures.fig8_text import counted, explanation, listed_iterations, loss_pair

TITLES = {"mlp_relu": "ReLU MLP", "convnet": "ConvNet"}
NOTE = "laptop preset: reduced training budget"
LABELS = {"sgd": "SGD (rate 0.001)", "adam": "Adam (rate 0.003)", "rmsprop": "RMSProp"}
LABELS |= {"l2o_dm": "L2O-DM", "l2o_enhanced": "L2O-enhanced"}
LABELS |= {"l2o_rnnprop": "L2O-RNNprop", "l2o_scale": "L2O-Scale"}
LOSSES = ["loss", "loss_low", "loss_high"]
AT = ["setting", "method", "iteration"]
ITERATIONS = np.array([0, 1, 2, 5, 10, 20, 50, *range(100, 10_001, 100)])
START = 2.303


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    return pd.read_csv(Path(__file__).parents[1] / "data" / "reference" / "fig8.csv")


@pytest.fixture
def curves(reference) -> pd.DataFrame:
    """The published losses times 0.9 from iteration 100 on, after a start at ln 10."""
    tables = []
    for setting in TITLES:
        for method, label in LABELS.items():
            here = (reference["panel"] == setting) & (reference["method"] == method)
            paper = reference[here].dropna()
            losses = np.interp(ITERATIONS, [0, *paper["iteration"]], [START, *paper["loss"] * 0.9])
            columns = {"setting": setting, "method": method, "variant": "main", "label": label}
            columns |= {"kind": "recurrent" if method[:3] == "l2o" else "classical"}
            columns |= {"iteration": ITERATIONS, "loss": losses, "loss_low": losses * 0.9}
            columns |= {"loss_high": losses * 1.2, "loss_std": losses * 0.1, "shift": 0}
            tables.append(pd.DataFrame(columns | {"status": "converged"}))
    return pd.concat(tables, ignore_index=True)


@pytest.fixture
def finals() -> pd.DataFrame:
    rows = [{"setting": setting, "method": method} for setting in TITLES for method in LABELS]
    values = {"runs": 10, "diverged": 0, "training_loss": 0.05, "training_loss_std": 0.004}
    values |= {"test_loss": 0.08, "test_accuracy": 0.97125, "test_accuracy_std": 0.0021}
    return pd.DataFrame(rows).assign(**values)


def place(table, setting, method) -> pd.Series:
    return (table["setting"] == setting) & (table["method"] == method)


@pytest.fixture
def odd(curves, finals) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A mean that is infinite, one that is NaN from the start, one that ends too high."""
    at = place(curves, "convnet", "l2o_dm")
    curves.loc[at & (curves["iteration"] > 6000), ["loss", "loss_high"]] = np.inf
    curves.loc[place(curves, "convnet", "l2o_scale"), LOSSES] = np.nan
    for setting, method in (("mlp_relu", "l2o_dm"), ("convnet", "l2o_dm")):
        curves.loc[place(curves, setting, method), "status"] = "diverged"
        finals.loc[place(finals, setting, method), "diverged"] = 3
    lost = place(finals, "convnet", "l2o_scale")
    finals.loc[lost, ["diverged", "runs"]] = 10
    values = [name for name in finals if name.startswith(("training", "test"))]
    finals.loc[lost, values] = np.nan
    finals.loc[place(finals, "convnet", "l2o_rnnprop"), "diverged"] = 1
    return curves, finals


def drawn(tmp_path, monkeypatch, curves, finals, reference, titles=TITLES) -> list:
    pages = []
    monkeypatch.setattr(fig8.style, "save_pdf", lambda figures, *_: pages.extend(figures))
    monkeypatch.setattr(fig8.style, "save_png", lambda *_: None)
    draw_fig8(curves, finals, reference, "laptop", NOTE, tmp_path / "p", tmp_path / "q", titles)
    return pages


def test_same_tables_same_bytes_with_odd_values(tmp_path, reference, odd):
    settings_before, files = dict(mpl.rcParams), []
    for turn in ("first", "second"):
        pdf, png = tmp_path / turn / "fig8.pdf", tmp_path / turn / "fig8.png"
        draw_fig8(*odd, reference, "laptop", NOTE, pdf, png, TITLES, "key")
        files.append(pdf.read_bytes() + png.read_bytes())
    assert files[0] == files[1]
    assert b"/Count 2" in files[0]
    assert b"CreationDate" not in files[0] and b"matplotlib" not in files[0].lower()
    assert dict(mpl.rcParams) == settings_before
    assert {path.name for path in tmp_path.glob("*/*")} == {"fig8.pdf", "fig8.png"}


def test_no_text_lies_on_other_text(tmp_path, monkeypatch, reference, odd):
    with style.print_style():
        for page in drawn(tmp_path, monkeypatch, *odd, reference):
            page.draw_without_rendering()
            free = [*page.texts, *(text for legend in page.legends for text in legend.texts)]
            for axes in page.axes:
                free += [text for text in axes.get_children() if isinstance(text, mpl.text.Text)]
                free += [axes.xaxis.label, axes.yaxis.label]
            places = {text: text.get_window_extent() for text in free if text.get_text()}
            assert len(places) > 15
            for one, other in combinations(places, 2):
                meet = places[one].overlaps(places[other])
                assert not meet, f"{one.get_text()!r} lies on {other.get_text()!r}"
            corners = [corner for spot in places.values() for corner in (spot.min, spot.max)]
            assert all(page.bbox.contains(*corner) for corner in corners)


def test_the_panels_say_what_diverged_and_how(tmp_path, monkeypatch, reference, odd):
    first, second = drawn(tmp_path, monkeypatch, *odd, reference)
    mlp, convnet = [axes.texts[-1].get_text().split("\n") for axes in first.axes]
    assert mlp == ["L2O-DM diverged in 3 of 10 runs:", "   mean ends at 4.20"]
    assert convnet == [
        *("L2O-DM diverged in 3 of 10 runs:", "   mean finite up to iteration 6,000"),
        "L2O-RNNprop diverged in 1 of 10 runs",
        *("L2O-Scale diverged in 10 of 10 runs:", "   never finite"),
    ]
    assert "mean over 10 runs" in first.texts[-1].get_text()
    assert "SGD: rate 0.001; Adam: rate 0.003" in first.texts[-1].get_text()
    foot = " ".join(second.texts[-1].get_text().split())
    assert "start near 6.8, which the paper's text does not explain" in foot
    numbers = second.axes[0].texts[-1].get_text().split("\n")
    assert numbers[1:] == ["1,000: 0.294 / 0.327", "10,000: 0.0568 / 0.0631"]
    assert len([axes for axes in second.axes if axes.axison]) == 14


def test_a_single_run_of_a_few_iterations(tmp_path, reference, curves, finals):
    short = curves[curves["iteration"] <= 20].assign(loss_std=np.nan)
    short["loss_low"] = short["loss_high"] = short["loss"]
    one = finals.assign(runs=1, training_loss_std=np.nan, test_accuracy_std=np.nan)
    files = tmp_path / "a.pdf", tmp_path / "a.png"
    draw_fig8(short, one, reference, "smoke", "tiny", *files, TITLES)
    table = fig8_table(short, reference, one)
    assert len(table) == 14 and set(table["iteration"]) == {20}
    assert table["published"].isna().all() and set(table["verdict"]) == {""}
    assert fig8_metrics(table)["cells"] == 0
    assert counted(table) == "No verdict: our runs end before the last published iteration."
    write_table(tmp_path / "t.csv", tmp_path / "t.md", table, TITLES, "smoke", "tiny")
    text = (tmp_path / "t.md").read_text(encoding="utf-8")
    assert "after iteration 20; bold" in text
    assert "| Adam (rate 0.003) | 3.03 / – | – | 0.0500 | 97.12 % | 0 of 1 runs |" in text
    page = fig8_table_page(pd.read_csv(tmp_path / "t.csv"), TITLES, "smoke", "tiny")
    assert page == fig8_table_page(table, TITLES, "smoke", "tiny")


def test_a_run_that_is_cut_is_compared_as_far_as_it_goes(reference, curves, finals):
    table = fig8_table(curves[curves["iteration"] <= 3000], reference, finals)
    assert sorted(set(table["iteration"])) == [100, 500, 1000, 2000, 3000]
    assert listed_iterations(table) == "iterations 100, 1,000 and 3,000"
    assert set(table["verdict"]) == {""}


def test_table_by_hand(reference, curves, finals):
    at = place(curves, "mlp_relu", "l2o_scale") & (curves["iteration"] == 10000)
    curves.loc[at, "loss"] = 0.0468 * 1.06  # more than the reading's 5 % above
    at = place(curves, "mlp_relu", "l2o_rnnprop") & (curves["iteration"] == 10000)
    curves.loc[at, "loss"] = 0.0217 * 1.04
    table = fig8_table(curves, reference, finals)
    assert len(table) == 2 * 7 * 8
    keyed = table.set_index(AT)
    row = keyed.loc[("convnet", "adam", 500)]
    assert (row["published"], row["ratio"], row["verdict"]) == (0.188, 0.9, "")
    assert pd.isna(row["training_loss"]) and pd.isna(row["runs"])
    assert pd.isna(keyed.loc[("convnet", "adam", 100), "ratio"])  # hidden in the paper's figure
    row = keyed.loc[("mlp_relu", "l2o_scale", 10000)]
    assert (row["loss"], row["start"], row["ratio"]) == (0.04961, 2.303, 1.06)
    assert (row["verdict"], row["test_accuracy"], row["runs"]) == ("missed", 0.9712, 10)
    assert keyed.loc[("mlp_relu", "l2o_rnnprop", 10000), "verdict"] == "met"
    judged = table[table["verdict"] != ""]
    assert set(judged["iteration"]) == {10000} and set(judged["kind"]) == {"recurrent"}
    metrics = fig8_metrics(table)
    assert (metrics["cells"], metrics["cells_met"]) == (8, 7)
    assert metrics["mlp_relu"]["l2o_scale_loss"] == 0.04961
    assert metrics["convnet"]["sgd_test_accuracy"] == 0.9712
    assert "6.8" not in explanation(table[table["setting"] == "convnet"], TITLES)


def test_diverged_misses_and_metrics_are_finite(reference, odd):
    table = fig8_table(odd[0], reference, odd[1])
    last = table[table["iteration"] == 10000].set_index(["setting", "method"])
    row = last.loc[("mlp_relu", "l2o_dm")]  # below the published loss, and above its own start
    assert (row["ratio"], row["status"], row["verdict"]) == (0.9, "diverged", "missed")
    row = last.loc[("convnet", "l2o_dm")]
    assert (row["verdict"], loss_pair(row)) == ("missed", "diverged / 5.42")
    assert last.loc[("convnet", "l2o_scale"), "status"] == "diverged"  # NaN, whatever it is called
    metrics = fig8_metrics(table)
    assert "l2o_scale_test_accuracy" not in metrics["convnet"]
    assert "l2o_dm_loss" not in metrics["convnet"] and "l2o_dm_loss" in metrics["mlp_relu"]


def test_table_files_and_page(tmp_path, reference, odd):
    table, written = fig8_table(odd[0], reference, odd[1]), []
    for turn in ("first", "second"):
        csv, md = tmp_path / turn / "t.csv", tmp_path / turn / "t.md"
        write_table(csv, md, table, TITLES, "laptop", NOTE)
        written.append((csv.read_bytes(), md.read_text(encoding="utf-8")))
    assert written[0] == written[1]
    csv, md = written[0]
    line = "mlp_relu,l2o_scale,main,recurrent,L2O-Scale,10000,0.04212,0.03791,0.05054,2.303,0.0468,"
    assert f"{line}0.9,met,0.05,0.004,0.08,0.9712,0.0021,10,0,converged" in csv.decode().split("\n")
    assert "| **0.0421 / 0.0468** | 0.900×, reached | 0.0500 ± 0.0040 | 97.12 ± 0.21 % | 0 " in md
    assert "| 4.20 / 4.67 | 0.900×, diverged, missed |" in md
    assert "| diverged / 5.42 | diverged, missed |" in md
    assert "| diverged / 0.695 | diverged, missed | – | – | 10 of 10 runs |" in md
    assert "| 0.0568 / 0.0631 | 0.900× | 0.0500 ± 0.0040 |" in md
    assert "5 of 8 learned methods and networks reach the published loss at iteration 10,000" in md
    assert "ReLU MLP: L2O-enhanced (0.00152); ConvNet: L2O-enhanced (0.00657)." in md
    assert "Laptop preset: reduced training budget." in md
    page = fig8_table_page(pd.read_csv(tmp_path / "first" / "t.csv"), TITLES, "laptop", NOTE)
    assert '<td class="number met">0.0421 / 0.0468</td>' in page
    assert '<td class="number missed">diverged / 5.42</td>' in page
    assert (page.count("<table>"), page.count("<tr>")) == (2, 16)
    assert page == fig8_table_page(table, TITLES, "laptop", NOTE)


def test_bad_tables_are_named(tmp_path, reference, curves, finals):
    gone = place(curves, "convnet", "adam")
    no_thousand = curves[~gone | (curves["iteration"] != 1000)]
    bad = {
        "figure 8 curves: convnet: no rows of adam": (curves[~gone], finals, reference),
        "loss_low: no such column": (curves.drop(columns="loss_low"), finals, reference),
        "panel: no such column": (curves, finals, reference.rename(columns={"panel": "setting"})),
        "runs: no such column": (curves, finals.drop(columns="runs"), reference),
        "figure 8 finals: convnet: 0 rows of adam": (
            curves, finals[~place(finals, "convnet", "adam")], reference),
        "figure 8 finals: mlp_relu: 2 rows of sgd": (
            curves, pd.concat([finals, finals.iloc[:1]]), reference),
        "iteration 5 of sgd occurs twice": (
            pd.concat([curves, curves[curves["iteration"] == 5]]), finals, reference),
        "variant: found as_drawn, allowed: main": (
            curves.assign(variant="as_drawn"), finals, reference),
        r"adam \(main\) has no iteration 1000": (no_thousand, finals, reference),
    }  # fmt: skip
    arguments = ("laptop", "", tmp_path / "p", tmp_path / "q", TITLES)
    for message, (ours, ends, paper) in bad.items():
        with pytest.raises(InputError, match=message) as caught:
            fig8_table(ours, paper, ends)
        assert "\n" not in str(caught.value)
        with pytest.raises(InputError, match=message):
            draw_fig8(ours, ends, paper, *arguments)
    with pytest.raises(InputError, match="cnn: no such panel"):
        draw_fig8(curves, finals, reference, *arguments[:-1], {"cnn": "CNN"})
    assert not list(tmp_path.iterdir())
