"""Where artifacts lie: for each kind of job the paths that it writes, with wildcards in braces.

Rules, jobs and commands take paths, and the names of their wildcards, from here.
"""

from __future__ import annotations

import re

OF_EXPERIMENT = "results/{preset}/{experiment}"
OF_REPORT = "reports/{preset}/{report}"
WRITES: dict[str, dict[str, str]] = {
    "store": {"set": "results/{preset}/datasets/{dataset}.h5"},
    "learn": {"dictionary": "results/dictionaries/{dictionary}.h5"},
    "sample": {"set": f"{OF_EXPERIMENT}/sets/{{setting}}.h5"},
    "optima": {"optima": f"{OF_EXPERIMENT}/optima/{{setting}}.csv"},
    "tune": {"tuned": f"{OF_EXPERIMENT}/tuned/{{setting}}/{{method}}.csv"},
    "train": {
        "checkpoint": f"{OF_EXPERIMENT}/checkpoints/{{setting}}/{{method}}.safetensors",
        "history": f"{OF_EXPERIMENT}/histories/{{setting}}/{{method}}.csv",
        "training_seconds": f"{OF_EXPERIMENT}/training_seconds/{{setting}}/{{method}}.json",
    },
    "evaluate": {
        "curves": f"{OF_EXPERIMENT}/curves/{{setting}}/{{method}}.csv",
        "finals": f"{OF_EXPERIMENT}/finals/{{setting}}/{{method}}.csv",
        "runs": f"{OF_EXPERIMENT}/runs/{{setting}}/{{method}}.csv",
        "seconds": f"{OF_EXPERIMENT}/seconds/{{setting}}/{{method}}.csv",
    },
    "time": {"seconds": "results/{preset}/times/{report}/{setting}.csv"},
    "measure": {"table": f"{OF_EXPERIMENT}/measured/{{measurement}}.csv"},
    "join": {"table": f"{OF_REPORT}_{{table}}.csv"},
    "table": {
        "csv": f"{OF_REPORT}_table.csv",
        "markdown": f"{OF_REPORT}_table.md",
        "metrics": "reports/{preset}/metrics/{report}.json",
        "plots": "reports/{preset}/plots/{report}.csv",
        "page": "results/{preset}/pages/{report}.html",
    },
    "figure": {
        "pdf": "reports/{preset}/{figure}.pdf",
        "png": "reports/{preset}/{figure}.png",
    },
    "claims": {"csv": "reports/{preset}/claims.csv", "markdown": "reports/{preset}/claims.md"},
    "verdict": {"csv": "reports/{preset}/verdict.csv", "markdown": "reports/{preset}/verdict.md"},
    "records": {"page": "results/{preset}/pages/records/{target}.html"},
    "copy": {"shown": "reports/{file}"},
}
KINDS = tuple(WRITES)


def wildcards_of(kind: str) -> tuple[str, ...]:
    """Return the names of a kind's wildcards, the preset aside, in the order of its paths."""
    (pattern, *_) = WRITES[kind].values()
    return tuple(name for name in re.findall(r"{(\w+)}", pattern) if name != "preset")


def under(pattern: str, preset: str) -> str:
    """Return a pattern of paths with its preset filled in."""
    return pattern.replace("{preset}", preset)


def log_of(kind: str, preset: str) -> str:
    """Return the pattern of a kind's logs."""
    parts = ("logs", preset, kind, *(f"{{{name}}}" for name in wildcards_of(kind)))
    return f"{'/'.join(parts)}.log"


def unfinished(kind: str, preset: str, **wildcards: str) -> str:
    """Return where the state of a work in progress lies: nothing to keep or to share."""
    return "/".join(("unfinished", preset, *wildcards.values())) + f"/{kind}.safetensors"
