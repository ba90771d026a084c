"""Ctrl-C, SIGTERM and SIGHUP, answered at leisure: the first of them asks everyone to stop.

A later one interrupts at once.
"""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

__all__ = ["Interrupts"]

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
SOON_SECONDS = 1.0
"""A Ctrl-C so soon after the first one says nothing new."""
REPORT_SECONDS = 3.0
"""How long a report may take before a Ctrl-C cuts it short."""


class Interrupts:
    """While entered, the first Ctrl-C only sets :attr:`seen` and calls ``on_first``.

    What was found so far can then be reported as always; :meth:`reporting` gives that its time.
    Outside the main thread, where Python lets no one handle signals, nothing is changed. A signal
    that is ignored stays ignored (``nohup``). ``number`` is the signal that came first.
    """

    def __init__(self) -> None:
        self.seen = False
        self.number = int(signal.SIGINT)
        self.deaf_until = 0.0
        self.on_first: Callable[[], None] = lambda: None
        self.before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            known = (getattr(signal, name) for name in SIGNALS if hasattr(signal, name))
            for number in known:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self.before[number] = signal.signal(number, self.handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def end(self) -> None:
        """Ask for an early end, as a Ctrl-C does: whoever reads what is printed is gone."""
        if not self.seen:
            self.seen = True
            self.on_first()

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal (its handler).

        Raises:
            KeyboardInterrupt: it is not the first, and the time in which they are ignored is over.
        """
        now = time.monotonic()
        if self.seen:
            if now >= self.deaf_until:
                raise KeyboardInterrupt
            return
        self.seen = True
        self.number = number
        self.deaf_until = max(self.deaf_until, now + SOON_SECONDS)
        self.on_first()

    def reporting(self) -> None:
        """Begin to report: ignore Ctrl-C for 3 s, so that none hides what was found."""
        self.deaf_until = time.monotonic() + REPORT_SECONDS
