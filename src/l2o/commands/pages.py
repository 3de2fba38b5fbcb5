"""Commands that make the pages of all figures."""

from __future__ import annotations

from pathlib import Path

from l2o.artifacts.production import produce
from l2o.artifacts.proof import read_proof
from l2o.optimizers.registry import KINDS, methods
from l2o.steps import claims, common
from l2o.steps.figures import all_figures, figure_steps
from l2o.steps.figures import provenance_page as provenance_step


def list_methods() -> str:
    """Return a line for each method of each kind."""
    heads = [head for kind in KINDS for head in methods(kind).values()]
    return "\n".join(f"{h.kind:11} {h.name:12} {h.label:12} {h.reference}" for h in heads)


def front_page(what: str, preset: str) -> None:
    """Copy to the top of the reports: the figure and the table of a figure, or the claims."""
    import shutil

    from l2o.storage.atomic import written_aside

    if what == "claims":
        step, copies = claims.front_page(all_figures(preset), preset)
    else:
        steps = figure_steps(what, preset)
        step, copies = common.front_page(steps), steps.layout.front_page

    def work() -> None:
        for copy, original in copies.items():
            with written_aside(copy) as aside:
                shutil.copyfile(original, aside)

    inputs = {Path(path): step.inputs[Path(path).name] for path in copies.values()}
    produce(step, {Path(copy).name: Path(copy) for copy in copies}, inputs, work)


def provenance_page(out: Path, preset: str) -> None:
    """Write the records that lie beside the artifacts as an HTML page, results first."""
    from l2o.figures.pages import write_page
    from l2o.figures.provenance_page import provenance_page

    figures, paths = all_figures(preset), claims.results(preset)
    step = provenance_step(figures, preset)
    for steps in figures.values():
        paths += [path for task in reversed([*steps.tasks()]) for path in task.outputs]
        paths += steps.released()

    def work() -> None:
        write_page(out, provenance_page((path, read_proof(path)) for path in paths))

    makers = {Path(path): maker for path, maker in step.inputs.items()}
    produce(step, {"page": out}, makers, work)
