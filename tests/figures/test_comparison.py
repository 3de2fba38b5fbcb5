"""The verdict, the compared places and their numbers, by hand."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from figures.figure_tables import about, changed, published, tables
from l2o.figures.compared import Cell, Compared, Grid, Text, as_markdown, as_page
from l2o.figures.comparison import Rule, compare, metrics, verdict
from l2o.figures.measure import Measure
from l2o.figures.wording import compared_at, counted, failures, pair, rule_text

LOSS = Measure("loss", "Loss", "A loss.", median="median", low="low", high="high")
KEYS = ["setting", "method", "variant"]


def curve(method, losses, places=(0, 1, 10, 100), variant="main", **changes) -> pd.DataFrame:
    columns = {"setting": "one", "method": method, "variant": variant, "kind": "first_order"}
    columns |= {"label": method.upper(), "iteration": places, "loss": losses, "median": losses}
    columns |= {"low": losses, "high": losses, "status": "converged"}
    return pd.DataFrame(columns | changes)


def reading(method, losses, places=(1, 10, 100)) -> pd.DataFrame:
    return pd.DataFrame({"panel": "one", "method": method, "iteration": places, "loss": losses})


def compared(*curves, paper=None, failed=0, rule=Rule()) -> pd.DataFrame:  # noqa: B008
    joined = pd.concat(curves, ignore_index=True)
    finals = joined.drop_duplicates(KEYS).assign(runs=10, failed=failed)
    told = about("fig6", titles={"one": "One"})
    return compare({"curves": joined, "finals": finals}, paper, told, LOSS, rule)


@pytest.mark.parametrize(
    ("ours", "paper", "how", "found"),
    [
        (1.0, 1.0, {}, "met"),
        (1.001, 1.0, {}, "missed"),
        (-36.8, -36.9, {}, "missed"),
        (-np.inf, -36.9, {}, "met"),
        (np.nan, 1.0, {}, "missed"),
        (1.0, np.nan, {}, ""),
        (1.05, 1.0, {"tolerance": 0.05}, "within"),
        (0.95, 1.0, {"tolerance": 0.05}, "within"),
        (0.94, 1.0, {"tolerance": 0.05}, "met"),
        (-36.6, -36.9, {"margin": 0.3}, "within"),
        (-37.2, -36.9, {"margin": 0.3}, "within"),
        (-37.3, -36.9, {"margin": 0.3}, "met"),
        (-36.5, -36.9, {"margin": 0.3}, "missed"),
        (1.0, 1.0, {"tolerance": 0.05, "lost": True}, "missed"),
        (1.06, 1.0, {"tolerance": 0.05}, "missed"),
        (0.5, 1.0, {"lost": True}, "missed"),
        (0.5, 1.0, {"failed": 4, "runs": 10}, "met"),
        (0.5, 1.0, {"failed": 5, "runs": 10}, "missed"),
    ],
)
def test_the_one_rule(ours, paper, how, found):
    assert verdict(ours, paper, **how) == found


def test_the_rule_is_told():
    assert "at or below the published value, the curve" in rule_text(Rule())
    assert "Within the reading" not in rule_text(Rule())
    assert rule_text(Rule(tolerance=0.05)).endswith("the two are at most 5 % apart.")
    assert rule_text(Rule(margin=0.3), " dB").endswith("the two are at most 0.3 dB apart.")
    assert "fewer than half of what it pools failed" in rule_text(Rule())


def test_the_last_place_read_is_compared():
    paper = reading("adam", [5.0, np.nan, 0.5])
    ours = curve("adam", [9.0, 4.0, 1.0, 0.49])
    (row,) = compared(ours, paper=paper).to_dict("records")
    assert (row["iteration"], row["paper_iteration"], row["ratio"]) == (100, 100, 0.98)
    assert row["verdict"] == "met" and np.isnan(row["curve_ratio"])
    short = compared(ours[:3], paper=paper).iloc[0]  # the paper's 10 could not be read
    assert (short["iteration"], short["paper_loss"], short["verdict"]) == (1, 5.0, "")
    every = compared(ours, paper=paper, rule=Rule(shown=(10,)))
    assert every["iteration"].tolist() == [1, 10, 100]
    assert every["verdict"].tolist() == ["", "", "met"]
    ends = compared(ours[:2], paper=paper, rule=Rule(ends=True)).iloc[0]
    assert (ends["iteration"], ends["paper_iteration"], ends["verdict"]) == (1, 100, "missed")


def test_what_is_not_published_ends_with_the_panel():
    table = compared(
        curve("new", [9.0, 8.0, 7.0, 6.0, 5.0], (0, 1, 10, 100, 200)),
        curve("adam", [9.0, 4.0, 1.0, 0.6]),
        paper=reading("adam", [5.0, 3.0, 0.5]),
    )
    assert table["method"].tolist() == ["adam", "new"]  # published first
    assert table["iteration"].tolist() == [100, 100]
    assert table["verdict"].tolist() == ["missed", ""]
    assert pair(table.iloc[1], LOSS) == "6.00 / –"
    assert counted(table).startswith("0 of 1 cells reach the published value. Not published,")
    alone = compared(curve("new", [9.0, 8.0], (0, 7)))
    assert alone["iteration"].tolist() == [7] and compared_at(alone, "iteration") == "iteration 7"
    assert metrics(alone, "loss") == {
        **dict.fromkeys(("cells", "cells_met", "cells_within_reading"), 0),
        "one": {"new_loss": 8.0},
    }


def test_curve_ratios_count_the_shift_and_stop_where_told():
    drawn = curve("adam", [5.5, 3.3, 5.0], (0, 9, 99), "as_drawn", shift=1)
    paper = reading("adam", [5.0, 3.0, 0.5])
    table = compared(curve("adam", [9.0, 4.0, 1.0, 0.4]), drawn, paper=paper)
    assert table["curve_ratio"].tolist()[1] == 10.0 and np.isnan(table["curve_ratio"][0])
    assert table["iteration"].tolist() == [100, 99]
    until = compared(drawn, paper=paper, rule=Rule(until={"adam": 10}))
    assert until["curve_ratio"].tolist() == [1.1]
    zero = compared(drawn.assign(loss=0.0), paper=paper)
    assert np.isposinf(zero["curve_ratio"][0])
    assert metrics(table, "loss")["cells"] == 1  # as_drawn curves are not counted


def test_diverged_and_failed_curves_miss():
    ours, paper = curve("adam", [9.0, 4.0, 1.0, 0.4]), reading("adam", [5.0, 3.0, 0.5])
    table = compared(ours.assign(status="diverged"), paper=paper)
    assert (
        table["verdict"][0] == "missed" and pair(table.iloc[0], LOSS) == "0.400 (diverged) / 0.500"
    )
    lost = compared(curve("adam", [9.0, 4.0, np.inf, np.nan]), paper=paper)
    assert pair(lost.iloc[0], LOSS) == "diverged / 0.500"
    assert metrics(lost, "loss")["one"] == {}
    table = compared(ours, paper=paper, failed=5)
    assert table["verdict"][0] == "missed"
    (told,) = failures(table, about("fig8", titles={"one": "One"}))
    assert told.text.endswith("of 10 runs: ADAM, One: 5 of 10.")
    assert failures(compared(ours, paper=paper), about("fig8")) == []


def test_gaps_by_hand():
    room = import_module("l2o.experiments.rastrigin.report")
    made, told = tables("fig7"), about("fig7")
    made["curves"] = changed(made["curves"], "n2", "l2o_dm", 300, np.nan)
    made["curves"].loc[made["curves"]["loss"].isna(), "gap"] = np.nan
    found = room.table(made, published("fig7"), told)
    rows = found.rows.set_index(KEYS)
    row = rows.loc[("n10", "nag", "main")]
    assert (row["iteration"], row["paper_iteration"], row["reading"]) == (999, 1000, "curve")
    assert (row["gap"], row["paper_gap"], row["paper_gap_error"]) == (31.4, 29.1, 1.72)
    assert (row["loss"], row["paper_loss"], row["over_adam"]) == (53.36, 51.05, 5.35)
    assert (row["ratio"], row["verdict"]) == (1.08, "missed")
    lost = rows.loc[("n2", "l2o_dm", "main")]
    assert (lost["status"], lost["verdict"]) == ("diverged", "missed")
    assert rows.loc[("n10", "rmsprop", "as_drawn"), "curve_ratio"] == 1.02
    assert (found.metrics["cells"], found.metrics["cells_met"]) == (18, 9)
    assert found.metrics["n10"]["pso_gap"] == 7.93
    told = replace(told, departures={"L2O-Swarm": "a bounded step", "NAG": "none"})
    markdown, end = as_markdown(found, told), "L2O-Swarm: a bounded step. NAG: none."
    assert f"\nNot as in their papers. {end}\n" in markdown
    assert f"<p>Not as in their papers. {end}</p>" in as_page(found, told)
    assert "| L2O-Swarm | **1.07 / ~2.76 ± 0.79** | **9.93 / ~14.1 ± 1.7** |" in markdown
    assert "| L2O-DM | diverged / 1.81 ± 0.79 |" in markdown
    assert "| NAG | +0.0700 / −0.170 | +5.35 / −1.25 |" in markdown
    assert "n = 2: by mean L2O-Swarm (1.07), by median L2O-Swarm (" in markdown
    assert "~: hidden in the picture" in markdown and "33.2 / ~34.0 ± 1.7; 1.02×" in markdown

    alone = {
        name: table[table["method"] != "adam"] if "method" in table else table
        for name, table in tables("fig7").items()
    }
    without = as_markdown(room.table(alone, published("fig7"), told), told)
    assert "less that of Adam" not in without and "nan" not in without


def test_training_losses_by_hand():
    room = import_module("l2o.experiments.network_training.report")
    found = room.table(tables("fig8"), published("fig8"), about("fig8"))
    assert (found.metrics["cells"], found.metrics["cells_met"]) == (14, 6)
    assert found.metrics["cells_within_reading"] == 1
    assert found.metrics["convnet"]["sgd_test_accuracy"] == 0.9848
    rows = found.rows.set_index(["setting", "method", "iteration"])
    row = rows.loc[("convnet", "l2o_dm", 10000)]  # 8 of 10 runs end above their start
    assert (row["loss"], row["paper_loss"], row["verdict"]) == (2.201, 5.42, "missed")
    assert np.isnan(rows.loc[("convnet", "l2o_dm", 1000), "test_accuracy"])
    assert rows.loc[("mlp_relu", "adam", 500), "start"] == 2.303
    markdown = as_markdown(found, about("fig8"))
    cells = "0.358 / 2.28 | 0.150 / 0.765 | 0.0451 / 0.0468 | 0.965× | 0.0474 ± 0.0098"
    assert f"| L2O-Scale | {cells} | 95.72 ± 0.23 % | 0 of 10 runs |" in markdown
    assert "start near 6.8, which the paper's text does not explain" in markdown
    one = tables("fig8")
    one["curves"] = one["curves"][one["curves"]["iteration"] <= 20]
    one["finals"] = one["finals"].assign(runs=1, training_loss_std=np.nan, test_accuracy_std=np.nan)
    short = room.table(one, published("fig8"), about("fig8"))
    assert short.metrics["cells"] == 0 and "at iteration 20." in as_markdown(short, about("fig8"))
    assert "| 3 |" not in as_markdown(short, about("fig8"))
    assert "| – | 0.0769 | 95.90 % | 0 of 1 runs |" in as_markdown(short, about("fig8"))


def test_a_shallow_net_is_held_against_the_full_one():
    room = import_module("l2o.experiments.sparse_recovery.report")
    made = tables("fig5")
    made["curves"] = made["curves"][made["curves"]["layer"] <= 4]
    found = room.table(made, published("fig5"), about("fig5"))
    row = found.rows.set_index(KEYS).loc[("noiseless", "lista", "main")]
    assert (row["layer"], row["paper_layer"], row["verdict"]) == (4, 16, "missed")
    assert row["difference_db"] == round(row["nmse_db"] + 35.46, 2)
    assert "at layer 4 / layer 16." in as_markdown(found, about("fig5"))


def test_texts_and_pages_say_the_same():
    rows = [("A | <b>", [Cell("1.0 / 2.0", "met"), Cell("3", "missed", "1.04×")])]
    blocks = [Text("x < y"), Grid(("method", "one & two", "three"), rows, "Heading")]
    found, told = Compared(pd.DataFrame(), blocks, {}), about("fig6", note="")
    assert as_markdown(found, told).split("\n\n") == [
        "x < y",
        "**Heading**",
        "| method | one & two | three |\n| --- | ---: | ---: |\n"
        "| A \\| <b> | **1.0 / 2.0** | 3; 1.04× |",
        "Preset: laptop.\n",
    ]
    page = as_page(found, told)
    for part in (
        "<p>x &lt; y</p>",
        "<h2>Heading</h2>",
        '<th scope="row">A | &lt;b&gt;</th>',
        '<td class="number met">1.0 / 2.0<small>reached</small></td>',
        '<td class="number missed">3<small>1.04×; missed</small></td>',
        "<p>Preset: laptop.</p>",
    ):
        assert part in page
