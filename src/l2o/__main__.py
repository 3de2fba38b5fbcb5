"""``python src/l2o`` or ``python -m l2o``: the command line of the sources beside this file."""

import sys
from pathlib import Path

here = Path(__file__).resolve().parent
# No folder's modules are found but those of the package: not its parts, nor what lies around.
sys.path[:] = [str(here.parent), *(path for path in sys.path if Path(path).resolve() != here)]

from l2o.cli import main  # noqa: E402

main()
