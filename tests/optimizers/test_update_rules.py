"""Update rules: their formulas, their steps against methods of the same name, which are alike."""

from __future__ import annotations

from itertools import islice

import pytest
import torch

from l2o.errors import InputError
from l2o.optimizers import rule_grammar, update_rules
from l2o.optimizers.protocol import iterates
from l2o.optimizers.registry import methods
from l2o.optimizers.rule_grammar import Term, drawn_rule, fits, mutated, parsed
from l2o.optimizers.update_rules import UpdateRule, fingerprint, load_rule
from l2o.seeds import named_generator
from l2o.storage.checkpoints import save_tensors

POWER_SIGN = "exp(sign(g) * sign(m)) * g"


class Bowl:
    """f = sum of w x^2 / 2: gradients of many sizes, that of the first coordinate always 0."""

    weights = torch.tensor([0.0, 1e-4, 0.1, 1.0, 3.0], dtype=torch.float64)

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        return self.weights * x


def starts(rows: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(rows, 5, generator=generator, dtype=torch.float64)


def path(optimizer, steps: int = 30, x: torch.Tensor | None = None) -> torch.Tensor:
    x = starts() if x is None else x
    return torch.stack([*islice(iterates(optimizer, Bowl(), x), steps)])


@pytest.mark.parametrize(
    ("formula", "method", "hyper"),
    [
        ("g", "sgd", {}),
        ("adam", "adam", {}),
        ("rmsprop", "rmsprop", {}),
        (POWER_SIGN, "power_sign", {}),
        ("exp(ld * (sign(g) * sign(m))) * g", "power_sign", {"schedule": 1}),
        ("exp(cd * (sign(g) * sign(m))) * g", "power_sign", {"schedule": 2}),
        ("(1 + sign(g) * sign(m)) * g", "add_sign", {}),
        ("(1 + ld * (sign(g) * sign(m))) * g", "add_sign", {"schedule": 1}),
        ("(1 + (sign(g) * sign(m)) * cd) * g", "add_sign", {"schedule": 2}),
    ],
)
def test_methods_by_hand_are_rules(formula, method, hyper):
    steps = 30
    lasting = {"steps": steps} if hyper else {}
    ours = path(UpdateRule(parsed(formula), 0.05, steps), steps)
    theirs = methods("first_order")[method].load()({"rate": 0.05, **hyper, **lasting})
    torch.testing.assert_close(ours, path(theirs, steps), rtol=0, atol=1e-12)


def test_momentum_at_a_constant_rate_is_that_of_torch():
    x = starts(1).requires_grad_()
    theirs = torch.optim.SGD([x], lr=0.1, momentum=0.9)
    ours = path(methods("first_order")["sgd_momentum"].load()({}), 20, starts(1))
    for found in ours:
        x.grad = Bowl().gradient(x.detach())
        theirs.step()
        torch.testing.assert_close(found, x.detach(), rtol=1e-12, atol=1e-14)


def test_every_formula_is_read_back_and_lies_in_the_grammar():
    random = named_generator(3, "rules")
    for nested in (0, 1, 2):
        for _ in range(150):
            term = drawn_rule(random, nested)
            child = mutated(term, random, nested)
            assert child != term
            for each in (term, child):
                assert parsed(str(each)) == each and fits(each, nested)
                assert len(rule_grammar._TOKEN.findall(str(each))) <= rule_grammar.LONGEST


def test_the_grammar_is_that_of_the_paper():
    for formula, least in (("g", 0), ("exp(g) * sign(m)", 0), ("sqrt(sign(m)) / -adam", 0)):
        assert fits(parsed(formula), least)
    for formula in (POWER_SIGN, "drop(g + m, 0.3) - 0.1w", "exp(-g)", "(g * m) + 1"):
        assert fits(parsed(formula), 1) and not fits(parsed(formula), 0)
    assert not fits(parsed("g * (m + v)"), 2)  # rules are nested on the left
    assert parsed("g + m * v") == parsed("g + (m * v)") != parsed("(g + m) * v")
    assert str(parsed("( g+m )*clip( v,0.001)")) == "(g + m) * clip(v, 0.001)"
    assert parsed("g - m - v") == Term("-", (parsed("g - m"), Term("v")))


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        ("", "ends where an operand is missing"),
        ("g +", "ends where an operand is missing"),
        ("g m", "`m` does not belong there"),
        ("(g", "`)` is missing before its end"),
        ("exp g", "`(` is missing before `g`"),
        ("adamw", "`adamw` is no operand and no function"),
        ("3 * g", "`3` is no operand"),
        ("g^4", "`g^4` is no operand"),
        ("clip(g, 2)", "clip takes 0.00001, 0.0001, 0.001, not `2`"),
        ("drop(g)", "`,` is missing before `)`"),
        ("g & m", "`&` is nothing that a formula has"),
        ("(" * 5000, "is of 5000 parts, and 100 are allowed"),
    ],
)
def test_a_bad_formula_is_told_in_a_line(formula, told):
    with pytest.raises(InputError) as error:
        parsed(formula, "my.txt")
    text = str(error.value)
    assert text.startswith("my.txt: formula: `") and told in text
    assert "\n" not in text and "operands are g, g^2" in text


def test_what_every_operand_and_function_is_named_for_there_is():
    assert {*update_rules.OPERANDS} == {*rule_grammar.OPERANDS}
    assert {*update_rules.BINARY} == {*rule_grammar.BINARY}
    names = {name for name, _ in rule_grammar.UNARY}
    assert {*update_rules.UNARY} | {*rule_grammar.NUMBERS} == names


def test_draws_are_of_a_run_alone_new_in_each_step_and_the_same_again():
    rule = UpdateRule(parsed("drop(g, 0.5) + noise"), 0.1, 10, seed=4)
    whole, again, fewer = path(rule), path(rule), path(rule, x=starts(3)[:2])
    assert torch.equal(whole, again) and torch.equal(whole[:, :2], fewer)
    assert not torch.equal(path(UpdateRule(rule.term, 0.1, 10, seed=5)), whole)
    ones = torch.ones(1, 2000)
    u, state = rule.update(ones, rule.init(None, ones))
    assert not torch.equal(u, rule.update(ones, state)[0])
    assert (u > 1).double().mean().item() == pytest.approx(0.5, abs=0.05)
    assert u.mean().item() == pytest.approx(1, abs=0.1)


def test_restarts_begin_each_period_at_one_and_fall():
    rule, state = UpdateRule(parsed("rd"), 1.0, 100), (torch.zeros(1, 2), torch.zeros(()))
    falls = []
    for _ in range(10):
        u, state = rule.update(torch.ones(1, 2), state)
        falls.append(float(u))
    assert falls[0] == falls[5] == 1 and falls[:5] == sorted(falls[:5], reverse=True)
    assert falls[:5] == pytest.approx(falls[5:], abs=1e-6)


def test_equal_rules_are_known_by_their_steps_up_to_a_factor():
    for one, other in (
        ("g^2 * m", "m * g^2"),
        ("g + g", "2 * g"),
        ("m / sqrt(v)", "-(-m) / sqrt(v)"),
        ("sign(sign(g))", "sign(g^3)"),
        (POWER_SIGN, "g * exp(sign(m) * sign(g))"),
    ):
        assert fingerprint(parsed(one)) == fingerprint(parsed(other)) is not None
    different = ["g", "m", "adam", "rmsprop", "sign(g)", "clip(g, 0.001)", "drop(g, 0.1)"]
    different += ["drop(g, 0.3)", "g + noise", "g * ld", "g * cd", "g * rd", "g + 0.1w", POWER_SIGN]
    assert len({fingerprint(parsed(formula)) for formula in different}) == len(different)


@pytest.mark.parametrize("formula", ["-g", "1", "noise", "0.1w", "g - g", "exp(g / g^3)", "ld - 2"])
def test_what_is_good_for_nothing_is_known(formula):
    assert fingerprint(parsed(formula)) is None


def test_a_rule_comes_back_from_its_checkpoint(tmp_path):
    head = methods("symbolic")["symbolic_rule"]
    found = head.load()({"seed": 3})
    assert found.formula == "g"
    found.adopt(POWER_SIGN, 0.25)
    record = {"method": head.name, "hyperparameters": found.hyper, "formula": found.formula}
    file = tmp_path / "rule.safetensors"
    save_tensors(file, found.state_dict(), record)
    loaded = load_rule(file, 7)
    assert (loaded.formula, loaded.hyper["rate"], loaded.rule.steps) == (POWER_SIGN, 0.25, 7)
    assert torch.equal(path(loaded), path(UpdateRule(parsed(POWER_SIGN), 0.25, 7, 3)))
    for formula, told in ((None, "is missing in its record"), ("g +", "operand is missing")):
        save_tensors(file, found.state_dict(), record | {"formula": formula})
        with pytest.raises(InputError, match=told) as error:
            load_rule(file, 7)
        assert str(error.value).startswith(f"{file}: formula: ")
