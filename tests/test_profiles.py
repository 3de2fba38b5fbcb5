"""Every profile is read by Snakemake, and asks for a GPU only where the parameters do."""

from __future__ import annotations

import importlib.util
import re
import shutil

import pytest
import yaml

from every_room import content_of, room
from real_pipeline import RESULTS, ROOT, copy_repository, snakemake

PROFILES = sorted(path.parent.name for path in ROOT.glob("profiles/*/profile.v9+.yaml"))
TARGET = ("--dry-run", "--", str(RESULTS / "checkpoints/coherent/lista.safetensors"))
INSTALLED = {"local"} | {
    name
    for name in ("slurm", "cluster-generic", "kubernetes")
    if importlib.util.find_spec(f"snakemake_executor_plugin_{name.replace('-', '_')}")
}


def profile(name: str) -> dict:
    return yaml.safe_load((ROOT / "profiles" / name / "profile.v9+.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the repository, with a Snakefile that also tells which rules ask for a GPU."""
    made = copy_repository(tmp_path_factory.mktemp("profiles"))
    asks = "print('asks:', *[rule.name for rule in workflow.rules if 'gpu' in rule.resources])"
    (made / "asking.smk").write_text(f'include: "Snakefile"\n{asks}\n')
    return made


def asking(folder, name: str) -> list[str]:
    """Make a dry run with a profile; return the names of the rules that ask for a GPU."""
    cores = [] if {"jobs", "cores"} & set(profile(name)) else ["--cores", "1"]
    given = ("--snakefile", "asking.smk", "--profile", f"profiles/{name}", *cores)
    run = snakemake(folder, *given, *TARGET)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "profiles/default" in run.stderr  # its keys hold as well
    return re.search(r"^asks:(.*)", run.stdout, re.M)[1].split()


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_shares_no_key_with_the_default_one_which_would_win(name):
    assert isinstance(profile(name), dict)
    assert name == "default" or not profile(name).keys() & profile("default").keys()


@pytest.mark.pipeline
@pytest.mark.parametrize("name", PROFILES)
def test_snakemake_accepts_the_profile(folder, name):
    executor = profile(name).get("executor", "local")
    if executor not in INSTALLED:
        pytest.skip(f"the executor plugin for {executor} is not installed")
    assert asking(folder, name) == []


@pytest.mark.pipeline
def test_a_training_asks_for_a_gpu_with_device_cuda(folder, tmp_path):
    for part in ("Snakefile", "asking.smk", "workflow", "src", "data", "profiles"):
        (tmp_path / part).symlink_to(folder / part)
    shutil.copytree(folder / "params", tmp_path / "params")
    parameters = tmp_path / "params/fig5.yaml"
    parameters.write_text(parameters.read_text("utf-8").replace("device: cpu", "device: cuda"))
    assert asking(tmp_path, "workstation-gpu") == ["train"]


@pytest.mark.parametrize(("device", "gpu"), [("cpu", False), ("auto", False), ("cuda", True)])
def test_only_trainings_with_device_cuda_use_a_gpu(device, gpu):
    one = room("sparse_recovery", content_of("sparse_recovery") | {"device": device})
    assert {job.kind for job in one.jobs() if job.resources.gpu} == ({"train"} if gpu else set())
