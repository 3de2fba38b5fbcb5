"""Figure 6, its table and its page: stable bytes, odd values, verdicts, errors, styles."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from l2o.errors import InputError
from l2o.figures.fig6 import draw_fig6, draw_fig6_seconds
from l2o.figures.fig6_table import fig6_metrics, fig6_table, loss_pair, scientific, write_table
from l2o.figures.loss_axes import BOTTOM, TOP, loss_limits
from l2o.figures.style import STYLES
from l2o.figures.table_page import fig6_table_page

TITLES = {"m5_n10": "m = 5, n = 10", "m25_n50": "m = 25, n = 50"}
NOTE = "laptop preset: reduced training budget"
CLASSICAL = ("gd", "adam", "rmsprop", "ista", "fista")
UNROLLED = ("lista", "alista")
NEW = ("gd", "adam", "rmsprop", "sgd", "nag", "pso")
NEW += ("l2o_dm", "l2o_rnnprop", "l2o_enhanced", "l2o_scale", "l2o_swarm")
AT = ["setting", "method", "variant"]


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    return pd.read_csv(Path(__file__).parents[1] / "data" / "reference" / "fig6.csv")


def rows_of(setting, method, variant, iterations, losses, **changes) -> pd.DataFrame:
    """A curve (iterations,) with its spread around it."""
    kind = "unrolled" if method in UNROLLED else "recurrent"
    kind = "classical" if method in CLASSICAL else kind
    label = f"{method.upper()} (step 1e-3)" if kind == "classical" else method.upper()
    columns = {"setting": setting, "method": method, "variant": variant, "kind": kind}
    columns |= {"label": label, "iteration": iterations, "relative_loss": losses}
    columns |= {"start_low": losses * 0.95, "start_high": losses * 1.05}
    columns |= {"q25": losses * 0.5, "q75": losses * 2.0, "status": "converged"}
    return pd.DataFrame(columns | {"layers": 16 if kind == "unrolled" else 0} | changes)


def our_curves(reference: pd.DataFrame, factor: float = 1.0) -> pd.DataFrame:
    """The published curves times ``factor``; classical ones also as drawn, Adam's a step early."""
    tables = []
    for (setting, method), paper in reference.groupby(["panel", "method"], sort=False):
        paper = paper.assign(relative_loss=paper["relative_loss"].bfill())
        iterations = np.array([0, *paper["iteration"]])
        losses = factor * np.array([130.0, *paper["relative_loss"]])
        tables.append(rows_of(setting, method, "main", iterations, losses))
        if method in CLASSICAL:
            shift = int(method == "adam")
            early = [iterations[1:] - shift, losses[1:] * 1.1]
            tables.append(rows_of(setting, method, "as_drawn", *early, shift=shift))
    curves = pd.concat(tables, ignore_index=True)
    return curves.assign(iteration=curves["iteration"].astype(int))


def changed(curves, setting, method, first, columns, value) -> pd.DataFrame:
    """A copy with ``value`` in the main curve from iteration ``first`` on."""
    rows = (curves[["setting", "method", "variant"]] == [setting, method, "main"]).all(axis=1)
    curves = curves.copy()
    curves.loc[rows & (curves["iteration"] >= first), columns] = value
    return curves


@pytest.fixture
def odd_curves(reference: pd.DataFrame) -> pd.DataFrame:
    """Zero, slightly negative and tiny losses; a curve that diverges (finite, inf, NaN)."""
    losses = ["relative_loss", "start_low", "start_high", "q25", "q75"]
    curves = changed(our_curves(reference), "m5_n10", "fista", 400, losses, 0.0)
    curves = changed(curves, "m5_n10", "alista", 700, losses, -3e-16)
    curves = changed(curves, "m5_n10", "lista", 1000, losses, 1e-16)
    curves = changed(curves, "m5_n10", "l2o_dm", 200, losses, 1e30)
    curves = changed(curves, "m5_n10", "l2o_dm", 400, losses, np.inf)
    curves = changed(curves, "m5_n10", "l2o_dm", 1000, losses, np.nan)
    curves = changed(curves, "m5_n10", "l2o_dm", 0, "status", "diverged")
    curves = changed(curves, "m25_n50", "l2o_enhanced", 0, "status", "diverged")
    return changed(curves, "m25_n50", "l2o_rnnprop", 1000, losses, np.nan)


def seconds_of(curves: pd.DataFrame) -> pd.DataFrame:
    main = curves[curves["variant"] == "main"]
    return main[["setting", "method", "iteration"]].assign(
        seconds=main["iteration"] * 1e-3, batch=1280
    )


def test_same_tables_same_bytes_with_odd_values(tmp_path, reference, odd_curves):
    settings_before, files = dict(mpl.rcParams), []
    new = rows_of("m5_n10", "l2o_new", "main", np.arange(9), np.geomspace(100.0, 1e-3, 9))
    curves = pd.concat([odd_curves, new], ignore_index=True)
    for turn in ("first", "second"):
        pdf, png = tmp_path / turn / "fig6.pdf", tmp_path / turn / "fig6.png"
        draw_fig6(curves, reference, "laptop", NOTE, pdf, png, TITLES)
        files.append(pdf.read_bytes() + png.read_bytes())
    assert files[0] == files[1]
    assert b"/Count 2" in files[0]
    assert b"CreationDate" not in files[0]
    assert b"matplotlib" not in files[0].lower()
    assert dict(mpl.rcParams) == settings_before
    assert {path.name for path in tmp_path.glob("*/*")} == {"fig6.pdf", "fig6.png"}


def test_seconds_same_bytes(tmp_path, odd_curves):
    files, seconds = [], seconds_of(odd_curves)
    for turn in ("first", "second"):
        pdf, png = tmp_path / f"{turn}.pdf", tmp_path / f"{turn}.png"
        draw_fig6_seconds(odd_curves, seconds, "laptop", NOTE, pdf, png, TITLES, "key")
        files.append(pdf.read_bytes() + png.read_bytes())
    assert files[0] == files[1]
    assert b"/Count 1" in files[0]


def test_one_method_without_a_finite_value_is_drawn(tmp_path, reference):
    one = reference[(reference["panel"] == "m5_n10") & (reference["method"] == "lista")]
    iterations, nothing = np.array([0, *one["iteration"]]), np.full(len(one) + 1, np.nan)
    curves, titles = rows_of("m5_n10", "lista", "main", iterations, nothing), {"m5_n10": "A"}
    draw_fig6(curves, one, "smoke", "", tmp_path / "a.pdf", tmp_path / "a.png", titles)
    row = fig6_table(curves, one).iloc[0]
    assert (row["status"], row["verdict"], loss_pair(row)) == (
        "diverged",
        "missed",
        "diverged / 5.53e-6",
    )


def test_verdicts(reference):
    better, worse = (fig6_table(our_curves(reference, f), reference) for f in (0.98, 1.02))
    for table, verdict, ratio in ((better, "met", 0.98), (worse, "missed", 1.02)):
        main = table[table["variant"] == "main"]
        assert len(main) == 20 and len(table) == 30
        assert set(main["verdict"]) == {verdict}
        assert main["ratio"].between(ratio - 0.006, ratio + 0.006).all()
        assert main["curve_ratio"].isna().all()
    nearly = fig6_table(our_curves(reference, 1.0001), reference)
    met = nearly[nearly["variant"] == "main"].set_index(["setting", "method"])["verdict"] == "met"
    assert met["m5_n10", "lista"]  # 5.5325e-6 and 5.5319e-6 are 5.53e-6 both


def test_curve_ratio_counts_the_shift_and_leaves_out_the_tail_of_fista(reference):
    curves = our_curves(reference)
    late = (curves["method"] == "fista") & (curves["iteration"] > 400)
    curves.loc[late, "relative_loss"] *= 1e-3
    drawn = fig6_table(curves, reference).query("variant == 'as_drawn'")
    assert drawn["curve_ratio"].tolist() == [1.1] * 10
    adam = drawn[drawn["method"] == "adam"]
    assert set(adam["iteration"]) == {999} and set(adam["paper_iteration"]) == {1000}
    drawn = curves["variant"] == "as_drawn"
    curves.loc[drawn & (curves["iteration"] == 100), "relative_loss"] = 0.0
    table = fig6_table(curves, reference).query("variant == 'as_drawn' and method == 'ista'")
    assert np.isposinf(table["curve_ratio"]).all()


def test_table_of_odd_values(reference, odd_curves):
    table = fig6_table(odd_curves, reference).set_index(AT)
    for method in (*UNROLLED, "fista"):
        assert table.loc[("m5_n10", method, "main"), "verdict"] == "met"
    lost = table.loc[("m25_n50", "l2o_enhanced", "main")]
    assert (lost["status"], lost["verdict"]) == ("diverged", "missed")
    assert loss_pair(lost) == "1.33e2 (diverged) / 1.33e2"
    for setting, method in (("m5_n10", "l2o_dm"), ("m25_n50", "l2o_rnnprop")):
        row = table.loc[(setting, method, "main")]
        assert (row["status"], row["verdict"]) == ("diverged", "missed")


def test_losses_as_text():
    texts = {0.00055: "5.50e-4", 131.03: "1.31e2", 1.0: "1.00e0", 0.0: "< 1e-9", -1e-16: "< 1e-9"}
    assert {value: scientific(value) for value in texts} == texts
    assert (scientific(np.inf), scientific(np.nan)) == ("∞", "nan")


def test_table_files(tmp_path, reference, odd_curves):
    table, written = fig6_table(odd_curves, reference), []
    for turn in ("first", "second"):
        csv, md = tmp_path / turn / "t.csv", tmp_path / turn / "t.md"
        write_table(csv, md, table, TITLES, "laptop", NOTE)
        written.append((csv.read_bytes(), md.read_text(encoding="utf-8")))
    assert written[0] == written[1]
    csv, md = written[0]
    lines = csv.decode().splitlines()
    assert len(lines) == 31
    assert (
        "m5_n10,l2o_rnnprop,main,L2O_RNNPROP,1000,0.0184,1000,0.0184,1,met,nan,converged" in lines
    )
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "first" / "t.csv"), table)
    assert "ours / paper, at iteration 1,000; bold where ours is no worse." in md
    assert "**1.84e-2 / 1.84e-2** | diverged / 5.48e-4 |" in md
    assert "**< 1e-9 / 1.04e-6**" in md
    assert "17 of 20 cells at or below the published value" in md
    assert "| ADAM (step 1e-3) | 8.77e-2 / 7.97e-2; 1.1× | 4.36e-2 / 3.96e-2; 1.1× |" in md
    assert "Laptop preset: reduced training budget." in md
    only_main = table[table["variant"] == "main"]
    write_table(tmp_path / "m.csv", tmp_path / "m.md", only_main, TITLES, "paper", "")
    text = (tmp_path / "m.md").read_text(encoding="utf-8")
    assert "reproduce" not in text and "Preset: paper." in text


def test_metrics_count_main_curves(reference, odd_curves):
    metrics = fig6_metrics(fig6_table(odd_curves, reference))
    assert list(metrics) == ["cells_met", "cells", *TITLES]
    assert (metrics["cells"], metrics["cells_met"]) == (20, 17)
    assert metrics["m25_n50"]["fista_relative_loss"] == 6.11e-05
    assert len(metrics["m5_n10"]) == 10


def test_page_reads_the_written_table(tmp_path, reference, odd_curves):
    table = fig6_table(odd_curves, reference)
    write_table(tmp_path / "t.csv", tmp_path / "t.md", table, TITLES, "laptop", NOTE)
    page = fig6_table_page(pd.read_csv(tmp_path / "t.csv"), TITLES, "laptop", NOTE)
    assert "&lt; 1e-9 / 1.04e-6<small>reached</small>" in page
    assert "1.33e2 (diverged) / 1.33e2<small>missed</small>" in page
    assert "8.77e-2 / 7.97e-2<small>1.1×</small>" in page
    assert (page.count("<table>"), page.count("<tr>")) == (2, 17)
    assert page == fig6_table_page(table, TITLES, "laptop", NOTE)
    only_main = table[table["variant"] == "main"]
    assert fig6_table_page(only_main, TITLES, "laptop", NOTE).count("<table>") == 1


def test_bad_tables_are_named(tmp_path, reference):
    curves = our_curves(reference)
    without_adam = curves[(curves["method"] != "adam") | (curves["variant"] != "main")]
    with pytest.raises(InputError, match=r"m5_n10.*adam"):
        fig6_table(without_adam, reference)
    with pytest.raises(InputError, match=r"m5_n10.*adam"):
        draw_fig6(without_adam, reference, "laptop", "", tmp_path / "p", tmp_path / "q", TITLES)
    with pytest.raises(InputError, match="m9: no such panel"):
        draw_fig6(curves, reference, "laptop", "", tmp_path / "p", tmp_path / "q", {"m9": "9"})
    with pytest.raises(InputError, match="start_low: no such column"):
        fig6_table(curves.drop(columns="start_low"), reference)
    with pytest.raises(InputError, match="panel"):
        fig6_table(curves, reference.drop(columns="panel"))
    with pytest.raises(InputError, match="iteration 4 of adam occurs twice"):
        fig6_table(pd.concat([curves, curves[curves["iteration"] == 4]]), reference)
    with pytest.raises(InputError, match="variant: found other, allowed: main, as_drawn"):
        fig6_table(curves.replace({"variant": {"as_drawn": "other"}}), reference)
    with pytest.raises(InputError, match=r"adam \(main\) has no iteration 1000"):
        fig6_table(curves[curves["iteration"] != 1000], reference)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="batch"), "batch: no such column"),
        (lambda table: table[table["method"] != "gd"], "m5_n10: no times of gd"),
        (lambda table: table.assign(seconds=0.0), "m5_n10: no times of adam, "),
        (lambda table: pd.concat([table, table]), "iteration 0 of adam occurs twice"),
        (lambda table: table.assign(batch=np.arange(len(table))), "batch sizes differ: 1, 2"),
    ],
)
def test_bad_times_are_named(tmp_path, reference, change, message):
    curves = our_curves(reference)
    arguments = ("laptop", "", tmp_path / "p", tmp_path / "q")
    with pytest.raises(InputError, match=message):
        draw_fig6_seconds(curves, change(seconds_of(curves)), *arguments, TITLES)
    with pytest.raises(InputError, match="m9: no rows"):
        draw_fig6_seconds(curves, seconds_of(curves), *arguments, {"m9": "9"})
    assert not list(tmp_path.iterdir())


def test_axes_end_where_numbers_stop_to_mean_something():
    low, high = loss_limits(pd.Series([100.0, 1e-12, -1e-16, 0.0, np.nan, np.inf, 1e30]))
    assert low == BOTTOM and 100 < high <= TOP
    low, high = loss_limits(pd.Series([130.0, 131.0]), decades=2.0)
    assert low < 130 and high > 131 and high / low == pytest.approx(100)
    for nothing_in_sight in ([], [np.nan, np.inf], [0.0], [1e30]):
        low, high = loss_limits(pd.Series(nothing_in_sight, dtype=float))
        assert BOTTOM <= low < high <= TOP


def test_styles_of_new_methods():
    """Classical ones are grey and dashed, learned ones coloured; all have markers."""
    for method in NEW:
        look, (red, green, blue) = STYLES[method], mpl.colors.to_rgb(STYLES[method].colour)
        assert (look.dashes == "-") == method.startswith("l2o_")
        assert (red == green == blue) != method.startswith("l2o_")
        assert look.marker
    dashed = [look.dashes for look in STYLES.values() if look.dashes != "-"]
    assert all(one != other for one, other in combinations(dashed, 2))
