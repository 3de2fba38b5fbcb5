"""Figures and tables of all rooms: whole, stable, on the page; what is odd is told."""

from __future__ import annotations

import json
from importlib import import_module

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from figures.figure_tables import about, added, changed, few, published, tables
from l2o.errors import InputError
from l2o.figures.compared import Text, as_markdown, as_page, write_compared
from l2o.figures.style import save_pdf, save_png

ROOMS = {
    "fig5": "sparse_recovery",
    "fig6": "lasso",
    "fig7": "rastrigin",
    "fig8": "network_training",
}
REPORTS = [*ROOMS, "fig3"]
METHODS = {"fig5": "lamp", "fig6": "lista", "fig7": "l2o_dm", "fig8": "l2o_dm"}
VALUES = {"fig5": "nmse_db", "fig6": "relative_loss", "fig7": "gap", "fig8": "loss"}


def room(report: str):
    return import_module(f"l2o.experiments.{ROOMS.get(report, 'unroll_length')}.report")


def read(report: str) -> pd.DataFrame | None:
    return None if report == "fig3" else published(report)


def names_in_legend(page) -> set[str]:
    return {text.get_text() for legend in page.legends for text in legend.get_texts()}


@pytest.mark.parametrize("report", ["fig3", "fig7"])
def test_same_tables_same_bytes(tmp_path, report):
    settings_before, files = dict(mpl.rcParams), []
    made, told, paper = few(tables(report)), about(report), read(report)
    if report != "fig3":
        told = about(report, titles=dict([*told.titles.items()][:1]))
    for turn in ("first", "second"):
        pages = room(report).figure(made, paper, told)
        save_pdf(pages, tmp_path / turn / "a.pdf", "key")
        save_png(pages[0], tmp_path / turn / "a.png", "key")
        files.append(b"".join((tmp_path / turn / name).read_bytes() for name in ("a.pdf", "a.png")))
    assert files[0] == files[1]
    assert f"/Count {1 if report == 'fig3' else 2}".encode() in files[0]
    assert b"CreationDate" not in files[0] and b"matplotlib" not in files[0].lower()
    assert dict(mpl.rcParams) == settings_before
    assert {path.name for path in tmp_path.glob("*/*")} == {"a.pdf", "a.png"}


@pytest.mark.parametrize("report", REPORTS)
def test_same_tables_same_files(tmp_path, report):
    made, told, written = tables(report), about(report), []
    for turn in ("first", "second"):
        names = {"csv": "t.csv", "markdown": "t.md", "metrics": "t.json", "page": "t.html"}
        files = {kind: tmp_path / turn / name for kind, name in names.items()}
        compared = room(report).table(made, read(report), told)
        write_compared(compared, about=told, **files)
        written.append([path.read_bytes() for path in files.values()])
    assert written[0] == written[1]
    csv, markdown, metrics, page = (text.decode() for text in written[0])
    assert len(csv.splitlines()) == len(compared.rows) + 1
    assert json.loads(metrics) == compared.metrics
    for title in told.titles.values():
        assert title in markdown and title in page
    assert markdown.endswith("Preset: laptop (10 runs of 1,000 steps).\n")


@pytest.mark.parametrize("report", ROOMS)
def test_every_method_is_in_legend_table_and_metrics(report, check_page):
    made = added(few(tables(report), METHODS[report]), 2, METHODS[report])
    pages = room(report).figure(made, published(report), about(report))
    assert len(pages) == (3 if report == "fig5" else 2)
    for page in pages:
        check_page(page)
    compared = room(report).table(made, published(report), about(report))
    main = made["curves"][made["curves"]["variant"] == "main"]
    markdown, page = (write(compared, about(report)) for write in (as_markdown, as_page))
    shown = set().union(*map(names_in_legend, (pages[0], *pages[2:])))
    for (method, label), rows in main.groupby(["method", "label"]):
        assert label.split(" (")[0] in shown
        for setting in set(rows["setting"]):
            assert f"{method}_{VALUES[report]}" in compared.metrics[setting]
        assert f"| {label.split(' (')[0]}" in markdown
        assert f'<th scope="row">{label.split(" (")[0]}' in page
    assert "New method 1" in markdown and "/ –" in markdown
    first = list(dict.fromkeys(compared.rows["method"]))
    known = set(published(report)["method"])
    assert [method in known for method in first] == sorted(m in known for m in first)[::-1]


def test_nets_that_the_paper_does_not_draw_have_a_page_of_their_own():
    made = added(few(tables("fig5"), "lista", "alista", "ista"), 2, "lista")
    pages = room("fig5").figure(made, published("fig5"), about("fig5"))
    first, _, last = map(names_in_legend, pages)
    new = {"New method 0", "New method 1"}
    assert not new & first and {"LISTA", "ISTA", "ALISTA"} <= first
    assert {*new, "ALISTA"} <= last and not {"LISTA", "ISTA"} & last


@pytest.mark.parametrize("report", ROOMS)
def test_nothing_published(report, check_page):
    made = few(tables(report))
    if report in ("fig5", "fig7"):
        (page,) = room(report).figure(made, None, about(report))
        check_page(page)
    compared = room(report).table(made, None, about(report))
    assert compared.metrics["cells"] == 0
    assert set(compared.rows["verdict"]) == {""}
    markdown = as_markdown(compared, about(report))
    assert "no verdict" in markdown and "/ –" in markdown and "**" not in markdown.split("|")[1]


@pytest.mark.parametrize("report", ["fig6", "fig7", "fig8"])
def test_what_the_published_recipe_trained_is_drawn_thin_and_tabled(report, check_page):
    made, told = few(tables(report), "l2o_dm"), about(report)
    for name in ("curves", "finals"):
        recipe = made[name][made[name]["method"] == "l2o_dm"].assign(variant="published_recipe")
        made[name] = pd.concat([made[name], recipe], ignore_index=True)
    before = room(report).table(few(tables(report), "l2o_dm"), published(report), told)
    pages = room(report).figure(made, published(report), told)
    for page in pages:
        check_page(page)
    assert "trained by the published recipe" in names_in_legend(pages[0])
    panels = [axes for axes in pages[0].axes if axes.lines]
    assert all(any(line.get_linewidth() == 0.7 for line in axes.lines) for axes in panels)
    compared = room(report).table(made, published(report), told)
    assert "published recipe" in as_markdown(compared, told).lower()
    assert compared.metrics == before.metrics  # what is counted is ours
    recipe = compared.rows[compared.rows["variant"] == "published_recipe"]
    assert {*recipe["setting"]} == {*told.titles} and (recipe["method"] == "l2o_dm").all()


def alone(report: str, method: str):
    """The tables of one method, and what is published of it."""
    made, paper = tables(report), published(report)
    of = {n: t[t["method"] == method] if "method" in t else t for n, t in made.items()}
    paper = paper[paper["method"] == method]
    return of, paper if len(paper) else None


@pytest.mark.parametrize("report", ROOMS)
def test_a_method_alone_can_be_compared(report):
    methods = tables(report)["curves"]["method"].unique()
    for method in (methods[0], methods[-1]):
        compared = room(report).table(*alone(report, method), about(report))
        assert set(compared.rows["method"]) == {method}
        for title in about(report).titles.values():
            assert title in as_markdown(compared, about(report))


@pytest.mark.parametrize(("report", "method"), [("fig6", "gd"), ("fig7", "l2o_swarm")])
def test_a_method_alone_can_be_drawn(report, method, check_page):
    made, paper = alone(report, method)
    pages = room(report).figure(made, paper, about(report))
    assert len(pages) == 2
    if report == "fig6":
        pages += room(report).seconds_figure(made, paper, about(report))
    for page in pages:
        check_page(page)


def test_a_report_of_nothing_but_failures_and_with_odd_titles_can_be_drawn():
    made = few(tables("fig8"))
    losses = [name for name in made["curves"] if name.startswith("loss")]
    made["curves"] = made["curves"].assign(**dict.fromkeys(losses, np.inf), status="diverged")
    told = about("fig8", titles={"mlp_relu": r"$\frac{$ & {x} <b> 50 % $", "convnet": "_" * 90})
    for page in room("fig8").figure(made, published("fig8"), told):
        page.draw_without_rendering()


def test_an_own_setting_stands_beside_published_ones(check_page):
    made = few(tables("fig6"))
    for name in ("curves", "finals"):
        own = made[name][made[name]["setting"] == "m5_n10"].assign(setting="mine")
        made[name] = pd.concat([made[name], own], ignore_index=True)
    told = about("fig6")
    told = about("fig6", titles={**told.titles, "mine": "An own setting"})
    pages = room("fig6").figure(made, published("fig6"), told)
    gone = made["curves"]["method"].eq("gd") & made["curves"]["setting"].eq("m25_n50")
    fewer = {**made, "curves": made["curves"][~gone]}  # published, but takes no part there
    check_page(room("fig6").figure(fewer, published("fig6"), told)[1])
    assert len(pages) == 2 and "An own setting" not in str([t.get_text() for t in pages[1].texts])
    check_page(pages[0])
    rows = room("fig6").table(made, published("fig6"), told).rows
    mine = rows[rows["setting"] == "mine"]
    assert len(mine) and set(mine["verdict"]) == {""} and mine["paper_relative_loss"].isna().all()


@pytest.mark.parametrize(("report", "count"), [("fig5", 6), ("fig6", 20)])
def test_many_added_methods_stay_on_the_page(report, count, check_page):
    made = added(tables(report), count, METHODS[report])
    (page,) = room(report).figure(made, None, about(report))
    check_page(page)
    assert {f"New method {number}" for number in range(count)} <= names_in_legend(page)


def test_the_extra_figures(check_page):
    (page,) = room("fig6").seconds_figure(tables("fig6"), published("fig6"), about("fig6"))
    check_page(page)
    assert "Wall-clock time for 1,280 instances (s)" in page.axes[0].get_xlabel()
    for figure in ("figure", "memory_figure"):
        (page,) = getattr(room("fig3"), figure)(tables("fig3"), None, about("fig3"))
        check_page(page)
    assert {"plain backpropagation", "not run: estimate"} <= names_in_legend(page)


def test_what_diverges_and_fails_is_told(check_page):
    made = tables("fig8")
    curves = changed(made["curves"], "convnet", "l2o_dm", 6000, np.inf, "diverged")
    made["curves"] = changed(curves, "convnet", "l2o_scale", 0, np.nan, "diverged")
    lost = (made["finals"]["setting"] == "convnet") & (made["finals"]["method"] == "l2o_dm")
    made["finals"].loc[lost, "failed"] = 3
    pages = room("fig8").figure(made, published("fig8"), about("fig8"))
    texts = [text.get_text() for text in pages[0].axes[1].texts]
    assert "L2O-DM: 3 of 10 failed" in texts
    assert {"↑ L2O-DM diverges", "↑ L2O-Scale diverges"} <= set(texts)
    foot = " ".join(pages[0].texts[-1].get_text().split())
    assert "Failed: ended not finite or not below the start. Diverges: its mean ended not" in foot
    assert "Chance level: ln 10 = 2.303" in foot and "over 10 runs" in foot
    for page in pages:
        check_page(page)
    compared = room("fig8").table(made, published("fig8"), about("fig8"))
    last = compared.rows[compared.rows["iteration"] == 10000].set_index(["setting", "method"])
    for method in ("l2o_dm", "l2o_scale"):
        row = last.loc[("convnet", method)]
        assert (row["status"], row["verdict"]) == ("diverged", "missed")
        assert f"{method}_loss" not in compared.metrics["convnet"]
    assert "diverged / 5.42" in as_markdown(compared, about("fig8"))


def test_a_line_below_the_axis_is_given_with_its_value():
    pages = room("fig5").figure(few(tables("fig5"), "oracle", "amp"), None, about("fig5"))
    told = [[text.get_text() for text in axes.texts] for axes in pages[0].axes]
    assert "Oracle support: −158.08 dB, below the axis" in told[0]
    assert {"Oracle support", "−26.13 dB"} <= set(told[1])
    assert "↑ AMP diverges" in told[2]


def test_axes_begin_where_iterations_do():
    for report in ("fig6", "fig7", "fig8"):
        (page,) = room(report).figure(few(tables(report)), None, about(report))
        axes = page.axes[0]
        assert axes.get_xlim()[0] == 1 and axes.get_xlabel().startswith("Iteration (1: ")
    one, other = page.axes
    assert one.get_ylim() == other.get_ylim()  # networks invite comparison


def test_the_end_of_a_long_run_is_a_line_and_a_sentence():
    made, told = tables("fig8"), about("fig8")
    row = {"label": "Nesterov + cosine (rate 0.3)", "iteration": 100_000, "runs": 1}
    ends = [{"setting": "mlp_relu", "loss": 0.0045}, {"setting": "convnet", "loss": np.inf}]
    made["optima"] = pd.DataFrame([row | end for end in ends])
    (first, *_) = room("fig8").figure(made, None, told)
    assert room("fig8").levels(made, told)["mlp_relu"][1].value == 0.0045
    assert [len(each) for each in room("fig8").levels(made, told).values()] == [2, 1]
    sentence = (
        "100,000 steps: where 1 long run with the best schedule ended (MLP with ReLU: 0.00450"
    )
    texts = " ".join(text.get_text().replace("\n", " ") for text in first.texts)
    assert sentence in texts
    blocks = room("fig8").table(made, None, told).blocks
    assert any(sentence in block.text for block in blocks if isinstance(block, Text))
    assert [len(each) for each in room("fig8").levels(tables("fig8"), told).values()] == [1, 1]


def test_solvers_of_single_instances_are_a_curve_and_an_upright_mark():
    made, told = tables("fig6"), about("fig6")
    batch = int(made["seconds"]["batch"].iloc[0])
    row = {"runs": batch, "failed": 0, "batch": batch, "q25": 1e-3, "median": 1e-2, "q75": 0.1}
    rows = [
        row | {"setting": s, "method": m, "kind": k, "label": m, "iteration": i, "seconds": 0.1 * i}
        for s in told.titles
        for m, k, i in (("celer", "classical", 1), ("celer", "classical", 2), ("best", "oracle", 3))
    ]
    made["exact_seconds"] = pd.DataFrame(rows).assign(relative_loss=0.02)
    (page,) = room("fig6").seconds_figure(made, None, told)
    for axes in page.axes[:2]:
        upright = [np.unique(line.get_xdata()).tolist() for line in axes.lines]
        assert [pytest.approx(0.3)] in upright
        assert "certified optimum" in {text.get_text() for text in axes.texts}
    assert any("celer" in text.get_text() for axes in page.axes for text in axes.texts)
    assert "one after the other" in " ".join(t.get_text() for t in page.texts).replace("\n", " ")


BAD = {
    "curves: loss_q25: no such column": lambda t: t["curves"].drop(columns="loss_q25"),
    "iteration 5 of sgd occurs twice": lambda t: pd.concat(
        [t["curves"], t["curves"][t["curves"]["iteration"] == 5]]
    ),
    "kind: found swarm, allowed: first_order": lambda t: t["curves"].assign(kind="swarm"),
    "convnet: no rows": lambda t: t["curves"][t["curves"]["setting"] != "convnet"],
}


@pytest.mark.parametrize("message", BAD)
def test_bad_curves_are_told_in_one_line(message):
    made = tables("fig8")
    made["curves"] = BAD[message](made)
    for ask in (room("fig8").figure, room("fig8").table):
        with pytest.raises(InputError, match=message) as caught:
            ask(made, published("fig8"), about("fig8"))
        assert "\n" not in str(caught.value) and str(caught.value).startswith("fig8 ")


def test_other_bad_tables_are_told_in_one_line():
    made, told = tables("fig8"), about("fig8")
    lacking = {**made, "finals": made["finals"].iloc[1:]}
    with pytest.raises(InputError, match=r"fig8 finals: mlp_relu: 0 rows of sgd \(main\)"):
        room("fig8").table(lacking, None, told)
    with pytest.raises(InputError, match="fig8 finals: not given"):
        room("fig8").figure({"curves": made["curves"]}, None, told)
    with pytest.raises(InputError, match="fig8 published values: loss: no such column"):
        room("fig8").table(made, published("fig8").drop(columns="loss"), told)
    made, told = tables("fig6"), about("fig6")
    made["seconds"] = made["seconds"].assign(batch=range(len(made["seconds"])))
    with pytest.raises(InputError, match="fig6 seconds: m25_n50: batch sizes differ: "):
        room("fig6").seconds_figure(made, None, told)
    made = tables("fig3")
    made["lengths"]["horizon"] = range(6)
    with pytest.raises(InputError, match="horizon: found 0, 1, 2, 3, 4, 5, must be the same"):
        room("fig3").table(made, None, about("fig3"))


def test_unroll_lengths_by_hand():
    made = tables("fig3")
    made["curves"] = made["curves"][
        (made["curves"]["setting"] != "unroll10") | (made["curves"]["iteration"] <= 1000)
    ]
    made["curves"] = changed(made["curves"], "unroll50", "l2o_dm", 800, np.nan)
    compared = room("fig3").table(made, None, about("fig3"))
    rows = compared.rows.set_index("setting")
    assert np.isnan(rows.loc["unroll10", "loss_10000"])  # not reached
    assert rows.loc["unroll10", ["end_iteration", "end_loss"]].tolist() == [1000, 0.2491]
    lost = rows.loc["unroll50"]
    assert (lost["loss_1000"], lost["end_loss"], lost["status"]) == (np.inf, np.inf, "diverged")
    assert (lost["best_loss"], lost["best_iteration"]) == (0.3142, 400)
    assert compared.metrics["diverged"] == 1 and "end_loss" not in compared.metrics["unroll50"]
    told = [block.text for block in compared.blocks if isinstance(block, Text)]
    assert told[-1].startswith("1 of 6 unroll lengths diverged at meta-testing; 6 of 6 reach")
    markdown = as_markdown(compared, about("fig3"))
    assert "| not finite | not finite (10,000) | 0.314 (400) | diverged |" in markdown


# Sparse recovery: limits, and opponents that are followed beyond the nets


def limited() -> dict[str, pd.DataFrame]:
    """Tables of Figure 5 with a limit in one panel, and AMP followed to layer 64."""
    made = few(tables("fig5"), "amp", "oracle")
    amp = made["curves"][made["curves"]["method"] == "amp"]
    amp = amp[amp["layer"] == 16].assign(layer=64, nmse_db=999.0, nmse_median_db=999.0)
    made["curves"] = pd.concat([made["curves"], amp], ignore_index=True)
    made["finals"] = made["finals"].assign(layer=16)
    rows = {
        "setting": "snr20",
        "limit": "amp",
        "layer": range(17),
        "nmse_db": np.linspace(0, -70, 17),
    }
    return made | {"optima": pd.DataFrame(rows)}


def test_limits_are_drawn_and_named_where_there_are_some(check_page):
    page, _ = room("fig5").figure(limited(), published("fig5"), about("fig5"))
    check_page(page)
    assert {"AMP, n → ∞", "Oracle support"} <= names_in_legend(page)
    assert not {"VAMP, n → ∞", "Bayes limit"} & names_in_legend(page)
    ends = [[text.get_text() for text in axes.texts] for axes in page.axes[:4]]
    assert ["AMP, n → ∞" in names for names in ends] == [False, True, False, False]
    low, _ = page.axes[1].get_ylim()
    assert low < -70 and "state evolution" in "".join(text.get_text() for text in page.texts)


def test_what_lies_beyond_the_depth_is_in_no_figure_or_table():
    made, given = limited(), (published("fig5"), about("fig5"))
    page, _ = room("fig5").figure(made, *given)
    assert max(axes.get_xlim()[1] for axes in page.axes[:4]) == 16
    rows = room("fig5").table(made, *given).rows
    assert (rows["layer"] == 16).all() and (rows["nmse_db"] < 500).all()


def test_a_limit_without_a_name_is_told():
    made = limited()
    made["optima"] = made["optima"].assign(limit="other")
    with pytest.raises(InputError, match="limit: found other, allowed: amp, vamp, fixed_point"):
        room("fig5").figure(made, None, about("fig5"))
