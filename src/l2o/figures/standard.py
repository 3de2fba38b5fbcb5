"""Figure and table of an experiment that declares nothing but what it measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from l2o.figures.about import About
from l2o.figures.common import settings_of_methods
from l2o.figures.compared import Compared
from l2o.figures.comparison import Rule, compare, metrics
from l2o.figures.intake import Tables, methods_in_order, our_curves, our_finals, readings
from l2o.figures.measure import Level, Measure
from l2o.figures.overlay import overlay_pages
from l2o.figures.panels import Panel, curves_page, legend_of
from l2o.figures.scales import BINS
from l2o.figures.style import print_style, styles_for
from l2o.figures.wording import FAILED, comparison_blocks

Levels = Mapping[str, Sequence[Level]]


@dataclass(frozen=True)
class Standard:
    """A report: page 1 has all curves, further pages set them against published ones.

    Parameters
    ----------
    measure : what is drawn and compared
    others : what page 1 draws besides, such as the same values against another place
    headings : of the groups of the legend, by kind, where the usual ones do not fit
    reading : a sentence that says how good the published readings are
    rule : at which places curves are compared, and how strictly
    """

    measure: Measure
    others: Sequence[Measure] = ()
    headings: Mapping[str, str] = field(default_factory=dict)
    reading: str = ""
    rule: Rule = field(default_factory=Rule)

    def figure(
        self,
        tables: Tables,
        published: pd.DataFrame | None,
        about: About,
        levels: Levels | None = None,
        foot: str = "",
        places: Mapping[str, Mapping[str, float]] | None = None,
    ) -> list[Figure]:
        """Return the pages.

        ``levels`` are reference lines by setting, ``places`` upright ones with what they mean, and
        ``foot`` ends the foot.
        """
        curves = our_curves(tables, about, self.measure, *self.others)
        paper = readings(published, about, self.measure.x, self.measure.value)
        finals, compared = (
            our_finals(tables, about, curves),
            self.compared(tables, published, about),
        )
        main, oracle = curves["variant"] == "main", curves["kind"] == "oracle"
        order, main = methods_in_order(curves[main & ~oracle], paper), curves[main & ~oracle]
        main = main.sort_values("method", key=lambda names: names.map(order.index), kind="stable")
        panels, settings = [], list(about.titles)
        for first in range(0, len(settings), 2):  # a row of panels has two settings, one measure
            for measure in (self.measure, *self.others):
                for setting in settings[first : first + 2]:
                    rows, best = (c[c["setting"] == setting] for c in (main, curves[oracle]))
                    known = best.drop_duplicates("method", keep="last")
                    lines = [Level(*pair) for pair in known[["base", measure.median]].to_numpy()]
                    lines += (levels or {}).get(setting, ())
                    against = "" if measure is self.measure else f", by {measure.x}"
                    notes, title = failure_notes(rows, finals), about.titles[setting] + against
                    upright = (places or {}).get(setting, {})
                    panels.append(Panel(title, rows, measure, lines, notes, upright))
        styles, lines = styles_for(order), [line for panel in panels for line in panel.levels]
        failed = f"Failed: {FAILED}." if any(panel.notes for panel in panels) else ""
        lost = f"Diverges: its mean {FAILED}." if (main["status"] != "converged").any() else ""
        texts = (foot_of(self.measure, about, main), foot, failed, lost, about.budget)
        words = " ".join(filter(None, texts))
        with print_style():
            legend = legend_of(main, styles, self.headings, lines, self.measure.ring_label)
            first = curves_page(panels, styles, legend, words)
            shown = self.shown_rows(compared)
            return [first, *overlay_pages(curves, paper, shown, about, self.measure, self.reading)]

    def table(self, tables: Tables, published: pd.DataFrame | None, about: About) -> Compared:
        """Return the comparison."""
        rows = self.compared(tables, published, about)
        shown = self.shown_rows(rows)
        blocks = comparison_blocks(shown, about, self.measure, self.rule.tolerance, self.reading)
        return Compared(rows, blocks, metrics(rows, self.measure.value))

    def compared(
        self, tables: Tables, published: pd.DataFrame | None, about: About
    ) -> pd.DataFrame:
        """Return the rows of the comparison."""
        return compare(tables, published, about, self.measure, self.rule)

    def shown_rows(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the rows that texts show: the last of each curve, and those of the rule."""
        last = ~rows.duplicated(["setting", "method", "variant"], keep="last")
        return rows[last | rows[self.measure.x].isin(list(self.rule.shown))]


def failure_notes(curves: pd.DataFrame, finals: pd.DataFrame) -> list[str]:
    """Return a line for each main curve of which some runs failed."""
    lines = []
    for _, row in curves.drop_duplicates(["setting", "method"]).iterrows():
        ends = finals.loc[(row["setting"], row["method"], "main")]
        if ends["failed"] > 0:
            lines.append(f"{row['base']}: {ends['failed']:,.0f} of {ends['runs']:,.0f} failed")
    return lines


def foot_of(measure: Measure, about: About, curves: pd.DataFrame) -> str:
    """Return what is drawn, for the foot of a page of medians and quartiles."""
    dense = f" Dense iterations: the geometric mean of each 1/{BINS} of a decade is drawn."
    return (
        f"{measure.what} Lines: median; bands (learned methods): quartiles; both over "
        f"{about.pooled}. Tables and published curves are about means.{dense * measure.smooth}"
        f"{settings_of_methods(curves, about.titles)}"
    )
