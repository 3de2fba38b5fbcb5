"""The jobs of unroll lengths, on a few hundred random digits."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
import yaml

from conftest import told
from l2o.errors import InputError
from l2o.evaluation import memory
from l2o.experiments.unroll_length.experiment import UnrollLength
from l2o.storage.fetching import MIRROR_VARIABLE
from parameter_files import changed
from small_network_jobs import ROOT, bytes_again, made, make_folder

GOOD = yaml.safe_load((ROOT / "params/fig3.yaml").read_text("utf-8"))
LENGTHS = ("unroll5", "unroll10")
HORIZONS = "presets>smoke>meta_training>horizons"
NETWORKS = "presets>smoke>memory>networks"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with two lengths, three epochs and a few digits."""
    changes = {
        "settings": {f"unroll{k}": {"title": f"{k} steps", "unroll": k} for k in (5, 10)},
        HORIZONS: [10],
        "presets>smoke>meta_training>epochs": 3,
    }
    return make_folder(tmp_path_factory.mktemp("lengths"), "fig3", changes)


@pytest.fixture(autouse=True)
def _in_the_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)
    monkeypatch.setenv(MIRROR_VARIABLE, "mirror")


@pytest.fixture
def room(folder) -> UnrollLength:
    """The experiment at the smoke preset."""
    return UnrollLength("smoke")


def other(tmp_path: Path, place: str, value: object) -> UnrollLength:
    """The experiment with another parameter."""
    return UnrollLength("smoke", path=changed(Path("params/fig3.yaml"), tmp_path, place, value))


def test_a_meta_test_is_the_same_twice_and_its_runs_are_those_of_all_lengths(room):
    first, second = (made(room.evaluate(setting, "l2o_dm")) for setting in LENGTHS)
    assert all(bytes_again(first, "curves", "finals").values())
    curves, others = (pd.read_csv(job.writes["curves"]) for job in (first, second))
    assert [*curves.columns[:5]] == ["setting", "method", "unroll", "variant", "kind"]
    assert set(curves["unroll"]) == {5} and set(others["unroll"]) == {10}
    assert curves["loss"][0] == others["loss"][0] and curves["loss"][4] != others["loss"][4]
    finals, seconds = (pd.read_csv(first.writes[role]) for role in ("finals", "seconds"))
    assert finals["unroll"].tolist() == [5] and finals["test_accuracy"].between(0, 1).all()
    assert seconds[["setting", "method", "iteration", "batch"]].values.tolist() == [
        ["unroll5", "l2o_dm", 4, 1]
    ]


def test_the_lengths_are_summed_up_in_their_order(room):
    table = pd.read_csv(made(room.tables()["lengths"]).writes["table"])
    assert table["setting"].tolist() == [*LENGTHS]
    assert table["meta_steps"].tolist() == [3 * 2, 3 * 1]
    history = pd.read_csv(room.train("unroll10", "l2o_dm").writes["history"])
    assert table["last_meta_loss"][1] == history["meta_loss"].iloc[-1]
    assert table["validation_loss"][1] == history["validation_loss"].min()


def test_memory_is_measured_once_for_every_case(tmp_path, monkeypatch):
    asked = []

    def measured(widths, unroll, checkpointing, minibatch, threads):
        asked.append((widths, unroll, checkpointing))
        assert (minibatch, threads) == (128, 1)
        head = memory._head(widths, unroll, checkpointing)
        peak = head["n"] * unroll * (1 if checkpointing else 4) / 2**20
        about = {"peak_mib": peak, "rss_before_mib": 300.0, "peak_rss_mib": 300.0 + peak}
        return head | about | {"seconds": 0.1, "status": memory.MEASURED}

    monkeypatch.setattr(memory, "_measured", measured)
    how = {"unrolls": [2, 8], "unroll": 8, "limit_gib": 0.4}
    how["networks"] = [[784, 100, 10], [784, 9, 10], [784, 9000, 10]]
    smoke = GOOD["presets"]["smoke"]["memory"]
    room = other(tmp_path, "presets>smoke>memory", smoke | how)
    monkeypatch.chdir(tmp_path)
    job = made(room.tables()["memory"])
    small, tiny = (784, 100, 10), (784, 9, 10)
    once = [(small, 2), (small, 8), (tiny, 8)]
    # The largest network has a place in the table, but needs too much without checkpointing.
    expected = [(*case, False) for case in once]
    expected += [(*case, True) for case in [*once, ((784, 9000, 10), 8)]]
    assert asked == expected
    table = pd.read_csv(job.writes["table"])
    assert len(table) == 2 * 4 and job.writes["table"] == Path("reports/smoke/fig3_memory.csv")
    over = table[table["status"] == memory.OVER]
    assert over[["network", "checkpointing"]].values.tolist() == [["784-9000-10", False]]
    assert over["peak_mib"].item() == pytest.approx(over["n"].item() * 8 * 4 / 2**20)


def test_a_training_through_a_large_network_tells_losses_memory_and_seconds(room):
    job = made(room.measure("training"))
    table = pd.read_csv(job.writes["table"])
    columns = ["network", "n", "unroll", "meta_step", "meta_loss", "status"]
    assert [*table.columns] == [*columns, "peak_rss_mib", "seconds"]
    assert table["network"].tolist() == ["784-20-10"] and table["meta_loss"].notna().all()
    bytes_again(job)
    pd.testing.assert_frame_equal(table[columns], pd.read_csv(job.writes["table"])[columns])
    assert not job.state.exists()


# Parameters


def test_a_length_is_trained_with_its_own_unroll(room):
    for setting in LENGTHS:
        told_of = room.train(setting, "l2o_dm").parameters["meta_training"]
        assert told_of["unroll"] == room.parameters.settings[setting].unroll


def test_there_is_nothing_to_sample_and_only_what_is_named_is_measured(room):
    assert room.sample("unroll5") is None
    with pytest.raises(InputError, match="did you mean `memory`"):
        room.measure("memori")


def test_a_long_unroll_is_trained_alone(tmp_path):
    lengths = {"short": {"title": "s", "unroll": 5}, "long": {"title": "l", "unroll": 100}}
    file = changed(Path("params/fig3.yaml"), tmp_path, "settings", lengths)
    room = UnrollLength("smoke", path=changed(file, tmp_path, HORIZONS, [100]))
    short, long = (room.train(setting, "l2o_dm").resources for setting in lengths)
    assert long.large and not short.large and long.memory_mb > short.memory_mb


@pytest.mark.parametrize("preset", ["laptop", "paper"])
def test_the_large_network_has_more_than_a_million_parameters(preset):
    widths = GOOD["presets"][preset]["memory"]["large"]
    assert sum((a + 1) * b for a, b in pairwise(widths)) > 1_000_000


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        ("settings>unroll5", {"title": "5"}, "settings.unroll5.unroll: this key is missing"),
        ("recurrent", {}, "recurrent: Dictionary should have at least 1 item"),
        ("recurrent>l2o_scale", {}, "recurrent: Dictionary should have at most 1 item"),
        (HORIZONS, [12], "presets.smoke.meta_training.horizons: 12 is no multiple of the 5"),
        (HORIZONS, [10, 20], "presets.smoke.meta_training.horizons: are 10, 20: lengths are"),
        ("presets>smoke>memory>limit_gib", 0, "presets.smoke.memory.limit_gib: Input should be"),
        ("presets>smoke>memory>unrolls", [], "presets.smoke.memory.unrolls: Tuple should have at"),
        (NETWORKS, [], "presets.smoke.memory.networks: Tuple should have at least 1 item"),
        (NETWORKS, [[700, 10]], "presets.smoke.memory.networks.0: widths should begin with 784"),
        (NETWORKS, [[784, 0, 10]], "presets.smoke.memory.networks.0.1: Input should be greater"),
        (NETWORKS, [[784, 3]], "presets.smoke.memory.networks.0: widths should begin with 784"),
        (NETWORKS, [[]], "presets.smoke.memory.networks.0: widths should begin with 784"),
        ("presets>smoke>memory>large", [784, "x", 10], "presets.smoke.memory.large.1: Input"),
    ],
)
def test_a_fault_is_told_in_one_line_with_its_place(tmp_path, place, value, text):
    with pytest.raises(InputError) as error:
        other(tmp_path, place, value)
    told(error, tmp_path / "fig3.yaml", text)


MEASURED = ["memory", "training"]


@pytest.mark.parametrize(
    ("place", "value", "trained", "evaluated", "measured"),
    [
        ("settings>unroll5>unroll", 1, ["unroll5"], ["unroll5"], []),
        ("settings>unroll5>title", "five", [], [], []),
        ("recurrent>l2o_dm", {"scale": 0.2}, LENGTHS, LENGTHS, []),
        ("presets>smoke>meta_training>epochs", 7, LENGTHS, LENGTHS, []),
        ("presets>smoke>meta_training>unroll", 7, [], [], []),  # each setting has its own
        ("presets>smoke>runs", 7, [], LENGTHS, []),
        ("presets>smoke>iterations", 7, [], LENGTHS, []),
        ("presets>smoke>monitored", 7, [], LENGTHS, []),
        ("presets>smoke>memory>unrolls", [3], [], [], ["memory"]),
        ("presets>smoke>memory>limit_gib", 3, [], [], ["memory"]),
        ("presets>smoke>memory>large_unroll", 3, [], [], ["training"]),
        ("presets>smoke>memory>meta_steps", 3, [], [], ["training"]),
        ("seed", 3, LENGTHS, LENGTHS, ["training"]),
        ("minibatch", 64, LENGTHS, LENGTHS, MEASURED),
        ("compute_threads", 2, LENGTHS, LENGTHS, MEASURED),
    ],
)
def test_a_parameter_is_part_of_the_jobs_that_read_it(
    tmp_path, room, place, value, trained, evaluated, measured
):
    changed_room = other(tmp_path, place, value)

    def differing(names, key) -> list[str]:
        return [name for name in names if key(changed_room, name) != key(room, name)]

    assert differing(LENGTHS, lambda one, s: one.train(s, "l2o_dm").key) == [*trained]
    assert differing(LENGTHS, lambda one, s: one.evaluate(s, "l2o_dm").key) == [*evaluated]
    assert differing(MEASURED, lambda one, name: one.measure(name).key) == measured
    figures = differing(("fig3", "fig3_memory"), lambda one, name: one.figure(name).key)
    told_of = place.endswith(("title", "runs"))  # in the foot of both
    shown = {"fig3": trained or evaluated or told_of, "fig3_memory": measured or told_of}
    assert figures == [name for name, is_shown in shown.items() if is_shown]
    assert (changed_room.tables()["lengths"].key != room.tables()["lengths"].key) is bool(trained)
