"""Variants of a method in one experiment, by which the rows of its tables are told apart."""

from __future__ import annotations

MAIN = "main"  # settings of the paper's text; learned optimizers: trained by our recipe
AS_DRAWN = "as_drawn"  # settings that give the published curve, where those of the text do not
PUBLISHED = "published_recipe"  # trained as the paper and the method's own paper say
VARIANTS = (MAIN, AS_DRAWN, PUBLISHED)
