# What all rules share: the graph under the chosen preset, and what it says of a job.
import re
import shlex
from functools import partial

from l2o.artifacts.demand import Demand
from l2o.artifacts.job import job_name
from l2o.artifacts.takeover import take_over
from l2o.config.run import run_settings
from l2o.errors import InputError
from l2o.experiments.graph import Graph
from l2o.layout import WRITES, log_of, under, wildcards_of
from l2o.site.front_page import front_page

try:
    settings = run_settings(config)  # params/run.yaml, or what `--config` says instead
    os.environ.setdefault("L2O_IMAGE_MIRROR", settings.image_mirror or "")  # the graph asks for it
    graph = Graph(settings.preset, settings.methods)
    jobs = {job.name: job for job in (*graph.jobs, *graph.apart)}
    main = workflow.is_main_process  # a process for a single job examines nothing
    demand = Demand(jobs.values(), ancient, main)
    take_over(demand)
except InputError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

PRESET, ONLY = settings.preset, settings.methods
config["preset"] = PRESET  # for the report
config["front_page"] = partial(front_page, graph)
os.environ.setdefault("L2O_CACHE", settings.cache or "")

# Jobs that take gigabytes run one at a time. Not in the default profile: there it would take the
# place of what another profile limits.
if "large_memory" not in workflow.global_resources:
    workflow.register_resource("large_memory", 1)
# Only where one is used: some executors take the name alone for a request.
GPU = any(job.resources.gpu for job in jobs.values())


wildcard_constraints:
    **{name: r"\w+" for name in ("experiment", "setting", "method", "dataset", "dictionary")},
    report="|".join(one.report_name for one in graph.reports.values()) or "none",
    figure="|".join(name for one in graph.reports.values() for name in one.figure_names) or "none",
    table="|".join({job.wildcards["table"] for job in graph.jobs if job.kind == "join"}) or "none",


def paths(of):
    """The artifacts of some jobs."""
    return [str(path) for job in of for path in job.writes.values()]


def outputs(kind, **flagged):
    """Patterns of what a job of a kind writes, by their role; some are in the report."""
    return {role: under(pattern, PRESET) for role, pattern in WRITES[kind].items()} | flagged


# This Python runs the sources beside the Snakefile.
PROGRAM = shlex.join([sys.executable, SOURCES + "/l2o"]).replace("{", "{{").replace("}", "}}")


def command(kind):
    """The command of a kind."""
    words = " ".join(f"{{wildcards.{name}}}" for name in wildcards_of(kind))
    methods = f" --methods {','.join(ONLY)}" if ONLY else ""
    return f"{PROGRAM} {kind} {words} --preset {PRESET}{methods} > {{log}} 2>&1"


def needs(kind, name):
    """What a job of a kind asks a scheduler for; memory and time grow with each attempt."""

    grows = name in ("memory_mb", "minutes")

    def of(wildcards, attempt=1):
        job = jobs.get(job_name(kind, dict(wildcards.items())))
        return int(getattr(job.resources, name) if job else 1) * (attempt if grows else 1)

    return of if grows else lambda wildcards: of(wildcards)


inputs = demand.inputs  # what a job of a kind reads, by its role
asks = lambda kind: {"mem_mb": needs(kind, "memory_mb"), "runtime": needs(kind, "minutes")}
log_file = lambda kind: log_of(kind, PRESET)


def shown(kind, role, category, within=None, **label):
    """An artifact in Snakemake's report, with the caption that its experiment has for it."""
    return report(
        outputs(kind)[role],
        caption="../report/caption.rst",
        category=category,
        subcategory=within,
        labels=lambda w: {
            name: text.format(w=w, of=graph.title(w)) for name, text in label.items()
        },
    )


def shown_all(kind, roles, text):
    return {role: shown(kind, role, "Tables", table=f"{text} ({role})") for role in roles}


# What a result is, for the report.
caption = lambda kind: lambda wildcards: graph.caption(kind, wildcards)
