"""Ctrl-C, answered at leisure: the first asks everyone to stop, the second interrupts at once."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Self

__all__ = ["Interrupts"]


class Interrupts:
    """While entered, the first Ctrl-C only sets :attr:`seen` and calls ``on_first``.

    What was found so far can then be reported as always. Outside the main thread, where Python
    lets no one handle signals, nothing is changed.
    """

    def __init__(self) -> None:
        self.seen = False
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
        """Take a Ctrl-C."""
        if self.seen:
            raise KeyboardInterrupt
        self.seen = True
        self.on_first()
