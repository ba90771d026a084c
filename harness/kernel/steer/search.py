"""The schedules of a real kernel, searched: a scenario repeated, steered in several ways in turn.

First nobody steers, which tells how often it fails by itself; then a random walk and PCT take
turns, over a few places and over all.
"""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace

from harness.kernel.history import History
from harness.kernel.run import WRONG_BITS
from harness.kernel.steer.control import Control, Mode, Window
from harness.kernel.steer.machine import Steered
from harness.kernel.steer.places import COARSE, FINE
from harness.kernel.steer.subject import Subject
from harness.kernel.steer.windows import Kind, Told, jobs

__all__ = ["TURNS", "UNSTEERED", "Failure", "Searched", "Share", "search"]

UNSTEERED = "unsteered"
TURNS: tuple[tuple[str, Control], ...] = (
    ("walk p=.1", Control(Mode.WALK, probability=0.1, level=COARSE)),
    ("pct d=2", Control(Mode.PCT, depth=2, level=COARSE)),
    ("walk p=.02, all places", Control(Mode.WALK, probability=0.02, level=FINE, stops_max=20_000)),
    ("pct d=3", Control(Mode.PCT, depth=3, level=COARSE)),
    ("walk p=.4", Control(Mode.WALK, probability=0.4, level=COARSE)),
    ("pct d=2, all places", Control(Mode.PCT, depth=2, level=FINE, stops_max=20_000)),
)
"""How executions are steered, in turn."""
BATCH, BATCH_MAX, FIRST_BATCH = 200, 2000, 400
"""So many executions each, at most as the last ones were fast; and so many that nobody steers."""
BATCH_SECONDS = 20.0
UNSTEERED_SHARE = 0.2
"""Of the time, at most."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An execution that failed, and how it was steered: its window has the decisions.

    ``control`` with the seed of the execution's own job and the number of its window give it again
    as far as a real machine does.
    """

    scenario: str
    strategy: str
    seed: int
    execution: int
    kinds: tuple[tuple[Kind, str], ...]
    window: Window | None
    history: History | None
    said: tuple[str, ...] = ()


@dataclass(slots=True)
class Share:
    """How many executions of a strategy there were, in how many seconds, and how many failed."""

    executions: int = 0
    seconds: float = 0.0
    bad: int = 0
    stops: int = 0

    @property
    def rate(self) -> float:
        """Executions a second."""
        return self.executions / self.seconds if self.seconds else 0.0


@dataclass(slots=True)
class Searched:
    """What a search came to so far: by strategy, and by kind of failure."""

    scenario: str
    shares: dict[str, Share] = field(default_factory=dict)
    kinds: dict[Kind, list[Failure]] = field(default_factory=dict)
    texts: dict[Kind, str] = field(default_factory=dict)
    counts: dict[Kind, dict[str, int]] = field(default_factory=dict)

    @property
    def executions(self) -> int:
        """How many there were."""
        return sum(share.executions for share in self.shares.values())

    @property
    def bad(self) -> int:
        """How many failed."""
        return sum(share.bad for share in self.shares.values())


def search(
    steered: Steered, subject: Subject, executions: int, seconds: float, seed: int,
    searched: Searched,
) -> Generator[Failure, None, None]:  # fmt: skip
    """Search a scenario's schedules; yield each failure at once; ``searched`` counts.

    Args:
        steered: the machine.
        subject: the scenario's guests.
        executions: how many at most.
        seconds: how long at most.
        seed: what the strategies draw from.
        searched: is filled.

    Raises:
        MachineFailedError: the machine failed, or the VMM in it.
    """
    until = time.monotonic() + seconds
    plain = min(FIRST_BATCH, max(1, executions // 4))
    first = searched.executions
    share = seconds * UNSTEERED_SHARE
    for told in jobs(steered, subject.words, Control(), plain, share, first=first):
        yield from take(searched, subject, UNSTEERED, seed, told)
    turn = 0
    while searched.executions < executions and time.monotonic() < until:
        name, control = TURNS[turn % len(TURNS)]
        turn += 1
        first = searched.executions
        rate = searched.shares[name].rate if name in searched.shares else 0.0
        batch = min(BATCH_MAX, max(BATCH, int(rate * BATCH_SECONDS / 4)))
        count = min(batch, executions - first)
        left = min(BATCH_SECONDS, until - time.monotonic())
        asked = replace(control, seed=seed << 32)
        for told in jobs(steered, subject.words, asked, count, max(1.0, left), first=first):
            yield from take(searched, subject, name, seed, told)


def take(
    searched: Searched, subject: Subject, strategy: str, seed: int, told: Told
) -> Iterator[Failure]:
    """Judge what a job told; yield what failed."""
    share = searched.shares.setdefault(strategy, Share())
    share.executions += told.executions
    share.seconds += told.seconds
    share.stops += sum(window.stops for window in told.windows.values())
    kinds: dict[int, list[tuple[Kind, str]]] = {}
    histories = {history.execution: history for history in told.histories}
    for execution, bits in told.wrong.items():
        for bit, text in WRONG_BITS.items():
            if bits & bit:
                kinds.setdefault(execution, []).append((("guest", str(bit)), text))
    for execution, late in told.stuck.items():
        word = "late" if late else "lost"
        text = f"{word.upper()}: an execution made no progress"
        kinds.setdefault(execution, []).append((("progress", word), text))
    for execution, history in histories.items():
        for violation in subject.violations(history):
            kind = (violation.rule, violation.alarm)
            kinds.setdefault(execution, []).append((kind, violation.text))
    share.bad += len(kinds)
    for execution in sorted(kinds):
        failure = Failure(
            scenario=searched.scenario,
            strategy=strategy,
            seed=seed,
            execution=execution,
            kinds=tuple({kind: (kind, text) for kind, text in kinds[execution]}.values()),
            window=told.windows.get(execution),
            history=histories.get(execution),
            said=tuple(told.said.get(execution, ())),
        )
        count(searched, failure)
        yield failure


def count(searched: Searched, failure: Failure) -> None:
    """Count a failure."""
    for kind, text in failure.kinds:
        searched.texts.setdefault(kind, text)
        searched.kinds.setdefault(kind, []).append(failure)
        by = searched.counts.setdefault(kind, {})
        by[failure.strategy] = by.get(failure.strategy, 0) + 1
