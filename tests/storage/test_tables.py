"""Tables: every bit kept, the same bytes twice, joined to the letter, damaged ones told."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from conftest import told
from l2o.errors import InputError
from l2o.storage import json_files
from l2o.storage.tables import joined, read_rows, read_table, write_table

VALUES = [0.1, 1 / 3, -np.inf, np.nan, 1e-320, 123456789.123456789, 5e-324, -0.0, 1e300]
ROWS = [{"name": f"é{i}", "value": value} for i, value in enumerate(VALUES)]


def test_tables_keep_every_bit_and_repeat_to_the_byte(tmp_path):
    for name in ("a.csv", "b.csv"):
        write_table(tmp_path / name, ROWS)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert b"\r" not in (tmp_path / "a.csv").read_bytes()
    for found in (read_table(tmp_path / "a.csv"), pd.DataFrame(read_rows(tmp_path / "a.csv"))):
        pd.testing.assert_frame_equal(found, pd.DataFrame(ROWS), check_exact=True)


def test_rows_frames_and_pandas_give_the_same_bytes(tmp_path):
    texts = ["a,b", 'say "x"', "two\nlines", "", "é"]
    rows = [{"text": texts[i], "count": i, "share": 10.0**-i, "yes": i % 2 == 0} for i in range(5)]
    frame = pd.DataFrame(rows)
    write_table(tmp_path / "rows.csv", iter(rows))
    write_table(tmp_path / "frame.csv", frame)
    frame.to_csv(tmp_path / "pandas.csv", index=False, lineterminator="\n")
    contents = {path.read_bytes() for path in tmp_path.glob("*.csv")}
    assert len(contents) == 1
    assert read_rows(tmp_path / "rows.csv") == rows


def test_scalars_of_numpy_and_torch_are_numbers(tmp_path):
    kinds = [np.float64(0.1), np.float32(0.1), np.int64(3), np.bool_(True), torch.tensor(0.5)]
    write_table(tmp_path / "a.csv", [{f"c{i}": value for i, value in enumerate(kinds)}])
    expected = {"c0": 0.1, "c1": float(np.float32(0.1)), "c2": 3, "c3": True, "c4": 0.5}
    (row,) = read_rows(tmp_path / "a.csv")
    assert row == expected and [type(v) for v in row.values()] == [float, float, int, bool, float]


def test_columns_are_all_that_some_row_has_and_the_rest_is_empty(tmp_path):
    write_table(tmp_path / "a.csv", [{"a": 1, "b": "x"}, {"c": 2.5, "a": 2}, {"b": None, "a": 3}])
    assert (tmp_path / "a.csv").read_text() == "a,b,c\n1,x,\n2,,2.5\n3,,\n"
    rows = read_rows(tmp_path / "a.csv")
    assert [row["b"] for row in rows] == ["x", "", ""] and np.isnan(rows[0]["c"])
    write_table(tmp_path / "b.csv", pd.DataFrame(columns=["a", "b"]))
    assert (tmp_path / "b.csv").read_text() == "a,b\n" and read_rows(tmp_path / "b.csv") == []


def test_names_stay_names_whatever_they_look_like(tmp_path):
    names = ["10", "010", "1e5", "1_0", "True", "nan", "NaN", "NA", "None", "null", "inf", "_"]
    rows = [{"setting": n, "method": n, "panel": n, "value": 0.5} for n in names]
    for some in (rows, rows[:1], rows[4:5], rows[5:6]):
        write_table(tmp_path / "a.csv", some)
        joined([tmp_path / "a.csv"], tmp_path / "b.csv")
        assert read_rows(tmp_path / "b.csv") == some
        assert read_table(tmp_path / "b.csv").to_dict("records") == some


def test_what_only_looks_like_a_number_stays_text(tmp_path):
    rows = [{"a": "25_50", "b": "1", "c": "True"}, {"a": "7_1", "b": "x", "c": "no"}]
    write_table(tmp_path / "a.csv", rows)
    assert read_rows(tmp_path / "a.csv") == rows


def test_joined_tables_have_all_rows_to_the_letter(tmp_path):
    (tmp_path / "a.csv").write_text('x,name\n0.10,"a,b"\n1e-3,\n')
    (tmp_path / "b.csv").write_text("x,name\n2,c\n")
    joined([tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "same.csv")
    assert (tmp_path / "same.csv").read_text() == 'x,name\n0.10,"a,b"\n1e-3,\n2,c\n'
    (tmp_path / "c.csv").write_text("y,x\n7,8")
    joined([tmp_path / f"{name}.csv" for name in "acb"], tmp_path / "union.csv")
    expected = 'x,name,y\n0.10,"a,b",\n1e-3,,\n8,,7\n2,c,\n'
    assert (tmp_path / "union.csv").read_text() == expected


def test_tables_and_json_that_cannot_be_read_are_told(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "ragged").write_text("a,b\n1,2\n1,2,3\n")
    (tmp_path / "bytes").write_bytes(b"a,b\n\xff\xfe,1\n")
    readers = [read_table, read_rows, lambda path: joined([path], tmp_path / "out.csv")]
    for name in ("none", "empty", "ragged", "bytes"):
        for reader in readers:
            with pytest.raises(InputError) as error:
                reader(tmp_path / name)
            told(error, tmp_path / name)
    assert not (tmp_path / "out.csv").exists()
    for name in ("none", "empty", "bytes"):
        with pytest.raises(InputError) as error:
            json_files.read_json(tmp_path / name)
        told(error, tmp_path / name)


def test_json_reads_back(tmp_path):
    json_files.write_json(tmp_path / "a.json", {"b": 0.1, "a": ["ü", None]})
    assert json_files.read_json(tmp_path / "a.json") == {"b": 0.1, "a": ["ü", None]}


def test_jobs_do_not_import_what_they_do_not_use():
    """A training or an evaluation pays for torch, NumPy, h5py and pydantic, and no more."""
    code = "import sys, l2o.training.unrolled, l2o.training.recurrent, l2o.solvers.opening\n"
    code += "from l2o.compute import prepare_device\nprepare_device('cpu', 1)\n"
    code += "unused = {'pandas', 'scipy', 'matplotlib', 'yaml', 'torch._inductor.config'}\n"
    code += "assert not unused & set(sys.modules), unused & set(sys.modules)\n"
    subprocess.run([sys.executable, "-c", code], check=True)
