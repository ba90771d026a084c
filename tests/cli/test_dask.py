"""The same campaign on a Dask cluster: a real scheduler and two workers, on loopback."""

import importlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import Cli, Finish, Start

SECONDS = 60.0


def launch(module: str, *arguments: str, folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{module}", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )


class Cluster:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "scheduler.json"
        options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.scheduler = launch(
            "dask_scheduler", *options, "--scheduler-file", str(self.file), folder=folder
        )
        self.workers = [self.worker() for _ in range(2)]
        self.wait()
        self.address = json.loads(self.file.read_text())["address"]

    def worker(self) -> "subprocess.Popen[bytes]":
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory")
        file = ("--scheduler-file", str(self.file))
        return launch("dask_worker", *options, str(self.folder), *file, folder=self.folder)

    def wait(self) -> None:
        """Wait until both workers are there."""
        client_of: Any = importlib.import_module("distributed").Client
        end = time.monotonic() + SECONDS
        while not self.file.exists() or not self.file.read_text():
            assert time.monotonic() < end
            time.sleep(0.05)
        with client_of(scheduler_file=str(self.file), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=SECONDS)

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        yield made
    finally:
        made.end()


def come_to(folder: Path) -> dict[str, Any]:
    """What a campaign left: the bytes of its files, without times."""
    out: dict[str, Any] = {}
    for path in sorted(folder.iterdir()):
        if path.name == "campaign.json":
            figures = json.loads(path.read_bytes())
            for each in (figures, *figures["entries"]):
                for name in ("seconds", "steps_per_second", "began"):
                    each.pop(name, None)
            out[path.name] = figures
        elif path.name != "campaign.record":
            out[path.name] = path.read_bytes()
    return out


CAMPAIGN = (
    "stress", "migrate", "timer-busy", "--variant", "v4.14+4", "--variant", "v4.14+1",
    "--variant", "v7.2", "--schedules", 900, "--seed", 3, "--engine", "direct", "--keep-going",
    "--no-shrink", "--no-kept", "-q",
)  # fmt: skip


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_comes_to_the_same_even_if_a_worker_is_killed(
    cli: Cli, start: Start, finish: Finish, logs: Path, cluster: Cluster
) -> None:
    assert cli(*CAMPAIGN, "--jobs", 2).code == 1
    assert cli(*CAMPAIGN, "--dask", cluster.address).code == 1
    process = start(*CAMPAIGN, "--dask", cluster.address)
    record = logs / "stress-3" / "campaign.record"
    while process.poll() is None and (not record.exists() or record.read_bytes().count(b"\n") < 6):
        time.sleep(0.01)
    assert process.poll() is None
    cluster.workers[0].send_signal(signal.SIGKILL)
    assert finish(process).code == 1
    first = come_to(logs / "stress-1")
    assert first["campaign.json"]["verdict"] == "violated"
    assert come_to(logs / "stress-2") == first
    assert come_to(logs / "stress-3") == first


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_where_there_is_no_scheduler(cli: Cli) -> None:
    cli("stress", "timer-wfi", "--dask", "tcp://127.0.0.1:9").refused("--dask", "no scheduler")
    cli("stress", "timer-wfi", "--dask", "nonsense://").refused("--dask", "no scheduler")


def test_without_the_extra_one_line_says_what_to_install(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    cli("stress", "timer-wfi", "--dask", "tcp://127.0.0.1:1", "--no-kept").refused(
        "vgic-race[dask]", "install"
    )
