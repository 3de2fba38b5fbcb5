"""The parameter file of Figure 6: every fault in one line, with the place and a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from l2o.errors import InputError
from l2o.steps.fig6 import Fig6Steps
from parameter_files import changed

PARAMS = Path(__file__).parents[1] / "params" / "fig6.yaml"
GOOD = yaml.safe_load(PARAMS.read_text("utf-8"))


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch):
    monkeypatch.chdir(PARAMS.parents[1])


@pytest.mark.parametrize("preset", GOOD["presets"])
def test_the_parameters_of_the_repository_are_valid(preset):
    steps = Fig6Steps(PARAMS, preset)
    assert "6 recurrent optimizers" in steps.summary()
    assert len([*steps.tasks()]) == 2 * (1 + 5 + 6 + 1) + 7


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("lamb", 1, "lamb: unknown key; did you mean `lam`?"),
        ("lam", 0, "lam: Input should be greater than 0"),
        ("lam", float("nan"), "lam: Input should be a finite number"),
        ("density", 1.5, "density: Input should be less than or equal to 1"),
        ("iterations", 0, "iterations: Input should be greater than or equal to 1"),
        ("seed", None, "seed: this key is missing"),
        ("first_order>adamm", {}, "first_order.adamm: unknown key; did you mean `adam`?"),
        ("first_order>gd", {"step": 1}, "first_order.gd.step: unknown key"),
        ("first_order>gd", {"rate": 0}, "first_order.gd.rate: is 0, out of range"),
        ("recurrent>l2o_md", {}, "recurrent.l2o_md: unknown key; did you mean `l2o_dm`?"),
        ("teacher", {}, "teacher: Dictionary should have at least 1 item"),
        ("as_drawn_shift>nag", 1, "as_drawn_shift.nag: unknown key"),
        ("presets>smoke>sizes>m5", [5, 10], "presets.smoke.sizes.m5: unknown key"),
        ("presets>smoke>sizes>m5_n10", None, "presets.smoke.sizes.m5_n10: this key is missing"),
        ("presets>smoke>sizes>m5_n10", [0, 10], "presets.smoke.sizes.m5_n10.0: Input should be"),
        ("presets>smoke>starts", 0, "presets.smoke.starts: Input should be greater"),
        (
            "presets>smoke>meta_training>horizons",
            [],
            "presets.smoke.meta_training.horizons: Tuple should have at least 1 item",
        ),
        (
            "presets>smoke>meta_overrides",
            {"m5_n10/l2o_dm": {"epoch": 1}},
            "presets.smoke.meta_overrides.m5_n10/l2o_dm.epoch: unknown key; did you mean `epochs`?",
        ),
        (
            "presets>smoke>overrides",
            {"lista": {"samples": 9999}},
            "presets.smoke.overrides.lista.samples: is 9999, more than the 512",
        ),
    ],
)
def test_a_fault_is_told_in_one_line_with_its_place(tmp_path, place, value, told):
    file = changed(PARAMS, tmp_path, place, value)
    with pytest.raises(InputError) as error:
        Fig6Steps(file, "smoke")
    text = str(error.value)
    assert "\n" not in text and error.value.remedy
    assert text.startswith(f"{file}: {told}")


@pytest.mark.parametrize(
    ("place", "value", "methods"),
    [
        ("presets>smoke>meta_overrides>l2o_dm", {"epochs": 9}, ["l2o_dm"]),
        ("teacher", {"adam": {"rate": 0.1}}, ["l2o_enhanced"]),  # nobody else imitates it
        ("presets>smoke>overrides", {"m5_n10/lista": {"layer_steps": 3}}, ["lista"]),
        ("first_order>gd", {"rate": 0.5}, []),
    ],
)
def test_a_parameter_is_part_of_the_trainings_that_read_it(tmp_path, place, value, methods):
    steps, plain = (
        Fig6Steps(changed(PARAMS, tmp_path, place, value), "smoke"),
        Fig6Steps(PARAMS, "smoke"),
    )
    found = [
        method
        for method in steps.learned
        if steps.training("m5_n10", method).key != plain.training("m5_n10", method).key
    ]
    assert found == methods
