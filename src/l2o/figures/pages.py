"""HTML pages that need nothing but themselves: no script, and nothing from another host."""

from __future__ import annotations

from html import escape
from pathlib import Path

from l2o.storage.atomic import written_aside

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 1.5rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin-top: 1.6rem; }
table { border-collapse: collapse; margin: 0.8rem 0; }
th, td { border-bottom: 1px solid #ccc; padding: 0.3rem 0.7rem; text-align: left;
  vertical-align: top; }
.number { text-align: right; }
td.number { white-space: nowrap; font-variant-numeric: tabular-nums; }
th[scope=row] { white-space: nowrap; }
td.met { font-weight: 600; }
td small { display: block; font-weight: 400; color: #555; }
code, pre { font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; margin: 0; }
summary { cursor: pointer; padding: 0.2rem 0; }
details { border-bottom: 1px solid #ccc; }
"""


def html_page(title: str, body: str) -> str:
    """Return a whole page.

    Parameters
    ----------
    title : plain text, also the heading
    body : HTML that follows the heading
    """
    head = f'<meta charset="utf-8">\n<title>{escape(title)}</title>\n<style>{_STYLE}</style>'
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n{head}\n</head>\n'
        f"<body>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def write_page(path: str | Path, page: str) -> None:
    """Write a page as UTF-8.

    Raises
    ------
    InputError : the file cannot be written.
    """
    with written_aside(path) as aside:
        aside.write_text(page, encoding="utf-8", newline="\n")
