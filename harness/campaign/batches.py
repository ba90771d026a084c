"""What is dealt out and what comes back: batches of schedules, findings, and news on the way."""

from typing import Protocol

import msgspec

from harness.campaign.crash import Crash
from harness.engine.execution import Violation

__all__ = ["Batch", "BatchResult", "Beat", "Finding", "Lost", "Stop"]


class Stop(Protocol):
    """A flag that ends batches early (``threading.Event``)."""

    def is_set(self) -> bool:
        """Tell whether someone has asked to stop."""

    def set(self) -> None:
        """Ask everyone to stop."""


class Batch(msgspec.Struct, frozen=True):
    """Schedules ``first``, ``first + stride``, ... of an entry, ``count`` of them.

    ``k`` is the choice steps that the entry was measured to have; with 0 it is the batch that
    measures them, the entry's first. With ``again`` it is a kept failure instead: the schedules to
    follow until one fails, and ``first`` is below 0. ``careful`` asks the worker to say each
    schedule before it runs it: a worker died of the batch before.
    """

    entry: int
    first: int
    count: int
    stride: int = 1
    k: int = 0
    again: tuple[str, ...] = ()
    careful: bool = False

    @property
    def indices(self) -> range:
        """The numbers of its schedules in the entry."""
        return range(self.first, self.first + self.count * self.stride, self.stride)


class Finding(msgspec.Struct, frozen=True):
    """An execution that broke a rule or reached a bound.

    ``index`` is its number in the entry (below 0: of a kept failure), ``schedule`` what replays it,
    ``steps`` how many it had. A schedule that was only counted, as there were enough already, is ""
    in a campaign's record.
    """

    index: int
    schedule: str
    steps: int
    violations: tuple[Violation, ...]


class BatchResult(msgspec.Struct):
    """What a batch came to. ``done`` is less than asked when it stopped early.

    ``steps`` is the sum over its executions and ``seconds`` the time they took (monotonic clock);
    ``tasks`` and ``k`` are pct's n, and how many steps of an execution have a choice. ``reached``
    counts executions by the "sometimes" states they reached; ``pct_runs`` and
    ``longest`` are about the pct schedules with the measured k, ``far_runs`` about those of them
    with the large k; ``bounded`` is the first execution that hit a bound. ``worker`` is the process
    that ran it.
    """

    entry: int
    first: int
    count: int = 0
    stride: int = 1
    done: int = 0
    steps: int = 0
    seconds: float = 0.0
    tasks: int = 0
    k: int = 0
    pct_runs: int = 0
    far_runs: int = 0
    longest: int = 0
    reached: dict[int, int] = {}
    bounds: dict[str, int] = {}
    bounded: Finding | None = None
    findings: list[Finding] = []
    crash: Crash | None = None
    worker: int = 0


class Beat(msgspec.Struct, frozen=True):
    """What a worker is at: schedule ``index`` of ``entry``, with ``cpu`` seconds of its own so far.

    ``entry`` is -1 while it has nothing to do.
    """

    entry: int
    index: int
    cpu: float


class Lost(msgspec.Struct, frozen=True):
    """A batch that no worker could run to its end, and why not, as it ends a sentence."""

    batch: Batch
    why: str
