"""The pages of results: Markdown, with what a browser draws as data beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from l2o.artifacts.manifest import read_manifest, released_costs
from l2o.config.values import PRESETS
from l2o.experiments.experiment import Experiment
from l2o.experiments.graph import rooms
from l2o.site.curves import Curves
from l2o.site.editions import Edition, editions
from l2o.site.front_page import headline
from l2o.site.histories import histories
from l2o.site.records import records
from l2o.site.tables import html_table, union
from l2o.storage.tables import read_table

DATA = "assets/data"  # of the site: what pages load
FOLDER = "results"  # of the site: pages of results
_TABLES = {"table": "Comparison", "finals": "Ends of the runs", "lengths": "Unroll lengths"}
_TABLES |= {"optima": "Optima", "tuned": "Hyperparameters that were tried", "timings": "Seconds"}
_TABLES |= {"exact_seconds": "Solvers of single instances, and their seconds"}
_TABLES |= {"profiles": "How many runs reach a target, and when"}
_JUDGED = {  # pages about all experiments: heading, what it says, and the columns of verdicts
    "verdict": (
        "Learned against classical",
        "The best learned method of each panel against the strongest classical one that had as "
        "many iterations, evaluations or seconds.",
        "verdict_iteration",
    ),
    "claims": (
        "Claims of the paper",
        "Each claim, what is checked on our tables, and why.",
        "verdict",
    ),
}
_HEAD = "---\nhide: [toc]\n---\n\n"
_PLOTLY = '<script src="../assets/plotly.min.js"></script>\n'


@dataclass(frozen=True)
class Results:
    """All pages of results, of what is built at the moment.

    ``pages`` are Markdown by path in the site, ``scripts`` JavaScript by path, ``files`` what is
    copied, by path; ``contents`` the titles of the pages, by path, in the order to show them.
    """

    editions: Sequence[Edition]

    @classmethod
    def built(cls) -> Results:
        """Return the results of this checkout."""
        return cls(editions())

    @cached_property
    def _experiments(self) -> dict[str, Experiment]:
        """An experiment of each room, by the name of its report."""
        graphs = [edition.graph for edition in self.editions]
        found = graphs[0].experiments if graphs else {n: k(PRESETS[0]) for n, k in rooms().items()}
        return {one.base: one for one in sorted(found.values(), key=lambda one: one.title)}

    @property
    def contents(self) -> dict[str, str]:
        """The titles of all pages."""
        experiments = {f"{FOLDER}/{n}.md": one.title for n, one in self._experiments.items()}
        return {
            f"{FOLDER}/index.md": "Overview",
            **experiments,
            **{f"{FOLDER}/{name}.md": heading for name, (heading, *_) in _JUDGED.items()},
            f"{FOLDER}/histories.md": "Loss histories",
            f"{FOLDER}/provenance.md": "Provenance",
        }

    def pages(self) -> dict[str, str]:
        """Return the Markdown of all pages."""
        named = {name: self._experiment(name) for name in self._experiments}
        parts = {"index": self._overview(), **named}
        parts |= {name: self._judged(name, *told) for name, told in _JUDGED.items()}
        parts |= {"histories": self._histories_page(), "provenance": self._provenance()}
        return {f"{FOLDER}/{name}.md": _HEAD + text for name, text in parts.items()}

    def scripts(self) -> dict[str, str]:
        """Return the data of all pages."""
        found = {}
        for name in self._experiments:
            drawn = [curves.content() for curves in self._curves(name) if curves.explored]
            content = {"report": name, "editions": drawn}
            found[f"{DATA}/{name}.js"] = f"window.L2O_CURVES = {_json(content)};\n"
        groups = [group for group in self._histories if group["histories"]]
        found[f"{DATA}/histories.js"] = f"window.L2O_HISTORIES = {_json(groups)};\n"
        for edition in self.editions:
            proofs = _json(self._records[edition.name])
            text = f"(window.L2O_RECORDS ??= {{}}).{edition.name} = {proofs};\n"
            found[f"{DATA}/records.{edition.name}.js"] = text
        return found

    def files(self) -> dict[str, Path]:
        """Return tables and pictures that are copied; released ones are in the site already."""
        return {
            f"{FOLDER}/{edition.name}/{path.name}": path
            for edition in self.editions
            if not edition.folder
            for one in edition.graph.experiments.values()
            for path in self._outputs(edition, one)
        }

    # Parts

    @cached_property
    def _records(self) -> dict[str, dict[str, Any]]:
        """The proofs of each edition."""
        return {edition.name: records(edition) for edition in self.editions}

    def _curves(self, name: str) -> list[Curves]:
        """Return an experiment in every edition that has any table of it."""
        pairs = [(edition, edition.graph.reports.get(name)) for edition in self.editions]
        return [Curves(e, one) for e, one in pairs if one and e.tables(one)]

    def _outputs(self, edition: Edition, one: Experiment) -> list[Path]:
        """Return tables and figures of an experiment that are there."""
        tables = (job for name, job in one.joined().items() if name != "runs")  # large
        jobs = [*tables, one.table(), *map(one.figure, one.figure_names)]
        paths = [edition.place(job[role]) for job in jobs for role in job.writes]
        return [path for path in paths if path.suffix in (".csv", ".pdf", ".png") and _is(path)]

    def _overview(self) -> str:
        lines = ["# Results\n", '<div class="l2o-cards" markdown>\n']
        for name, one in self._experiments.items():
            first, _, _ = one.about().partition("\n\n")
            lines.append(f"<div markdown>\n\n## [{one.title}]({name}.md)\n\n{first}\n")
            shown = [c for c in self._curves(name) if _is(self._picture(c))]
            for curves in shown[:1]:
                picture = _link(curves.edition, self._picture(curves))
                lines.append(f"[![{one.title}]({picture})]({name}.md)\n")
                lines.append(f"*{curves.edition.title}: {curves.about.note}.*\n")
            lines += [_headlines(self._curves(name)), "</div>\n"]
        return "\n".join([*lines, "</div>\n", "## What is built\n", self._state()])

    @staticmethod
    def _picture(curves: Curves) -> Path:
        one = curves.experiment
        return curves.edition.place(one.figure(one.report_name)["png"])

    def _state(self) -> str:
        """Return which presets are built, how much of them is valid, and how to build others."""
        rows = []
        for edition in self.editions:
            for one in edition.graph.experiments.values():
                found = edition.statuses(one)
                counts = {s.value: found.count(s) for s in dict.fromkeys(found)}
                told = ", ".join(f"{count} {word}" for word, count in counts.items()) or "none"
                rows.append((edition.title, one.title, told, edition.built_by(one), one.sizes.note))
        there = {edition.name for edition in self.editions}
        missing = [preset for preset in PRESETS if preset not in there]
        commands = ", ".join(f"`make site PRESET={preset}`" for preset in missing)
        words = f"Not built here: {', '.join(missing)} ({commands} builds it).\n" if missing else ""
        table = pd.DataFrame(
            rows, columns=["edition", "experiment", "files of its report", "commit", "what"]
        )
        return f"{words}\n{html_table(table) if rows else ''}\n{_costs()}"

    def _experiment(self, name: str) -> str:
        one, curves = self._experiments[name], self._curves(name)
        lines = [f"# {one.title}\n\n{one.about()}\n"]
        if not curves:
            command = f"snakemake --cores all -- {name}_all"
            return "\n".join([*lines, f"Nothing of it is built yet: `{command}` does it."])
        if any(each.explored for each in curves):
            lines += [
                f'<div class="l2o-explorer" data-search-exclude></div>\n{_PLOTLY}',
                f'<script src="../{DATA}/{name}.js"></script>\n',
            ]
        else:
            shown = (each for each in curves if _is(self._picture(each)))
            lines += [f"![{one.title}]({_link(c.edition, self._picture(c))})\n" for c in shown]
        for table, heading in _TABLES.items():
            rows, made = union((each, table) for each in curves)
            if len(rows):
                lines.append(f"## {heading}\n\n{html_table(rows, made)}")
        lines.append(f"## Files\n\n{self._downloads(curves)}")
        return "\n".join(lines)

    def _downloads(self, curves: Iterable[Curves]) -> str:
        lines = []
        for each in curves:
            links = (
                f"[{path.name}]({_link(each.edition, path)})"
                for path in self._outputs(each.edition, each.experiment)
            )
            lines.append(f"- {each.edition.title}: {', '.join(links)}")
        return "\n".join(lines)

    @cached_property
    def _histories(self) -> list[dict[str, Any]]:
        return [
            {
                "id": f"{edition.name}_{name}",
                "title": f"{one.title} ({edition.title})",
                "edition": edition.name,
                "histories": histories(edition, edition.graph.reports[name]),
            }
            for edition in self.editions
            for name, one in self._experiments.items()
        ]

    def _histories_page(self) -> str:
        lines = [
            "# Loss histories\n",
            "Every training: its loss, and in grey that of the validation.\n",
            '<div class="l2o-histories"></div>\n',
        ]
        for group in self._histories:
            if group["histories"]:
                lines.append(f'<h2 id="{group["id"]}">{escape(group["title"])}</h2>\n')
        if len(lines) == 3:
            lines.append("No training is here: the released copies have none.\n")
        return "\n".join([*lines, _PLOTLY, f'<script src="../{DATA}/histories.js"></script>\n'])

    def _judged(self, kind: str, heading: str, words: str, column: str) -> str:
        lines = [f"# {heading}\n", f"{words}\n"]
        for edition in self.editions:
            job = next((job for job in edition.graph.judged if job.kind == kind), None)
            path = job and edition.place(job["csv"])
            if path is None or not _is(path):
                continue
            rows = read_table(path)
            counts = rows[column].value_counts().to_dict()
            told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
            proven = str(path) if str(path) in edition.proven else ""
            made = [(edition.name, proven)] * len(rows)
            lines.append(f"## {edition.title}: {told}\n\n{html_table(rows, made)}")
        return "\n".join(lines)

    def _provenance(self) -> str:
        lines = [
            "# Provenance\n",
            "What made each artifact: its parameters, inputs, code and libraries, and the command "
            "that makes it. [How this is proven](../proofs.md).\n",
        ]
        for edition in self.editions:
            proofs = self._records[edition.name]
            rows = [
                (path, proofs["jobs"][at]["name"], status, proofs["jobs"][at]["key"][:12])
                for path, (at, _, status) in proofs["files"].items()
            ]
            table = pd.DataFrame(rows, columns=["file", "job", "status", "key"])
            made = [(edition.name, row[0]) for row in rows]
            lines.append(f"## {edition.title}\n\n{html_table(table, made)}")
        return "\n".join(lines)


def _costs() -> str:
    """Return what the released reports cost, where there are any."""
    if not read_manifest():
        return ""
    return f"## What the released results cost\n\n```\n{released_costs()}\n```\n"


def _headlines(curves: Iterable[Curves]) -> str:
    """Return the headline numbers of an experiment, a line an edition."""
    lines = []
    for each in curves:
        path = each.edition.place(each.experiment.table()["metrics"])
        if words := headline(path):
            lines.append(f"- {each.edition.title}: {words}")
    return "\n".join([*lines, ""])


def _link(edition: Edition, path: Path) -> str:
    """Return the address of a file from a page of results."""
    return f"../paper/{path.name}" if edition.folder else f"{edition.name}/{path.name}"


def _is(path: Path) -> bool:
    return path.is_file()


def _json(content: Any) -> str:
    """Return JSON that may stand in a script."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("</", "<\\/")
