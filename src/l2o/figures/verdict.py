"""The benchmark's own verdict: does a learned method beat the strongest classical one?

For each panel the best learned method stands against all classical ones that had as many
iterations, as many evaluations, and as many seconds. "Yes" asks for both measures of the panel:
what is lower by the mean only is told as that. What leads methods that were not followed for as
long has won nothing yet: that is "open".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from l2o.figures.about import About
from l2o.figures.budget import stated_budget
from l2o.figures.common import base_label, write_texts
from l2o.figures.efforts import EFFORTS, Clock
from l2o.figures.intake import Tables, named_table, our_curves
from l2o.figures.measure import Measure
from l2o.figures.numbers import FLOOR, percent
from l2o.kinds import ANALYTIC, LEARNED
from l2o.variants import MAIN

YES, FIRST_ONLY, NO, NONE = "yes", "by the first measure only", "no", "no contest"
OPEN, MOST = "open", 0.95  # of a budget: whoever was followed for less may still come to lead
_VERDICTS = [f"verdict_{effort}" for effort in EFFORTS]
COLUMNS = ("figure", "setting", "panel", "place", "learned", "first", "second", "failed")
COLUMNS += tuple(f"{name}_{effort}" for effort in EFFORTS for name in ("verdict", "classical"))
COLUMNS += tuple(f"{name}_{effort}" for effort in EFFORTS for name in ("first", "second"))


@dataclass(frozen=True)
class Contest:
    """How the methods of an experiment are held against each other.

    Parameters
    ----------
    measure : its value is the first measure; lower is better
    second : column of the curves with the other measure, such as what is pooled or the median
    words : what both are called, such as ("mean", "pooled")
    places : where the contest is decided; none: at the last place of the learned curves
    """

    measure: Measure
    second: str
    words: tuple[str, str]
    places: Sequence[int] = ()


@dataclass(frozen=True)
class _Curve:
    """A method's two values, and what they took, over its places."""

    method: str
    label: str
    learned: bool
    rows: pd.DataFrame

    def within(self, effort: str, budget: float) -> pd.Series | None:
        """Return the last row that a budget allows; None: not even the first."""
        kept = self.rows[(self.rows[effort] <= budget * (1 + 1e-9)).to_numpy()]
        return kept.iloc[-1] if len(kept) else None

    def lasts(self, effort: str, budget: float) -> bool:
        """Return whether the method was followed for as much as that."""
        return float(self.rows[effort].max()) >= MOST * budget


def verdict_rows(contest: Contest, tables: Tables, about: About) -> Iterator[dict[str, Any]]:
    """Yield the verdict of each panel, a row for each place where it is decided.

    ``first`` and ``second`` are the two measures of the best learned method, ``verdict_<effort>``
    is one of yes, by the first measure only, no, open (it leads, and some classical method was
    followed for less), or no contest (no classical method ran, or no learned one), and
    ``classical_<effort>`` with ``first_<effort>`` and ``second_<effort>`` the strongest classical
    method by the first measure.
    """
    curves = our_curves(tables, about, contest.measure)
    curves = curves[curves["variant"] == MAIN]
    timings = named_table(tables, about, "timings", ("method",))
    finals = named_table(tables, about, "finals", ("method", "variant", "runs", "failed"))
    finals = finals[finals["variant"] == MAIN].set_index(["setting", "method"])
    clock = Clock(timings, tables.get("seconds"))
    for setting, title in about.titles.items():
        fields = [*_curves(curves[curves["setting"] == setting], contest, clock, setting)]
        ends = [curve.rows["iteration"].iloc[-1] for curve in fields if curve.learned]
        for place in contest.places or sorted(set(ends))[-1:]:
            row = {"figure": about.report, "setting": setting, "panel": title.replace("\n", ", ")}
            yield row | {"place": place} | _decided(fields, place, finals.loc[setting])


def _curves(curves: pd.DataFrame, contest: Contest, clock: Clock, setting: str) -> Iterator[_Curve]:
    measure = contest.measure
    for method, rows in curves.groupby("method", sort=False):
        x = rows[measure.x]
        kept = rows.assign(
            iteration=x,
            evaluations=rows.get("evaluations", x).fillna(x),
            seconds=clock.at(setting, method, x),
        )
        for name, column in (("first", measure.value), ("second", contest.second)):
            values = rows[column].fillna(np.inf)  # what is below the floor is rounding
            kept[name] = values.clip(lower=FLOOR) if measure.log else values
        label, kind = rows["label"].iloc[0], rows["kind"].iloc[0]
        if kind in (*LEARNED, *ANALYTIC):
            yield _Curve(method, base_label(label, kind), kind in LEARNED, kept)


def _decided(fields: Sequence[_Curve], place: int, finals: pd.DataFrame) -> dict[str, Any]:
    """Return who stands for the learned methods at a place, and against which classical ones.

    Parameters
    ----------
    fields : all curves of a setting
    finals : its ends, by method
    """
    ours, none = _first(fields, True, "iteration", place), dict.fromkeys(_VERDICTS, NONE)
    if ours is None:
        return none
    best, row, _ = ours
    counts = finals.loc[best.method]
    told = none | {"learned": best.label, "first": row["first"], "second": row["second"]}
    told["failed"] = counts["failed"] / counts["runs"]
    for effort in EFFORTS:
        rival = _first(fields, False, effort, row[effort])
        if rival is not None:
            strongest, end, second = rival
            won = row["first"] < end["first"], row["second"] < second
            told[f"verdict_{effort}"] = YES if all(won) else FIRST_ONLY if won[0] else NO
            rivals = [curve for curve in fields if not curve.learned]
            if won[0] and not all(rival.lasts(effort, row[effort]) for rival in rivals):
                told[f"verdict_{effort}"] = OPEN
            told |= {f"classical_{effort}": strongest.label, f"first_{effort}": end["first"]}
            told[f"second_{effort}"] = second
    return told


def _first(
    fields: Sequence[_Curve], learned: bool, effort: str, budget: float
) -> tuple[_Curve, pd.Series, float] | None:
    """Return the curve of one side that is lowest within a budget by the first measure, its row,
    and the lowest value of that side by the second one; None: nobody is within the budget.
    """
    side = ((curve, curve.within(effort, budget)) for curve in fields if curve.learned is learned)
    there = [(curve, row) for curve, row in side if row is not None]
    if not there:
        return None
    curve, row = min(there, key=lambda each: each[1]["first"])
    return curve, row, min(row["second"] for _, row in there)


def write_verdict(
    paths: tuple[Path, Path],
    rows: Sequence[Mapping[str, Any]],
    contests: Mapping[str, Contest],
    headings: Mapping[str, str],
    preset: str,
    note: str,
) -> None:
    """Write the verdicts as CSV and as Markdown.

    Parameters
    ----------
    paths : of both files
    rows : of all experiments, see :func:`verdict_rows`
    contests, headings : of each experiment, by the name of its report

    Raises
    ------
    InputError : a file cannot be written.
    """
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    csv = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    write_texts({paths[0]: csv, paths[1]: _markdown(table, contests, headings, preset, note)})


def _markdown(
    table: pd.DataFrame,
    contests: Mapping[str, Contest],
    headings: Mapping[str, str],
    preset: str,
    note: str,
) -> str:
    counts = {e: int((table[f"verdict_{e}"] == YES).sum()) for e in EFFORTS}
    told = ", ".join(
        f"{count} at equal {effort}s".replace("ss", "s") for effort, count in counts.items()
    )
    lines = [
        "**Does a learned method beat the strongest classical one?** "
        f"Yes in {told}, of {len(table)} contests.",
        "",
        "The best learned method of a panel, by its first measure, against all classical methods "
        "that are given as many iterations, evaluations (gradients, values, products with A) or "
        "seconds. “Yes”: it is lower by both measures; numbers are both, of classical methods the "
        "lowest of each, and the part of the runs that failed where some did. “Open”: it leads "
        "methods of which some were followed for less than that. Seconds: all runs of a panel as "
        "one batch, one thread, without training.",
        "",
    ]
    heads = ("panel", "best learned", *(f"equal {words}" for words in EFFORTS.values()))
    for figure, rows in table.groupby("figure", sort=False):
        contest = contests[figure]
        lines += [f"**{headings[figure]}** ({contest.measure.label}: {' / '.join(contest.words)})"]
        lines += ["", f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
        for _, row in rows.iterrows():
            lines.append(f"| {' | '.join(_cells(row, contest))} |")
        lines.append("")
    return "\n".join([*lines, stated_budget(preset, note), ""])


def _cells(row: pd.Series, contest: Contest) -> list[str]:
    text = contest.measure.text
    place = f", {contest.measure.x} {row['place']:,.0f}" if contest.places else ""
    cells = [f"{row['panel']}{place}"]
    if pd.isna(row["learned"]):
        return [*cells, "none", *[NONE] * len(EFFORTS)]
    failed = f"; {percent(row['failed'])} fail" if row["failed"] else ""
    cells.append(f"{row['learned']}: {text(row['first'])} / {text(row['second'])}{failed}")
    for effort in EFFORTS:
        verdict = row[f"verdict_{effort}"]
        if verdict == NONE:
            cells.append(NONE)
            continue
        word = f"**{verdict}**" if verdict == YES else verdict
        numbers = f"{text(row[f'first_{effort}'])} / {text(row[f'second_{effort}'])}"
        cells.append(f"{word}: {row[f'classical_{effort}']} {numbers}")
    return cells
