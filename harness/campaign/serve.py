"""The life of a worker process: it takes batches from its campaign, and ends with it.

It ends as soon as the campaign's process is gone, however that went: its end of the socket closes
then, which a thread here waits for; and where the kernel offers it (Linux, PR_SET_PDEATHSIG) the
kernel ends it, even within code that lets no thread run. Signals of the terminal are left to the
campaign. What a variant prints goes to stderr.
"""

import gc
import os
import queue
import select
import signal
import socket
import sys
import threading
from typing import Any, NoReturn

import msgspec

from harness.campaign.batches import Batch, Finding
from harness.campaign.frames import Frames
from harness.campaign.plan import Plan
from harness.campaign.workers import Worker

__all__ = ["BEAT_SECONDS", "Orders", "main", "serve"]

BEAT_SECONDS = 0.5
PR_SET_PDEATHSIG = 1
LEFT_TO_PARENT = ("SIGINT", "SIGTERM", "SIGHUP")


class Orders(msgspec.Struct, frozen=True):
    """What a worker process must know first.

    ``folder`` is the campaign's current directory, from which paths in ``plan`` are meant, ``path``
    where modules are looked for, ``parent`` the campaign's process.
    """

    plan: Plan
    folder: str
    path: tuple[str, ...]
    parent: int


def main() -> NoReturn:
    """Begin as a process of its own; the number of the socket is the first argument."""
    end_with(int(sys.argv[2]))
    conversation = Frames(socket.socket(fileno=int(sys.argv[1])))
    orders: Orders | None = None
    while orders is None:
        got = conversation.receive()
        if got is None:
            os._exit(1)
        orders, *rest = got or (None,)
    sys.path[1:] = [p for p in orders.path if p != sys.path[0]]
    serve(conversation, orders, rest)


def serve(conversation: Frames, orders: Orders, waiting: "list[Any]") -> NoReturn:
    """Run batches until the campaign says no more, or is gone; the process ends here.

    Args:
        conversation: how to talk with the campaign.
        orders: what is to be done.
        waiting: what it has said already.
    """
    try:
        for name in LEFT_TO_PARENT:
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
        end_with(orders.parent)
        gc.freeze()  # what was there before is never garbage, nor worth a copy of its pages
        os.chdir(orders.folder)
        Server(conversation, orders.plan).run(waiting)
    except BaseException:
        # Nobody is left to be told, or there is something wrong in here, which stderr shows.
        if os.getppid() == orders.parent:
            sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def end_with(parent: int) -> None:
    """Ask the kernel to end this process with its parent, where it can; leave if that is gone."""
    if sys.platform == "linux":
        import ctypes

        try:
            ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        except (OSError, AttributeError):
            return
    if os.getppid() != parent:
        os._exit(1)


class Server:
    """A worker with its conversation."""

    def __init__(self, conversation: Frames, plan: Plan) -> None:
        self.conversation = conversation
        self.stop = threading.Event()
        self.batches: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self.worker = Worker(plan, self.stop, self.tell, self.send)

    def run(self, waiting: list[Any]) -> None:
        """Run batches as they come."""
        for message in waiting:
            self.take(message)
        threading.Thread(target=self.listen, daemon=True).start()
        while (batch := self.batches.get()) is not None:
            self.send(self.worker.run(batch))

    def tell(self, entry: int, finding: Finding) -> None:
        """Send a finding at once."""
        self.send((entry, finding))

    def send(self, message: Any) -> None:
        """Send something; leave when there is nobody to hear it."""
        try:
            self.conversation.send(message)
        except OSError:
            os._exit(1)

    def listen(self) -> None:
        """Hear what the campaign says; leave when it is gone. Now and then say what is run."""
        try:
            while True:
                ready, _, _ = select.select([self.conversation], [], [], BEAT_SECONDS)
                if ready:
                    got = self.conversation.receive()
                    if got is None:
                        break
                    for message in got:
                        self.take(message)
                elif self.worker.entry >= 0:
                    self.send(self.worker.state())
        finally:
            os._exit(1)

    def take(self, message: Any) -> None:
        """Take a batch; None says that no more will come, "stop" that all is to end early."""
        if message == "stop":
            self.stop.set()
        else:
            self.batches.put(message)
