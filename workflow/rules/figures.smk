# All figures under the chosen preset, and what of them has to be made.
from pathlib import Path

from l2o.artifacts.demand import Demand
from l2o.errors import InputError
from l2o.layout import CLAIMS, CLAIMS_FRONT_PAGE, CLAIMS_TEXT, PROVENANCE_PAGE
from l2o.steps import claims
from l2o.steps.common import DEFAULT_PRESET, front_page_task
from l2o.steps.fig5 import LEARNED, SUMS
from l2o.steps.fig6 import CLASSICAL
from l2o.steps.fig7 import UNTRAINED
from l2o.steps.fig8 import CLASSICAL as FIRST_ORDER
from l2o.steps.figures import all_figures, all_tasks, provenance_task

PRESET = config["preset"]
if config["cache"]:
    os.environ.setdefault("L2O_CACHE", config["cache"])
try:
    figures = all_figures(PRESET)
except InputError as error:
    raise WorkflowError(str(error)) from None

fig3, fig5, fig6, fig7, fig8 = figures.values()
FIG3, FIG5, FIG6, FIG7, FIG8 = (steps.layout for steps in figures.values())
results = [path for steps in figures.values() for path in steps.results()]
proofs = (ancient, Path(".snakemake/demand"), workflow.is_main_process)
everything = Demand(all_tasks(figures, PRESET), *proofs)
demands = {name: everything.part(steps.tasks()) for name, steps in figures.items()}
# What the paper says of the figures: made with them, by the default target.
demands["claims"] = everything.part([claims.claims_task(figures, PRESET)])
results += claims.results(PRESET)
# The default preset also shows its reports at the top of the folder, as reports/fig5.pdf.
copied = []
if PRESET == DEFAULT_PRESET:
    copied = [*map(front_page_task, figures.values()), claims.front_page_task(figures, PRESET)]
front_pages = [str(path) for task in copied for path in task.outputs]
# The pages of the report apart from all else: what they lack must make nothing else run.
page_tasks = [task for steps in figures.values() for task in steps.report_tasks()]
pages = Demand([*page_tasks, provenance_task(figures, PRESET)], *proofs)
