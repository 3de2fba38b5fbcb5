"""How every figure of the project looks: one style per method, print settings, stable files."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from l2o.errors import InputError
from l2o.storage.atomic import written_aside

PRINT_WIDTH = 7.2  # inches: the text width of an A4 or letter page
PNG_DPI = 200
BOX: Mapping[str, Any] = MappingProxyType(  # behind text that lies in a panel
    {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
)
_STAR_4, _STAR_3, _STAR_6 = (4, 1, 0.0), (3, 1, 0.0), (6, 1, 0.0)  # stars: (corners, 1, degrees)
_RAYS_8 = (8, 2, 0.0)  # 8 lines from one point
_SIZES = {  # points; of markers that look small at 4.2
    **dict.fromkeys(("P", "X", "d"), 5.2),
    **dict.fromkeys(("*", _STAR_4, _STAR_3, _STAR_6), 6.5),
}
_GLYPHS = ("+", "x", "1", "2", "|", _RAYS_8)  # markers of lines only: drawn in the line's colour


@dataclass(frozen=True)
class MethodStyle:
    """Colour (hex), marker (None: a bare line), dash pattern and width (points) of one method.

    A marker is one of Matplotlib's: a character, or (corners, style, angle in degrees).
    """

    colour: str
    marker: str | tuple[int, int, float] | None
    dashes: str | tuple[float, tuple[float, ...]] = "-"
    width: float = 1.4

    def line(self, emphasis: float = 1.0) -> dict[str, Any]:
        """Return keywords of ``Axes.plot``; ``emphasis`` scales width and marker size."""
        glyph = self.marker in _GLYPHS
        return {
            "color": self.colour,
            "linestyle": self.dashes,
            "linewidth": self.width * emphasis,
            "marker": self.marker,
            "markersize": _SIZES.get(self.marker, 4.2) * emphasis**0.5,
            "markeredgecolor": self.colour if glyph else "white",
            "markeredgewidth": 0.9 if glyph else 0.3,
        }

    def bare_line(self) -> dict[str, Any]:
        """Return keywords of ``Axes.plot`` for a line without markers."""
        return self.line() | {"marker": None}

    def hollow_line(self) -> dict[str, Any]:
        """Return keywords of ``Axes.plot`` for published values: dotted, hollow markers."""
        return self.line() | {
            "linestyle": ":",
            "linewidth": 1.0,
            "markersize": 4.0,
            "markerfacecolor": "none",
            "markeredgecolor": self.colour,
            "markeredgewidth": 0.7,
        }


# Learned methods: colour, solid, a marker each. Classical algorithms: grey, dashed, thin.
# Colours after Okabe and Ito ("Color Universal Design", 2008), extended by Tol's "muted" set.
# A new method gets one line here; until then it takes a line of SPARE.
STYLES: Mapping[str, MethodStyle] = MappingProxyType(
    {
        "lista": MethodStyle("#56B4E9", "o"),
        "lista_cp": MethodStyle("#0072B2", "s"),
        "lista_cpss": MethodStyle("#D55E00", "^"),
        "lfista": MethodStyle("#CC79A7", "v"),
        "lamp": MethodStyle("#E69F00", "D"),
        "alista": MethodStyle("#009E73", "P"),
        "glista": MethodStyle("#882255", "X"),
        "tilista": MethodStyle("#332288", "<"),
        "step_lista": MethodStyle("#999933", ">"),
        "ista": MethodStyle("#9A9A9A", None, (0, (2.5, 1.5)), 1.0),
        "fista": MethodStyle("#6E6E6E", None, (0, (6, 2)), 1.0),
        "amp": MethodStyle("#333333", None, (0, (6, 1.5, 1, 1.5)), 1.0),
        "gd": MethodStyle("#848484", "+", (0, (1.2, 1.2)), 1.0),
        "adam": MethodStyle("#3C3C3C", "x", (0, (6, 1.5, 1, 1.5, 1, 1.5)), 1.0),
        "rmsprop": MethodStyle("#585858", "1", (0, (3.5, 1.2, 1, 1.2)), 1.0),
        "nag": MethodStyle("#797979", "2", (0, (4, 3)), 1.0),
        "sgd": MethodStyle("#222222", "|", (0, (1, 2.5)), 1.0),
        "pso": MethodStyle("#A0A0A0", _RAYS_8, (0, (8, 1.5)), 1.3),
        "l2o_dm": MethodStyle("#CCBB44", "d"),
        "l2o_rnnprop": MethodStyle("#AA3377", "*"),
        "l2o_enhanced": MethodStyle("#222255", "h"),
        "l2o_scale": MethodStyle("#EE6677", "p"),
        "l2o_swarm": MethodStyle("#8C510A", _STAR_4),
        "oracle": MethodStyle("#000000", None, ":", 1.2),
    }
)
_ALIKE = {"gd_line_search": "gd"}  # one family, never in one figure: one look
SPARE = (
    MethodStyle("#802A00", "H"),
    MethodStyle("#0080FF", _STAR_3),
    MethodStyle("#550055", "8"),
    MethodStyle("#0000FF", _STAR_6),
)

_RC = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same glyphs on every machine
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "pdf.fonttype": 42,  # TrueType: text stays text, as journals ask
}


def styles_for(methods: Iterable[str]) -> dict[str, MethodStyle]:
    """Return the style of every method, keyed by name; unknown names take spares in turn.

    Raises
    ------
    InputError : more unknown methods than spare styles.
    """
    spare, styles = iter(SPARE), {}
    for method in dict.fromkeys(methods):
        style = STYLES.get(_ALIKE.get(method, method)) or next(spare, None)
        if style is None:
            problem = f"no plot style left (there are {len(SPARE)} spare ones)"
            raise InputError("figures/style.py", method, problem, "add a line to STYLES")
        styles[method] = style
    return styles


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour, 0 (black) to 1 (white), as defined by WCAG 2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def base_label(label: str, kind: str) -> str:
    """Return a label without the settings in brackets that may end one of no learned kind."""
    return re.sub(r"\s*\(.*\)$", "", label) if kind in ("classical", "population") else label


def footnote(page: Figure, text: str) -> None:
    """Write small print at the foot of a page of PRINT_WIDTH, broken into lines."""
    page.text(0.01, 0.06 / page.get_figheight(), _lines(text), size=6.5, va="bottom")


def footnote_height(text: str) -> float:
    """Return the inches that :func:`footnote` needs for ``text``."""
    return 0.06 + 0.108 * len(_lines(text).splitlines())


def _lines(text: str) -> str:
    return textwrap.fill(text, 138)


def plain_legend(
    page: Figure, handles: Sequence[Artist], heading: str, at: tuple[float, float], columns: int
) -> None:
    """Put a legend without a frame on a page, its upper left corner at ``at``.

    Parameters
    ----------
    page : gets the legend
    handles : the entries; none: nothing is to be seen, not even the heading
    heading : small print over the entries
    at : corner, as parts of the page's width and height
    columns : number of columns of the entries
    """
    page.legend(
        handles=handles,
        ncols=columns,
        title=heading if handles else None,
        title_fontsize=6.5,
        alignment="left",
        loc="upper left",
        bbox_to_anchor=at,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        handlelength=2.4,
        columnspacing=1.2,
    )


@contextmanager
def print_style() -> Iterator[None]:
    """Use the project's print settings inside the block, whatever the user's matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        yield


def save_pdf(figure: Figure | Sequence[Figure], path: str | Path, key: str = "") -> None:
    """Write one figure, or several as pages, to a PDF; equal figures give equal bytes.

    No date and no version of any tool enters the file; the provenance ``key`` is its keyword.

    Raises
    ------
    InputError : the file cannot be written.
    """
    pages = [figure] if isinstance(figure, Figure) else list(figure)
    metadata = {"CreationDate": None, "Creator": None, "Producer": None, "Keywords": key}
    with print_style(), written_aside(path) as aside, PdfPages(aside, metadata=metadata) as pdf:
        for page in pages:
            pdf.savefig(page)


def save_png(figure: Figure, path: str | Path, key: str = "") -> None:
    """Write a figure to a PNG of 200 dots per inch, with its provenance ``key`` as comment.

    Equal figures give equal bytes.

    Raises
    ------
    InputError : the file cannot be written.
    """
    with print_style(), written_aside(path) as aside:
        figure.savefig(
            aside, format="png", dpi=PNG_DPI, metadata={"Software": None, "Comment": key}
        )
