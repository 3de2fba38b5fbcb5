"""Tables as experiments join them, made from the curves of an early build, which `tables` keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from l2o.figures.about import About

ROOT = Path(__file__).parents[2]
FIRST_ORDER = ("gd", "adam", "rmsprop", "sgd", "nag", "gd_line_search")
SPREAD = {"low": 0.8, "high": 1.2}
KEYS = ["setting", "method", "variant"]
VALUES = {
    "fig5": ("layer", "nmse_db"),
    "fig6": ("iteration", "relative_loss"),
    "fig7": ("iteration", "loss"),
    "fig8": ("iteration", "loss"),
    "fig3": ("iteration", "loss"),
}
TITLES = {
    "fig5": {
        "noiseless": "Noiseless, (m, n) = (256, 512)",
        "snr20": "SNR = 20 dB, (m, n) = (256, 512)",
        "coherent": "Coherent dictionary, (m, n) = (256, 512)",
        "large": "Large, (m, n) = (512, 1024)",
    },
    "fig6": {"m5_n10": "(m, n) = (5, 10)", "m25_n50": "(m, n) = (25, 50)"},
    "fig7": {"n2": "n = 2", "n10": "n = 10"},
    "fig8": {"mlp_relu": "MLP with ReLU", "convnet": "ConvNet"},
    "fig3": {f"unroll{unroll}": f"{unroll} steps" for unroll in (5, 10, 20, 50, 100, 200)},
}
NAMES = {
    "fig5": ("Figure 5: sparse recovery", "1,024 test samples"),
    "fig6": ("Figure 6: LASSO", "1,280 instances from 10 starts each"),
    "fig7": ("Figure 7: Rastrigin functions", "128 instances from 10 starts each"),
    "fig8": ("Figure 8: training networks", "10 runs"),
    "fig3": ("Figure 3: unroll lengths", "3 runs"),
}


def paper(name: str) -> pd.DataFrame:
    return pd.read_csv(Path(__file__).with_name("tables") / f"{name}.csv")


def published(report: str) -> pd.DataFrame:
    return pd.read_csv(ROOT / "data" / "reference" / f"{report}.csv")


def about(report: str, **changes) -> About:
    title, pooled = NAMES[report]
    given = {"titles": TITLES[report], "note": "10 runs of 1,000 steps", "pooled": pooled}
    return About(**{"report": report, "title": title, "preset": "laptop"} | given | changes)


def curves(report: str) -> pd.DataFrame:
    """The curves, with the columns that they did not have then."""
    table = paper(f"{report}_curves")
    table["kind"] = np.where(table["method"].isin(FIRST_ORDER), "first_order", table["kind"])
    if report == "fig5":
        return table.assign(variant="main")
    value = table["loss" if report != "fig6" else "relative_loss"]
    if report == "fig6":
        return table.assign(median=np.sqrt(table["q25"].clip(1e-20) * table["q75"].clip(1e-20)))
    spread = {"loss_median": value, "loss_q25": value * 0.8, "loss_q75": value * 1.2}
    if report == "fig7":
        best = value - table["gap"]
        spread |= {"loss_q25": best + table["gap_q25"], "loss_q75": best + table["gap_q75"]}
        spread |= {"gap_median": (table["gap_q25"] + table["gap_q75"]) / 2}
        spread |= {"loss_median": (spread["loss_q25"] + spread["loss_q75"]) / 2}
    return table.assign(**spread)


TARGETS = {"fig5": (-5, -10, -20), "fig6": (0.1, 0.01, 1e-4), "fig7": (30, 10, 1)}
TARGETS["fig8"] = (0.5, 0.2, 0.1)
TAILS = {"fig5": "nmse_p99_db", "fig6": "relative_loss_p99", "fig7": "loss_p99", "fig8": "loss_p99"}


def finals(report: str, table: pd.DataFrame, runs: int = 10) -> pd.DataFrame:
    """A row per curve, of which nothing failed."""
    table = table.drop_duplicates(KEYS, keep="last")
    learned = np.where(table["kind"].isin(["unrolled", "recurrent"]), 1000, 0)
    tail = {TAILS[report]: table[VALUES[report][1]]} if report in TAILS else {}
    return table.assign(runs=runs, failed=0, never_started=0, learned=learned, **tail)


def effort_tables(report: str, made: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Three runs of each method, which end about where its curve does, and the seconds of all."""
    place, value = VALUES[report]
    value = "gap" if report == "fig7" else value
    main, runs, timings = made["curves"][made["curves"]["variant"] == "main"], [], []
    for (setting, method), curve in main.groupby(["setting", "method"], sort=False):
        for instance in range(3):
            ends = curve[value] + (instance if report == "fig5" else 0.1 * instance * curve[value])
            row = {"setting": setting, "method": method, "instance": instance, "start": 0}
            row["end"] = ends.iloc[-1]
            for number, target in enumerate(TARGETS[report], start=1):
                at = curve.loc[ends <= target, place].min()
                row |= {f"iteration_{number}": at, f"evaluations_{number}": 2 * at}
            runs.append(row)
        learned = curve["kind"].iloc[0] in ("unrolled", "recurrent")
        row = {"setting": setting, "method": method, place: curve[place].iloc[-1]}
        row |= {"solve_seconds": 4.0 if learned else 1.0}
        timings.append(row | {"training_seconds": 60.0 if learned else np.nan})
    return {"runs": pd.DataFrame(runs), "timings": pd.DataFrame(timings)}


def tables(report: str) -> dict[str, pd.DataFrame]:
    """All tables of one report."""
    made = {"curves": curves(report)}
    made["finals"] = finals(report, made["curves"])
    if report == "fig6":
        made |= {"optima": paper("fig6_optima"), "seconds": paper("fig6_seconds")}
    if report == "fig7":
        missed = {"oracle_above": [0.0, 0.67], "oracle_largest_excess": [0.0, 2.9], "proven": 1.0}
        found = paper("fig7_oracles").assign(**missed)
        found["minimum"] = found["oracle"] - [0.0, 0.53]
        made["optima"] = found.rename(
            columns={"expected_oracle": "expected_minimum", "oracle_error": "minimum_error"}
        )
    if report == "fig8":
        ends = paper("fig8_finals").rename(columns={"diverged": "failed"})
        ends = ends.assign(variant="main", status="converged")
        own = [*KEYS, "loss", "loss_median", "loss_p99", "never_started", "learned"]
        made["finals"] = ends.merge(made["finals"][own], on=KEYS)
    if report == "fig3":
        made |= {"lengths": paper("fig3_lengths"), "memory": paper("fig3_memory")}
        made["memory_training"] = paper("fig3_memory_training")
    return made


def added(made: dict[str, pd.DataFrame], count: int, like: str) -> dict[str, pd.DataFrame]:
    """The tables with ``count`` more methods that do about as ``like`` does."""
    more = {}
    for name, table in made.items():
        if name not in ("curves", "finals"):
            more[name] = table
            continue
        parts = [table]
        for number in range(count):
            rows = table[(table["method"] == like) & (table["variant"] == "main")].copy()
            rows["method"], rows["label"] = f"new_{number}", f"New method {number}"
            parts.append(rows)
        more[name] = pd.concat(parts, ignore_index=True)
    return more


def few(made: dict[str, pd.DataFrame], *others: str) -> dict[str, pd.DataFrame]:
    """The tables with three methods only, and ``others``: faster to draw."""
    kept = {*list(dict.fromkeys(made["curves"]["method"]))[:3], *others, "adam"}
    chosen = ("curves", "finals")
    return made | {name: made[name][made[name]["method"].isin(kept)] for name in chosen}


def changed(table, setting, method, first, value, status="") -> pd.DataFrame:
    """A copy with ``value`` in all losses of one main curve from iteration ``first`` on."""
    rows = (table[KEYS] == [setting, method, "main"]).all(axis=1)
    table = table.copy()
    losses = [name for name in table if name.startswith("loss")]
    table.loc[rows & (table["iteration"] >= first), losses] = value
    if status:
        table.loc[rows, "status"] = status
    return table
