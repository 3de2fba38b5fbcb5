"""Programs that tests have served end as they do alone."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

import warm_python
from real_pipeline import ROOT, environment_of, run

pytestmark = pytest.mark.skipif(not warm_python.served([]), reason="the server is for Linux")
SLOW = """\
import os, pathlib, time
aside = pathlib.Path("aside")
aside.write_text(str(os.getpid()))
aside.rename("process")
time.sleep(600)
"""


@pytest.mark.parametrize(("words", "code"), [(("methods",), 0), (("check", "nothing"), 2)])
def test_output_errors_and_exit_code_are_the_same(words, code):
    command = [sys.executable, str(ROOT / "src/l2o"), *words]
    served, alone = (run(ROOT, command, given) for given in ({}, warm_python.COLD))
    assert served.returncode == alone.returncode == code
    assert (served.stdout, served.stderr) == (alone.stdout, alone.stderr)
    assert served.stdout + served.stderr


def test_what_a_program_is_about_is_its_own(tmp_path):
    script = tmp_path / "src/l2o"
    script.parent.mkdir()
    script.write_text("import os, sys; print(os.environ['NAME'], os.getcwd(), *sys.argv[1:])\n")
    for name in ("first", "second"):
        done = run(tmp_path, [sys.executable, str(script), "a", "b c"], {"NAME": name})
        assert done.stdout == f"{name} {tmp_path.resolve()} a b c\n"
    script.write_text("raise SystemExit('no')\n")
    done = run(tmp_path, [sys.executable, str(script)])
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "no\n")


def test_what_does_the_work_of_a_killed_program_is_killed(tmp_path):
    script, process = tmp_path / "src/l2o", tmp_path / "process"
    script.parent.mkdir()
    script.write_text(SLOW)
    asking = subprocess.Popen(
        [sys.executable, str(script)], cwd=tmp_path, env=environment_of(tmp_path)
    )
    until(process.exists)
    work = int(process.read_text())
    assert work != asking.pid and psutil.pid_exists(work)
    asking.kill()
    asking.wait()
    until(lambda: not psutil.pid_exists(work))


def until(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)
