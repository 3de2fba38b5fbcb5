"""Every profile is read by Snakemake, and asks for a GPU only where the parameters do."""

from __future__ import annotations

import importlib.util
import subprocess

import pytest
import yaml

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
    return copy_repository(tmp_path_factory.mktemp("profiles"))


def dry_run(folder, name: str) -> subprocess.CompletedProcess:
    cores = [] if {"jobs", "cores"} & set(profile(name)) else ["--cores", "1"]
    return snakemake(folder, "--profile", f"profiles/{name}", *cores, *TARGET)


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
    run = dry_run(folder, name)
    assert run.returncode == 0, run.stderr
    assert "profiles/default" in run.stderr  # its keys hold as well


@pytest.mark.pipeline
@pytest.mark.parametrize(("device", "gpus"), [("cpu", None), ("auto", None), ("cuda", 1)])
def test_a_training_asks_for_a_gpu_only_with_device_cuda(tmp_path, device, gpus):
    copy_repository(tmp_path)
    parameters = tmp_path / "params/fig5.yaml"
    parameters.write_text(parameters.read_text("utf-8").replace("device: cpu", f"device: {device}"))
    asks = 'print("asks for", [rule.resources.get("gpu") for rule in workflow.rules])'
    (tmp_path / "asking.smk").write_text(f'include: "Snakefile"\n{asks}\n')
    run = snakemake(tmp_path, "--snakefile", "asking.smk", "--cores", "1", *TARGET)
    assert run.returncode == 0, run.stderr
    told = next(line for line in run.stdout.splitlines() if line.startswith("asks for"))
    assert told.count("1") == (gpus or 0) and told.count("None") >= 8
