"""What the paper says of its figures, tested on tables of our own.

This file imports nothing, so that who only asks for names need not load what the tests run on.
"""

FIGURES = ("fig5", "fig6", "fig7", "fig8")  # those that the paper makes claims about
TABLES = ("curves", "oracles")  # what the claims read of a figure, where it has them
