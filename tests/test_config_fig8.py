"""The parameter file of Figure 8: every fault in one line, with the place and a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from l2o.errors import InputError
from l2o.steps.fig8 import Fig8Steps
from parameter_files import changed

PARAMS = Path(__file__).parents[1] / "params" / "fig8.yaml"
GOOD = yaml.safe_load(PARAMS.read_text("utf-8"))


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch):
    monkeypatch.chdir(PARAMS.parents[1])


@pytest.mark.parametrize("preset", GOOD["presets"])
def test_the_parameters_of_the_repository_are_valid(preset):
    steps = Fig8Steps(PARAMS, preset)
    assert "4 recurrent optimizers" in steps.summary()
    assert len([*steps.tasks()]) == 1 + 4 + 2 * (1 + 1 + 5) + 6
    paths = [path for task in steps.tasks() for path in task.outputs]
    assert len(paths) == len(set(paths))


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("minibach", 1, "minibach: unknown key; did you mean `minibatch`?"),
        ("minibatch", 0, "minibatch: Input should be greater than or equal to 1"),
        ("minibatch", 60001, "minibatch: Input should be less than or equal to 60000"),
        ("seed", None, "seed: this key is missing"),
        ("trained_on", "mlp", "trained_on: Input should be 'mlp_sigmoid', 'mlp_relu' or"),
        ("settings>mlp", {"title": "MLP"}, "settings.mlp.[key]: Input should be 'mlp_sigmoid'"),
        ("settings>convnet", {"titel": "C"}, "settings.convnet.titel: unknown key; did you mean"),
        ("first_order>sgb", {}, "first_order.sgb: unknown key; did you mean `sgd`?"),
        ("grid>gd", {"rate": [1]}, "grid.gd: unknown key"),
        ("grid>adam", {"beta": [0.9]}, "grid.adam.beta: unknown key"),
        ("grid>sgd", {"rate": [0.1, 0]}, "grid.sgd.rate: is 0, out of range"),
        ("grid>sgd", {"rate": []}, "grid.sgd.rate: Tuple should have at least 1 item"),
        ("recurrent>l2o_dn", {}, "recurrent.l2o_dn: unknown key; did you mean `l2o_dm`?"),
        ("log_loss", ["l2o_scal"], "log_loss.l2o_scal: unknown key; did you mean `l2o_scale`?"),
        ("teacher", {}, "teacher: Dictionary should have at least 1 item"),
        ("teacher", {"adam": {"rat": 1}}, "teacher.adam.rat: unknown key; did you mean `rate`?"),
        ("presets>smok", {}, "presets.smok.[key]: Input should be 'smoke', 'laptop' or 'paper'"),
        ("presets>smoke>runs", 0, "presets.smoke.runs: Input should be greater"),
        ("presets>smoke>iterations", 0.5, "presets.smoke.iterations: Input should be a valid int"),
        ("presets>smoke>monitored", 60001, "presets.smoke.monitored: Input should be less"),
        ("presets>smoke>rate_search>run", 1, "presets.smoke.rate_search.run: unknown key"),
        ("presets>smoke>meta_training>horizons", [], "presets.smoke.meta_training.horizons: Tup"),
        (
            "presets>smoke>meta_overrides",
            {"convnet/l2o_dm": {"epochs": 3}},
            "presets.smoke.meta_overrides.convnet/l2o_dm: unknown key",
        ),
        (
            "presets>smoke>meta_overrides",
            {"l2o_dm": {"epoch": 3}},
            "presets.smoke.meta_overrides.l2o_dm.epoch: unknown key; did you mean `epochs`?",
        ),
    ],
)
def test_a_fault_is_told_in_one_line_with_its_place(tmp_path, place, value, told):
    file = changed(PARAMS, tmp_path, place, value)
    with pytest.raises(InputError) as error:
        Fig8Steps(file, "smoke")
    text = str(error.value)
    assert "\n" not in text and error.value.remedy
    assert text.startswith(f"{file}: {told}"), text


LEARNED = ["l2o_dm", "l2o_enhanced", "l2o_rnnprop", "l2o_scale"]
ALL = ["classical", *LEARNED]


@pytest.mark.parametrize(
    ("place", "value", "trained", "evaluated", "searched"),
    [
        ("presets>smoke>meta_overrides>l2o_dm", {"epochs": 9}, ["l2o_dm"], ["l2o_dm"], False),
        ("recurrent>l2o_scale", {"rate": 0.2}, ["l2o_scale"], ["l2o_scale"], False),
        ("log_loss", ["l2o_dm", *LEARNED[1:]], ["l2o_dm"], ["l2o_dm"], False),
        ("teacher", {"adam": {"rate": 0.7}}, [], [], False),  # none is imitated
        ("grid>adam", {"rate": [0.5]}, [], ["classical"], True),
        ("presets>smoke>rate_search>runs", 3, [], ALL, True),  # drawn with the starts of all
        ("presets>smoke>rate_search>iterations", 9, [], ["classical"], True),
        ("presets>smoke>monitored", 90, [], ALL, True),
        ("presets>smoke>iterations", 90, [], ALL, False),
        ("presets>smoke>runs", 3, [], ALL, True),
        ("minibatch", 64, LEARNED, ALL, True),
        ("compute_threads", 2, LEARNED, ALL, True),
        ("device", "auto", LEARNED, LEARNED, False),
        ("trained_on", "mlp_relu", LEARNED, LEARNED, False),
        ("presets>smoke>note", "other", [], [], False),
        ("settings>convnet", {"title": "other"}, [], [], False),
    ],
)
def test_a_parameter_is_part_of_the_steps_that_read_it(
    tmp_path, place, value, trained, evaluated, searched
):
    steps = Fig8Steps(changed(PARAMS, tmp_path, place, value), "smoke")
    plain = Fig8Steps(PARAMS, "smoke")

    def differing(names: list[str], key) -> list[str]:
        return [name for name in names if key(steps, name) != key(plain, name)]

    assert differing(LEARNED, lambda s, m: s.training(s.experiment.trained_on, m).key) == trained
    assert differing(ALL, lambda s, group: s.evaluation("convnet", group).key) == evaluated
    assert (steps.grid_search("convnet").key != plain.grid_search("convnet").key) is searched
    told = place.endswith(("note", "convnet"))
    assert (steps.figure().key != plain.figure().key) is (told or bool(evaluated))
    assert steps.curves().inputs.keys() == plain.curves().inputs.keys()


def test_the_digits_are_part_of_all_that_reads_them(tmp_path, monkeypatch):
    plain = Fig8Steps(PARAMS, "smoke")
    keys = [plain.training("mlp_sigmoid", "l2o_dm").key, plain.grid_search("convnet").key]
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mnist.sha256").write_text("other digits\n")
    monkeypatch.chdir(tmp_path)
    other = Fig8Steps(PARAMS, "smoke")
    assert other.training("mlp_sigmoid", "l2o_dm").key != keys[0]
    assert other.grid_search("convnet").key != keys[1]
    assert other.starts("convnet").key == plain.starts("convnet").key
