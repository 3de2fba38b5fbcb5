"""``python -m l2o``: the command line of the sources that this Python finds."""

from l2o.cli import main

main()
