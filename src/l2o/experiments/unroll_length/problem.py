"""The work on unroll lengths: meta-trainings, runs on new starts, and the memory of an unroll."""

from __future__ import annotations

from l2o.artifacts.job import Given
from l2o.storage.tables import read_rows, write_table


def train(given: Given) -> None:
    """Meta-train with the unroll length of a setting, or go on with what is kept."""
    from l2o.optimizees.network_runs import meta_training_runs
    from l2o.training.recurrent import train_recurrent

    p = given.parameters
    how = (p["network"], p["seed"], p["minibatch"])
    train_recurrent(given, meta_training_runs(given.inputs["digits"], *how), {})


def evaluate(given: Given) -> None:
    """Follow an optimizer far beyond its training; write curves, final values and seconds."""
    from l2o.compute import prepare_device
    from l2o.evaluation.networks import TestRuns, entries
    from l2o.optimizees.network_runs import drawn_starts

    p = given.parameters
    prepare_device("cpu", p["compute_threads"])
    starts = drawn_starts(p["network"], p["runs"], p["seed"], "test")
    tests = TestRuns.read(given.inputs["digits"], p["network"], starts, p)
    (entry,) = entries(p, given.inputs)
    curves, final, seconds, runs = tests.rows(entry, p["targets"])
    head = {"setting": p["setting"], "method": p["method"], "unroll": p["unroll"]}
    write_table(given.outputs["curves"], [head | row for row in curves])
    write_table(given.outputs["finals"], [head | final])
    about = {"setting": p["setting"], "method": p["method"]}
    write_table(given.outputs["seconds"], [about | seconds])
    write_table(given.outputs["runs"], [about | row for row in runs])


def lengths(given: Given) -> None:
    """Sum up the loss histories of all lengths."""
    from l2o.evaluation.unroll_lengths import length_row

    rows = []
    for setting, path in given.inputs.items():
        length = given.parameters["lengths"][setting]
        row = length_row(read_rows(path), length["unroll"], length["horizon"])
        rows.append({"setting": setting, **row})
    write_table(given.outputs["table"], rows)


def measure_memory(given: Given) -> None:
    """Measure the peak memory of meta-gradients against unroll length and size."""
    from l2o.evaluation.memory import measure_memory

    p = given.parameters
    networks = [tuple(widths) for widths in p["networks"]]
    cases = [(networks[0], unroll) for unroll in p["unrolls"]]
    cases += [(widths, p["unroll"]) for widths in networks]
    limits = (p["compute_threads"], 1024 * p["limit_gib"], p["minibatch"])
    write_table(given.outputs["table"], measure_memory(dict.fromkeys(cases), *limits))


def measure_training(given: Given) -> None:
    """Meta-train through a large network with checkpointing; write losses, memory and seconds."""
    from l2o.evaluation.memory import train_large
    from l2o.optimizees.network_runs import load_digits

    p, network = given.parameters, {}
    network = {"widths": tuple(p["large"]), "unroll": p["large_unroll"]}
    digits = load_digits(given.inputs["digits"], "train")
    how = (p["meta_steps"], p["seed"], p["compute_threads"], given.state, given.key)
    done = train_large(digits, *how, **network, minibatch=p["minibatch"])
    measured = {"peak_rss_mib": done.peak_rss_mib, "seconds": done.seconds}
    write_table(given.outputs["table"], [{**row, **measured} for row in done.rows])
    given.state.unlink(missing_ok=True)
