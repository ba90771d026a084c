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
from traceback import walk_stack
from types import FrameType
from typing import Any

from harness.engine.execution import Execution
from harness.guard.code import (
    Place,
    is_caller,
    is_own,
    place_in_task,
    place_of_frame,
    told_place,
)
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


RUNS = {"direct_engine.py": "execute", "trio_engine.py": "act"}
"""Of each engine the function that runs a task, and has its ``execution``."""
IDLE_LOOKS = 50
"""After so many looks at nothing the thread ends; the next import or world begins it anew."""


class Watch:
    """The one watch of a process; it begins with the first import of code of the user's.

    ``limit`` is how many seconds a step may take; ``deadline`` when the command's own time is over
    (monotonic clock), None if it has none.
    """

    def __init__(self) -> None:
        self.limit = LIMIT_SECONDS
        self.deadline: float | None = None
        self.what = ""
        """What is being imported, as messages call it."""
        self.imports = 0
        """How many imports began, and how many ended."""
        self.run: Execution | None = None
        self.choices: object = None
        self.steps = self.seen_imports = 0
        """What was under way at the last look: an execution has a list of choices of its own."""
        self.idle = 0.0
        self.asked = 0.0
        self.own: Place | None = None
        """Where in code of the user's it was last seen."""
        self.thread: threading.Thread | None = None
        self.lock = threading.Lock()
        """Held while the thread begins or ends."""
        self.wake = threading.Event()
        self.nothing = 0

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
            self.nothing = 0
            self.thread = threading.Thread(target=self.look_on, name="watch", daemon=True)
            self.thread.start()

    def attend(self) -> None:
        """Look from now on, if anything of the user's has been imported in this process."""
        self.nothing = 0
        if self.imports:
            self.begin()

    @contextmanager
    def importing(self, what: str) -> Iterator[None]:
        """Watch an import; ``what`` is imported, as it follows "hangs".

        No thread is left behind that was not there, so that the process can be forked.
        """
        before, self.what = self.what, what
        was = self.thread is not None and self.thread.is_alive()
        self.imports += 1
        self.begin()
        try:
            yield
        finally:
            self.what = before
            self.imports += 1
            thread = self.thread
            if not before and not was and thread is not None:
                self.nothing = IDLE_LOOKS
                self.wake.set()
                thread.join()

    # -- the thread ----------------------------------------------------------------------------

    def look_on(self) -> None:
        """Look again and again (the thread's main function)."""
        main = threading.main_thread()
        while main.is_alive():
            self.wake.wait(LOOK_SECONDS)
            with self.lock:
                if not self.what and self.nothing >= IDLE_LOOKS:
                    self.thread = None
                    return
            frame = sys._current_frames().get(main.ident or 0)
            self.look(place_in_task(frame), running(frame), LOOK_SECONDS)
            del frame

    def look(self, place: Place | None, run: Execution | None, seconds: float) -> None:
        """Take in what the main thread is at, after another so many ``seconds``.

        Args:
            place: where in code of the user's, or of a task's that called it and would call it
                again; None: elsewhere.
            run: the execution that this is part of; None: it is an import.
            seconds: since the last look.
        """
        choices, steps = (None, 0) if run is None else (run.choices, run.steps)
        same = choices is self.choices and steps == self.steps
        if place is None or not same or self.imports != self.seen_imports:
            self.run, self.choices, self.steps = run, choices, steps
            self.seen_imports = self.imports
            self.idle, self.asked, self.own = 0.0, 0.0, None
            self.nothing = self.nothing + 1 if place is None else 0
            return
        self.nothing = 0
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
        run = self.run
        if run is None:
            return "", "what it does as it is made"
        if run.chosen is None:
            return "", "a step"
        task = run.chosen
        op = task.alt[0] if task.alt is not None and run.k else task.op
        variant = getattr(run.world, "variant", "")
        return f"variant {variant!r}", f"step {run.steps}, {op.name!r} of task {task.name}"


def running(frame: FrameType | None) -> Execution | None:
    """Return the execution that a stack is in the middle of, in a task of it."""
    for each, _ in walk_stack(frame) if frame is not None else ():
        code = each.f_code
        if is_caller(code.co_filename) and RUNS.get(os.path.basename(code.co_filename)) == (
            code.co_name
        ):
            found = each.f_locals.get("execution")
            made = isinstance(found, Execution) and hasattr(found, "choices")
            return found if made else None
    return None


watch = Watch()
"""The watch of this process."""

ORIGINAL_EXIT = os._exit


def is_in_finalizer(frame: FrameType | None) -> bool:
    """Tell whether Python throws a coroutine away: there nothing can be raised."""
    return any(f.f_code.co_name == "_warn_unawaited_coroutine" for f, _ in walk_stack(frame))


def keep_quiet() -> None:
    """Say nothing of a :class:`Hang` that came where nothing can be raised: it comes again."""
    before = sys.unraisablehook

    def hook(args: Any) -> None:
        if not (args.exc_type and issubclass(args.exc_type, Hang)):
            before(args)

    sys.unraisablehook = hook


def keep_process() -> None:
    """Have ``os._exit`` raise :class:`Left` where code of the user's calls it."""
    if os._exit is not ORIGINAL_EXIT:
        return
    keep_quiet()

    def leave(status: int) -> None:
        place = place_of_frame(sys._getframe(1))
        if place is not None:
            raise Left(f"called os._exit({status!r}){told_place(place)}")
        ORIGINAL_EXIT(status)

    os._exit = leave  # type: ignore[assignment]  # it returns as little as the other
