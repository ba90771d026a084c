"""Runs inputs one after the other in a process of its own, and says how each ended.

The process is a fork of the one that has imported everything, and is renewed now and then. Whoever
it was that hung or grew too large, it is the parent that ends it.
"""

import io
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.cli.main import main
from harness.guard.watch import watch
from tests.fuzz.cases import Case

__all__ = ["MEMORY_MAX", "SECONDS_MAX", "Ended", "judged", "run_all"]

SECONDS_MAX = 20.0
LOOK_SECONDS = 2.0
MEMORY_MAX = 1 << 30
ADDRESSES_MAX = 4 << 30
"""Of which a process uses little: libraries reserve more than they need."""
RENEWED_AFTER = 60
"""A process runs so many inputs: what modules keep of them goes with it."""
DOCUMENTED = (0, 1, 2, 3, 4)
INTERRUPTED = 130
"""A variant may raise what a Ctrl-C raises."""
TAIL = 3_000


class Ended(NamedTuple):
    """How an input ended: ``code`` is the exit code, -1 that the process hung, -2 that it died.

    ``seconds`` are CPU time, so that a busy machine changes nothing; one that hung may have used
    none. ``memory`` is the most that the process ever had, in bytes.
    """

    number: int
    code: int
    seconds: float
    memory: int
    out: str
    err: str


def judged(ended: Ended, kind: str) -> str:
    """What is wrong with how an input of a kind ended; "" if it is well."""
    if ended.code == -1:
        return f"hung, after {ended.seconds:.0f} s of CPU time"
    if ended.code == -2:
        return "the process died"
    if ended.code not in DOCUMENTED and not (kind == "variant" and ended.code == INTERRUPTED):
        return f"exit code {ended.code}"
    if "Traceback (most recent" in ended.out + ended.err:
        return "a traceback"
    if ended.seconds > SECONDS_MAX:
        return f"took {ended.seconds:.0f} s"
    if ended.memory > MEMORY_MAX:
        return f"took {ended.memory >> 20} MiB"
    last = ended.err.strip().splitlines()[-1:] or [""]
    if ended.code == 2 and not last[0].startswith(("error: ", "Usage:", "  ")):
        return "exit code 2, and no error is said"
    return ""


def run_all(cases: Sequence[Case]) -> Iterator[Ended]:
    """Run inputs, in processes of their own, and yield how each ended."""
    for first in range(0, len(cases), RENEWED_AFTER):
        left = list(cases[first : first + RENEWED_AFTER])
        while left:
            for ended in run_some(left):
                yield ended
                left.pop(0)


def run_some(cases: Sequence[Case]) -> Iterator[Ended]:
    """Run inputs in one process, up to the one that ends it."""
    ours, theirs = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if not pid:
        os.close(ours)
        serve(cases, theirs)
    os.close(theirs)
    buffer, done = b"", 0
    try:
        while done < len(cases):
            patience = Patience(pid)
            while b"\n" not in buffer:
                ready, _, _ = select.select([ours], [], [], LOOK_SECONDS)
                got = os.read(ours, 1 << 16) if ready else b""
                if (ready and not got) or (not ready and patience.is_over()):
                    code = -2 if ready else -1
                    yield Ended(cases[done].number, code, patience.used, 0, "", "")
                    return
                buffer += got
            line, _, buffer = buffer.partition(b"\n")
            yield Ended(*json.loads(line))
            done += 1
    finally:
        os.close(ours)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


class Patience:
    """How long an input is waited for: as long as it uses its CPU time, and not too much of it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.first = self.last = cpu_of(pid)
        self.still = 0.0

    @property
    def used(self) -> float:
        """The CPU time since this was made, in seconds."""
        return self.last - self.first

    def is_over(self) -> bool:
        """Look after another :data:`LOOK_SECONDS`."""
        now = cpu_of(self.pid)
        self.still = 0.0 if now > self.last else self.still + LOOK_SECONDS
        self.last = now
        return self.used > SECONDS_MAX or self.still > SECONDS_MAX


def cpu_of(pid: int) -> float:
    """The CPU time of a process, in seconds (proc(5), utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    numbers = fields.rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def serve(cases: Sequence[Case], pipe: int) -> None:
    """Run inputs, and write how each ended to a pipe; the process ends here."""
    try:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES_MAX, ADDRESSES_MAX))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        watch.limit = 1.0
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            for each in cases:
                line = json.dumps(run(each, Path(folder))) + "\n"
                os.write(pipe, line.encode())
    finally:
        os.kill(os.getpid(), signal.SIGKILL)  # nothing of the parent's is to run


def run(case: Case, root: Path) -> Ended:
    """Run one input in a folder of its own."""
    folder = root / str(case.number)
    folder.mkdir()
    for name, data in case.files.items():
        (folder / name).write_bytes(data)
    (folder / ".stdin").write_bytes(case.stdin)
    os.environ["VGIC_RACE_LOGS"] = str(folder / "logs")
    os.chdir(folder)
    began = time.process_time()
    code = redirected(list(case.args), folder)
    seconds = time.process_time() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    out, err = (tail(folder / name) for name in (".stdout", ".stderr"))
    return Ended(case.number, code, seconds, memory, out, err)


def redirected(args: list[str], folder: Path) -> int:
    """Run the command line with its streams in files, and return its exit code."""
    saved = [os.dup(fd) for fd in (0, 1, 2)]
    names = (".stdin", ".stdout", ".stderr")
    for fd, name in enumerate(names):
        opened = os.open(folder / name, os.O_RDWR | os.O_CREAT)
        os.dup2(opened, fd)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(open(fd, mode, closefd=False))  # noqa: SIM115
        for fd, mode in ((0, "rb"), (1, "wb"), (2, "wb"))
    )
    try:
        code = main(args)
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for fd, old in enumerate(saved):
            os.dup2(old, fd)
            os.close(old)
    return code


def tail(path: Path) -> str:
    """The end of a file."""
    data = path.read_bytes()
    return data[-TAIL:].decode(errors="replace")
