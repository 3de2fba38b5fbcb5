"""Figure 3, its table and its page: stable bytes, hand computations, odd values, errors."""

from __future__ import annotations

from itertools import combinations, pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from l2o.errors import InputError
from l2o.figures import fig3, style
from l2o.figures.fig3 import draw_fig3, length_styles
from l2o.figures.fig3_page import fig3_table_page
from l2o.figures.fig3_table import fig3_metrics, fig3_table, heads, summary, write_table

UNROLLS = (5, 10, 20, 50, 100, 200)
TITLES = {f"unroll{unroll}": f"{unroll} steps" for unroll in UNROLLS}
NOTE = "laptop preset: reduced training budget"
ITERATIONS = np.array([0, 1, 2, 3, 5, 10, 20, 50, *range(100, 10_001, 100)])
START = float(np.log(10))
LOSSES = ["loss", "loss_low", "loss_high"]


@pytest.fixture
def curves() -> pd.DataFrame:
    """From ln 10 down to 0.5 at step 500, then up to 1 at the end, for every length."""
    losses = np.interp(ITERATIONS, [0, 500, 10_000], [START, 0.5, 1.0])
    tables = []
    for unroll in UNROLLS:
        columns = {"setting": f"unroll{unroll}", "unroll": unroll, "method": "l2o_dm"}
        columns |= {"iteration": ITERATIONS, "loss": losses, "loss_low": losses * 0.9}
        columns |= {"loss_high": losses * 1.2, "loss_std": losses * 0.1}
        tables.append(pd.DataFrame(columns | {"status": "converged"}))
    return pd.concat(tables, ignore_index=True)


@pytest.fixture
def lengths() -> pd.DataFrame:
    rows = []
    for number, unroll in enumerate(UNROLLS):
        row = {"setting": f"unroll{unroll}", "unroll": unroll, "horizon": 200, "epochs": 100}
        last = 0.6 + 0.05 * number
        row |= {"meta_steps": 100 * 200 // unroll, "first_meta_loss": 2.2, "last_meta_loss": last}
        row |= {"last_meta_loss_low": last * 0.9, "last_meta_loss_high": last * 1.1}
        rows.append(row | {"validation_loss": last * 0.8, "diverged_epochs": 0})
    return pd.DataFrame(rows)


@pytest.fixture
def odd(curves, lengths) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Means that become infinite, are never finite, end too high; trainings that diverged."""
    cut = (curves["setting"] == "unroll5") & (curves["iteration"] > 600)
    curves.loc[cut, ["loss", "loss_high"]] = np.inf
    curves.loc[curves["setting"] == "unroll50", LOSSES] = np.nan
    high = (curves["setting"] == "unroll100") & (curves["iteration"] > 6000)
    curves.loc[high, LOSSES] *= 1e7
    curves.loc[curves["setting"].isin(["unroll5", "unroll100"]), "status"] = "diverged"
    lengths.loc[5, ["last_meta_loss", "last_meta_loss_low", "last_meta_loss_high"]] = np.nan
    lengths.loc[5, ["first_meta_loss", "validation_loss"]] = np.inf
    lengths["diverged_epochs"] = [0, 3, 0, 0, 0, 100]
    lengths.loc[4, "last_meta_loss"] = 2.0  # a mean above both quartiles
    return curves, lengths


def drawn(tmp_path, monkeypatch, curves, lengths, titles=TITLES) -> mpl.figure.Figure:
    pages = []
    monkeypatch.setattr(fig3.style, "save_pdf", lambda page, *_: pages.append(page))
    monkeypatch.setattr(fig3.style, "save_png", lambda page, *_: pages.append(page))
    draw_fig3(curves, lengths, "laptop", NOTE, tmp_path / "p", tmp_path / "q", titles)
    assert len(pages) == 2 and pages[0] is pages[1]
    return pages[0]


def short(curves, lengths) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One run of four steps after one epoch."""
    curves = curves[curves["iteration"] <= 3].replace({"iteration": {3: 4}})
    one = curves.assign(loss_std=np.nan, loss_low=curves["loss"], loss_high=curves["loss"])
    return one, lengths.assign(epochs=1, meta_steps=200 // lengths["unroll"])


def test_same_tables_same_bytes_with_odd_values(tmp_path, odd):
    settings_before, files = dict(mpl.rcParams), []
    for turn in ("first", "second"):
        pdf, png = tmp_path / turn / "fig3.pdf", tmp_path / turn / "fig3.png"
        draw_fig3(*odd, "laptop", NOTE, pdf, png, TITLES, "key")
        files.append(pdf.read_bytes() + png.read_bytes())
    assert files[0] == files[1]
    assert b"/Count 1" in files[0]
    assert b"CreationDate" not in files[0] and b"matplotlib" not in files[0].lower()
    assert dict(mpl.rcParams) == settings_before
    assert {path.name for path in tmp_path.glob("*/*")} == {"fig3.pdf", "fig3.png"}


@pytest.mark.parametrize("size", ["whole", "smoke"])
def test_no_text_lies_on_other_text(tmp_path, monkeypatch, odd, size):
    with style.print_style():
        page = drawn(tmp_path, monkeypatch, *(short(*odd) if size == "smoke" else odd))
        page.draw_without_rendering()
        free = list(page.texts)
        for legend in page.legends:
            free += [*legend.texts, legend.get_title()]
        for axes in page.axes:
            free += [text for text in axes.get_children() if isinstance(text, mpl.text.Text)]
            free += [axes.xaxis.label, axes.yaxis.label]
        free += page.axes[1].get_xticklabels()
        places = {text: text.get_window_extent() for text in free if text.get_text()}
        assert len(places) > 25
        for one, other in combinations(places, 2):
            meet = places[one].overlaps(places[other])
            assert not meet, f"{one.get_text()!r} lies on {other.get_text()!r}"
        corners = [corner for spot in places.values() for corner in (spot.min, spot.max)]
        assert all(page.bbox.contains(*corner) for corner in corners)


def test_the_panels_say_what_diverged_and_how(tmp_path, monkeypatch, odd):
    page = drawn(tmp_path, monkeypatch, *odd)
    upper, lower = page.axes
    texts = [text.get_text() for text in upper.texts]
    assert texts[0] == "trained for 200 steps"
    assert texts[1].split("\n") == [
        "5 steps: diverged, mean finite up to step 600",
        "50 steps: diverged, never finite",
        "100 steps: diverged, mean ends at 1.00e7",
    ]
    ticks = [text.get_text() for text in lower.get_xticklabels()]
    assert ticks[0] == "5\n(4,000)" and ticks[-1] == "200\n(100)"
    foot = " ".join(page.texts[-1].get_text().split())
    assert "trained for 100 epochs of 200 steps" in foot
    assert "diverged: 10 steps 3 of 100; 200 steps 100 of 100." in foot
    assert "No finite loss in the last epochs: 200 steps." in foot
    marks = [text.get_text() for text in page.legends[2].texts]
    assert marks[-1] == "last finite mean"


def test_a_cross_stands_at_the_last_finite_mean(tmp_path, monkeypatch, odd):
    page = drawn(tmp_path, monkeypatch, *odd)
    crosses = [line for line in page.axes[0].lines if line.get_marker() == "x"]
    (cross,) = crosses  # a curve that is never finite has none
    assert cross.get_xdata() == [600] and cross.get_ydata() == pytest.approx(0.5 + 0.5 / 95)


def test_the_usual_length_stands_out(tmp_path, monkeypatch, curves, lengths):
    mixed = lengths.sample(frac=1, random_state=3)  # the tables may come in any order
    page = drawn(tmp_path, monkeypatch, curves, mixed)
    labels = [text.get_text() for text in page.legends[0].texts]
    assert labels == [*list(TITLES.values())[:2], "20 steps, usual", *list(TITLES.values())[3:]]
    widths = [line.get_linewidth() for line in page.legends[0].get_lines()]
    assert widths[2] > 1.5 * max(widths[:2] + widths[3:])
    assert "last finite mean" not in [text.get_text() for text in page.legends[2].texts]
    only = {"unroll5": "5 steps", "unroll200": "200 steps"}
    assert len(drawn(tmp_path, monkeypatch, curves, lengths, only).legends[0].texts) == 2


def test_the_scale_is_told_apart_in_grey(lengths):
    looks = list(length_styles(lengths).values())
    lightness = [116 * style.luminance(look.colour) ** (1 / 3) - 16 for look in looks]
    assert all(before - after > 8 for before, after in pairwise(lightness))
    assert lightness[0] < 85 and len({look.marker for look in looks}) == len(UNROLLS)
    assert length_styles(lengths.iloc[:1])["unroll5"].marker == "o"


def test_a_single_run_of_a_few_steps(tmp_path, curves, lengths):
    one = short(curves, lengths)
    draw_fig3(*one, "smoke", "tiny", tmp_path / "a.pdf", tmp_path / "a.png", TITLES)
    table = fig3_table(*one)
    assert set(table["end_iteration"]) == {4} and table["loss_100"].isna().all()
    assert heads(table)[-4:] == ("validation", "end", "lowest (step)", "status")
    write_table(tmp_path / "t.csv", tmp_path / "t.md", table, TITLES, "smoke", "tiny")
    text = (tmp_path / "t.md").read_text(encoding="utf-8")
    assert "| 20 steps | 1 | 10 | 2.20 | 0.700 | 0.560 | 2.29 (4) | 2.29 (4) | converged |" in text
    page = fig3_table_page(pd.read_csv(tmp_path / "t.csv"), TITLES, "smoke", "tiny")
    assert page == fig3_table_page(table, TITLES, "smoke", "tiny")


def test_table_by_hand(curves, lengths):
    table = fig3_table(curves, lengths.iloc[::-1])
    assert list(table["unroll"]) == list(UNROLLS)
    row = table.set_index("setting").loc["unroll20"]
    assert (row["epochs"], row["horizon"], row["meta_steps"]) == (100, 200, 1000)
    assert (row["first_meta_loss"], row["last_meta_loss"], row["validation_loss"]) == (
        2.2,
        0.7,
        0.56,
    )
    assert (row["loss_100"], row["loss_1000"], row["loss_10000"]) == (1.942, 0.5263, 1.0)
    assert (row["end_iteration"], row["end_loss"]) == (10000, 1.0)
    assert (row["best_loss"], row["best_iteration"], row["status"]) == (0.5, 500, "converged")
    metrics = fig3_metrics(table)
    assert (metrics["lengths"], metrics["diverged"]) == (6, 0)
    assert metrics["unroll20"]["best_iteration"] == 500
    told = summary(table, TITLES)
    assert told.startswith("0 of 6 unroll lengths diverged at meta-testing; 6 of 6 reach")
    assert "in the last epochs: 5 steps (0.600)." in told


def test_what_is_not_finite_and_what_is_not_reached(curves, lengths):
    cut = (curves["setting"] == "unroll10") & (curves["iteration"] > 1000)
    curves = curves[~cut]
    curves.loc[(curves["setting"] == "unroll50") & (curves["iteration"] > 700), "loss"] = np.nan
    table = fig3_table(curves, lengths).set_index("setting")
    assert np.isnan(table.loc["unroll10", "loss_10000"])  # not reached
    assert table.loc["unroll10", ["end_iteration", "end_loss"]].tolist() == [1000, 0.5263]
    lost = table.loc["unroll50"]
    assert (lost["loss_1000"], lost["end_loss"], lost["status"]) == (np.inf, np.inf, "diverged")
    assert (lost["best_loss"], lost["best_iteration"]) == (0.5, 500)
    assert "10,000" in heads(table.reset_index())


def test_metrics_are_finite(odd):
    metrics = fig3_metrics(fig3_table(*odd))
    assert metrics["diverged"] == 3
    assert "loss_1000" not in metrics["unroll5"] and metrics["unroll5"]["loss_100"] == 1.942
    assert set(metrics["unroll50"]) == {"first_meta_loss", "last_meta_loss", "validation_loss"}
    assert "last_meta_loss" not in metrics["unroll200"]
    values = [v for each in metrics.values() if isinstance(each, dict) for v in each.values()]
    assert np.isfinite(values).all() and all(type(value) is float for value in values)


def test_table_files_and_page(tmp_path, odd):
    table, written = fig3_table(*odd), []
    for turn in ("first", "second"):
        csv, md = tmp_path / turn / "t.csv", tmp_path / turn / "t.md"
        write_table(csv, md, table, TITLES, "laptop", NOTE)
        written.append((csv.read_bytes(), md.read_text(encoding="utf-8")))
    assert written[0] == written[1]
    csv, md = written[0]
    lines = csv.decode().split("\n")
    assert "unroll5,5,100,200,4000,2.2,0.6,0.48,1.942,inf,inf,10000,inf,0.5,500,diverged" in lines
    assert "unroll50,50,100,200,400,2.2,0.75,0.6,inf,inf,inf,10000,inf,,,diverged" in lines
    assert "| 1.94 | not finite | not finite (10,000) | 0.500 (500) | diverged |" in md
    assert "| not finite | not finite | not finite (10,000) | – | diverged |" in md
    assert "| 200 steps | 100 | 100 | – | – | – | 1.94 |" in md
    assert "3 of 6 unroll lengths diverged" in md
    assert "Laptop preset: reduced training budget." in md
    page = fig3_table_page(pd.read_csv(tmp_path / "first" / "t.csv"), TITLES, "laptop", NOTE)
    assert page == fig3_table_page(table, TITLES, "laptop", NOTE)
    assert (page.count("<table>"), page.count("<tr>")) == (1, 7)
    assert '<th scope="row">200 steps</th>' in page
    nothing = summary(fig3_table(*odd).assign(last_meta_loss=np.nan, end_loss=np.inf), TITLES)
    assert "Lowest" not in nothing


def test_bad_tables_are_named(tmp_path, curves, lengths):
    gone = curves[curves["setting"] != "unroll20"]
    other = lengths["horizon"].where(lengths["unroll"] != 5, 100)
    bad = {
        "figure 3 curves: loss_low: no such column": (curves.drop(columns="loss_low"), lengths),
        "figure 3 lengths: meta_steps: no such": (curves, lengths.drop(columns="meta_steps")),
        "figure 3 curves: unroll20: no rows": (gone, lengths),
        "figure 3 lengths: unroll5: 2 rows": (curves, pd.concat([lengths, lengths.iloc[:1]])),
        "iteration 5 of l2o_dm occurs twice": (
            pd.concat([curves, curves[curves["iteration"] == 5]]), lengths),
        "method: found adam, allowed: l2o_dm": (curves.assign(method="adam"), lengths),
        "unroll5: unroll 7, trained with 5": (curves.replace({"unroll": {5: 7}}), lengths),
        "horizon: found 100, 200, must be the same": (curves, lengths.assign(horizon=other)),
    }  # fmt: skip
    arguments = ("laptop", "", tmp_path / "p", tmp_path / "q", TITLES)
    for message, tables in bad.items():
        with pytest.raises(InputError, match=message) as caught:
            fig3_table(*tables)
        assert "\n" not in str(caught.value)
        with pytest.raises(InputError, match=message):
            draw_fig3(*tables, *arguments)
    with pytest.raises(InputError, match="figure 3 lengths: unroll20: 0 rows"):
        draw_fig3(curves, lengths[lengths["unroll"] != 20], *arguments)
    with pytest.raises(InputError, match="setting: no such column"):
        fig3_table(curves, lengths.drop(columns="setting"))
    assert not list(tmp_path.iterdir())
