"""The parameter file of Figure 7: every fault in one line, with the place and a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from l2o.errors import InputError
from l2o.steps.fig7 import Fig7Steps
from parameter_files import changed

PARAMS = Path(__file__).parents[1] / "params" / "fig7.yaml"
GOOD = yaml.safe_load(PARAMS.read_text("utf-8"))


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch):
    monkeypatch.chdir(PARAMS.parents[1])


@pytest.mark.parametrize("preset", GOOD["presets"])
def test_the_parameters_of_the_repository_are_valid(preset):
    steps = Fig7Steps(PARAMS, preset)
    assert "10 recurrent optimizers" in steps.summary()
    assert len([*steps.tasks()]) == 2 * (1 + 1 + 1 + 5 + 6) + 6
    paths = [path for task in steps.tasks() for path in task.outputs]
    assert len(paths) == len(set(paths))


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("alfa", 1, "alfa: unknown key; did you mean `alpha`?"),
        ("alpha", 0, "alpha: Input should be greater than 0"),
        ("alpha", float("inf"), "alpha: Input should be a finite number"),
        ("iterations", 0, "iterations: Input should be greater than or equal to 1"),
        ("seed", None, "seed: this key is missing"),
        ("first_order>adan", {}, "first_order.adan: unknown key; did you mean `adam`?"),
        ("grid>gd", {"rate": [1]}, "grid.gd: unknown key"),
        ("grid>adam", {"beta": [0.9]}, "grid.adam.beta: unknown key"),
        ("grid>adam", {"beta1": [0.9, 0]}, "grid.adam.beta1: is 0, out of range"),
        ("grid>adam", {"beta1": []}, "grid.adam.beta1: Tuple should have at least 1 item"),
        ("population>pso", {"particle": 3}, "population.pso.particle: unknown key"),
        ("recurrent>l2o_swam", {}, "recurrent.l2o_swam: unknown key; did you mean `l2o_swarm`?"),
        ("presets>smoke>sizes>n2", 0, "presets.smoke.sizes.n2: Input should be greater"),
        ("presets>smoke>sizes>n3", 3, "presets.smoke.sizes.n3: unknown key"),
        ("presets>smoke>oracle>n10", None, "presets.smoke.oracle.n10: this key is missing"),
        (
            "presets>smoke>oracle>n10>grid",
            True,
            "presets.smoke.oracle.n10.grid: is true, but n = 4",
        ),
        (
            "presets>smoke>meta_overrides",
            {"n2/l2o_dm": {"evolution": {"update": 3}}},
            "presets.smoke.meta_overrides.n2/l2o_dm.evolution.update: unknown key",
        ),
    ],
)
def test_a_fault_is_told_in_one_line_with_its_place(tmp_path, place, value, told):
    file = changed(PARAMS, tmp_path, place, value)
    with pytest.raises(InputError) as error:
        Fig7Steps(file, "smoke")
    text = str(error.value)
    assert "\n" not in text and error.value.remedy
    assert text.startswith(f"{file}: {told}")


@pytest.mark.parametrize(
    ("place", "value", "trained", "evaluated"),
    [
        ("presets>smoke>meta_overrides>l2o_dm", {"epochs": 9}, ["l2o_dm"], ["l2o_dm"]),
        ("teacher", {"adam": {"rate": 0.7}}, ["l2o_enhanced"], ["l2o_enhanced"]),
        ("grid>adam", {"beta1": [0.9]}, [], ["untrained"]),
        ("as_drawn", {}, [], [*Fig7Steps(PARAMS, "smoke").groups]),
    ],
)
def test_a_parameter_is_part_of_the_steps_that_read_it(tmp_path, place, value, trained, evaluated):
    steps, plain = (
        Fig7Steps(changed(PARAMS, tmp_path, place, value), "smoke"),
        Fig7Steps(PARAMS, "smoke"),
    )

    def differing(names: list[str], step: str) -> list[str]:
        keys = ([getattr(s, step)("n2", name).key for name in names] for s in (steps, plain))
        return [name for name, a, b in zip(names, *keys, strict=True) if a != b]

    assert differing(steps.learned, "training") == trained
    assert differing(steps.groups, "evaluation") == evaluated
