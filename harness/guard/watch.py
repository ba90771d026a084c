"""Sees that code of the user's comes to an end, and that it does not end the process.

A thread looks a few times a second whether the main thread is in such code, and whether steps are
made meanwhile. If none is for too long, a signal has the main thread raise :class:`Hang` where it
is; if it does not even answer that, the process says so and is over. Looks are counted, not wall
time: a process that was stopped for a while has not hung.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol
from weakref import WeakSet

from harness.engine.execution import Execution
from harness.guard.code import Place, place_of_frame, told_place
from harness.guard.faults import Hang, Left
from harness.verdict import EXIT_USAGE

__all__ = ["LIMIT_SECONDS", "Watch", "watch"]

LOOK_SECONDS = 0.1
LIMIT_SECONDS = 10.0
"""How long a step, or an import, may take: a thousand times what the longest one takes."""
LATE_SECONDS = 0.5
"""How long it may take when the time of the whole command is over, or nearly."""
LATE_IMPORT_SECONDS = 2.0
"""The same for an import, which may have much to read."""
ANSWER_SECONDS = 3.0
"""How long the main thread may take to answer."""
SIGNAL: int | None = getattr(signal, "SIGURG", None)
"""Nobody means anything by it, and it is ignored where it is not handled."""


class Watched(Protocol):
    """A world that runs a variant of the user's."""

    execution: Execution | None
    variant: str


class Watch:
    """The one watch of a process; it begins with the first import of a variant of the user's.

    ``limit`` is how many seconds a step may take; ``deadline`` when the command's own time is over
    (monotonic clock), None if it has none.
    """

    def __init__(self) -> None:
        self.limit = LIMIT_SECONDS
        self.deadline: float | None = None
        self.worlds: WeakSet[Any] = WeakSet()
        self.what = ""
        self.began = 0
        self.last: tuple[int, int, tuple[object, ...]] = (0, 0, ())
        self.idle = 0.0
        self.asked = 0.0
        self.thread: threading.Thread | None = None
        self.lock = threading.Lock()
        """Held while the thread begins or ends, and around what both sides look at."""
        self.wake = threading.Event()

    def begin(self) -> None:
        """Begin to look; only the main thread can be watched, and only where signals are."""
        if SIGNAL is None or threading.current_thread() is not threading.main_thread():
            return
        with self.lock:
            if self.thread is not None and self.thread.is_alive():  # it is not, in a forked process
                return
            signal.signal(SIGNAL, self.answer)
            keep_process()
            self.wake.clear()
            self.thread = threading.Thread(target=self.look_on, name="watch", daemon=True)
            self.thread.start()

    def follow(self, world: Watched) -> None:
        """Watch the executions of a world."""
        with self.lock:
            self.worlds.add(world)
        self.begin()

    @contextmanager
    def importing(self, what: str) -> Iterator[None]:
        """Watch an import; ``what`` is imported, as it follows "hangs".

        No thread is left behind, so that the process can be forked.
        """
        before, self.what = self.what, what
        self.began += 1
        self.begin()
        try:
            yield
        finally:
            self.what = before
            self.began += 1
            thread = self.thread
            if not self.is_needed() and thread is not None:
                self.wake.set()
                thread.join()

    def is_needed(self) -> bool:
        """Tell whether there is anything to look at."""
        return bool(self.what) or len(self.worlds) > 0

    # -- the thread ----------------------------------------------------------------------------

    def look_on(self) -> None:
        """Look again and again (the thread's main function)."""
        main = threading.main_thread()
        while main.is_alive():
            self.wake.wait(LOOK_SECONDS)
            with self.lock:
                if not self.is_needed():
                    self.thread = None
                    return
            frame = sys._current_frames().get(main.ident or 0)
            self.look(place_of_frame(frame), LOOK_SECONDS)
            del frame

    def look(self, place: Place | None, seconds: float) -> None:
        """Take in that the main thread is at ``place`` after another so many ``seconds``."""
        progress = self.progress()
        if place is None or has_moved(self.last, progress):
            self.last, self.idle, self.asked = progress, 0.0, 0.0
            return
        self.idle += seconds
        if self.idle < self.patience():
            return
        if not self.asked:
            self.interrupt()
        elif self.asked >= ANSWER_SECONDS:
            self.give_up(place)
        self.asked += seconds

    def patience(self) -> float:
        """Return how many seconds what is done now may take."""
        if self.deadline is None:
            return self.limit
        late = LATE_IMPORT_SECONDS if self.what else LATE_SECONDS
        over = time.monotonic() > self.deadline - late
        return min(self.limit, late) if over else self.limit

    def progress(self) -> tuple[int, int, tuple[object, ...]]:
        """Return what changes when a step is made, an execution begins, or an import ends."""
        with self.lock:
            runs = [w.execution for w in self.worlds if w.execution is not None]
        # Each execution has a list of choices of its own, made when it begins.
        return self.began, sum(run.steps for run in runs), tuple(run.choices for run in runs)

    def interrupt(self) -> None:
        """Have the main thread break off what it does."""
        assert SIGNAL is not None  # else nobody looks
        signal.pthread_kill(threading.main_thread().ident or 0, SIGNAL)

    def give_up(self, place: Place) -> None:
        """End the process, which does not answer."""
        os.write(2, f"error: {self.message(place)}, and does not answer\n".encode(errors="replace"))
        ORIGINAL_EXIT(EXIT_USAGE)

    # -- the main thread -----------------------------------------------------------------------

    def answer(self, _number: int, frame: FrameType | None) -> None:
        """Break off what hangs (the handler of the signal).

        Raises:
            Hang: it is code of the user's that the main thread is in.
        """
        place = place_of_frame(frame)
        if place is not None and self.asked:
            raise Hang(self.message(place, whose=False))

    def message(self, place: Place, *, whose: bool = True) -> str:
        """Say what hangs where: with the variant's name, or as it follows that."""
        variant, doing = self.doing()
        since = f"{self.idle:.0f} s" if self.idle >= 1 else f"{self.idle:.1f} s"
        text = f"hangs{told_place(place)}: {doing} has not ended for {since}"
        return f"variant {variant!r} {text}" if whose else text

    def doing(self) -> tuple[str, str]:
        """Return whose variant is at work, and what it does: a step of a task, or an import."""
        if self.what:
            return self.what, "its import"
        for world in list(self.worlds):
            run = world.execution
            if run is not None and (task := run.chosen) is not None:
                alt = task.alt
                op = alt[0] if alt is not None and run.k else task.op
                return world.variant, f"step {run.steps}, {op.name!r} of task {task.name}"
        return "", "a step"


def has_moved(
    before: tuple[int, int, tuple[object, ...]], now: tuple[int, int, tuple[object, ...]]
) -> bool:
    """Tell whether anything was done between two looks."""
    if before[:2] != now[:2] or len(before[2]) != len(now[2]):
        return True
    return any(a is not b for a, b in zip(before[2], now[2], strict=True))


watch = Watch()
"""The watch of this process."""

ORIGINAL_EXIT = os._exit


def keep_process() -> None:
    """Have ``os._exit`` raise :class:`Left` where code of the user's calls it."""
    if os._exit is not ORIGINAL_EXIT:
        return

    def leave(status: int) -> None:
        place = place_of_frame(sys._getframe(1))
        if place is not None:
            raise Left(f"called os._exit({status!r}){told_place(place)}")
        ORIGINAL_EXIT(status)

    os._exit = leave  # type: ignore[assignment]  # it returns as little as the other
