"""Figure and table of an experiment that declares nothing but what it measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from l2o.figures.about import About
from l2o.figures.common import settings_of_methods
from l2o.figures.compared import Compared, Grid, Text
from l2o.figures.comparison import Rule, compare, metrics
from l2o.figures.cost import cost_pages
from l2o.figures.intake import (
    Tables,
    methods_in_order,
    named_table,
    our_curves,
    our_finals,
    readings,
)
from l2o.figures.measure import Level, Limit, Measure
from l2o.figures.overlay import overlay_pages
from l2o.figures.panels import Panel, curves_page, legend_of
from l2o.figures.profiles import profile_pages
from l2o.figures.scales import BINS
from l2o.figures.style import print_style, styles_for
from l2o.figures.verdict import Contest
from l2o.figures.wording import FAILED, best_learned, comparison_blocks, tails_blocks
from l2o.variants import MAIN, PUBLISHED

Levels = Mapping[str, Sequence[Level]]
Limits = Mapping[str, Sequence[Limit]]


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
    second : column of curves and finals with the other measure beside the mean, such as what is
        pooled or the median: what is best has to be so by both
    words : what both measures are called, such as ("mean", "pooled")
    tails : columns of the finals that the table shows besides, with what they are called
    reached : what targets of runs are values of, with the unit
    places : where the verdict on learned methods is given; none: at the end
    """

    measure: Measure
    others: Sequence[Measure] = ()
    headings: Mapping[str, str] = field(default_factory=dict)
    reading: str = ""
    rule: Rule = field(default_factory=Rule)
    second: str = ""
    words: tuple[str, str] = ("mean", "median")
    tails: Mapping[str, str] = field(default_factory=dict)
    reached: str = ""
    places: Sequence[int] = ()

    @property
    def other(self) -> str:
        """The column of the second measure, by default that of the medians."""
        return self.second or self.measure.median

    @property
    def contest(self) -> Contest:
        """How methods are held against each other."""
        return Contest(self.measure, self.other, self.words, self.places)

    def profiles(
        self, tables: Tables, published: pd.DataFrame | None, about: About
    ) -> list[Figure]:
        """Return the pages of performance profiles; nothing published is drawn there."""
        with print_style():
            return profile_pages(tables, about, self.measure, self.reached or self.measure.label)

    def cost(self, tables: Tables, published: pd.DataFrame | None, about: About) -> list[Figure]:
        """Return the pages of quality against cost; nothing published is drawn there."""
        reached = self.reached or self.measure.label
        with print_style():
            return cost_pages(tables, about, self.measure, self.other, self.words, reached)

    def figure(
        self,
        tables: Tables,
        published: pd.DataFrame | None,
        about: About,
        levels: Levels | None = None,
        foot: str = "",
        places: Mapping[str, Mapping[str, float]] | None = None,
        limits: Limits | None = None,
    ) -> list[Figure]:
        """Return the pages.

        ``levels`` and ``limits`` are for reference, by setting, ``places`` upright lines with what
        they mean, and ``foot`` ends the foot.
        """
        curves = our_curves(tables, about, self.measure, *self.others)
        paper = readings(published, about, self.measure.x, self.measure.value)
        finals, compared = (
            our_finals(tables, about, curves),
            self.compared(tables, published, about),
        )
        main, oracle = curves["variant"] == MAIN, curves["kind"] == "oracle"
        recipe = curves[curves["variant"] == PUBLISHED]
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
                    bounds = (limits or {}).get(setting, ()) if measure is self.measure else ()
                    thin = recipe[recipe["setting"] == setting]
                    given = (title, rows, measure, lines, notes, upright, bounds)
                    panels.append(Panel(*given, None if thin.empty else thin))
        styles = styles_for(order)
        lines = [line for panel in panels for line in (*panel.levels, *panel.limits)]
        failed = f"Failed: {FAILED}." if any(panel.notes for panel in panels) else ""
        lost = f"Diverges: its mean {FAILED}." if (main["status"] != "converged").any() else ""
        texts = (foot_of(self.measure, about, main), foot, failed, lost, about.budget)
        words = " ".join(filter(None, texts))
        with print_style():
            thin = "" if recipe.empty else "trained by the published recipe"
            rings = self.measure.ring_label
            legend = legend_of(main, styles, self.headings, lines, rings, thin)
            first = curves_page(panels, styles, legend, words)
            shown = self.shown_rows(compared)
            return [first, *overlay_pages(curves, paper, shown, about, self.measure, self.reading)]

    def table(self, tables: Tables, published: pd.DataFrame | None, about: About) -> Compared:
        """Return the comparison."""
        rows = self.compared(tables, published, about)
        shown = self.shown_rows(rows)
        blocks = comparison_blocks(shown, about, self.measure, self.rule, self.reading)
        blocks += self.ends(tables, rows, about)
        return Compared(rows, blocks, metrics(rows, self.measure.value, "failed"))

    def ends(self, tables: Tables, rows: pd.DataFrame, about: About) -> list[Text | Grid]:
        """Return who is best, by both measures, and what a mean hides: tails and failures."""
        finals = named_table(tables, about, "finals", ("method", "variant", *self.tails))
        best = best_learned(rows, finals, about, self.measure, (self.other, self.words))
        return [
            *([Text(best)] if best else []),
            *tails_blocks(finals, about, self.tails, self.measure),
        ]

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
        ends = finals.loc[(row["setting"], row["method"], MAIN)]
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
