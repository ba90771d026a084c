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
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_stack
from types import FrameType
from typing import Any, Protocol

from harness.engine.execution import Execution
from harness.guard.code import Place, is_own, place_in_task, place_of_frame, told_place
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


Progress = tuple[int, dict[int, tuple[object, int]]]
"""Imports begun and ended; of each world the execution, by its list of choices, and its steps."""


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
        self.worlds: weakref.WeakSet[Any] = weakref.WeakSet()
        self.what = ""
        self.began = 0
        self.last: Progress = (0, {})
        self.active: weakref.ref[Any] | None = None
        """The world that made the last step."""
        self.idle = 0.0
        self.asked = 0.0
        self.own: Place | None = None
        """Where in code of the user's it was last seen."""
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
            self.look(place_in_task(frame), LOOK_SECONDS)
            del frame

    def look(self, place: Place | None, seconds: float) -> None:
        """Take in that the main thread is at ``place`` after another so many ``seconds``.

        That is code of the user's, or of a task's that called it and would call it again.
        """
        progress = self.progress()
        if place is None or self.has_moved(progress):
            self.last, self.idle, self.asked, self.own = progress, 0.0, 0.0, None
            return
        self.own = place if is_own(place[0]) else self.own
        self.idle += seconds
        if self.idle < self.patience():
            return
        if self.asked >= ANSWER_SECONDS:
            self.give_up(place)
        else:
            self.asked += seconds
            self.interrupt()  # again, if the engine was at work when it was asked before

    def patience(self) -> float:
        """Return how many seconds what is done now may take."""
        if self.deadline is None:
            return self.limit
        late = LATE_IMPORT_SECONDS if self.what else LATE_SECONDS
        over = time.monotonic() > self.deadline - late
        return min(self.limit, late) if over else self.limit

    def progress(self) -> Progress:
        """Return what changes when a step is made, an execution begins, or an import ends."""
        with self.lock:
            runs = {world: world.execution for world in self.worlds if world.execution is not None}
        # Each execution has a list of choices of its own, made when it begins.
        return self.began, {id(world): (run.choices, run.steps) for world, run in runs.items()}

    def has_moved(self, now: Progress) -> bool:
        """Tell whether anything was done since the last look, and note in which world."""
        began, before = self.last
        moved = began != now[0] or len(before) != len(now[1])
        for world, (choices, steps) in now[1].items():
            old = before.get(world)
            if old is None or old[0] is not choices or old[1] != steps:
                moved = True
                self.active = next((weakref.ref(w) for w in self.worlds if id(w) == world), None)
        return moved

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
        place = place_in_task(frame)
        if place is not None and self.asked and not is_in_finalizer(frame):
            raise Hang(self.message(place, whose=False))

    def message(self, place: Place, *, whose: bool = True) -> str:
        """Say what hangs where: with the variant's name, or as it follows that."""
        variant, doing = self.doing()
        since = f"{self.idle:.0f} s" if self.idle >= 1 else f"{self.idle:.1f} s"
        text = f"hangs{told_place(self.own or place)}: {doing} has not ended for {since}"
        return f"{variant} {text}" if whose else text

    def doing(self) -> tuple[str, str]:
        """Return whose variant is at work, and what it does: a step of a task, or an import."""
        if self.what:
            return self.what, "its import"
        world = None if self.active is None else self.active()
        run = None if world is None else world.execution
        if world is None or run is None or run.chosen is None:
            return "", "a step"
        task = run.chosen
        op = task.alt[0] if task.alt is not None and run.k else task.op
        return f"variant {world.variant!r}", f"step {run.steps}, {op.name!r} of task {task.name}"


watch = Watch()
"""The watch of this process."""

ORIGINAL_EXIT = os._exit


def is_in_finalizer(frame: FrameType | None) -> bool:
    """Tell whether Python throws a coroutine away: there nothing can be raised."""
    return any(f.f_code.co_name == "_warn_unawaited_coroutine" for f, _ in walk_stack(frame))


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
