"""The first page of Snakemake's report: every figure, with the numbers that sum it up."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from l2o.experiments.experiment import Experiment
from l2o.experiments.graph import Graph
from l2o.storage.json_files import read_json
from l2o.storage.tables import read_rows

WIDTH = 720  # pixels of a figure
_LINE = 1000  # characters: reStructuredText takes no longer ones than 10,000


def front_page(graph: Graph) -> str:
    """Return reStructuredText: notes and figures of all experiments, and what came of the verdict
    and the claims.

    What is not built is left out, so that a page can be had at any time.
    """
    notes = sorted(f"- {one.title}: {one.sizes.note}." for one in graph.reports.values())
    parts = ["\n".join(notes), *_verdict(graph), *_claims(graph)]
    for one in sorted(graph.reports.values(), key=lambda one: one.title):
        if shown := [*_headline(one), *_figure(one)]:
            parts += [f"{one.title}\n{'-' * len(one.title)}", *shown]
    return "\n\n".join(parts)


def headline(metrics: Path) -> str:
    """Return how many published values are reached, or in how many comparisons a learned method
    leads, in words; "" where nothing is compared."""
    numbers = read_json(metrics) if metrics.is_file() else {}
    if numbers.get("cells"):
        close = numbers.get("cells_within_reading", 0)
        also = f", {close} are within the reading" if close else ""
        return f"{numbers['cells_met']} of {numbers['cells']} published values are reached{also}."
    if numbers.get("contests"):
        told = f"{numbers['contests_won']} of {numbers['contests']} comparisons"
        return f"A learned method is ahead of those by hand in {told}."
    return ""


def _headline(one: Experiment) -> Iterator[str]:
    if words := headline(one.table().writes["metrics"]):
        yield words


def _figure(one: Experiment) -> Iterator[str]:
    path = one.figure(one.report_name).writes["png"]
    if path.is_file():
        address = "\n   ".join(wrap(_small(path), _LINE))
        yield f".. image:: {address}\n   :alt: {one.title}"


def _small(path: Path) -> str:
    """Return a picture as an address that has it inside, small enough for an overview."""
    from PIL import Image

    with Image.open(path) as picture, io.BytesIO() as file:
        height = round(picture.height * WIDTH / picture.width)
        small = picture.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
        small.save(file, "png", optimize=True)
        return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def _verdict(graph: Graph) -> Iterator[str]:
    from l2o.figures.verdict import EFFORTS, YES  # with pandas, which a workflow does without

    path = graph.verdict and graph.verdict.writes["csv"]
    if path and path.is_file():
        rows = read_rows(path)
        told = ", ".join(
            f"{sum(row[f'verdict_{effort}'] == YES for row in rows)} at equal {words}"
            for effort, words in EFFORTS.items()
        )
        yield (
            f"Of {len(rows)} contests with the strongest classical method, a learned one wins "
            f"{told}, by both of its measures."
        )


def _claims(graph: Graph) -> Iterator[str]:
    path = graph.claims and graph.claims.writes["csv"]
    if path and path.is_file():
        counts = Counter(row["verdict"] for row in read_rows(path))
        told = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
        yield f"Of {counts.total()} claims of the paper about its figures: {told}."
