"""YAML as parameter files have it: plain words of YAML 1.2, keys once, merges, and bounds."""

from __future__ import annotations

import json
import time

import pytest
import yaml

from conftest import told
from every_room import ROOT
from l2o.config.loading import read_yaml
from l2o.config.plain_yaml import DEEPEST, LARGEST, parsed, plain
from l2o.errors import InputError

FILES = sorted((ROOT / "params").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_files_of_the_repository_mean_what_they_meant(path):
    content = path.read_text("utf-8")
    assert json.dumps(read_yaml(path)) == json.dumps(yaml.safe_load(content))  # and in this order


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("", None), ("~", None), ("null", None), ("true", True), ("False", False)),
        *(("0", 0), ("-7", -7), ("+5", 5), ("2021", 2021), ("999999999999999999", 10**18 - 1)),
        *(("1.5", 1.5), ("-.5", -0.5), ("1.", 1.0), ("5.0e-3", 5e-3), ("1e3", 1000.0)),
        *((text, text) for text in ("yes", "no", "On", "off", "y", "0100", "00.5", "10:00")),
        *((text, text) for text in ("0x10", "0o17", "0b1", "0x_", "1_000", "2021-01-01", "1e")),
        *((text, text) for text in ("2021-13-45", ".inf", "-.INF", ".nan", "nan", "1.2.3", "nul")),
    ],
)
def test_a_plain_word_means_what_yaml_1_2_says_or_itself(text, value):
    assert plain(text) == value and type(plain(text)) is type(value)
    assert parsed(f"a: {text}\nb: '{text}'".encode(), "p") == {"a": value, "b": text}


def test_numbers_of_more_than_64_bits_are_no_integers():
    for digits in (19, 400, 5000):
        assert isinstance(plain("9" * digits), float)


def test_quotes_blocks_comments_and_order_are_as_usual():
    text = "b: 'yes'  # a text\na: \"0100\"\nc: |\n  1\n  2\nd: [1, {e: null}]\n"
    found = parsed(text.encode(), "p")
    assert found == {"b": "yes", "a": "0100", "c": "1\n2\n", "d": [1, {"e": None}]}
    assert [*found] == ["b", "a", "c", "d"]
    assert parsed(b"", "p") is None and parsed(b"# nothing\n", "p") is None
    assert parsed(b"---\na: 1\n...\n", "p") == {"a": 1}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_of_editors_that_mark_their_encoding_are_read(encoding):
    assert parsed("titel: Größe\n".encode(encoding), "p") == {"titel": "Größe"}


def test_merges_are_as_in_yaml_1_1():
    text = """
    one: &one {a: 1, b: 2}
    two: &two {b: 3, c: 4}
    own: {<<: *one, b: 9, d: 5}
    late: {b: 9, <<: *one}
    both: {<<: [*one, *two], z: 0}
    again: &again {<<: *two, e: 6}
    twice: {<<: *again, f: 7}
    """
    found = parsed(text.encode(), "p")
    assert json.dumps(found) == json.dumps(yaml.safe_load(text))
    assert found["both"] == {"a": 1, "b": 2, "c": 4, "z": 0} and found["own"]["b"] == 9


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "the key `a` is given twice, first in line 1; keep one"),
        ("a:\n  b: 1\n  c: 2\n  b: 1\n", 4, "the key `b` is given twice, first in line 2"),
        ("a: {b: 1,\n b: 2}\n", 2, "the key `b` is given twice, first in line 1"),
        ("'a': 1\n\"a\": 2\n", 2, "the key `a` is given twice"),
        ("- {x: [{y: 1, y: 2}]}\n", 1, "the key `y` is given twice"),
        ("a: &a {b: 1}\nc:\n  <<: *a\n  <<: *a\n", 4, "the key `<<` is given twice"),
        ("a: 1\n1: 2\n", 2, "the key 1 is no text; put it in quotes"),
        ("1.0: 2\n1: 2\n", 1, "the key 1.0 is no text"),
        ("true: 1\n", 1, "the key True is no text"),
        ("~: 1\n", 1, "the key None is no text"),
        ("? [a, b]\n: 1\n", 1, "is no text"),
        ("a: 1\nb: !!int abc\n", 2, "a tag, tag:yaml.org,2002:int; write the value without it"),
        ("b: !!int 5\n", 1, "a tag"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, "a tag, tag:yaml.org,2002:python"),
        ("a: !!binary aGk=\n", 1, "a tag"),
        ("!!set {a, b}\n", 1, "a tag"),
        ("a: !mine 5\n", 1, "a tag, !mine"),
        ("a: ! 5\n", 1, "a tag, !"),
        ("a: 1\n---\nb: 2\n", 2, "a second document begins; keep one"),
        ("a: *b\n", 1, "*b is not known yet"),
        ("a: &a [*a]\n", 1, "*a is not known yet"),
        ("a: 1\nb: {<<: 5}\n", 2, "`<<` takes mappings only"),
        ("b: &b [1]\na: {<<: [*b]}\n", 2, "`<<` takes mappings only"),
        ("a: 1\n\tb: 2\n", 2, "is not valid YAML"),
        ("a: {b: 1\n", 2, "is not valid YAML (while parsing a flow mapping, did not find"),
        ("a: b: c\n", 1, "is not valid YAML"),
        ("a: 'b\n", 2, "is not valid YAML"),
        ("%YAML 3.0\n---\na: 1\n", 1, "is not valid YAML"),
        ("[\n" * 99, DEEPEST + 2, "more than 40 levels"),
        ("[" * 3000, 1, "more than 40 levels"),
        ("[" * 300_000, 1, "more than 40 levels"),
        ("a:\n" + "- 1\n" * (LARGEST + 1), LARGEST - 1, "more than 40 levels or 100,000 values"),
    ],
)
def test_what_is_more_than_that_is_told_with_its_line(text, line, problem):
    with pytest.raises(InputError) as error:
        parsed(text.encode(), "p.yaml")
    found = str(error.value)
    assert found.startswith(f"p.yaml: line {line}: ") and problem in found, found
    assert "\n" not in found and len(found) < 300


@pytest.mark.parametrize("content", [b"a: \0\n", b"a: \xff", b"\x80", b"a: \x07"])
def test_bytes_that_are_no_text_are_told(content):
    with pytest.raises(InputError, match=r"p\.yaml: .*is not valid YAML .*; correct the syntax"):
        parsed(content, "p.yaml")


def test_aliases_blow_nothing_up():
    began = time.monotonic()
    lists = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lists += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(InputError, match="more than 40 levels or 100,000 values"):
        parsed("\n".join(lists).encode(), "p")
    merges = ["a0: &a0 {x: 1}"]
    merges += [f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}], k{i}: 1}}" for i in range(1, 14)]
    assert len(parsed("\n".join(merges[:8]).encode(), "p")["a7"]) == 8
    with pytest.raises(InputError, match="more than 40 levels or 100,000 values"):
        parsed("\n".join([*merges, "b: [*a13, *a13, *a13, *a13, *a13, 1]"]).encode(), "p")
    assert time.monotonic() - began < 2


def test_a_file_without_end_is_given_up(tmp_path):
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * 1_000_001)
    for path in (large, "/dev/zero"):
        with pytest.raises(InputError) as error:
            read_yaml(path)
        told(error, path, "has more than 1,000,000 bytes")
