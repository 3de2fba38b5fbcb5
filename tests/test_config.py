"""Parameter files: whatever is wrong is told in one line with file, key and remedy."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import PARAMS
from l2o.errors import InputError
from l2o.optimizers.registry import methods
from l2o.steps.fig5 import Fig5Steps

GOOD = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
METHOD = next(iter(GOOD["unrolled"]))
SETTING = next(iter(GOOD["settings"]))
MISSING = object()


def changed(place: str, value: Any) -> dict[str, Any]:
    """The good parameters with one key set, or removed; ``place`` is separated by ``>``."""
    content = copy.deepcopy(GOOD)
    *path, last = place.split(">")
    section = content
    for part in path:
        section = section.setdefault(part, {})
    if value is MISSING:
        del section[last]
    else:
        section[last] = value
    return content


def fault(path: Path, content: Any, preset: str = "smoke") -> str:
    """The one line that tells what is wrong."""
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), "utf-8")
    with pytest.raises(InputError) as error:
        Fig5Steps(path, preset)
    text = str(error.value)
    assert "\n" not in text and text.startswith(f"{path}: ")
    assert error.value.remedy and text.endswith(f"; {error.value.remedy}")
    return text.removeprefix(f"{path}: ")


def test_the_parameters_of_the_repository_are_valid():
    for preset in GOOD["presets"]:
        steps = Fig5Steps(PARAMS, preset)
        assert steps.sizes.depth == GOOD["presets"][preset]["depth"]
    assert set(GOOD["unrolled"]) == set(methods("unrolled"))
    assert set(GOOD["classical"]) == set(methods("classical"))


@pytest.mark.parametrize(
    ("place", "near"),
    [
        ("sead", "seed"),
        ("learning>patch_sise", "patch_size"),
        (f"settings>{SETTING}>snr", "snr_db"),
        (f"unrolled>{METHOD}x", METHOD),
        (f"unrolled>{METHOD}>lamb", "lam"),
        ("classical>amp>alfa", "alpha"),
        ("classical>istaa", "ista"),
        ("presets>smoke>dept", "depth"),
        ("presets>paper>samples>validaton", "validation"),
        ("presets>laptop>training>layer_step", "layer_steps"),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_valid_one(tmp_path, place, near):
    text = fault(tmp_path / "p.yaml", changed(place, {} if place.count(">") == 1 else 1))
    assert text == f"{place.replace('>', '.')}: unknown key; did you mean `{near}`?"


def test_an_unknown_key_like_no_other_is_told_with_all_valid_ones(tmp_path):
    text = fault(tmp_path / "p.yaml", changed("presets>smoke>samples>xyz", 1))
    assert text.endswith("unknown key; valid are test, train, validation")


@pytest.mark.parametrize("method", methods("unrolled"))
def test_an_unknown_hyperparameter_of_any_method_is_told(tmp_path, method):
    text = fault(tmp_path / "p.yaml", changed(f"unrolled>{method}>zzz", 1.0))
    assert text.startswith(f"unrolled.{method}.zzz: unknown key; ")
    assert all(name in text for name in methods("unrolled")[method].hyperparameters)


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("seed", -1, "greater than or equal to 0"),
        ("density", 1.5, "less than or equal to 1"),
        ("density", 0, "greater than 0"),
        ("density", float("nan"), "finite"),
        ("device", "gpu", "'auto', 'cpu' or 'cuda'"),
        ("compute_threads", "many", "integer"),
        ("lam_grid", [], "at least 1 item"),
        ("lam_grid", [0.1, 0.0], "greater than 0"),
        ("settings", ["noiseless"], "dictionary"),
        (f"settings>{SETTING}>snr_db", "loud", "number"),
        (f"settings>{SETTING}>snr_db", float("inf"), "finite"),
        (f"unrolled>{METHOD}>lam", -0.1, "greater than or equal to 0"),
        ("unrolled>lista>lam", 0, "above 0"),
        ("unrolled>lista_cpss>support_max", 101, "percentage from 0 to 100"),
        ("presets>smoke>training>samples", 10**6, "more than the"),
        ("presets>smoke>overrides>lista", {"samples": 10**6}, "more than the"),
        ("presets>smoke>depth", 0, "greater than or equal to 1"),
        ("presets>smoke>depth", 2.5, "integer"),
        ("presets>smoke>gaussian>gaussian", [64], "missing"),
        ("presets>smoke>gaussian>gaussian", [64, 1], "greater than or equal to 2"),
        ("presets>smoke>training>layer_rate", 1.0, "less than 1"),
        ("presets>smoke>training>batch_size", 0, "greater than or equal to 1"),
        ("presets>smoke>training>window", None, "integer"),
        ("presets>tiny", {}, "'smoke', 'laptop' or 'paper'"),
    ],
)
def test_a_bad_value_is_told_with_what_is_allowed(tmp_path, place, value, told):
    text = fault(tmp_path / "p.yaml", changed(place, value))
    assert text.startswith(place.replace(">", "."))
    assert told in text


@pytest.mark.parametrize("place", ["seed", "learning>atoms", "presets>smoke>training>window"])
def test_a_missing_key_is_named(tmp_path, place):
    text = fault(tmp_path / "p.yaml", changed(place, MISSING))
    assert text.startswith(f"{place.replace('>', '.')}: this key is missing; ")


def test_a_preset_that_the_file_lacks_is_named(tmp_path):
    text = fault(tmp_path / "p.yaml", changed("presets>smoke", MISSING))
    assert text.startswith("presets.smoke: this key is missing; ")


def test_an_unknown_preset_is_told_with_the_nearest_valid_one():
    with pytest.raises(InputError) as error:
        Fig5Steps(PARAMS, "papers")
    assert str(error.value).endswith("preset papers: unknown key; did you mean `paper`?")


def test_a_setting_with_an_unknown_dictionary_is_told(tmp_path):
    text = fault(tmp_path / "p.yaml", changed(f"settings>{SETTING}>dictionary", "gausian"))
    assert text.startswith(f"settings.{SETTING}.dictionary.gausian: unknown key; ")
    assert "`gaussian`" in text


@pytest.mark.parametrize(
    ("name", "override", "key", "told"),
    [
        ("lissta", {"window": 1}, "lissta", "did you mean `lista`?"),
        (f"nowhere/{METHOD}", {"window": 1}, f"nowhere/{METHOD}", "unknown key"),
        (METHOD, {"windows": 1}, f"{METHOD}.windows", "did you mean `window`?"),
        (METHOD, {"window": 0}, f"{METHOD}.window", "greater than or equal to 1"),
        (f"{SETTING}/{METHOD}", {"layer_rate": 2}, f"{SETTING}/{METHOD}.layer_rate", "less than"),
        (METHOD, 3, METHOD, "dictionary"),
    ],
)
def test_a_bad_override_is_told(tmp_path, name, override, key, told):
    text = fault(tmp_path / "p.yaml", changed("presets>smoke>overrides", {name: override}))
    assert text.startswith(f"presets.smoke.overrides.{key}: ")
    assert told in text


def test_overrides_hold_for_their_net_and_the_more_special_one_wins(tmp_path):
    overrides = {METHOD: {"window": 3, "final_steps": 7}, f"{SETTING}/{METHOD}": {"window": 4}}
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump(changed("presets>smoke>overrides", overrides)))
    experiment = Fig5Steps(path, "smoke").experiment
    other_setting, other = list(GOOD["settings"])[1], list(GOOD["unrolled"])[1]
    plain = experiment.presets["smoke"].training
    special = experiment.training("smoke", SETTING, METHOD)
    assert (special.window, special.final_steps) == (4, 7)
    assert experiment.training("smoke", other_setting, METHOD).window == 3
    assert experiment.training("smoke", SETTING, other) == plain
    assert special == plain.model_copy(update={"window": 4, "final_steps": 7})


@pytest.mark.parametrize("content", ["", "just a text", "[1, 2]", "a: {b: 1", "a: 1\n\tb: 2"])
def test_a_file_that_holds_no_mapping_is_told(tmp_path, content):
    text = fault(tmp_path / "p.yaml", content)
    assert "holds no keys" in text or "is not valid YAML" in text


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(InputError) as error:
            Fig5Steps(path, "smoke")
        assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)
    (tmp_path / "bytes.yaml").write_bytes(b"seed: \xff\xfe")
    with pytest.raises(InputError, match="is not valid YAML"):
        Fig5Steps(tmp_path / "bytes.yaml", "smoke")


# The same through the real command line


def check(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "l2o.cli", "fig5", "check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=PARAMS.parents[1])


def test_the_command_line_accepts_good_parameters():
    run = check("--preset", "smoke")
    assert (run.returncode, run.stderr) == (0, "")
    nets = len(GOOD["settings"]) * len(GOOD["unrolled"])
    assert run.stdout == f"params/fig5.yaml: valid; smoke: {nets} nets of 4 layers\n"


@pytest.mark.parametrize(
    ("content", "preset", "parts"),
    [
        (changed("learning>atom", 1), "smoke", ["learning.atom", "did you mean `atoms`?"]),
        (changed("density", 7), "smoke", ["density", "found 7", "less than or equal to 1"]),
        ("a: [1", "smoke", ["not valid YAML", "correct the syntax"]),
        (None, "smoke", ["no such parameter file", "check the path"]),
        (GOOD, "smok", ["smok", "did you mean `smoke`?"]),
    ],
)
def test_the_command_line_tells_a_fault_in_one_line(tmp_path, content, preset, parts):
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), "utf-8")
    run = check("--params", str(path), "--preset", preset)
    assert run.returncode == 2 and run.stdout == ""
    assert len(run.stderr.splitlines()) == 1 and run.stderr.startswith("error: ")
    assert all(part in run.stderr for part in parts)
    assert str(path) in run.stderr or preset != "smoke"
