"""What runs batches, as a campaign sees it; and the simplest such: this process itself."""

import threading
from collections.abc import Callable
from typing import Protocol

from harness.campaign.batches import Batch, BatchResult, Finding, Lost, Stop
from harness.campaign.plan import Plan
from harness.campaign.workers import Worker

__all__ = ["Found", "Inline", "Pool"]

Found = Callable[[int, Finding], None]
"""Is told of an entry's finding as soon as there is one, in this process's main thread."""


class Pool(Protocol):
    """Takes batches, and gives results."""

    depth: int
    """How many batches to keep under way."""

    def submit(self, batch: Batch) -> None:
        """Run a batch, now or later."""

    def take(self, seconds: float) -> list[BatchResult | Lost]:
        """Return what has come in, after at most so many seconds."""

    def stop(self) -> None:
        """Ask for an early end of what is under way. May be called by a signal's handler."""

    def kill(self) -> None:
        """End workers that do not answer, and give up what they were at."""


class Inline:
    """One job: batches run where their results are asked for."""

    depth = 1

    def __init__(self, plan: Plan, found: Found) -> None:
        self.stopped: Stop = threading.Event()
        self.worker = Worker(plan, self.stopped, found)
        self.waiting: list[Batch] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def submit(self, batch: Batch) -> None:
        """Note a batch."""
        self.waiting.append(batch)

    def take(self, seconds: float) -> list[BatchResult | Lost]:  # noqa: ARG002  # as others do
        """Run what was noted, however long it takes."""
        batches, self.waiting = self.waiting, []
        return [self.worker.run(batch) for batch in batches]

    def stop(self) -> None:
        """End early."""
        self.stopped.set()

    def kill(self) -> None:
        """There is nothing to end."""
