"""How to run: params/run.yaml as a model, and what is given by hand instead."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from every_room import ROOT
from l2o.config.run import FILE, RunSettings, run_settings
from l2o.errors import InputError

LINES = (ROOT / FILE).read_text("utf-8").splitlines()
FUZZ = settings(max_examples=500, derandomize=True, deadline=None, database=None)
WORDS = st.sampled_from(
    [
        *("preset", "cache", "methods", "smoke", "cahce", "laptop", "alista", "'", '"', "[", "{"),
        *("&a", "*a", "<<", ": ", "- ", "!!int", "\n", "\t", "---", "#", "|", "yes", "5", "\0"),
        *("é", "\ufeff"),
    ]
)
LETTERS = st.text(max_size=3)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    FILE.parent.mkdir()
    FILE.write_text("\n".join(LINES), "utf-8")
    return tmp_path


def said(text: str) -> RunSettings:
    FILE.write_text(text, "utf-8")
    return run_settings()


def test_the_file_of_the_repository_says_laptop_and_nothing_else():
    assert run_settings() == RunSettings(preset="laptop", image_mirror="", cache="")


def test_what_is_missing_has_a_default():
    assert said("preset: smoke\n") == RunSettings(preset="smoke")
    assert said("cache:\nimage_mirror: images\n").image_mirror == "images"
    assert RunSettings() == RunSettings(preset="laptop", image_mirror=None, cache=None)


def test_what_is_given_by_hand_wins():
    assert run_settings({"preset": "paper", "cache": "/shared"}).cache == "/shared"
    assert run_settings({"preset": "paper"}).preset == "paper"
    assert run_settings({"methods": ["mine", "alista"]}).methods == ["mine", "alista"]
    assert run_settings({"methods": "mine,alista"}).methods == ["mine", "alista"]
    assert run_settings({"methods": "mine"}).methods == ["mine"]
    said("preset: smoke\nmethods: [alista]\n")
    assert run_settings({}).methods == ["alista"]
    assert run_settings({"methods": "lamp"}).methods == ["lamp"]


FAULTS = [
    ("cahce: somewhere", "cahce: unknown key; did you mean `cache`?"),
    ("prset: smoke", "prset: unknown key; did you mean `preset`?"),
    ("cache: 5", "cache: Input should be a valid string, found 5"),
    ("cache: [a]", "cache: Input should be a valid string"),
    ('cache: "a\\0b"', "cache: String should match pattern"),
    ("image_mirror: true", "image_mirror: Input should be a valid string, found True"),
    ("preset: 5", "preset: Input should be 'smoke', 'laptop' or 'paper', found 5"),
    ("preset: papers", "preset: Input should be 'smoke', 'laptop' or 'paper', found 'papers'"),
    ("preset:", "preset: Input should be 'smoke', 'laptop' or 'paper', found None"),
    ("methods: []", "methods: List should have at least 1 item"),
    ("methods:", "methods: Input should be a valid"),
    ("methods: [a b]", "methods.0: String should match pattern"),
    ("methods: 'a,,b'", "methods.1: String should match pattern"),
    ("methods: [5]", "methods.0: Input should be a valid string, found 5"),
]


@pytest.mark.parametrize(("line", "problem"), FAULTS)
def test_a_fault_is_told_with_the_file_or_as_given_by_hand(line, problem):
    with pytest.raises(InputError) as error:
        said(line)
    assert str(error.value).startswith(f"params/run.yaml: {problem}"), error.value
    key, _, value = line.partition(": ")
    by_hand = {"[]": [], "5": 5, "[a]": ["a"], "[a b]": ["a b"], "[5]": [5], "true": True}
    by_hand |= {"": None, '"a\\0b"': "a\0b", "'a,,b'": "a,,b"}
    said("preset: laptop")
    with pytest.raises(InputError) as error:
        run_settings({key.rstrip(":"): by_hand.get(value, value)})
    assert str(error.value).startswith(f"--config: {problem}"), error.value


def test_a_missing_file_and_a_key_given_twice_are_told():
    with pytest.raises(InputError, match=r"run\.yaml: line 2: the key `preset` is given twice"):
        said("preset: smoke\npreset: laptop\n")
    FILE.unlink()
    with pytest.raises(InputError, match=r"params/run\.yaml: no such parameter file"):
        run_settings()


def tried(given_by_hand=None) -> None:
    """Settings, or one line."""
    try:
        found = run_settings(given_by_hand)
    except InputError as error:
        text = str(error)
        assert text.startswith(("params/run.yaml: ", "--config: ")) and error.remedy
        assert len(text.splitlines()) == 1 and text.isprintable() and len(text) < 2000
    else:
        assert found.preset in ("smoke", "laptop", "paper")
        assert all(isinstance(name, str) and name for name in found.methods)


@FUZZ
@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 6), WORDS | LETTERS), max_size=4))
def test_whatever_stands_in_the_file_is_taken_or_told_in_one_line(changes):
    text = "\n".join(LINES)
    for at, removed, added in changes:
        at = at * len(text) // 200
        text = text[:at] + added + text[at + removed :]
    FILE.write_bytes(text.encode("utf-8", "surrogatepass"))
    tried()


KEYS = st.sampled_from(["preset", "methods", "cache", "image_mirror", "prset", "\n", "", 5, (1, 2)])
ODD = [None, True, -1, 10**30, float("nan"), 1e300, datetime.date(2021, 1, 1), b"\xff", "\udcff"]
LEAVES = st.sampled_from([*ODD, "smoke", "alista", "a,b", "", "a b", "x" * 100_000]) | LETTERS
VALUES = LEAVES | st.lists(LEAVES, max_size=3) | st.dictionaries(KEYS, LEAVES, max_size=2)


@FUZZ
@given(st.dictionaries(KEYS, VALUES, max_size=3))
def test_whatever_is_given_by_hand_is_taken_or_told_in_one_line(by_hand):
    tried(by_hand)


def test_dates_of_yaml_1_1_in_a_configfile_are_no_folders_but_texts():
    assert run_settings({"cache": datetime.date(2021, 1, 1)}).cache == "2021-01-01"
