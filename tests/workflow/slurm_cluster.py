"""A real Slurm of one node with one GPU, for a test session: munged, slurmctld and slurmd of Debian's packages.

It needs root, and neither systemd, cgroups nor a database. The GPU is one in name only: Slurm hands it out like any
other, and torch does not find it.
"""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

CONFIG_FOLDER = Path("/etc/slurm")
"""Where Slurm's commands look. The Snakemake plugin drops SLURM_CONF from the environment of its steps."""
DAEMONS = ("munged", "slurmctld", "slurmd")
START_S = 60

SLURM_CONF = """\
ClusterName=cnntention
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MailProg=/bin/true
ReturnToService=2
# A node may have more cores and memory in name than in fact, so that the profile's requests fit any test machine.
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
# Finished jobs stay on record, for Snakemake's polls and for what the tests look up.
MinJobAge=3600
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=16 RealMemory=64000 Gres=gpu:1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
# A job of "urgent" preempts others: in "main" they have 20 s to end by themselves, in "strict" they are requeued.
PartitionName=main Nodes={host} Default=YES MaxTime=1-0 PriorityTier=1 GraceTime=20
PartitionName=strict Nodes={host} MaxTime=1-0 PriorityTier=1
PartitionName=urgent Nodes={host} MaxTime=1-0 PriorityTier=2 PreemptMode=OFF
"""
GRES_CONF = """\
AutoDetect=off
Name=gpu File=/dev/null
"""


def unavailable() -> str | None:
    """Why no Slurm can be had on this machine; None where it can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "Slurm's daemons need root here"
    missing = [name for name in (*DAEMONS, "sbatch", "srun", "squeue", "scontrol", "scancel") if not shutil.which(name)]
    if missing:
        return f"{', '.join(missing)} not found: apt-get install slurm-wlm munge"
    present = [str(path) for path in (CONFIG_FOLDER / "slurm.conf", CONFIG_FOLDER / "gres.conf") if _is_there(path)]
    if present:
        return f"{', '.join(present)}: this machine has a Slurm of its own (or a killed test left it)"
    return None


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


class Cluster:
    """Slurm's commands, as the tests need them."""

    def jobs(self, comment: str = "") -> list[dict[str, str]]:
        """Slurm's own record of its jobs, oldest first, such as ``{"JobId": "3", "JobState": "COMPLETED", ...}``.

        Args:
            comment: only jobs whose comment starts like this. The Snakemake plugin's comments are such as
                ``rule_train_wildcards_digits_mha_full_10``.
        """
        records = [
            dict(field.split("=", 1) for field in line.split() if "=" in field)
            for line in self.run("scontrol", "--oneliner", "show", "job").splitlines()
            if line.startswith("JobId=")
        ]
        found = (record for record in records if record.get("Comment", "").startswith(comment))
        return sorted(found, key=lambda record: int(record["JobId"]))

    def run(self, *command: str) -> str:
        """The output of a command.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """A cluster that lives as long as the context, all its files in an empty folder."""
    host = socket.gethostname().partition(".")[0]
    # Both sockets are bound at once, else they might get the same port.
    with socket.create_server(("", 0)) as first, socket.create_server(("", 0)) as second:
        ports = {"controller_port": first.getsockname()[1], "node_port": second.getsockname()[1]}
    (folder / "slurm.conf").write_text(SLURM_CONF.format(host=host, folder=folder, **ports), encoding="utf-8")
    (folder / "gres.conf").write_text(GRES_CONF, encoding="utf-8")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    with contextlib.ExitStack() as stack:
        CONFIG_FOLDER.mkdir(exist_ok=True)
        for name in ("slurm.conf", "gres.conf"):
            (CONFIG_FOLDER / name).symlink_to(folder / name)
            stack.callback((CONFIG_FOLDER / name).unlink)
        for command in (_munged(folder), ["slurmctld", "-D"], ["slurmd", "-D", "-N", host]):
            stack.callback(_stop, _start(command, folder))
        cluster = Cluster()
        _wait_until_idle(cluster, folder)
        try:
            yield cluster
        finally:
            subprocess.run(["scancel", "--user=root"], check=False, capture_output=True, timeout=60)


def _munged(folder: Path) -> list[str]:
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    files = {"key": "key", "socket": "socket", "pid": "pid", "seed": "seed"}
    options = [f"--{option}-file={folder}/munge.{name}" for option, name in files.items() if option != "socket"]
    # --force: its folder may be one for temporary files, which everybody may write to.
    return ["munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *options]


def _start(command: list[str], folder: Path) -> subprocess.Popen:
    with open(folder / f"{command[0]}.output.log", "wb") as output:
        # A session of its own: Ctrl-C in the terminal is for the tests, which then stop the daemons in order.
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )


def _stop(daemon: subprocess.Popen) -> None:
    daemon.terminate()
    try:
        daemon.wait(timeout=20)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def _wait_until_idle(cluster: Cluster, folder: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        with contextlib.suppress(subprocess.CalledProcessError, subprocess.TimeoutExpired):
            if cluster.run("sinfo", "--noheader", "--format=%t").split()[:1] == ["idle"]:
                return
        time.sleep(0.2)
    texts = (f"{path}:\n{path.read_text(errors='replace')[-2000:]}" for path in folder.glob("*.log"))
    logs = "\n".join(texts)
    raise RuntimeError(f"Slurm did not come up in {START_S} s\n{logs}")
