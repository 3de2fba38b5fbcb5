"""What a shift costs: losses, what is behind the best, and the ranks that follow."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from l2o.figures.grace import ALL, panel_costs, ranked

SOLVED = {"fig5": -60.0}
LEFT = {  # at home, and at two shifted values
    ("steady", "main"): (-20, -20, -20),
    ("better", "main"): (-20, -30, -30),
    ("fragile", "main"): (-90, -40, 250),
    ("lost", "main"): (-20, np.inf, np.nan),
    ("knows", "told"): (-20, -50, -50),
}


def values() -> pd.DataFrame:
    head = {"experiment": "fig5", "setting": "noiseless", "iteration": 16, "shift": "density"}
    return pd.DataFrame(
        [
            head
            | {"position": at, "home": at == 0, "method": method, "variant": variant}
            | {"kind": "unrolled", "label": method.upper(), "mean_db": left}
            for (method, variant), each in LEFT.items()
            for at, left in enumerate(each)
        ]
    )


def test_losses_and_gaps_to_the_best_are_those_of_the_definition():
    costs = panel_costs(values(), SOLVED).set_index("method")
    assert "knows" not in costs.index  # it is told the law: the mark, but no contestant
    assert costs.loc["steady", ["loss_db", "behind_db"]].tolist() == [0, 30]
    assert costs.loc["better", ["loss_db", "behind_db"]].tolist() == [0, 20]  # no gain is counted
    # -90 counts as -60, 250 as the start: 20 and 60 lost; 10 and 50 behind.
    assert costs.loc["fragile", ["home_db", "loss_db", "behind_db"]].tolist() == [-60, 40, 30]
    # Diverged, and cannot be run: both as if it had stayed at the start.
    assert costs.loc["lost", ["loss_db", "behind_db", "cannot"]].tolist() == [20, 50, 0.5]
    assert (costs["cost_db"] == costs["loss_db"] + costs["behind_db"]).all()


def test_ranks_weigh_settings_alike_then_kinds_of_shift():
    one, other = panel_costs(values(), SOLVED), panel_costs(values(), SOLVED)
    other = other.assign(shift="snr_db", cost_db=other["cost_db"] + 8)
    again = one.assign(setting="snr20", cost_db=one["cost_db"] + 2)
    rows = ranked(pd.concat([one, again, other], ignore_index=True))
    whole = rows[rows["shift"] == ALL].set_index("method")
    assert whole["rank"].to_dict() == {"better": 1, "steady": 2, "fragile": 3, "lost": 3}
    assert whole.loc["better", "cost_db"] == pytest.approx((21 + 28) / 2)
    by_shift = rows[rows["shift"] == "density"].set_index("method")
    assert by_shift.loc["better", "cost_db"] == pytest.approx(21)
    assert [*rows["rank"]] == sorted(rows["rank"])
