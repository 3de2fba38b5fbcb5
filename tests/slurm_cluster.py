"""A Slurm cluster of two virtual nodes on this machine, for the time of a test."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sinfo", "sbatch", "srun", "scancel")
PATIENCE = 120  # seconds; a slow machine only takes longer to become ready
CONFIGURATION = """\
ClusterName=l2o-test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
MinJobAge=86400
KillWait=2
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmdSpoolDir={folder}/spool.%n
StateSaveLocation={folder}/state
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=DEFAULT CPUs={cpus} RealMemory=32000 State=UNKNOWN
NodeName=plain NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]}
NodeName=graphic NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} Gres=gpu:2
PartitionName=cpu Nodes=plain,graphic Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=graphic MaxTime=INFINITE State=UP
"""
PARTITIONS = """\
partitions:
  cpu: {max_mem_mb: 32000, max_runtime: 600}
  gpu: {max_mem_mb: 32000, max_runtime: 600, max_gpu: 2}
"""
# The plugin takes all SLURM_* out of a step's environment, this variable too.
SRUN = """\
#!/bin/sh
SLURM_CONF={folder}/slurm.conf exec {srun} "$@"
"""


@dataclass(frozen=True)
class Cluster:
    """A running cluster; ``environment`` is what a process needs to submit to it."""

    folder: Path
    environment: dict[str, str]

    def tell(self, *command: str) -> str:
        """Run a Slurm command, and return what it prints; an empty text where it fails."""
        environment = {**os.environ, **self.environment}
        run = subprocess.run(
            command, env=environment, text=True, capture_output=True, check=False, timeout=PATIENCE
        )
        return run.stdout if run.returncode == 0 else ""

    def idle(self) -> bool:
        """Whether both nodes wait for jobs."""
        return self.tell("sinfo", "--noheader", "--Node", "-p", "cpu", "-o", "%T").split() == [
            "idle",
            "idle",
        ]

    def empty(self) -> bool:
        """Whether no job is pending, running or ending, and the controller says so."""
        return (
            "end"
            in self.tell(
                "sh",
                "-c",
                "squeue --noheader -t PENDING,RUNNING,COMPLETING,CONFIGURING && echo end",
            ).splitlines()[:1]
        )


def missing() -> str:
    """Return why no cluster can be started here, or an empty text."""
    if os.name != "posix" or os.geteuid() != 0:
        return "a Slurm cluster for tests needs root"
    absent = [program for program in PROGRAMS if find(program) is None]
    if absent:
        return f"{', '.join(absent)} not installed (packages slurmctld slurmd slurm-client munge)"
    try:
        with tempfile.TemporaryDirectory() as folder:
            make_device(Path(folder) / "gpu0", 0)
    except PermissionError:
        return "no device files, which stand for GPUs, can be made here"
    return ""


def make_device(path: Path, number: int) -> None:
    """Make the device file of an NVIDIA GPU, whether or not there is one."""
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(195, number))


def find(program: str) -> str | None:
    """Return the path of a program, looked for in the folders of administrators as well."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def until(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait until ``condition`` holds."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {patience:.0f} s in vain until {what}")
        time.sleep(0.1)


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Start the daemons with all their files in ``folder``, and stop them whatever happens."""
    cluster = Cluster(folder, configure(folder))
    environment = {**os.environ, **cluster.environment}
    socket_file = folder / "munge.socket"
    files = [f"--{name}-file={folder}/munged.{name}" for name in ("key", "pid", "log", "seed")]
    daemons: list[subprocess.Popen[bytes]] = []

    def ready(condition: Callable[[], bool]) -> bool:
        ended = [process.args[-1] for process in daemons if process.poll() is not None]
        if ended:
            logs = "\n".join(f"{log}: {log.read_text()}" for log in sorted(folder.glob("*.log")))
            raise RuntimeError(f"daemons ended by themselves: {ended}\n{logs}")
        return condition()

    with ExitStack() as stack:

        def start(name: str, *command: str) -> None:
            daemons.append(stack.enter_context(daemon(folder / name, environment, *command)))

        start("munged.out", "munged", "--foreground", "--force", f"--socket={socket_file}", *files)
        until(lambda: ready(socket_file.exists), "munged listens")
        start("slurmctld.log", "slurmctld", "-D")
        for node in ("plain", "graphic"):
            start(f"slurmd.{node}.log", "slurmd", "-D", "-N", node)
        until(lambda: ready(cluster.idle), f"both nodes are idle; see the logs in {folder}")
        try:
            yield cluster
        finally:
            cluster.tell("scancel", "--user", "root")
            until(cluster.empty, "all jobs have ended")


def configure(folder: Path) -> dict[str, str]:
    """Write the cluster's files, and return the environment that points to them."""
    for name in ("state", "bin"):
        (folder / name).mkdir()
    key = folder / "munged.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    folder.chmod(0o755)  # munged refuses a socket in a folder that others cannot enter
    text = CONFIGURATION.format(
        host=socket.gethostname().split(".")[0],
        folder=folder,
        ports=free_ports(3),
        cpus=max(2, os.cpu_count() or 1),
    )
    (folder / "slurm.conf").write_text(text)
    # Slurm wants device files, but only hands out their numbers; nothing opens them.
    for number in range(2):
        make_device(folder / f"gpu{number}", number)
    gres = f"NodeName=graphic Name=gpu Count=2 File={folder}/gpu[0-1]\n"
    (folder / "gres.conf").write_text(gres)
    (folder / "partitions.yaml").write_text(PARTITIONS)
    wrapper = folder / "bin" / "srun"
    wrapper.write_text(SRUN.format(folder=folder, srun=find("srun")))
    wrapper.chmod(0o755)
    return {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}:/usr/sbin:/sbin",
        "SLURM_CONF": str(folder / "slurm.conf"),
        "SNAKEMAKE_SLURM_PARTITIONS": str(folder / "partitions.yaml"),
    }


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def daemon(
    log: Path, environment: dict[str, str], program: str, *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in the foreground of its own session, until the block ends."""
    # Where there is setpriv, a killed test takes its daemons along.
    guard = [setpriv, "--pdeathsig", "TERM"] if (setpriv := find("setpriv")) else []
    with log.open("w") as output:
        process = subprocess.Popen(
            [*guard, str(find(program)), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
