"""The work of jobs that are alike in all experiments; heavy imports wait until they are used."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from l2o.artifacts.job import Given, resolved
from l2o.variants import PUBLISHED


def join(given: Given) -> None:
    """Join tables row by row, in the order of the inputs."""
    from l2o.storage.tables import joined

    joined(given.inputs.values(), given.outputs["table"])


def timings(given: Given) -> None:
    """Set the seconds of whole runs beside those of training, a row per setting and method.

    Inputs are called ``solving ...`` (CSV, of which the last row of a method counts), ``training
    setting/method`` and ``published_recipe setting/method`` (JSON).
    """
    from l2o.storage.json_files import read_json
    from l2o.storage.tables import read_rows, write_table

    solved: dict[str, dict[str, Any]] = {}
    for role, path in given.inputs.items():
        if role.startswith("solving"):
            rows = read_rows(path)
            solved |= {f"{row['setting']}/{row['method']}": dict(row) for row in rows}
    for place, row in solved.items():
        row["solve_seconds"] = row.pop("seconds")
        path = given.inputs.get(f"training {place}")
        trained = {} if path is None else read_json(path)
        row |= {name: trained.get(name, "") for name in ("device", "training_seconds")}
        path = given.inputs.get(f"{PUBLISHED} {place}")
        row["published_recipe_training_seconds"] = (
            "" if path is None else read_json(path)["training_seconds"]
        )
    write_table(given.outputs["table"], list(solved.values()))


def table(given: Given) -> None:
    """Compare methods with each other and what is published: CSV, Markdown, JSON, HTML, bars."""
    from l2o.figures.compared import write_compared
    from l2o.storage.tables import write_table

    compare, tables, published, about = _declared(given)
    in_a_line = {setting: title.replace("\n", ", ") for setting, title in about.titles.items()}
    about = replace(about, titles=in_a_line)
    outputs, compared = dict(given.outputs), compare(tables, published, about)
    by_setting = {s: of for s, of in compared.metrics.items() if isinstance(of, Mapping)}
    bars = [
        {"result": f"{s}: {k}", "value": v} for s, of in by_setting.items() for k, v in of.items()
    ]
    write_table(outputs.pop("plots"), bars)  # what `dvc plots` draws
    write_compared(compared, about=about, **outputs)


def figure(given: Given) -> None:
    """Draw a figure as PDF and PNG."""
    from l2o.figures.style import save_pdf, save_png

    draw, tables, published, about = _declared(given)
    pages = draw(tables, published, about)
    save_pdf(pages, given.outputs["pdf"], given.key)
    save_png(pages[0], given.outputs["png"], given.key)


def _declared(given: Given) -> tuple[Any, Mapping[str, Any], Any, Any]:
    """Return the function that a room declares, its tables, published values, and what it is."""
    from l2o.figures.about import About
    from l2o.storage.tables import read_table

    paths = dict(given.inputs)
    at = paths.pop("published", None)
    published = None if at is None else read_table(at)
    if published is not None:
        shown = given.parameters["published"]
        here = published["panel"].isin(shown["settings"])
        published = published[here & published["method"].isin(shown["methods"])]
        published = published if len(published) else None
    tables = {name: read_table(path) for name, path in paths.items()}
    about = About(**given.parameters["about"])
    return resolved(given.parameters["declared"]), tables, published, about


def claims(given: Given) -> None:
    """Test what the paper says of its figures, on the tables of all experiments with claims.

    Inputs are called ``fig5 curves``, ``fig7 optima`` and so on.
    """
    from l2o.claims.table import claims_table, write_claims
    from l2o.storage.tables import read_table

    readers = {name: resolved(entry) for name, entry in given.parameters["readers"].items()}
    tables: dict[str, dict[str, Any]] = {}
    for role, path in given.inputs.items():
        report, name = role.split()
        tables.setdefault(report, {})[name] = read_table(path)
    rows = claims_table(readers, tables)
    files = given.outputs["csv"], given.outputs["markdown"]
    headings = given.parameters["headings"]
    write_claims(*files, rows, headings, given.parameters["preset"], given.parameters["note"])


def verdict(given: Given) -> None:
    """Hold the best learned method of every panel against the strongest classical one.

    Inputs are called ``fig5 curves``, ``fig5 timings`` and so on.
    """
    from l2o.figures.about import About
    from l2o.figures.level import WORDS, with_level
    from l2o.figures.verdict import verdict_rows, write_verdict
    from l2o.storage.tables import read_table

    p = given.parameters
    contests = {name: resolved(entry) for name, entry in p["contests"].items()}
    abouts = {name: About(**about) for name, about in p["abouts"].items()}
    rows = []
    for name, contest in contests.items():
        tables = {
            role.removeprefix(f"{name} "): read_table(path)
            for role, path in given.inputs.items()
            if role.startswith(f"{name} ")
        }
        found = verdict_rows(contest, tables, abouts[name])
        rows += [with_level(row, contest.measure.log) for row in found]
    files = given.outputs["csv"], given.outputs["markdown"]
    headings = {name: about.title for name, about in abouts.items()}
    write_verdict(files, rows, contests, headings, p["preset"], f"{p['note']}; {WORDS}")


def profiles(given: Given) -> None:
    """Sum up how many runs reach each target, and when."""
    from l2o.figures.efforts import Clock, profile_rows
    from l2o.storage.tables import read_table, write_table

    tables = {name: read_table(path) for name, path in given.inputs.items()}
    clock = Clock(tables["timings"], tables.get("seconds"))
    rows = profile_rows(tables["runs"], tables["finals"], clock, given.parameters["targets"])
    write_table(given.outputs["table"], rows)


def records(given: Given) -> None:
    """Write the records that lie beside the artifacts as an HTML page."""
    from l2o.artifacts.proof import read_proof
    from l2o.figures.pages import write_page
    from l2o.figures.provenance_page import provenance_page

    paths = [*given.inputs.values(), *map(Path, given.parameters["also"])]
    records = ((path, read_proof(path)) for path in dict.fromkeys(paths))
    write_page(given.outputs["page"], provenance_page(records))


def copy(given: Given) -> None:
    """Copy a report to where readers look first."""
    from l2o.storage.atomic import written_aside

    (original,) = given.inputs.values()
    with written_aside(given.outputs["shown"]) as aside:
        shutil.copyfile(original, aside)


def store(given: Given) -> None:
    """Fetch the files of MNIST, unless they are there, verify them, and store them as HDF5."""
    from l2o.datasets.mnist import FILES, fetch_mnist, load_mnist
    from l2o.storage.digit_sets import write_digits
    from l2o.storage.hdf5 import provenance_attributes

    folder, sums = Path(given.parameters["folder"]), given.inputs["sums"]
    fetch_mnist(folder, sums)
    splits = {split: load_mnist(folder, split) for split in FILES}
    attributes = {"source": "MNIST", **provenance_attributes(given.record)}
    write_digits(given.outputs["set"], splits, attributes)


def store_pictures(given: Given) -> None:
    """Store grey pictures as HDF5: published ones, fetched and verified first, or bundled ones."""
    from l2o.datasets.pictures import bundled_pictures, published_pictures
    from l2o.storage.hdf5 import provenance_attributes
    from l2o.storage.picture_sets import write_pictures

    sums = [given.inputs[name] for name in ("bsds500", "set11") if name in given.inputs]
    parts = published_pictures(*sums) if sums else bundled_pictures()
    attributes = {"source": given.parameters["source"], **provenance_attributes(given.record)}
    write_pictures(given.outputs["set"], parts, attributes)
