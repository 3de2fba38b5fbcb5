"""Pages and table of shifts: on the page, in the order of the ranks, and what cannot be run."""

from __future__ import annotations

import numpy as np
import pandas as pd

from figures.figure_tables import about
from l2o.experiments.shifts.report import figure, table
from l2o.figures.compared import as_markdown
from l2o.figures.style import styles_for

LEFT = {  # at home, and at another size
    ("ista", "main", "classical", "ISTA (λ = 0.1)"): (-12, -11),
    ("lista", "main", "unrolled", "LISTA"): (-20, np.nan),
    ("lista", "safeguarded", "unrolled", "LISTA"): (-25, np.nan),
    ("l2o_dm", "main", "recurrent", "L2O-DM"): (-9, np.inf),
}
FACTS = {
    "experiments": {"fig6": "Figure 6: LASSO", "fig7": "Figure 7: Rastrigin"},
    "solved_db": {"fig6": -60, "fig7": -40},
    "instances": {"fig6": 1280, "fig7": 128},
}


def values() -> pd.DataFrame:
    rows = [
        {"experiment": one, "setting": "s", "iteration": k, "shift": "size", "value": 1 + at}
        | {"position": at, "home": at == 0, "method": method, "variant": variant, "kind": kind}
        | {"label": label, "p99_db": left, "failed": 0.0, "runs": 9, "degradation_db": 0.0}
        | dict.fromkeys(("left_db", "mean_db", "median_db", "pooled_db"), left)
        | {f"left_{block}": left + block % 2 for block in range(1, 9)}
        for one, k in (("fig6", 16), ("fig6", 100), ("fig7", 1000))
        for (method, variant, kind, label), each in LEFT.items()
        for at, left in enumerate(each)
    ]
    return pd.DataFrame(rows)


def told():
    titles = {"fig6_s_size": "(m, n) = (5, 10): size", "fig7_s_size": "n = 2: size"}
    return about("fig6", titles=titles, facts=FACTS, pooled="test instances")


def test_pages_have_a_panel_for_each_shift_and_iteration(check_page):
    pages = figure({"values": values()}, None, told())
    assert [len(page.axes) for page in pages] == [2, 1]
    for page in pages:
        check_page(page)
        lines = page.axes[0].get_lines()
        assert {line.get_color() for line in lines} >= {
            style.colour for style in styles_for(["ista", "lista", "l2o_dm"]).values()
        }
        foot = " ".join(page.texts[-1].get_text().split())
        assert "Cannot take another size: LISTA." in foot
    assert pages[0].axes[1].get_title(loc="left").endswith("100")
    assert max(np.nanmax(line.get_ydata()) for line in pages[0].axes[0].get_lines()[1:-1]) == 0


def test_the_table_ranks_and_says_what_cannot_be_run():
    compared = table({"values": values()}, None, told())
    text = as_markdown(compared, told())
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    names = [line.split(" | ")[0].strip("| ") for line in lines if "---" not in line]
    assert names[:5] == ["method", "ISTA", "L2O-DM", "LISTA", "LISTA, safeguarded"]
    assert "| ISTA | 1 | −12.0 | 0.0; loss 1.0 | 0.0; by pooled errors: 1 | – |" in lines
    assert "| LISTA, safeguarded | – | −25.0 | cannot | 11.0; by pooled errors: – |" in text
    assert "Most graceful: learned L2O-DM (rank 2 of 3); hand-made ISTA (rank 1 of 3)." in text
    assert compared.metrics["fig7"]["lista_safeguarded_behind_db"] == 11  # counts as the start
