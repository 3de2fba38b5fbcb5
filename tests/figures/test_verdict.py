"""The verdict on learned methods: who stands for each side, within what budget, by what measure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from figures.figure_tables import about, effort_tables, tables
from figures.test_reports import ROOMS, room
from l2o.figures.measure import Measure
from l2o.figures.verdict import (
    FIRST_ONLY,
    NO,
    NONE,
    OPEN,
    YES,
    Contest,
    verdict_rows,
    write_verdict,
)

LOSS = Measure("loss", "Loss", "A loss.", median="median", low="median", high="median")
CONTEST = Contest(LOSS, "median", ("mean", "median"))


def curve(method, losses, kind, places=(0, 1, 10, 100), medians=None, each=1) -> pd.DataFrame:
    return pd.DataFrame(
        {
            **{"setting": "one", "method": method, "variant": "main", "kind": kind},
            **{"label": f"{method.upper()} (rate 1)", "iteration": places, "loss": losses},
            **{"median": medians or losses, "status": "converged"},
            **{"evaluations": each * np.array(places)},
        }
    )


def decided(*curves, seconds, contest=CONTEST, failed=0) -> list[dict]:
    joined = pd.concat(curves, ignore_index=True)
    ends = joined.drop_duplicates("method", keep="last")
    timings = ends[["setting", "method", "iteration"]]
    timings = timings.assign(solve_seconds=timings["method"].map(seconds))
    made = {"curves": joined, "finals": ends.assign(runs=10, failed=failed), "timings": timings}
    return [*verdict_rows(contest, made, about("fig6", titles={"one": "One"}))]


def test_each_budget_has_its_own_strongest_opponent():
    net = curve("net", [9.0, 5.0, 2.0, 1.0], "recurrent", each=4)
    quick = curve("quick", [9.0, 8.0, 4.0, 2.0, 0.5], "first_order", (0, 1, 10, 100, 400))
    slow = curve("slow", [9.0, 4.0, 2.5, 1.5], "first_order")
    (row,) = decided(net, quick, slow, seconds={"net": 2.0, "quick": 40.0, "slow": 2.0})
    assert (row["learned"], row["first"], row["place"], row["failed"]) == (
        "NET (rate 1)",
        1.0,
        100,
        0,
    )
    # 100 iterations; 400 evaluations, as many as all of quick; 2 s: a twentieth of quick
    assert (row["verdict_iteration"], row["first_iteration"]) == (YES, 1.5)
    assert (row["verdict_evaluations"], row["classical_evaluations"]) == (NO, "QUICK")
    assert (row["verdict_seconds"], row["classical_seconds"]) == (YES, "SLOW")


def test_a_lead_over_what_was_not_followed_for_as_long_is_open():
    net = curve("net", [9.0, 5.0, 2.0, 1.0], "recurrent")
    good = curve("good", [9.0, 4.0, 2.5, 1.5], "first_order")
    (row,) = decided(net, good, seconds={"net": 5.0, "good": 2.0})
    assert row["verdict_iteration"] == YES and row["verdict_seconds"] == OPEN
    (row,) = decided(net, good, seconds={"net": 5.0, "good": 4.9})
    assert row["verdict_seconds"] == YES
    best = curve("best", [9.0, 4.0, 1.5, 0.5], "first_order")
    (row,) = decided(net, best, seconds={"net": 5.0, "best": 2.0})
    assert row["verdict_seconds"] == NO  # whatever it would have done later


def test_what_is_lower_by_the_mean_only_is_told():
    net = curve("net", [9.0, 5.0, 2.0, 1.0], "unrolled", medians=[9.0, 5.0, 3.0, 3.0])
    other = curve("other", [9.0, 4.0, 3.0, 2.0], "first_order")
    (row,) = decided(net, other, seconds={"net": 1.0, "other": 1.0})
    assert row["verdict_iteration"] == FIRST_ONLY and row["second_iteration"] == 2.0


def test_what_is_not_finite_never_wins_and_rounding_is_no_lead():
    net = curve("net", [9.0, 5.0, 2.0, np.nan], "unrolled")
    best = curve("best", [9.0, 5.0, 2.0, 1e-12], "unrolled")
    lost = curve("lost", [9.0, 9.0, np.inf, np.nan], "first_order")
    other = curve("other", [9.0, 5.0, 2.0, 1e-11], "first_order")
    seconds = dict.fromkeys(("net", "best", "lost", "other"), 1.0)
    (row,) = decided(net, best, lost, other, seconds=seconds)
    assert row["learned"].startswith("BEST") and row["verdict_iteration"] == NO
    (row,) = decided(best, lost, seconds=seconds)
    assert row["verdict_iteration"] == YES


def test_places_and_missing_sides():
    net = curve("net", [9.0, 5.0, 2.0, 1.0], "unrolled")
    other = curve("other", [9.0, 4.0, 3.0, 2.0], "first_order")
    contest = Contest(LOSS, "median", ("mean", "median"), (1, 100))
    first, last = decided(net, other, seconds={"net": 1.0, "other": 1.0}, contest=contest)
    assert (first["place"], first["verdict_iteration"]) == (1, NO)
    assert (last["place"], last["verdict_iteration"]) == (100, YES)
    (alone,) = decided(net, seconds={"net": 1.0})
    assert {alone[f"verdict_{e}"] for e in ("iteration", "evaluations", "seconds")} == {NONE}
    assert decided(other, seconds={"other": 1.0}) == []


@pytest.mark.parametrize("report", sorted(ROOMS))
def test_every_room_has_a_contest(report, tmp_path):
    made, told = tables(report), about(report)
    made |= effort_tables(report, made)
    contest = room(report).CONTEST
    rows = [*verdict_rows(contest, made, told)]
    assert len(rows) == len(told.titles) * max(1, len(contest.places))
    files = tmp_path / "a.csv", tmp_path / "a.md"
    write_verdict(files, rows, {report: contest}, {report: told.title}, "paper", "all of it")
    text = files[1].read_text("utf-8")
    assert (
        told.title in text and "nan" not in text and text.endswith("Preset: paper (all of it).\n")
    )
    assert text.count("\n| ") == len(rows) + 2
    assert len(pd.read_csv(files[0])) == len(rows)
