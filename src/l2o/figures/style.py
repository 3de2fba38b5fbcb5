"""How every figure of the project looks: a style per method, print settings, stable files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.markers import CARETDOWN, CARETLEFT, CARETRIGHT, CARETUP

from l2o.storage.atomic import written_aside

PNG_DPI = 200
PRINT_WIDTH = 7.2  # inches: the text width of an A4 or letter page
SMALL = 6.5  # points: notes and feet
BOX: Mapping[str, Any] = MappingProxyType(  # behind text that lies in a panel
    {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
)
Marker = str | int | tuple[int, int, float]
_STAR_4, _STAR_3, _STAR_6 = (4, 1, 0.0), (3, 1, 0.0), (6, 1, 0.0)  # stars: (corners, 1, degrees)
_STAR_X, _STAR_12, _STAR_DOWN = (4, 1, 45.0), (12, 1, 0.0), (3, 1, 60.0)
_RAYS_8, _RAYS_6 = (8, 2, 0.0), (6, 2, 0.0)  # lines from one point
_MINIMAX = ((5, 36.0), (6, 30.0), (7, 25.0), (8, 22.5), (9, 0.0), (11, 0.0), (12, 0.0))
_ATTACKS = ((5, 18.0), (6, 15.0), (7, 12.0), (8, 11.0), (9, 20.0))
_SENSING = ((5, 8.0), (6, 8.0), (7, 6.0), (8, 5.0))
_RULES = ((5, 27.0), (6, 22.0), (7, 19.0), (8, 17.0), (9, 10.0))
_DESCENTS = ((5, 3.0), (6, 3.0), (7, 3.0))
_RAYS = (
    *(_RAYS_8, _RAYS_6, *((count, 2, 0.0) for count in (5, 7, 10))),
    *((count, 2, angle) for count, angle in (*_MINIMAX, *_ATTACKS, *_SENSING, *_RULES, *_DESCENTS)),
)
_LEFT, _RIGHT, _UP, _DOWN = CARETLEFT, CARETRIGHT, CARETUP, CARETDOWN  # flat triangles
_SPARE_MARKERS: tuple[Marker, ...] = tuple(  # of unknown methods
    (corners, style, 18.0) for style in (1, 0) for corners in (5, 7, 3, 4)
)
_STARS = (
    "*",
    _STAR_4,
    _STAR_3,
    _STAR_6,
    _STAR_X,
    _STAR_12,
    _STAR_DOWN,
    _RAYS_8,
    *(m for m in _SPARE_MARKERS if m[1:2] == (1,)),
)  # drawn larger
_SIZES = dict.fromkeys(("P", "X", "d"), 5.2)  # points; markers that look small at 4.2
# Markers of lines only, drawn in the line's colour.
_GLYPHS = ("+", "x", "1", "2", "3", "4", "|", "_", *_RAYS)


@dataclass(frozen=True)
class MethodStyle:
    """Colour (hex), marker (None: a bare line), dash pattern and width (points) of one method.

    A marker is one of Matplotlib's: a character, a number, or (corners, style, angle in degrees).
    """

    colour: str
    marker: Marker | None
    dashes: str | tuple[float, tuple[float, ...]] = "-"
    width: float = 1.4

    def line(self) -> dict[str, Any]:
        """Return keywords of ``Axes.plot``."""
        star, glyph = self.marker in _STARS, self.marker in _GLYPHS
        return {
            "color": self.colour,
            "linestyle": self.dashes,
            "linewidth": self.width,
            "marker": self.marker or "None",
            "markersize": 6.5 if star else _SIZES.get(self.marker, 4.2),
            "markeredgecolor": self.colour if glyph else "white",
            "markeredgewidth": 0.9 if glyph else 0.3,
        }

    def hollow_line(self) -> dict[str, Any]:
        """Return keywords of ``Axes.plot`` for published values: dotted, hollow circles."""
        dots = {"marker": "o", "markersize": 3.8, "markerfacecolor": "none"}
        dots |= {"markeredgecolor": self.colour, "markeredgewidth": 0.7}
        return {"color": self.colour, "linestyle": ":", "linewidth": 1.0, **dots}

    def points(self, hollow: bool = False) -> dict[str, Any]:
        """Return keywords of ``Axes.plot`` for markers that no line joins, filled or hollow."""
        filled = self.line() | {"linestyle": "none", "markersize": 5.2}
        filled["marker"] = self.marker or "o"
        edge = {"markeredgecolor": self.colour, "markeredgewidth": 1.1, "markerfacecolor": "white"}
        return filled | edge if hollow else filled


# Learned methods: colour, solid, a marker each. Analytic ones: grey, dashed, thin.
# Colours after Okabe and Ito ("Color Universal Design", 2008), extended by Tol's "muted" set.
# A new method may get a line here; until then its style is generated.
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
        "lamp_bg": MethodStyle("#B2182B", "8"),
        "lamp_bg_tied": MethodStyle("#DD7788", "H"),
        "lamp_mixture": MethodStyle("#44AA99", _STAR_6),
        "lvamp_bg": MethodStyle("#4D4DFF", _STAR_3),
        "ista_net": MethodStyle("#3366CC", (5, 0, 0.0)),
        "ista_net_plus": MethodStyle("#CC3311", (6, 0, 0.0)),
        "ista_net_whole": MethodStyle("#228833", (8, 0, 22.5)),
        "hyperlista": MethodStyle("#E8601C", (5, 1, 36.0)),
        "na_alista": MethodStyle("#1965B0", (7, 1, 0.0)),
        "aglista": MethodStyle("#7BAFDE", (8, 1, 0.0)),
        "alista_at": MethodStyle("#4EB265", (4, 0, 22.5)),
        "elista": MethodStyle("#B17BA6", (9, 1, 0.0)),
        "tista": MethodStyle("#AE76A3", (3, 0, 20.0)),
        "ada_lista": MethodStyle("#72190E", (7, 0, 0.0)),
        "pnp_admm_ridge": MethodStyle("#CC6677", (5, 0, 36.0)),
        "pnp_fbs_ridge": MethodStyle("#9E3A55", (6, 0, 30.0)),
        "pnp_admm_real_sn": MethodStyle("#2D8E7B", (8, 0, 0.0)),
        "pnp_fbs_real_sn": MethodStyle("#7A9A2E", (9, 0, 0.0)),
        "pnp_admm_simple_cnn": MethodStyle("#6A51A3", (3, 0, 50.0)),
        "pnp_admm_dncnn": MethodStyle("#225EA8", (4, 0, 10.0)),
        "ista": MethodStyle("#9A9A9A", None, (0, (2.5, 1.5)), 1.0),
        "fista": MethodStyle("#6E6E6E", None, (0, (6, 2)), 1.0),
        "omp": MethodStyle("#8F8F8F", None, (0, (1, 1.5)), 1.2),
        "amp": MethodStyle("#555555", None, (0, (6, 1.5, 1, 1.5)), 1.0),
        "bg_amp": MethodStyle("#2B2B2B", None, (0, (5, 1.2)), 1.2),
        "em_bg_amp": MethodStyle("#4A4A4A", None, (0, (5, 1.2, 1, 1.2, 1, 1.2)), 1.0),
        "vamp": MethodStyle("#000000", None, (0, (9, 1.5)), 1.2),
        "em_vamp": MethodStyle("#333333", None, (0, (9, 1.5, 2, 1.5)), 1.0),
        "fista_restart": MethodStyle("#666666", _UP, (0, (9, 1.5, 3, 1.5)), 1.0),
        "coordinate_descent": MethodStyle("#8C8C8C", "_", (0, (2, 1, 4, 1)), 1.0),
        "ista_barzilai_borwein": MethodStyle("#424242", _RIGHT, (0, (5, 2, 1, 2)), 1.0),
        "oracle_ista": MethodStyle("#747474", _DOWN, (0, (1.5, 1.5, 4, 1.5)), 1.0),
        "celer": MethodStyle("#0A0A0A", _LEFT, (0, (3, 2)), 1.2),
        "linear_start": MethodStyle("#A6A6A6", (5, 2, 8.0), (0, (1, 2)), 1.2),
        "fista_dct": MethodStyle("#707070", (6, 2, 8.0), (0, (5, 1.6)), 1.2),
        "fista_wavelet": MethodStyle("#484848", (7, 2, 6.0), (0, (3, 1.2, 1, 1.2, 1, 1.2)), 1.2),
        "fista_tv": MethodStyle("#181818", (8, 2, 5.0), (0, (7, 1.2, 1, 1.2)), 1.3),
        "gd": MethodStyle("#848484", "+", (0, (1.2, 1.2)), 1.0),
        "adam": MethodStyle("#3C3C3C", "x", (0, (6, 1.5, 1, 1.5, 1, 1.5)), 1.0),
        "rmsprop": MethodStyle("#585858", "1", (0, (3.5, 1.2, 1, 1.2)), 1.0),
        "nag": MethodStyle("#797979", "2", (0, (4, 3)), 1.0),
        "sgd": MethodStyle("#222222", "|", (0, (1, 2.5)), 1.0),
        "sgd_nesterov": MethodStyle("#2E2E2E", _RAYS_6, (0, (7, 1.5)), 1.2),
        "adam_cosine": MethodStyle("#444444", "3", (0, (7, 1.2, 2, 1.2)), 1.2),
        "adamw": MethodStyle("#505050", "4", (0, (3, 1, 1, 1, 1, 1)), 1.2),
        "pso": MethodStyle("#A0A0A0", _RAYS_8, (0, (8, 1.5)), 1.3),
        "cma_es": MethodStyle("#1A1A1A", (5, 2, 0.0), (0, (8, 1.5, 1, 1.5)), 1.3),
        "basin_hopping": MethodStyle("#5E5E5E", (7, 2, 0.0), (0, (5, 1.2, 2, 1.2)), 1.3),
        "multi_start": MethodStyle("#929292", (10, 2, 0.0), (0, (3, 1.4, 1, 1.4)), 1.3),
        "gda": MethodStyle("#808080", (5, 2, 36.0), (0, (1, 1)), 1.0),
        "alternating_gda": MethodStyle("#636363", (6, 2, 30.0), (0, (2, 2, 1, 2)), 1.0),
        "optimistic_gda": MethodStyle("#303030", (7, 2, 25.0), (0, (6, 1)), 1.2),
        "extragradient": MethodStyle("#151515", (8, 2, 22.5), (0, (4, 1, 4, 2.5)), 1.2),
        "anchored_extragradient": MethodStyle("#535353", (9, 2, 0.0), (0, (7, 2, 1, 2)), 1.2),
        "halpern": MethodStyle("#8A8A8A", (11, 2, 0.0), (0, (3, 2, 1, 2)), 1.2),
        "anderson": MethodStyle("#050505", (12, 2, 0.0), (0, (2, 0.8)), 1.4),
        "power_sign": MethodStyle("#6B6B6B", (5, 2, 27.0), (0, (6, 1.5, 2, 1.5)), 1.2),
        "add_sign": MethodStyle("#393939", (6, 2, 22.0), (0, (3, 1.5)), 1.2),
        "heavy_ball": MethodStyle("#767676", (5, 2, 3.0), (0, (5, 1, 2, 1)), 1.2),
        "conjugate_gradient": MethodStyle("#4E4E4E", (6, 2, 3.0), (0, (2, 2)), 1.3),
        "lbfgs": MethodStyle("#1E1E1E", (7, 2, 3.0), (0, (8, 2, 2, 2)), 1.3),
        "random_search": MethodStyle("#AAAAAA", (7, 2, 19.0), (0, (1, 1.8)), 1.2),
        "gp_ei": MethodStyle("#0D0D0D", (8, 2, 17.0), (0, (9, 1)), 1.3),
        "tpe": MethodStyle("#565656", (9, 2, 10.0), (0, (4, 1.3, 1, 1.3)), 1.2),
        "fgsm": MethodStyle("#9C9C9C", (5, 2, 18.0), (0, (1, 3)), 1.2),
        "pgd": MethodStyle("#282828", (6, 2, 15.0), (0, (6, 2, 1, 2)), 1.4),
        "pgd_falling": MethodStyle("#5A5A5A", (7, 2, 12.0), (0, (4, 1.5)), 1.2),
        "momentum_pgd": MethodStyle("#7E7E7E", (8, 2, 11.0), (0, (2, 1.5)), 1.2),
        "auto_pgd": MethodStyle("#101010", (9, 2, 20.0), (0, (9, 2)), 1.2),
        "twin_l2o": MethodStyle("#117733", _STAR_X),
        "l2o_anderson": MethodStyle("#EE3377", _STAR_12),
        "l2o_dm": MethodStyle("#CCBB44", "d"),
        "l2o_rnnprop": MethodStyle("#AA3377", "*"),
        "l2o_enhanced": MethodStyle("#222255", "h"),
        "l2o_scale": MethodStyle("#EE6677", "p"),
        "l2o_pgd": MethodStyle("#0B6E8A", _STAR_DOWN),
        "l2o_swarm": MethodStyle("#8C510A", _STAR_4),
        "celo2_like": MethodStyle("#D01C8B", (5, 1, 0.0)),
        "small_fc_lopt": MethodStyle("#018571", (9, 1, 0.0)),
        "mlp_optimizer": MethodStyle("#B8860B", (10, 1, 0.0)),
        "policy_optimizer": MethodStyle("#6A3D9A", (3, 0, 90.0)),
        "policy_coordinate": MethodStyle("#1B7837", (4, 0, 35.0)),
        "policy_unrolled": MethodStyle("#E08214", (9, 0, 20.0)),
        "black_box_rnn_oi": MethodStyle("#C51B7D", (6, 1, 20.0)),
        "black_box_rnn_sum": MethodStyle("#35978F", (7, 0, 25.0)),
        "black_box_rnn_final": MethodStyle("#BF812D", (10, 0, 0.0)),
    }
)
_ALIKE = {  # of one family, never in one figure: one look
    **{"gd_line_search": "gd", "cma_es_box": "cma_es", "pso_box": "pso"},
    **{"linear": "linear_start", "zero_filling": "linear_start"},
    **{"admm_tv": "fista_tv", "admm_wavelet": "fista_wavelet"},
}
_SPARE_DASHES = ("-", (0, (5, 1)), (0, (1, 1)), (0, (4, 1, 1, 1)), (0, (2, 1)))
_GOLDEN = 0.6180339887498949  # of a turn: hues that follow each other lie far apart
_DEPTHS = (35, 60, 48)  # lightness of generated colours, in HUSL; readable on white

_RC = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same glyphs on every machine
    "font.size": 8,
    "text.parse_math": False,  # a title of a user may hold dollars
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7.5,
    "legend.title_fontsize": SMALL,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.edgecolor": "black",
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.5,
    **dict.fromkeys(("xtick.major.width", "ytick.major.width"), 0.6),
    **dict.fromkeys(("xtick.minor.width", "ytick.minor.width"), 0.4),
    **dict.fromkeys(("xtick.major.size", "ytick.major.size"), 3.5),
    **dict.fromkeys(("xtick.minor.size", "ytick.minor.size"), 2.0),
    "pdf.fonttype": 42,  # TrueType: text stays text, as journals ask
}


@contextmanager
def print_style() -> Iterator[None]:
    """Use the project's print settings inside the block, whatever the user's matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        theme = sns.axes_style("ticks", {"axes.grid": True}) | sns.plotting_context("paper")
        mpl.rcParams.update(theme | _RC)
        yield


def generated_style(number: int) -> MethodStyle:
    """Return the style of the ``number``-th unknown method, from 0: no two are alike."""
    hue = (0.07 + number * _GOLDEN) % 1
    (colour,) = sns.husl_palette(1, h=hue, s=0.9, l=_DEPTHS[number % 3] / 100)
    dashes = _SPARE_DASHES[number // len(_SPARE_MARKERS) % len(_SPARE_DASHES)]
    return MethodStyle(to_hex(colour), _SPARE_MARKERS[number % len(_SPARE_MARKERS)], dashes)


def styles_for(methods: Iterable[str]) -> dict[str, MethodStyle]:
    """Return the style of every method, keyed by name; unknown names get new ones in turn."""
    unknown, styles = count(), {}
    for method in dict.fromkeys(methods):
        known = STYLES.get(_ALIKE.get(method, method))
        styles[method] = known or generated_style(next(unknown))
    return styles


def graded_styles(names: Sequence[str], usual: Collection[str] = ()) -> dict[str, MethodStyle]:
    """Return a style per name: the later, the darker; those of the ``usual`` ones are thick."""
    shades = mpl.colormaps["viridis"](np.linspace(0.84, 0.0, len(names)))
    looks = zip(names, map(to_hex, shades), cycle("os^DvP<>"), strict=False)
    return {n: MethodStyle(*look, "-", 2.6 if n in usual else 1.4) for n, *look in looks}


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour, 0 (black) to 1 (white), as defined by WCAG 2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ink(colour: str) -> str:
    """Return a colour for small text: light ones are darkened until they can be read on white."""
    shade = to_rgb(colour)
    while luminance(shade) > 0.22:
        shade = tuple(0.92 * part for part in shade)
    return to_hex(shade)


def save_pdf(pages: Figure | Sequence[Figure], path: str | Path, key: str = "") -> None:
    """Write one figure, or several as pages, to a PDF; equal figures give equal bytes.

    No date and no version of any tool enters the file; the provenance ``key`` is its keyword.

    Raises
    ------
    InputError : the file cannot be written.
    """
    metadata = {"CreationDate": None, "Creator": None, "Producer": None, "Keywords": key}
    with print_style(), written_aside(path) as aside, PdfPages(aside, metadata=metadata) as pdf:
        for page in [pages] if isinstance(pages, Figure) else pages:
            pdf.savefig(page)


def save_png(page: Figure, path: str | Path, key: str = "") -> None:
    """Write a figure to a PNG of 200 dots per inch, with its provenance ``key`` as comment.

    Equal figures give equal bytes.

    Raises
    ------
    InputError : the file cannot be written.
    """
    metadata = {"Software": None, "Comment": key}
    with print_style(), written_aside(path) as aside:
        page.savefig(aside, format="png", dpi=PNG_DPI, metadata=metadata)
