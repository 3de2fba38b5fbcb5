"""Parameter files as files: what cannot be read, what holds no keys, and the nearest valid key."""

from __future__ import annotations

import pytest

from conftest import told
from every_room import ROOMS, params_of
from l2o.config.experiment import load_parameters
from l2o.config.loading import read_yaml
from l2o.config.nearest import unknown_key
from l2o.errors import InputError
from l2o.experiments.room import known_hyperparameters
from parameter_files import changed


@pytest.mark.parametrize("content", ["", "just a text", "[1, 2]", "a: {b: 1", "a: 1\n\tb: 2"])
def test_a_file_that_holds_no_mapping_is_told(tmp_path, content):
    path = tmp_path / "p.yaml"
    path.write_text(content, "utf-8")
    with pytest.raises(InputError, match=r"holds no keys|is not valid YAML") as error:
        read_yaml(path)
    told(error, path)


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(InputError) as error:
            read_yaml(path)
        told(error, path, "check the path")
    (tmp_path / "bytes.yaml").write_bytes(b"seed: \xff\xfe")
    with pytest.raises(InputError, match="is not valid YAML"):
        read_yaml(tmp_path / "bytes.yaml")


def test_the_nearest_key_is_told_or_all_of_them():
    assert str(unknown_key("f", "a.sead", ["seed", "lam"])) == (
        "f: a.sead: unknown key; did you mean `seed`?"
    )
    assert str(unknown_key("f", "xyz", ["b", "a"])) == "f: xyz: unknown key; valid are a, b"


@pytest.mark.parametrize("name", ROOMS)
def test_a_fault_in_a_real_file_is_told_with_its_place(name, tmp_path):
    path = changed(params_of(name), tmp_path, "sead", 1)
    with pytest.raises(InputError) as error:
        load_parameters(ROOMS[name].model, path, known_hyperparameters())
    told(error, path, "sead: unknown key; did you mean `seed`?")
