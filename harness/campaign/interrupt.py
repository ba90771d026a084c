"""Ctrl-C, answered at leisure: the first asks everyone to stop, a later one interrupts at once."""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Self

__all__ = ["Interrupts"]

SOON_SECONDS = 1.0
"""A Ctrl-C so soon after the first one says nothing new."""
REPORT_SECONDS = 3.0
"""How long a report may take before a Ctrl-C cuts it short."""


class Interrupts:
    """While entered, the first Ctrl-C only sets :attr:`seen` and calls ``on_first``.

    What was found so far can then be reported as always; :meth:`reporting` gives that its time.
    Outside the main thread, where Python lets no one handle signals, nothing is changed.
    """

    def __init__(self) -> None:
        self.seen = False
        self.deaf_until = 0.0
        self.on_first: Callable[[], None] = lambda: None
        self.before: object = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGINT, self.handle)
        return self

    def __exit__(self, *_: object) -> None:
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)  # type: ignore[arg-type]  # as it was

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        """Take a Ctrl-C (the signal handler of SIGINT).

        Raises:
            KeyboardInterrupt: it is not the first, and the time in which they are ignored is over.
        """
        now = time.monotonic()
        if self.seen:
            if now >= self.deaf_until:
                raise KeyboardInterrupt
            return
        self.seen = True
        self.deaf_until = max(self.deaf_until, now + SOON_SECONDS)
        self.on_first()

    def reporting(self) -> None:
        """Begin to report: ignore Ctrl-C for 3 s, so that none hides what was found."""
        self.deaf_until = time.monotonic() + REPORT_SECONDS
