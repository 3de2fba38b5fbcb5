"""Where a checkout lies, and what is around it: jobs run its sources with Snakemake's Python."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from real_pipeline import ROOT, copy_repository, snakemake_command

pytestmark = pytest.mark.pipeline
ODD = 'a:b, it\'s {odd} $HOME; 50% "ü"\n*'
DECOY = 'raise ImportError("a module that is none of the business of this checkout")\n'
SET = "results/smoke/lasso/sets/m5_n10.h5"


def test_jobs_run_the_sources_of_their_checkout_wherever_it_lies(tmp_path):
    """No activated environment, a path of odd letters, modules in the way, another checkout."""
    real = copy_repository(tmp_path / ODD)
    folder = tmp_path / "through a link"
    folder.symlink_to(real)
    seeds = real / "src/l2o/seeds.py"
    seeds.write_text(f"{seeds.read_text()}\n\nOWN = 1\n")  # keys that no other checkout has
    decoys = tmp_path / "decoys"
    for name in ("l2o/__init__.py", "torch.py"):
        for place in (decoys, real) if name == "torch.py" else (decoys,):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(DECOY)
    (real / "pydantic.py").write_text(DECOY)
    environment = {**os.environ, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(decoys)}
    environment |= {"PYTHONSAFEPATH": "1", "PYTHONSTARTUP": str(decoys / "torch.py")}

    def run(*command: str, **more: str) -> subprocess.CompletedProcess:
        given = {"env": environment | more, "text": True, "capture_output": True, "check": False}
        return subprocess.run(command, cwd=folder, **given)

    done = run(*snakemake_command("--cores", "1", "--", SET))
    logs = [path.read_text() for path in (real / "logs").rglob("*.log")]
    assert done.returncode == 0, (done.stderr, logs)
    verified = run(sys.executable, "src/l2o", "verify", "--preset", "smoke")
    assert verified.returncode == 1 and verified.stderr == ""
    assert verified.stdout.splitlines()[-1].startswith("smoke: 1 valid, 0 stale, ")
    # Another checkout's `l2o` would hold this one's files against keys that they cannot have.
    script = "from l2o.cli import main; main()"
    foreign = run(sys.executable, "-P", "-c", script, PYTHONPATH=str(ROOT / "src"))
    assert (foreign.returncode, foreign.stdout) == (2, "")
    (told,) = foreign.stderr.splitlines()
    assert told.startswith("error: src/l2o: is not what runs") and "`python src/l2o`" in told


@pytest.mark.parametrize(
    ("place", "made"), [("here", False), ("link/here", False), ("elsewhere", True), ("gone", True)]
)
def test_make_sets_up_a_moved_environment_again(tmp_path, place, made):
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "elsewhere/.venv").mkdir(parents=True)
    here = tmp_path / "here"
    for name in ("requirements.lock", "pyproject.toml", "params/fig5.yaml", "Makefile"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).touch()
    (here / "Makefile").write_text((ROOT / "Makefile").read_text())
    (here / ".venv/bin").mkdir(parents=True)
    (here / ".venv/bin/activate").write_text(f'VIRTUAL_ENV="{tmp_path / place / ".venv"}"\n')
    (here / ".venv/installed").touch()
    run = subprocess.run(["make", "--dry-run", "fig5"], cwd=here, capture_output=True, text=True)
    assert run.returncode == 0 and "snakemake --cores" in run.stdout, run.stderr
    assert ("-m venv --clear .venv" in run.stdout) == made
    assert ("-m venv" in run.stdout) == made
