"""What made each artifact, as one page to read in a browser."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from l2o.figures.pages import html_page

_SHORT = 12  # digits of a hash that are shown in the overview
Record = Mapping[str, Any]


def provenance_page(artifacts: Iterable[tuple[str | Path, Record | None]]) -> str:
    """Return a page with an overview of the artifacts and what is known of each step.

    Parameters
    ----------
    artifacts : path and record of each artifact, in the order to show them. The record is that of
        :meth:`l2o.provenance.Step.record`; None where none is known. Artifacts of one step share
        its record, which is shown once.
    """
    rows: list[str] = []
    files: dict[str, list[str]] = {}
    records: dict[str, Record] = {}
    for path, record in artifacts:
        name = f"<td><code>{escape(str(path))}</code></td>"
        if record is None:
            rows.append(f"<tr>{name}<td>not known</td><td>no record beside the file</td></tr>")
            continue
        key = record["key"]
        records.setdefault(key, record)
        files.setdefault(key, []).append(str(path))
        step = escape(record["step"])
        rows.append(f"<tr>{name}<td>{step}</td><td>{_link(key, records)}</td></tr>")
    first: dict[str, str] = {}  # step that shows some sources, by them
    sources = {k: _sources(record, first, records) for k, record in records.items()}
    steps = "\n".join(_step(record, files[k], sources[k], records) for k, record in records.items())
    body = (
        "<p>The key of a step is a hash over its parameters, the code that it runs, the versions "
        "of the libraries and the keys of its inputs. Equal keys promise equal bytes, measured "
        "seconds excepted. Hashes of sources are cut; whole ones stand in the record beside each "
        "artifact.</p>\n"
        "<h2>Artifacts</h2>\n<table>\n<thead><tr>"
        '<th scope="col">Artifact</th><th scope="col">Step</th><th scope="col">Key</th>'
        f"</tr></thead>\n<tbody>\n{_lines(rows)}</tbody>\n</table>\n"
        f"<h2>Steps</h2>\n{steps}"
    )
    return html_page("Provenance of the artifacts", body)


def _lines(rows: Iterable[str]) -> str:
    return "".join(f"{row}\n" for row in rows)


def _link(key: str, known: Mapping[str, Record]) -> str:
    """Return the short key, as a link where its step is on the page."""
    text = f"<code>{escape(key[:_SHORT])}</code>"
    return f'<a href="#{escape(key)}">{text}</a>' if key in known else text


def _sources(record: Record, first: dict[str, str], known: Mapping[str, Record]) -> str:
    """Return the sources of a step, or a link to the first step that has the same: browsers show
    no embedded page of more than two megabytes.
    """
    cut = {name: f"<code>{escape(v[:_SHORT])}</code>" for name, v in record["sources"].items()}
    key = first.setdefault(text := _pairs(cut), record["key"])
    return text if key == record["key"] else f"those of {_link(key, known)}"


def _step(record: Record, files: list[str], sources: str, known: Mapping[str, Record]) -> str:
    parameters = json.dumps(record["parameters"], indent=2, sort_keys=True, ensure_ascii=False)
    inputs = {role: _link(key, known) for role, key in record["inputs"].items()}
    parts = {
        "Key": f"<code>{escape(record['key'])}</code>",
        "Artifacts": "<br>".join(f"<code>{escape(file)}</code>" for file in files),
        "Parameters": f"<pre>{escape(parameters)}</pre>" if record["parameters"] else "none",
        "Inputs": _pairs(inputs),
        "Libraries": _pairs({n: escape(str(v)) for n, v in record["libraries"].items()}),
        "Sources": sources,
    }
    rows = _lines(f'<tr><th scope="row">{n}</th><td>{text}</td></tr>' for n, text in parts.items())
    title = f"{escape(record['step'])}: <code>{escape(files[0])}</code>"
    if len(files) > 1:
        title += f" and {len(files) - 1} more"
    return (
        f'<details id="{escape(record["key"])}">\n<summary>{title}</summary>\n'
        f"<table>\n{rows}</table>\n</details>"
    )


def _pairs(pairs: Mapping[str, str]) -> str:
    """Return names with values that are HTML already."""
    return "<br>".join(f"{escape(name)}: {value}" for name, value in pairs.items()) or "none"
