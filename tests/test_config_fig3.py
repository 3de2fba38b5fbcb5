"""The parameter file of Figure 3: every fault in one line, with the place and a remedy."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from l2o.errors import InputError
from l2o.steps.fig3 import Fig3Steps
from parameter_files import changed

PARAMS = Path(__file__).parents[1] / "params" / "fig3.yaml"
GOOD = yaml.safe_load(PARAMS.read_text("utf-8"))
HORIZONS = "presets>smoke>meta_training>horizons"
NETWORKS = "presets>smoke>memory>networks"


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch):
    monkeypatch.chdir(PARAMS.parents[1])


@pytest.mark.parametrize("preset", GOOD["presets"])
def test_the_parameters_of_the_repository_are_valid(preset):
    steps = Fig3Steps(PARAMS, preset)
    assert "6 unroll lengths" in steps.summary()
    assert len([*steps.tasks()]) == 1 + 2 * 6 + 3 + 3 + 2
    paths = [path for task in steps.tasks() for path in task.outputs]
    assert len(paths) == len(set(paths))
    for setting, length in steps.experiment.settings.items():
        assert steps.experiment.meta_training(preset, setting, "l2o_dm").unroll == length.unroll


@pytest.mark.parametrize("preset", ["laptop", "paper"])
def test_the_large_network_has_more_than_a_million_parameters(preset):
    if preset not in GOOD["presets"]:
        pytest.skip("no such preset")
    widths = GOOD["presets"][preset]["memory"]["large"]
    assert sum((a + 1) * b for a, b in pairwise(widths)) > 1_000_000


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("minibach", 1, "minibach: unknown key; did you mean `minibatch`?"),
        ("seed", None, "seed: this key is missing"),
        ("device", "tpu", "device: Input should be 'auto', 'cpu' or 'cuda'"),
        ("trained_on", "mlp", "trained_on: Input should be 'mlp_sigmoid', 'mlp_relu' or"),
        ("settings>unroll5", {"title": "5"}, "settings.unroll5.unroll: this key is missing"),
        ("settings>unroll5>unroll", 0, "settings.unroll5.unroll: Input should be greater"),
        ("settings>unroll5>unrol", 5, "settings.unroll5.unrol: unknown key; did you mean"),
        ("recurrent", {}, "recurrent: Dictionary should have at least 1 item"),
        ("recurrent>l2o_scale", {}, "recurrent: Dictionary should have at most 1 item"),
        ("recurrent", {"l2o_dn": {}}, "recurrent.l2o_dn: unknown key; did you mean `l2o_dm`?"),
        ("recurrent>l2o_dm", {"scale": 0}, "recurrent.l2o_dm.scale: is 0, out of range"),
        ("teacher", {"adan": {}}, "teacher.adan: unknown key; did you mean `adam`?"),
        ("presets>smoke>runs", 0, "presets.smoke.runs: Input should be greater"),
        (HORIZONS, [100], "presets.smoke.meta_training.horizons: 100 is no multiple of unroll200"),
        (HORIZONS, [200, 400], "presets.smoke.meta_training.horizons: are 200, 400: lengths are"),
        ("presets>smoke>memory>limit_gib", 0, "presets.smoke.memory.limit_gib: Input should be"),
        ("presets>smoke>memory>unrolls", [], "presets.smoke.memory.unrolls: Tuple should have at"),
        ("presets>smoke>memory>unroll_s", [], "presets.smoke.memory.unroll_s: unknown key"),
        (NETWORKS, [], "presets.smoke.memory.networks: Tuple should have at least 1 item"),
        (NETWORKS, [[700, 10]], "presets.smoke.memory.networks.0: widths should begin with 784"),
        (NETWORKS, [[784, 0, 10]], "presets.smoke.memory.networks.0: widths should begin with"),
        (NETWORKS, [[784, 3]], "presets.smoke.memory.networks.0: widths should begin with 784"),
        (NETWORKS, [[]], "presets.smoke.memory.networks.0: widths should begin with 784"),
        ("presets>smoke>memory>large", [784, "x", 10], "presets.smoke.memory.large.1: Input"),
    ],
)
def test_a_fault_is_told_in_one_line_with_its_place(tmp_path, place, value, told):
    file = changed(PARAMS, tmp_path, place, value)
    with pytest.raises(InputError) as error:
        Fig3Steps(file, "smoke")
    text = str(error.value)
    assert "\n" not in text and error.value.remedy
    assert text.startswith(f"{file}: {told}"), text


EVERY = [*GOOD["settings"]]
MEASURED, LARGE = "memory", "memory_training"


@pytest.mark.parametrize(
    ("place", "value", "trained", "evaluated", "others"),
    [
        ("settings>unroll5>unroll", 4, ["unroll5"], ["unroll5"], []),
        ("settings>unroll5>title", "five", [], [], []),
        ("recurrent>l2o_dm", {"scale": 0.2}, EVERY, EVERY, []),
        ("presets>smoke>meta_training>epochs", 7, EVERY, EVERY, []),
        ("presets>smoke>meta_training>unroll", 7, [], [], []),  # each setting has its own
        ("teacher", {"adam": {"rate": 0.7}}, [], [], []),
        ("presets>smoke>runs", 7, [], EVERY, []),
        ("presets>smoke>iterations", 7, [], EVERY, []),
        ("presets>smoke>monitored", 7, [], EVERY, []),
        ("presets>smoke>memory>unrolls", [3], [], [], [MEASURED]),
        ("presets>smoke>memory>limit_gib", 3, [], [], [MEASURED]),
        ("presets>smoke>memory>large_unroll", 3, [], [], [LARGE]),
        ("presets>smoke>memory>meta_steps", 3, [], [], [LARGE]),
        ("minibatch", 64, EVERY, EVERY, [MEASURED, LARGE]),
        ("compute_threads", 2, EVERY, EVERY, [MEASURED, LARGE]),
    ],
)
def test_a_parameter_is_part_of_the_steps_that_read_it(
    tmp_path, place, value, trained, evaluated, others
):
    steps = Fig3Steps(changed(PARAMS, tmp_path, place, value), "smoke")
    plain = Fig3Steps(PARAMS, "smoke")

    def differing(step: str) -> list[str]:
        return [name for name in EVERY if _key(steps, step, name) != _key(plain, step, name)]

    assert differing("training") == trained
    assert differing("evaluation") == evaluated
    assert [s for s in (MEASURED, LARGE) if _key(steps, s) != _key(plain, s)] == others
    drawn = bool(trained or evaluated) or place.endswith("title")
    assert (steps.figure().key != plain.figure().key) is drawn
    assert (steps.memory_figure().key != plain.memory_figure().key) is bool(others)
    assert (steps.lengths().key != plain.lengths().key) is bool(trained)


def _key(steps: Fig3Steps, step: str, *given: str) -> str:
    return getattr(steps, step)(*given).key
