"""A pool of worker processes on this machine.

A worker is forked where this process can be forked safely (one thread, no Trio under way, Linux),
which costs next to nothing; else it is started from its program. A worker that dies costs the batch
it was at, which is run again by a new one, schedule by schedule; only what kills two workers is
given up. One that stays at a schedule for longer than any can take is ended.
"""

import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from types import TracebackType

import msgspec

from harness.campaign.batches import Batch, BatchResult, Beat, Finding, Lost
from harness.campaign.crash import lost_text, stuck_text
from harness.campaign.frames import Frames
from harness.campaign.plan import Plan
from harness.campaign.pool import Found, Pool
from harness.campaign.serve import Orders, serve
from harness.places import PACKAGES

__all__ = ["Processes"]

IN_HAND = 2
"""Batches given to a worker at once: one to run, one so that it need not wait for the next."""
STUCK_CPU_SECONDS = 30.0
"""An execution has a bounded number of steps, some 0.1 s; one that takes so long never ends."""
STUCK_WALL_SECONDS = 120.0
LATE_CPU_SECONDS = 1.5
LATE_WALL_SECONDS = 8.0
"""The same once time is up."""
BLOCKED = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} if os.name == "posix" else set()
"""What a worker must not hear before it has said so: the campaign answers these."""
START = "import sys; sys.path.insert(0, {!r}); from harness.campaign.serve import main; main()"


class Proc:
    """A worker process: its number, how to talk with it, and what it has in hand."""

    def __init__(self, pid: int, conversation: Frames, process: "subprocess.Popen[bytes] | None"):
        self.pid = pid
        self.conversation = conversation
        self.process = process
        self.status: int | None = None
        """How it ended; None while it has not been ended."""
        self.stopped = False
        """Whether it was told to stop."""
        self.batches: deque[Batch] = deque()
        self.beat = Beat(-1, -1, 0.0)
        self.since = self.heard = time.monotonic()
        """When it began with that schedule, and when it was last heard of."""

    def note(self, beat: Beat) -> None:
        """Note what it is at."""
        now = self.heard = time.monotonic()
        if (beat.entry, beat.index) != (self.beat.entry, self.beat.index):
            self.since = now
        self.beat = beat

    def moved(self) -> None:
        """Note that it has come in with something."""
        self.heard = self.since = time.monotonic()
        self.beat = Beat(-1, -1, 0.0)

    def is_stuck(self, *, late: bool) -> bool:
        """Tell whether it is at a schedule for longer than that can take; ``late``: time is up."""
        if not self.batches:
            return False
        cpu, wall = STUCK_CPU_SECONDS, STUCK_WALL_SECONDS
        if late:
            cpu, wall = LATE_CPU_SECONDS, LATE_WALL_SECONDS
        return self.beat.cpu >= cpu or time.monotonic() - self.since >= wall

    def send(self, message: object) -> None:
        """Say something; one that is gone is found out when nothing more comes from it."""
        try:
            self.conversation.send(message)
        except OSError:
            return

    def end(self) -> int:
        """End it if it has not ended, and return its status: below 0 the signal that ended it."""
        if self.status is not None:
            return self.status
        self.conversation.close()
        if self.process is not None:
            self.process.kill()
            self.status = self.process.wait()
            return self.status
        self.status = 0
        try:
            os.kill(self.pid, signal.SIGKILL)
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        except (ProcessLookupError, ChildProcessError):
            pass  # somebody else has waited for it
        return self.status


class Processes:
    """Several jobs: batches run in worker processes."""

    def __init__(self, plan: Plan, found: Found) -> None:
        self.plan = plan
        self.found = found
        self.depth = IN_HAND * plan.jobs
        self.procs: list[Proc] = []
        self.waiting: deque[Batch] = deque()
        self.killed: set[Batch] = set()
        """Batches that a worker has died of."""
        self.selector = selectors.DefaultSelector()
        self.stopping = False
        self.given_up = False

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for proc in self.procs:
            proc.end()
        self.selector.close()

    # -- batches -----------------------------------------------------------------------------------

    def submit(self, batch: Batch) -> None:
        """Give a batch to whoever has least to do, a new worker if there may be one more."""
        self.waiting.append(batch)
        self.deal()

    def deal(self) -> None:
        """Hand out what waits."""
        while self.waiting and not self.given_up:
            free = min(self.procs, key=lambda proc: len(proc.batches), default=None)
            if (free is None or free.batches) and len(self.procs) < self.plan.jobs:
                free = self.begin_if_possible() or free
            if free is None or len(free.batches) >= IN_HAND:
                return
            batch = self.waiting.popleft()
            if not free.batches:
                free.moved()
            free.batches.append(batch)
            free.send(batch)

    def take(self, seconds: float) -> list[BatchResult | Lost]:
        """Wait for the workers, and return what came in."""
        out: list[BatchResult | Lost] = []
        self.pass_on()
        for key, _ in self.selector.select(seconds):
            proc: Proc = key.data
            messages = proc.conversation.receive()
            if messages is None:
                out += self.fall(proc)
            for message in messages or ():
                if type(message) is BatchResult:
                    out.append(message)
                    proc.batches.popleft()
                    proc.moved()
                elif type(message) is Beat:
                    proc.note(message)
                else:
                    self.tell(*message)
        out += self.end_stuck()
        self.deal()
        self.pass_on()
        return out

    def tell(self, entry: int, finding: Finding) -> None:
        """Pass a finding on."""
        self.found(entry, finding)

    def stop(self) -> None:
        """Ask all workers to end early; they are told when results are taken in next."""
        self.stopping = True

    def pass_on(self) -> None:
        """Tell workers that they are to stop, each once."""
        for proc in self.procs if self.stopping else ():
            if not proc.stopped:
                proc.stopped = True
                proc.send("stop")

    def kill(self) -> None:
        """End the workers, whatever they are doing."""
        self.given_up = True
        for proc in self.procs:
            proc.end()

    # -- workers that die, or never come back ------------------------------------------------------

    def fall(self, proc: Proc) -> list[Lost]:
        """Take note that a worker is gone; what it had in hand is run again, once."""
        status = self.remove(proc)
        batches = list(proc.batches)
        out = []
        if batches and batches[0] in self.killed:
            batch = batches.pop(0)
            spec = self.plan.specs[batch.entry]
            out.append(Lost(batch, lost_text(spec, self.at(proc, batch), status)))
        elif batches:
            careful = msgspec.structs.replace(batches[0], careful=True)
            batches[0] = careful
            self.killed.add(careful)
        self.waiting.extendleft(reversed(batches))
        return out

    def at(self, proc: Proc, batch: Batch) -> int:
        """Return the schedule that a worker was at, as far as is known."""
        return proc.beat.index if proc.beat.entry == batch.entry else batch.first

    def remove(self, proc: Proc) -> int:
        """Let go of a worker, and return its status."""
        self.selector.unregister(proc.conversation)
        self.procs.remove(proc)
        return proc.end()

    def end_stuck(self) -> list[Lost]:
        """End workers that are at a schedule for longer than that can take."""
        deadline = self.plan.deadline
        late = self.stopping or (deadline is not None and time.monotonic() >= deadline)
        out = []
        for proc in [proc for proc in self.procs if proc.is_stuck(late=late)]:
            took = time.monotonic() - proc.since
            self.remove(proc)
            batch = proc.batches.popleft()
            spec = self.plan.specs[batch.entry]
            out.append(Lost(batch, stuck_text(spec, self.at(proc, batch), took)))
            self.waiting.extendleft(reversed(proc.batches))
        return out

    def begin_if_possible(self) -> Proc | None:
        """Start a worker; None if there is no room for one more beside those that there are.

        Raises:
            OSError: there is no room, and nobody yet.
        """
        try:
            return self.begin()
        except OSError:
            if not self.procs:
                raise
            return None

    # -- starting them -----------------------------------------------------------------------------

    def begin(self) -> Proc:
        """Start a worker.

        Raises:
            OSError: there is no room for one more process.
        """
        ours, theirs = socket.socketpair()
        orders = Orders(self.plan, os.getcwd(), tuple(sys.path), os.getpid())
        proc = (fork if can_fork() else spawn)(ours, theirs, orders, self.procs)
        self.procs.append(proc)
        self.selector.register(proc.conversation, selectors.EVENT_READ, proc)
        self.pass_on()
        return proc


def can_fork() -> bool:
    """Tell whether forking this process is safe: nothing else runs in it."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return False
    trio = sys.modules.get("trio")
    return trio is None or not trio.lowlevel.in_trio_run()


def fork(ours: socket.socket, theirs: socket.socket, orders: Orders, others: "list[Proc]") -> Proc:
    """Fork a worker, which has everything in memory already."""
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
    pid = os.fork()
    if not pid:
        ours.close()
        for other in others:
            other.conversation.close()
        os.dup2(2, 1)
        serve(Frames(theirs), orders, [])
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    return Proc(pid, Frames(ours), None)


def spawn(
    ours: socket.socket, theirs: socket.socket, orders: Orders, _others: "list[Proc]"
) -> Proc:
    """Start a worker from its program; the tool's own packages are found first."""
    arguments = ["-P", "-c", START.format(str(PACKAGES)), str(theirs.fileno()), str(orders.parent)]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
    try:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=2,
            pass_fds=[theirs.fileno()],
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    proc = Proc(process.pid, Frames(ours), process)
    proc.send(orders)
    return proc
