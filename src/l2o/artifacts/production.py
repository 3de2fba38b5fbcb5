"""How a step produces its artifacts: proven inputs in, proven outputs out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from l2o.artifacts.cache import shared_cache
from l2o.artifacts.proof import proof_path, require, write_proof
from l2o.provenance import Step
from l2o.storage.atomic import remove_leftovers


def produce(
    step: Step, outputs: Mapping[str, Path], inputs: Mapping[Path, Step], work: Callable[[], None]
) -> None:
    """Make the outputs of a step, from the shared cache or by ``work``, and prove them.

    Parameters
    ----------
    step : as the current parameters and sources define it
    outputs : path of each artifact by its role
    inputs : step that must have made each input
    work : writes the outputs

    Raises
    ------
    InputError : an input is missing, stale or corrupt, or what ``work`` raises.
    """
    record = step.record()  # before the work: sources as they were when it began
    for path, maker in inputs.items():
        require(path, maker)
    for path in outputs.values():
        remove_leftovers(path)
        remove_leftovers(proof_path(path))
        proof_path(path).unlink(missing_ok=True)  # of the file that is about to be replaced
    cache = shared_cache()
    if cache and cache.restore(step.key, outputs):
        print(f"taken from the cache: {step.key}", flush=True)
    else:
        work()
        if cache:
            cache.store(step.key, outputs)
    for path in outputs.values():
        write_proof(path, record)
