"""Values that parameter files may not have, and which trainings a parameter is part of."""

from __future__ import annotations

from typing import Any

import pytest

from every_room import content_of, fault, keys, room
from l2o.optimizers.registry import methods

METHOD, SETTING = "lista", "noiseless"
NAN, INF = float("nan"), float("inf")
SMOKE = "presets>smoke"
IMITATING = ["l2o_enhanced", "l2o_enhanced_published_recipe"]
OPPONENTS = content_of("sparse_recovery")["classical"]


def content(name: str, place: str, value: Any) -> dict[str, Any]:
    """The parameters of a room with another value at ``place`` (a>b>c), or without that key."""
    made = content_of(name)
    *path, last = place.split(">")
    section = made
    for part in path:
        section = section.setdefault(part, {})
    if value is None:
        del section[last]
    else:
        section[last] = value
    return made


@pytest.mark.parametrize(
    ("name", "place", "value", "told"),
    [
        ("sparse_recovery", "seed", -1, "greater than or equal to 0"),
        ("sparse_recovery", "seed", None, "this key is missing"),
        ("sparse_recovery", "learning>atoms", None, "this key is missing"),
        ("sparse_recovery", f"{SMOKE}>training>window", None, "this key is missing"),
        ("sparse_recovery", "density", 1.5, "less than or equal to 1"),
        ("sparse_recovery", "density", 0, "greater than 0"),
        ("sparse_recovery", "device", "gpu", "'auto', 'cpu' or 'cuda'"),
        ("sparse_recovery", "grid>ista>lam", [], "at least 1 item"),
        ("sparse_recovery", "grid>ista>lam", [0.1, 0.0], "is 0, out of range"),
        ("sparse_recovery", "grid>vamp>damping", [1.0], "is 1, out of range; valid: [0, 1)"),
        ("sparse_recovery", f"{SMOKE}>opponent_iterations", 3, "fewer than the nets' depth 4"),
        ("sparse_recovery", "settings", ["noiseless"], "should be an object"),
        ("sparse_recovery", "settings", {}, "at least 1 item"),
        ("sparse_recovery", f"settings>{SETTING}>snr_db", INF, "finite"),
        ("sparse_recovery", f"settings>{SETTING}>targets", [-40, -20], "not in descending order"),
        ("sparse_recovery", f"settings>{SETTING}>targets", [-20, -20], "not in descending order"),
        ("sparse_recovery", f"settings>{SETTING}>targets", [NAN], "finite"),
        ("sparse_recovery", f"settings>{SETTING}>dictionary", "gausian", "mean `gaussian`?"),
        (
            "sparse_recovery",
            f"unrolled>{METHOD}>lam",
            -0.1,
            "is -0.1, out of range; valid: (0, inf)",
        ),
        ("sparse_recovery", "as_drawn", {"ista": {"lam": 1}}, "at most 0 items"),
        ("sparse_recovery", f"{SMOKE}>gaussian>learned", [6, 12], "is the name of the dictionary"),
        ("sparse_recovery", f"unrolled>{METHOD}>lam", 0, "is 0, out of range"),
        (
            "sparse_recovery",
            "unrolled>lista_cpss>support_max",
            101,
            "is 101, out of range; valid: [0, 100]",
        ),
        ("sparse_recovery", "classical>lista", {}, "unknown key"),
        ("sparse_recovery", f"{SMOKE}>training>samples", 10**6, "more than the 1024"),
        ("sparse_recovery", f"{SMOKE}>overrides>lista", {"samples": 10**6}, "more than the"),
        ("sparse_recovery", f"{SMOKE}>overrides>lissta", {"window": 1}, "did you mean `lista`?"),
        ("sparse_recovery", f"{SMOKE}>overrides>nowhere/lista", {"window": 1}, "unknown key"),
        ("sparse_recovery", f"{SMOKE}>overrides>lista", {"windows": 1}, "did you mean `window`?"),
        ("sparse_recovery", f"{SMOKE}>overrides>lista", {"window": 0}, "greater than or equal"),
        ("sparse_recovery", f"{SMOKE}>overrides>lista", 3, "should be an object"),
        ("sparse_recovery", f"{SMOKE}>depth", 0, "greater than or equal to 1"),
        ("sparse_recovery", f"{SMOKE}>depth", 2.5, "integer"),
        ("sparse_recovery", f"{SMOKE}>gaussian>gaussian", [64], "missing"),
        ("sparse_recovery", f"{SMOKE}>gaussian>gaussian", [64, 1], "greater than or equal to 2"),
        ("sparse_recovery", f"{SMOKE}>training>layer_rate", 1.0, "less than 1"),
        ("sparse_recovery", f"{SMOKE}>training>batch_size", 0, "greater than or equal to 1"),
        ("lasso", "lam", 0, "greater than 0"),
        ("lasso", "iterations", 0, "greater than or equal to 1"),
        ("lasso", "first_order>gd", {"step": 1}, "unknown key"),
        ("lasso", "first_order>gd", {"rate": 0}, "is 0, out of range"),
        ("lasso", "continued_with", "amp", "'ista' or 'fista'"),
        ("lasso", "teacher", {}, "l2o_enhanced on m5_n10 imitates an optimizer, and none is given"),
        ("lasso", "teacher", {"adam": {}, "gd": {}}, "at most 1 item"),
        ("lasso", "as_drawn_shift>nag", 1, "unknown key"),
        ("lasso", f"{SMOKE}>sizes>m5", [5, 10], "unknown key"),
        ("lasso", f"{SMOKE}>sizes>m5_n10", None, "this key is missing"),
        ("lasso", f"{SMOKE}>sizes>m5_n10", [0, 10], "Input should be"),
        ("lasso", f"{SMOKE}>starts", 0, "greater than or equal"),
        ("lasso", f"{SMOKE}>meta_training>horizons", [], "Tuple should have at least 1 item"),
        ("lasso", f"{SMOKE}>meta_overrides>m5_n10/l2o_dm", {"epoch": 1}, "did you mean `epochs`?"),
        ("lasso", f"{SMOKE}>overrides>lista", {"samples": 9999}, "is 9999, more than the 512"),
        ("rastrigin", "alpha", 0, "greater than 0"),
        ("rastrigin", "alpha", INF, "finite"),
        ("rastrigin", "alpha", 1e7, "less than or equal to 1000000"),
        ("rastrigin", "start_scale", 1e300, "less than or equal to 1000000"),
        ("rastrigin", "seed", True, "valid integer"),
        ("rastrigin", f"{SMOKE}>samples>test", 8.0, "valid integer"),
        ("rastrigin", f"{SMOKE}>samples>test", "8", "valid integer"),
        ("rastrigin", f"{SMOKE}>starts", 10**30, "less than or equal to 1000"),
        ("rastrigin", "grid>gd", {"rate": [1]}, "unknown key"),
        ("rastrigin", "grid>adam", {"beta": [0.9]}, "unknown key"),
        ("rastrigin", "grid>adam", {"beta1": [0.9, 1]}, "is 1, out of range; valid: [0, 1)"),
        ("rastrigin", "grid>adam", {"beta1": []}, "Tuple should have at least 1 item"),
        ("rastrigin", "population>pso", {"particle": 3}, "unknown key"),
        ("rastrigin", "population>adam", {}, "unknown key"),
        ("rastrigin", f"{SMOKE}>sizes>n2", 0, "greater than"),
        ("rastrigin", f"{SMOKE}>sizes>n3", 3, "unknown key"),
        ("rastrigin", f"{SMOKE}>oracle>n10", None, "this key is missing"),
        ("rastrigin", f"{SMOKE}>oracle>n10>grid", True, "is true, but n = 4; a grid needs n = 2"),
        (
            *("rastrigin", f"{SMOKE}>meta_overrides>n2/l2o_dm"),
            *({"evolution": {"update": 3}}, "evolution.update: unknown key"),
        ),
    ],
)
def test_a_bad_value_is_told_with_its_place_and_what_is_allowed(name, place, value, told):
    text = fault(name, content(name, place, value))
    assert told in text and text.startswith(place.replace(">", ".")), text


@pytest.mark.parametrize("method", methods("unrolled"))
def test_an_unknown_hyperparameter_of_any_method_is_told(method):
    text = fault("sparse_recovery", content("sparse_recovery", f"unrolled>{method}>zzz", 1.0))
    assert text.startswith(f"unrolled.{method}.zzz: unknown key; ")
    assert all(name in text for name in methods("unrolled")[method].hyperparameters)


def test_all_methods_of_a_kind_take_part_in_sparse_recovery_or_lasso():
    rooms = [content_of(name) for name in ("sparse_recovery", "lasso")]
    assert {*rooms[0]["unrolled"]} == methods("unrolled").keys()
    assert {*rooms[0]["classical"], *rooms[1]["classical"]} == methods("classical").keys()


def test_overrides_hold_for_their_net_and_the_more_special_one_wins():
    overrides = {METHOD: {"window": 3, "final_steps": 7}, f"{SETTING}/{METHOD}": {"window": 4}}
    one = room("sparse_recovery", content("sparse_recovery", f"{SMOKE}>overrides", overrides))
    budget, plain = one.parameters.budget, one.sizes.training
    special = budget("smoke", SETTING, METHOD)
    assert budget("smoke", "large", METHOD).window == 3
    assert budget("smoke", SETTING, "alista") == plain
    assert special == plain.model_copy(update={"window": 4, "final_steps": 7})


@pytest.mark.parametrize(
    ("name", "place", "value", "trained", "evaluated"),
    [
        ("lasso", f"{SMOKE}>meta_overrides>l2o_dm", {"epochs": 9}, ["l2o_dm"], ["l2o_dm"]),
        ("lasso", "teacher", {"adam": {"rate": 0.1}}, IMITATING, ["l2o_enhanced"]),
        ("lasso", f"{SMOKE}>overrides", {"m5_n10/lista": {"layer_steps": 3}}, *2 * (["lista"],)),
        ("lasso", "first_order>gd", {"rate": 0.5}, [], ["gd"]),
        ("lasso", "as_drawn>gd", {"rate": 0.5}, [], ["gd"]),
        ("rastrigin", "teacher", {"adam": {"rate": 0.7}}, IMITATING, ["l2o_enhanced"]),
        ("rastrigin", "grid>adam", {"beta1": [0.9]}, [], ["adam"]),
        ("rastrigin", "as_drawn", {}, [], ["rmsprop"]),
        ("sparse_recovery", "grid>ista", {"lam": [0.1]}, [], ["ista"]),
        ("sparse_recovery", f"{SMOKE}>opponent_iterations", 9, [], [*OPPONENTS]),
    ],
)
def test_a_parameter_is_part_of_the_jobs_that_read_it(name, place, value, trained, evaluated):
    before, after = (keys(r.jobs()) for r in (room(name), room(name, content(name, place, value))))
    changed = [job for job in before if before[job] != after[job]]
    for kind, expected in (("train", trained), ("evaluate", evaluated)):
        found = {dict(job[1:])["method"] for job in changed if job[0] == kind}
        assert found == {*expected}, kind


def test_where_a_method_is_not_what_its_paper_describes_is_told():
    content = content_of("rastrigin")
    told = room("rastrigin", content, "laptop").departures()
    assert list(told) == ["L2O-RNNprop", "L2O-Scale", "L2O-Swarm"]
    assert told["L2O-RNNprop"] == (
        "`scale` 0.5, in its paper 0.1; trained without `scaling`, which its paper uses; trained "
        "without `convex`, which its paper uses"
    )
    assert "asinh" in told["L2O-Scale"] and "posterior" in told["L2O-Swarm"]
    content["recurrent"]["l2o_rnnprop"] = {}
    content["presets"]["laptop"]["meta_training"] |= {"scaling": 3, "convex": 1}
    assert "L2O-RNNprop" not in room("rastrigin", content, "laptop").departures()
