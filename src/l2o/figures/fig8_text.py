"""The comparison of Figure 8 in words: sentences and tables that Markdown and HTML share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from l2o.figures.budget import stated_budget
from l2o.figures.numbers import significant

COMPARED = (100, 1000, 10000)  # iterations that the texts compare; the CSV has all that were read
VERDICTS = {"met": "reached", "missed": "missed"}  # in words, never by colour alone
LOSS_LABEL = "Training loss (nats)"
_PUBLISHED_STARTS = {"mlp_relu": "6.8"}  # nats; where not ln 10, as ours
_NOTHING = "–"


@dataclass(frozen=True)
class Section:
    """A table to be set as text: heading, heads of the columns but the first, rows by label.

    ``verdicts`` (met, missed or "") are keyed by label and belong to cell ``judged`` of a row.
    """

    heading: str
    heads: tuple[str, ...]
    rows: Mapping[str, tuple[str, ...]]
    verdicts: Mapping[str, str]
    judged: int


def shown_iterations(table: pd.DataFrame) -> list[int]:
    """Return those of :data:`COMPARED` that a table has, and its last iteration."""
    has = set(table["iteration"])
    return sorted({i for i in COMPARED if i in has} | ({max(has)} if has else set()))


def listed_iterations(table: pd.DataFrame) -> str:
    """Return e.g. "iterations 100, 1,000 and 10,000"."""
    *head, last = [f"{i:,}" for i in shown_iterations(table)] or [_NOTHING]
    return f"iterations {', '.join(head)} and {last}" if head else f"iteration {last}"


def ours_text(row: pd.Series) -> str:
    """Return our loss as text, or that it is not finite."""
    return significant(row["loss"]) if np.isfinite(row["loss"]) else "diverged"


def loss_pair(row: pd.Series) -> str:
    """Return "ours / published" for one row of a table; "–": not published or not read."""
    paper = _NOTHING if pd.isna(row["published"]) else significant(row["published"])
    return f"{ours_text(row)} / {paper}"


def main_heading(table: pd.DataFrame) -> str:
    """Return what the cells of the tables are."""
    return f"Training loss in nats, ours / published, after {listed_iterations(table)}"


def explanation(table: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """Return how the losses are defined, and where ours and the published ones begin."""
    text = (
        "Ours: mean cross-entropy on a fixed sample of the training images, mean over the runs. "
        "Published losses are read off a picture, good to some 5 %."
    )
    starts = table.drop_duplicates("setting").set_index("setting")["start"].dropna()
    if len(starts):
        each = ", ".join(f"{significant(v)} ({titles.get(s, s)})" for s, v in starts.items())
        text += f" Our curves start at {each}; ln 10 = 2.303 is the loss of ten equal chances."
    for setting in starts.index.intersection(list(_PUBLISHED_STARTS)):
        text += (
            f" The published ones on the {titles.get(setting, setting)} start near "
            f"{_PUBLISHED_STARTS[setting]}, which the paper's text does not explain: an optimizee "
            "that starts elsewhere, so that early losses are not like for like."
        )
    return text


def counted(table: pd.DataFrame) -> str:
    """Return how many learned methods reach the published loss at the last iteration of it."""
    judged = table[table["verdict"].isin(list(VERDICTS))]
    if judged.empty:
        return "No verdict: our runs end before the last published iteration."
    met = int((judged["verdict"] == "met").sum())
    return (
        f"{met} of {len(judged)} learned methods and networks reach the published loss at "
        f"iteration {judged['iteration'].max():,}: ours at most 5 %, the uncertainty of the "
        "reading, above it, and not diverged. Analytic methods are not judged."
    )


def best_learned(table: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """Return which learned method ends lowest on each network; "" if none converged."""
    last = table[table["iteration"] == table.groupby("setting")["iteration"].transform("max")]
    learned = last[(last["kind"] == "recurrent") & (last["status"] == "converged")]
    best = learned.loc[learned.groupby("setting", sort=False)["loss"].idxmin()]
    names = [
        f"{titles.get(row['setting'], row['setting'])}: {row['label']} ({significant(row['loss'])})"
        for _, row in best.iterrows()
    ]
    return f"Lowest learned method at the end: {'; '.join(names)}." if names else ""


def sections(table: pd.DataFrame, titles: Mapping[str, str]) -> list[Section]:
    """Return a table for each setting: losses at the compared iterations, then the ends of runs."""
    return [
        _section(rows, titles.get(setting, setting), shown_iterations(rows))
        for setting, rows in table.groupby("setting", sort=False)
    ]


def _section(table: pd.DataFrame, title: str, at: list[int]) -> Section:
    last, rows, verdicts = at[-1], {}, {}
    for _, curve in table.groupby("method", sort=False):
        keyed = curve.set_index("iteration")
        end = keyed.loc[last]
        losses = [loss_pair(keyed.loc[i]) for i in at]
        rows[end["label"]] = (*losses, _ratio(end), *_ends(end))
        verdicts[end["label"]] = end["verdict"]
    heads = (f"ratio at {last:,}", "all training images", "test accuracy", "diverged")
    return Section(title, (*(f"{i:,}" for i in at), *heads), rows, verdicts, len(at) - 1)


def _ratio(row: pd.Series) -> str:
    """Return e.g. "0.98×, reached", and that a curve with a finite end diverged."""
    words = [f"{significant(row['ratio'])}×"] if np.isfinite(row["ratio"]) else []
    if row["status"] == "diverged":
        words.append("diverged")
    words += [VERDICTS[row["verdict"]]] if row["verdict"] in VERDICTS else []
    return ", ".join(words) or _NOTHING


def _ends(row: pd.Series) -> tuple[str, str, str]:
    """Return loss on all training images, test accuracy, and how many runs diverged."""
    loss = _plus_minus(row["training_loss"], row["training_loss_std"], significant)
    percent = 100 * row["test_accuracy"], 100 * row["test_accuracy_std"]
    accuracy = _plus_minus(*percent, lambda value, *_: f"{value:.2f}")
    accuracy += "" if accuracy == _NOTHING else " %"
    return loss, accuracy, f"{row['diverged']:.0f} of {row['runs']:.0f} runs"


def _plus_minus(mean: float, std: float, text: Callable[..., str]) -> str:
    """Return "mean ± std"; one run has no std, and runs that all diverged have no mean."""
    if pd.isna(mean):
        return _NOTHING
    return text(mean) if pd.isna(std) else f"{text(mean)} ± {text(std, 2)}"


def ends_note() -> str:
    """Return what the columns of the ends of the runs are."""
    return (
        "All training images, test accuracy: after our last iteration, mean ± standard deviation "
        "over the runs that end finite. Diverged: the last loss is not finite or above the "
        "one at the start."
    )


def sentences(table: pd.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """Return what stands under the tables, a text for each paragraph."""
    return [f"{counted(table)} {best_learned(table, titles)}".strip(), ends_note()]


def markdown(table: pd.DataFrame, titles: Mapping[str, str], preset: str, budget_note: str) -> str:
    """Return the comparison as Markdown; bold where a learned method reaches what is published."""
    lines = [f"{main_heading(table)}; bold where a learned method reaches it.", ""]
    lines += [explanation(table, titles), ""]
    for section in sections(table, titles):
        lines += [f"**{section.heading}**", "", f"| method | {' | '.join(section.heads)} |"]
        lines.append("| --- |" + " ---: |" * len(section.heads))
        for label, cells in section.rows.items():
            cells, judged = list(cells), section.judged
            if section.verdicts[label] == "met":
                cells[judged] = f"**{cells[judged]}**"
            lines.append(f"| {label} | {' | '.join(cells)} |")
        lines.append("")
    for text in sentences(table, titles):
        lines += [text, ""]
    return "\n".join([*lines, stated_budget(preset, budget_note), ""])
