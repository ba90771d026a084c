"""``python -m tests.kills``: campaigns that are ended at random moments, and what is left of them.

A campaign of a variant that fails often is started as a process, with two workers, and is ended
``--rounds`` times each by SIGKILL, SIGTERM and SIGHUP, by SIGKILL of a worker, and by a disk that
is full from a moment on (a limit on the size of its files). What it had said on stdout by then must
be in its record, no process of its own may be left, nothing of the kind of a traceback be said, and
the next campaign must say where the findings are. It is a test as well, with few rounds
(``tests/cli/test_kills.py``, marked long).
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from harness.campaign.record import NAME, read_record

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("KILL", "TERM", "HUP", "worker", "disk")
LATEST = 1.5
"""The latest moment, in seconds after the first finding."""
SECONDS = 120.0
CAMPAIGN = (
    "stress", "timer-busy", "timer-wfi", "migrate", "--variant", "v4.14+4", "--variant", "v4.14+1",
    "--engine", "direct", "--jobs", "2", "--keep-going", "--json", "--no-shrink", "--seed", "1",
)  # fmt: skip
CODES = {"KILL": -signal.SIGKILL, "TERM": 143, "HUP": 129, "worker": 1, "disk": 1}


class Campaign:
    """A campaign as a process: what it has said so far, line by line."""

    def __init__(self, logs: Path, *more: str) -> None:
        self.logs = logs
        self.lines: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self.process = start([*CAMPAIGN, *more], logs)
        self.first = threading.Event()
        self.readers = [
            threading.Thread(target=self.read_out), threading.Thread(target=self.read_err)
        ]  # fmt: skip
        for reader in self.readers:
            reader.start()

    def read_out(self) -> None:
        """Take in what it prints."""
        assert self.process.stdout is not None
        with self.process.stdout as out:
            for line in out:
                if line.endswith("\n"):
                    self.lines.append(json.loads(line))
                    self.first.set()
        self.first.set()

    def read_err(self) -> None:
        """Take in what it complains of."""
        assert self.process.stderr is not None
        with self.process.stderr as said:
            self.errors += said

    def end(self) -> int:
        """Wait for its end, and for everyone who holds its pipes."""
        code = self.process.wait(SECONDS)
        for reader in self.readers:
            reader.join(SECONDS)
        assert not any(reader.is_alive() for reader in self.readers), "an orphan holds its pipes"
        return code

    def workers(self) -> list[int]:
        """The numbers of its worker processes."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    @property
    def folder(self) -> Path:
        """Where it writes."""
        return max(self.logs.glob("stress-*"), key=lambda path: int(path.name.split("-")[1]))


def start(arguments: Sequence[str], logs: Path) -> "subprocess.Popen[str]":
    """Start the command, in a group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "harness.cli.main", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # as nohup left it
        env={
            **os.environ, "PYTHONPATH": str(ROOT), "VGIC_RACE_LOGS": str(logs),
            "VGIC_RACE_KEPT": "off", "PYTHONDONTWRITEBYTECODE": "1",
        },
    )  # fmt: skip


def strike(campaign: Campaign, kind: str, random: Random) -> None:
    """Do to a campaign what is to be done."""
    if kind == "worker":
        workers = campaign.workers()
        os.kill(workers[random.randrange(len(workers))], signal.SIGKILL)
    elif kind == "disk":
        size = (campaign.folder / NAME).stat().st_size + random.randrange(200)
        resource.prlimit(campaign.process.pid, resource.RLIMIT_FSIZE, (size, size))
    else:
        os.kill(campaign.process.pid, getattr(signal, f"SIG{kind}"))


def ended(kind: str, logs: Path, random: Random) -> int:
    """End a campaign at a random moment, and look at what is left; return how much was found.

    Raises:
        AssertionError: something was lost, or is left.
    """
    more = ("--schedules", "1200") if kind == "worker" else ("--seconds", "4")
    campaign = Campaign(logs, *(more if kind in ("worker", "disk") else ("--schedules", "500000")))
    try:
        assert campaign.first.wait(SECONDS)
        time.sleep(random.uniform(0, 0.2 if kind == "worker" else LATEST))
        strike(campaign, kind, random)
        code = campaign.end()
    finally:
        if campaign.process.poll() is None:
            campaign.process.kill()
            campaign.process.wait()
    assert nobody_in(campaign.process.pid), "a process is left"
    said = "".join(campaign.errors)
    assert not any(word in said for word in ("Traceback", "resource_tracker", "leaked")), said
    found = [line for line in campaign.lines if line["type"] == "found"]
    assert found
    assert code == CODES[kind], (kind, code, said)
    check_written(campaign, found)
    if kind == "KILL":
        next_one = start(["stress", "timer-wfi", "--schedules", "1", "--jobs", "1"], logs)
        assert f"stress --resume {campaign.folder}" in next_one.communicate()[1]
    else:
        assert campaign.lines[-1]["type"] == "summary"
        assert kind == "disk" or (campaign.folder / "campaign.json").is_file()
    if kind == "disk":
        assert "error: cannot write" in said
    return len(found)


def check_written(campaign: Campaign, found: list[dict[str, Any]]) -> None:
    """Hold what was said against the record; what could not be written is in the summary."""
    past = read_record(campaign.folder)
    known = {f.schedule for some in past.results for r in some for f in r.findings}
    known |= {finding.schedule for some in past.loose for finding in some}
    missing = [line for line in found if line["written"] and line["schedule"] not in known]
    assert not missing, f"{len(missing)} of {len(found)} findings were lost"


def nobody_in(group: int) -> bool:
    """Tell whether a process group is empty, within some seconds."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def main() -> None:
    """End campaigns, and print what was found in how many."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    given = parser.parse_args()
    random = Random(given.seed)
    for kind in given.kinds:
        counts = []
        for _ in range(given.rounds):
            with tempfile.TemporaryDirectory() as folder:
                counts.append(ended(kind, Path(folder), random))
        print(f"{kind}: {given.rounds} campaigns, {sum(counts)} findings, none lost", flush=True)


if __name__ == "__main__":
    main()
