"""Proofs in place of Snakemake's own looks at files, for which it has no settings."""

from __future__ import annotations

from typing import Any

from snakemake.dag import DAG
from snakemake.exceptions import WorkflowError
from snakemake.jobs import Job

from l2o.artifacts.demand import Demand
from l2o.artifacts.production import require_place
from l2o.artifacts.proof import proof_path
from l2o.errors import InputError


def take_over(demand: Demand) -> None:
    """Let Snakemake run what is demanded, whatever times and modes files have.

    - What is not proven is forced: times cannot tell. What is proven is complete, whatever mark a
      killed run has left.
    - Outputs may be older than inputs, as where clocks differ or files were copied.
    - Outputs may be read-only, as DVC's links into its cache are: they are replaced, not written
      to. It is their folders that must allow it, which is told before the first job.
    """

    async def force(dag: DAG) -> None:  # the first thing when it decides what to run
        dag.forcefiles.update(demand.invalid())

    async def trust(*_: Any) -> None:
        """Look at no times."""

    async def replaceable(job: Job) -> None:
        try:
            for path in (*job.products(), *map(proof_path, job.output)):
                require_place(path)
        except InputError as error:
            raise WorkflowError(str(error)) from None

    DAG.check_incomplete, DAG.check_output_mtime = force, trust
    Job.check_protected_output = replaceable
