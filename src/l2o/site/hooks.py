"""What MkDocs calls while it builds the site: pages of results, and the examples, executed."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from l2o.site.examples import SCRIPTS, executed, page, split, unexecuted
from l2o.site.pages import FOLDER, Results

GALLERY = "examples"  # of the site
_CARDS = '<div class="l2o-cards" markdown>'
_PROCESSES = 2  # examples that run at once
_site: dict[str, Any] = {}


def on_config(config: Any) -> None:
    """Find what is built, and give the pages of results their places in the navigation."""
    _site["results"] = results = Results.built()
    _fill(config.nav, FOLDER, results.contents)
    _site["scripts"] = scripts = sorted(SCRIPTS.glob("*.py"))
    titles = {f"{GALLERY}/index.md": "Overview"}
    titles |= {f"{GALLERY}/{one.stem}.md": _title(one) for one in scripts}
    _fill(config.nav, GALLERY, titles)


def on_files(files: Files, config: Any) -> Files:
    """Add what is generated."""
    results = _site["results"]
    _gallery(files, config)
    for path, text in {**results.pages(), **results.scripts()}.items():
        files.append(File.generated(config, path, content=text))
    for path, original in results.files().items():
        files.append(File.generated(config, path, abs_src_path=str(original.resolve())))
    plotly = resources("plotly") / "package_data" / "plotly.min.js"
    files.append(File.generated(config, "assets/plotly.min.js", abs_src_path=str(plotly)))
    return files


def _gallery(files: Files, config: Any) -> None:
    """Run the examples and add their pages, with an overview of them."""
    scripts, run = _site["scripts"], config.extra["examples"]
    folder = Path(_site.setdefault("folder", tempfile.TemporaryDirectory()).name)
    with ThreadPoolExecutor(_PROCESSES) as pool:
        work = (lambda one: executed(one, folder / one.stem)) if run else unexecuted
        shown = dict(zip(scripts, pool.map(work, scripts), strict=True))
    cards = []
    for script, cells in shown.items():
        text = page(script, cells)
        files.append(File.generated(config, f"{GALLERY}/{script.stem}.md", content=text))
        pictures = [name for cell in cells for name in cell.get("pictures", ())]
        for name in pictures:
            at = f"{GALLERY}/{script.stem}/{name}"
            path = str(folder / script.stem / name)
            files.append(File.generated(config, at, abs_src_path=path))
        first = split(script.read_text(encoding="utf-8"))[0].split("\n\n")[1:2]
        picture = [f"![]({script.stem}/{pictures[-1]})"] if pictures else []
        head = f"<div markdown>\n\n## [{_title(script)}]({script.stem}.md)"
        cards.append("\n\n".join([head, *first, *picture, "</div>"]))
    parts = ("# Examples", "Each is run while this site is built.", _CARDS, *cards, "</div>\n")
    text = "\n\n".join(parts)
    files.append(File.generated(config, f"{GALLERY}/index.md", content=text))


def _title(script: Path) -> str:
    return split(script.read_text(encoding="utf-8"))[0].partition("\n")[0].rstrip(".")


def _fill(nav: list[Any], folder: str, contents: dict[str, str]) -> None:
    """Put the pages of a folder in place of its first page."""
    for section in nav:
        for title, pages in section.items():
            if pages == f"{folder}/index.md":
                section[title] = [{name: path} for path, name in contents.items()]
