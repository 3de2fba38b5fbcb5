"""Profiles, ends and costs of runs: by hand, and drawn whole for every room."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from figures.figure_tables import TARGETS, about, effort_tables, few, tables
from figures.test_reports import REPORTS, ROOMS, names_in_legend, room
from l2o.evaluation.runs import failures, run_rows
from l2o.figures.efforts import Clock, efforts, profile_rows
from l2o.figures.style import save_pdf

assert set(ROOMS) < set(REPORTS)


def all_tables(report: str, *others: str) -> dict[str, pd.DataFrame]:
    made = few(tables(report), *others)
    return made | effort_tables(report, made)


def targeted(report: str, **changes):
    told = about(report, **changes)
    return replace(told, targets=dict.fromkeys(told.titles, TARGETS[report]))


def test_runs_by_hand():
    values = np.array([[[9.0, 9.0]], [[4.0, np.nan]], [[5.0, 1.0]], [[0.5, np.inf]]])
    asked = np.array([0.0, 2.0, 4.0, 6.0])[:, None, None]
    first, second = run_rows(values, (0, 1, 10, 100), (4.0, 0.5), asked)
    assert (first["instance"], first["start"], first["end"]) == (0, 0, 0.5)
    assert (first["iteration_1"], first["evaluations_1"]) == (1, 2.0)
    assert (first["iteration_2"], first["evaluations_2"]) == (100, 6.0)
    assert (second["iteration_1"], second["iteration_2"]) == (10, None)
    assert second["end"] == np.inf and second["evaluations_2"] is None
    plain = run_rows(values, (0, 1, 10, 100), (4.0,))
    assert plain[1]["evaluations_1"] == 10


def test_failures_by_hand():
    values = np.array([[1.0, 1.0, 1.0, -1.0, 1.0], [0.95, 0.5, 0.99, -1.05, np.nan]])
    values = np.vstack([values, [0.91, 2.0, np.inf, -2.0, 0.1]])
    assert failures(values) == {"runs": 5, "failed": 2, "never_started": 2}


def test_a_clock_goes_by_the_best_that_is_known():
    timings = pd.DataFrame(
        {"setting": "one", "method": ["a", "b"], "iteration": 10, "solve_seconds": [5.0, 1.0]}
    )
    at = pd.Series([0, 4, 10, 20])
    assert Clock(timings).at("one", "a", at) == pytest.approx([0, 2, 5, 10])
    together = pd.DataFrame(
        {"setting": "one", "method": "a", "iteration": [2, 10], "seconds": [1.0, 2.0]}
    )
    found = Clock(timings, together)
    assert found.at("one", "a", at) == pytest.approx([0, 1.25, 2, 4])
    assert found.at("one", "b", at) == pytest.approx([0, 0.4, 1, 2])
    assert np.isnan(found.at("one", "c", at)[1:]).all()
    beside = timings.assign(step_over_adam=[3.0, 1.0], adam_seconds_per_step=[0.2, 0.4])
    assert Clock(beside).at("one", "a", at) == pytest.approx(0.9 * at)


def test_a_profile_counts_what_never_gets_there():
    runs = pd.DataFrame({"setting": "one", "method": "a", "instance": range(4), "start": 0})
    runs = runs.assign(end=0.0, iteration_1=[1, 3, 9, None], evaluations_1=[2, 6, 18, None])
    finals = pd.DataFrame({"setting": ["one"], "method": "a", "variant": "main"})
    finals = finals.assign(kind="classical", label="A")
    timings = pd.DataFrame({"setting": ["one"], "method": "a", "iteration": 10})
    clock, targets = Clock(timings.assign(solve_seconds=1.0)), {"one": (0.5,)}
    (row,) = profile_rows(runs, finals, clock, targets).to_dict("records")
    assert (row["runs"], row["reached"], row["target"]) == (4, 3, 0.5)
    assert (row["iteration_q25"], row["iteration_median"], row["iteration_q75"]) == (3, 9, np.inf)
    assert row["seconds_median"] == pytest.approx(0.9)
    assert "seconds" not in efforts(runs, targets)


@pytest.mark.parametrize("report", sorted(ROOMS))
def test_profiles_and_costs_are_whole(report, tmp_path):
    told = targeted(report, titles=dict([*about(report).titles.items()][:1]))
    made = all_tables(report, "fista")
    drawn = room(report).profiles_figure(made, None, told)
    assert len(drawn) == 3  # evaluations are twice the iterations in these tables
    first, ends = drawn[0], drawn[-1]
    panels = len(told.titles) * len(TARGETS[report])
    assert len(first.axes) == panels
    methods = made["finals"].loc[made["finals"]["variant"] == "main", "method"].nunique()
    assert len(names_in_legend(first)) == methods
    for axes in first.axes:
        heights = np.concatenate([line.get_ydata() for line in axes.lines])
        assert heights.min() >= 0 and heights.max() <= 1
        assert "≤" in axes.get_title("left")
    named = [label.get_text() for axes in ends.axes for label in axes.get_yticklabels()]
    assert len(named) == methods * len(told.titles)
    quality, seconds = room(report).cost_figure(made, None, told)
    assert len(quality.axes) == 2 * len(told.titles) and len(seconds.axes) == panels
    assert not any(isinstance(c, PathCollection) for axes in quality.axes for c in axes.collections)
    for turn in ("a", "b"):
        save_pdf(room(report).profiles_figure(made, None, told)[:1], tmp_path / turn)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_failures_stand_beside_the_boxes():
    made = all_tables("fig8")
    made["finals"].loc[made["finals"]["method"] == "adam", "failed"] = 3
    *_, ends = room("fig8").profiles_figure(made, None, targeted("fig8"))
    named = {label.get_text() for axes in ends.axes for label in axes.get_yticklabels()}
    assert "Adam (30 %)" in named


def test_runs_that_left_the_numbers_lie_at_the_edge():
    made = all_tables("fig8")
    made["runs"].loc[made["runs"]["method"] == "adam", "end"] = np.inf
    *_, ends = room("fig8").profiles_figure(made, None, targeted("fig8"))
    for axes in ends.axes:
        assert np.isfinite(axes.get_xlim()).all()
