"""What MkDocs calls while it builds the site: pages of results, and the examples, executed."""

from __future__ import annotations

from importlib.resources import files as resources
from typing import Any

from mkdocs.structure.files import File, Files

from l2o.site.pages import FOLDER, Results

_site: dict[str, Any] = {}


def on_config(config: Any) -> None:
    """Find what is built, and give the pages of results their places in the navigation."""
    _site["results"] = results = Results.built()
    _fill(config.nav, FOLDER, results.contents)


def on_files(files: Files, config: Any) -> Files:
    """Add what is generated."""
    results = _site["results"]
    for path, text in {**results.pages(), **results.scripts()}.items():
        files.append(File.generated(config, path, content=text))
    for path, original in results.files().items():
        files.append(File.generated(config, path, abs_src_path=str(original.resolve())))
    plotly = resources("plotly") / "package_data" / "plotly.min.js"
    files.append(File.generated(config, "assets/plotly.min.js", abs_src_path=str(plotly)))
    return files


def _fill(nav: list[Any], folder: str, contents: dict[str, str]) -> None:
    """Put the pages of a folder in place of its first page."""
    for section in nav:
        for title, pages in section.items():
            if pages == f"{folder}/index.md":
                section[title] = [{name: path} for path, name in contents.items()]
