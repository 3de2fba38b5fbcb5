"""What a shift costs: what is behind the best, losses, and the ranks that follow."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from l2o.figures.grace import ALL, panel_costs, ranked, ranking

SOLVED = {"fig5": -60.0}
LEFT = {  # at home, and at two shifted values
    ("steady", "main"): (-20, -20, -20),
    ("better", "main"): (-20, -30, -30),
    ("fragile", "main"): (-90, -40, 250),
    ("lost", "main"): (-20, np.inf, np.nan),
    ("better", "safeguarded"): (-20, -45, -45),
    ("knows", "told"): (-20, -50, -50),
}


def values(column="left_db", **more) -> pd.DataFrame:
    head = {"experiment": "fig5", "setting": "noiseless", "iteration": 16, "shift": "density"}
    head |= more
    return pd.DataFrame(
        [
            head
            | {"position": at, "home": at == 0, "method": method, "variant": variant}
            | {"kind": "unrolled", "label": method.upper(), column: left}
            for (method, variant), each in LEFT.items()
            for at, left in enumerate(each)
        ]
    )


@pytest.mark.parametrize("column", ["left_db", "pooled_db"])
def test_losses_and_gaps_to_the_best_are_those_of_the_definition(column):
    costs = panel_costs(values(column), SOLVED, column)
    costs = costs[costs["variant"] == "main"].set_index("method")
    assert "knows" not in costs.index  # it is told the law: the mark, but no contestant
    assert costs.loc["steady", ["loss_db", "behind_db"]].tolist() == [0, 30]
    assert costs.loc["better", ["loss_db", "behind_db"]].tolist() == [0, 20]  # no gain is counted
    # -90 counts as -60, 250 as the start: 20 and 60 lost; 10 and 50 behind.
    assert costs.loc["fragile", ["home_db", "loss_db", "behind_db"]].tolist() == [-60, 40, 30]
    # Diverged, and cannot be run: both as if it had stayed at the start.
    assert costs.loc["lost", ["loss_db", "behind_db", "cannot"]].tolist() == [20, 50, 0.5]


def test_who_was_better_at_home_does_not_pay_for_it():
    """By loss + behind a method with -50 dB at home and -30 elsewhere came after -20 and -16."""
    rows = values().query("method in ['fragile', 'better'] and variant == 'main'")
    rows = rows.assign(left_db=[-20.0, -16.0, -16.0, -50.0, -30.0, -30.0])
    whole = ranked(panel_costs(rows, SOLVED)).query("shift == 'all'").set_index("method")
    assert whole["rank"].to_dict() == {"fragile": 1, "better": 2}
    assert whole["loss_db"].to_dict() == {"fragile": 20, "better": 4}


def test_ranks_weigh_settings_alike_then_kinds_of_shift():
    one, other = panel_costs(values(), SOLVED), panel_costs(values(), SOLVED)
    other = other.assign(shift="snr_db", behind_db=other["behind_db"] + 8)
    again = one.assign(setting="snr20", behind_db=one["behind_db"] + 2)
    runnable = [part.assign(cannot=0.0) for part in (one, again, other)]
    rows = ranked(pd.concat(runnable, ignore_index=True))
    whole = rows[rows["shift"] == ALL].set_index(["method", "variant"])
    ranks = whole["rank"].dropna().droplevel("variant").to_dict()
    assert ranks == {"better": 1, "steady": 2, "fragile": 2, "lost": 4}
    assert whole.index[0] == ("better", "safeguarded") and pd.isna(whole["rank"].iloc[0])
    assert whole.loc[("better", "main"), "behind_db"] == pytest.approx((21 + 28) / 2)
    by_shift = rows[rows["shift"] == "density"].set_index(["method", "variant"])
    assert by_shift.loc[("better", "main"), "behind_db"] == pytest.approx(21)


def test_a_kind_of_shift_that_some_method_cannot_take_is_in_no_mean():
    one = panel_costs(values(), SOLVED)
    taken = one.assign(shift="snr_db", cannot=0.0, behind_db=one["behind_db"] + 100)
    rows = ranked(pd.concat([one, taken], ignore_index=True))
    whole = rows[rows["shift"] == ALL].set_index(["method", "variant"])
    assert whole.loc[("better", "main"), "behind_db"] == 120
    assert {*rows["shift"]} == {ALL, "density", "snr_db"}


def test_the_distance_to_the_first_has_the_error_of_paired_blocks():
    """What moves all methods alike from block to block is no error of their difference."""
    rows = values("pooled_db").assign(left_db=values()["left_db"]).fillna({"left_db": 0.0})
    tough = (0.0, 5.0, 10.0, 15.0)
    own = rows["method"].eq("steady") & ~rows["home"]
    for number, (moved, apart) in enumerate(zip(tough, (-2.0, 0.0, 0.0, 2.0), strict=True), 1):
        rows[f"left_{number}"] = rows["left_db"] + moved + apart * own
    found = ranking(rows[rows["method"].isin(["better", "steady"])], SOLVED)
    whole = found[found["shift"] == ALL].set_index(["method", "variant"])
    first, second = whole.loc[("better", "main")], whole.loc[("steady", "main")]
    assert (first["to_first_db"], first["to_first_error"]) == (0, 0)
    assert second["to_first_db"] == 10
    assert second["to_first_error"] == pytest.approx(np.std([-2, 0, 0, 2], ddof=1) / 2)
    assert second["rank_pooled"] == 2 and found["to_first_db"].isna().sum() == 3
