"""The race that decides: how far each departure can be moved, and the two steps that may not pass.

A departure is moved step by step through what it interrupts, the others left where they are: so its
*window* is seen, the steps between which it still fails. At either edge one more step of the other
task makes the difference. What came of the departure until then (the handler that a device's event
starts, say) is moved apart next, until it is a single step against a single step: the *pair*.
"""

from collections.abc import Iterator, Sequence

import msgspec

from harness.contract import Op
from harness.search.plan import Draws
from harness.search.same import Kind, kind_of
from harness.search.trial import Stage, Trial
from harness.search.why.events import Departed, Event, Hold, Jump, Point

__all__ = ["Edge", "Race", "Span", "points"]

MOVES_MAX = 400
MOVES_MIN = 40
STEPS_MAX = 200_000
"""How far a departure is moved in one direction: at most, at least, and what that may cost."""


class Edge(msgspec.Struct, frozen=True):
    """Where a window ends: with ``first`` made before ``second`` it fails, else it does not.

    ``failing`` and ``passing`` are the departures of two executions that differ in just that.
    """

    first: Point
    second: Point
    failing: tuple[Event, ...]
    passing: tuple[Event, ...]
    ops: tuple[str, str]
    conflict: bool
    """Whether the footprints say that the order of the two can matter."""


class Span(msgspec.Struct, frozen=True):
    """The window of one departure: ``what`` comes behind the first step of ``lower``.

    And it comes in front of the second step of ``upper``; either is None where no such step was
    found. ``tries`` is how many places of the window fail.
    """

    what: Point
    lower: Edge | None
    upper: Edge | None
    tries: int

    @property
    def edge(self) -> Edge | None:
        """The edge to show: one of two steps that conflict; the later one if both do."""
        edges = [edge for edge in (self.upper, self.lower) if edge is not None]
        return max(edges, key=lambda edge: edge.conflict, default=None)


def points(trial: Trial) -> list[Point]:
    """Return the steps of a trial by name, in order, without those of the drain."""
    counts: dict[str, int] = {}
    out = []
    for task in trial.tasks:
        count = counts.get(task, 0)
        out.append(Point(task, count))
        counts[task] = count + 1
    return out


class Race:
    """Moves the departures of a failure.

    Args:
        stage: where it happens.
        draws: what is drawn.
        kind: what kind of violation is looked for.

    """

    def __init__(self, stage: Stage, draws: Draws, kind: Kind) -> None:
        self.stage = stage
        self.draws = draws
        self.kind = kind

    def run(self, events: Sequence[Event], *, watched: bool = False) -> tuple[Trial, set[Event]]:
        """Run with these departures; which of them came to pass is returned, too."""
        follow = Departed(self.stage, events, self.draws)
        trial = self.stage.follow(follow, watched=watched)
        return trial, follow.used

    def fails(self, events: Sequence[Event]) -> bool:
        """Tell whether it fails with these departures, and alike."""
        return self.is_failing(self.run(events)[0])

    def is_failing(self, trial: Trial) -> bool:
        """Tell whether a trial fails like the failure that is looked into."""
        return trial.violation is not None and kind_of(trial.violation) == self.kind

    def seen(self, events: Sequence[Event]) -> dict[Point, Op]:
        """Run, and return the operations of the steps, in order."""
        trial, _ = self.run(events, watched=True)
        made = points(trial)
        return {point: ran.op for point, ran in zip(made, trial.steps, strict=False)}

    def watch(self, events: Sequence[Event]) -> list[Point]:
        """Run, and return the steps in order."""
        return points(self.run(events)[0])

    def span(self, events: tuple[Event, ...], at: int) -> Span:
        """Find the window of the departure at this place in ``events``."""
        event = events[at]
        if event.before is None and isinstance(event, Jump):
            return Span(event.what, None, None, 1)
        earlier, low = self.move(events, at, self.earlier(events, at), must_come=True)
        later, high = self.move(events, at, self.later(event), must_come=False)
        upper = None if high is None else self.upper(events, at, later, high)
        lower = None if low is None else self.lower(events, at, earlier, low)
        tries = len(earlier) + len(later) + 1
        return Span(event.what, lower, upper, tries)

    def earlier(self, events: tuple[Event, ...], at: int) -> Iterator[Point]:
        """Yield where the departure could come instead, nearest first, towards the beginning."""
        event = events[at]
        if isinstance(event, Jump):
            before = event.before
            assert before is not None
            for count in range(before.count - 1, -1, -1):
                yield Point(before.task, count)
            return
        made = self.watch(events)
        end = made.index(event.what) if event.what in made else len(made)
        begun = self.begun(events, event)
        yield from reversed(made[begun:end])

    def begun(self, events: tuple[Event, ...], event: Event) -> int:
        """Return the number of steps that are made when a hold begins to matter."""
        made = self.watch(events)
        without = self.watch([e for e in events if e != event])
        same = [a == b for a, b in zip(made, without, strict=False)]
        return same.index(False) if False in same else len(same)

    def later(self, event: Event) -> Iterator[Point]:
        """Yield where it could come instead, nearest first, towards the end."""
        if event.before is None:
            return
        for count in range(event.before.count + 1, event.before.count + MOVES_MAX):
            yield Point(event.before.task, count)

    def move(
        self, events: tuple[Event, ...], at: int, places: Iterator[Point], *, must_come: bool
    ) -> tuple[list[Event], Point | None]:
        """Move a departure from place to place while it fails.

        With ``must_come``, a place where it cannot come is the end of the way, and tells nothing.
        Towards the end it comes by itself, later, or never: behind what it had to be before.

        Returns:
            The departures with which it fails, and the first place where it does not; None if there
            is none.

        """
        moved: list[Event] = []
        begun = self.stage.cost.steps
        for tried, place in enumerate(places):
            event = msgspec.structs.replace(events[at], before=place)
            trial, used = self.run((*events[:at], event, *events[at + 1 :]))
            came = event in used or isinstance(event, Hold)
            if not self.is_failing(trial):
                return moved, place if came or not must_come else None
            dear = tried >= MOVES_MIN and self.stage.cost.steps - begun > STEPS_MAX
            if not came or dear or tried == MOVES_MAX:
                break
            moved.append(event)
        return moved, None

    def upper(self, events: tuple[Event, ...], at: int, later: list[Event], beyond: Point) -> Edge:
        """Return the edge at the end of a window, behind which ``beyond`` is."""
        event = later[-1] if later else events[at]
        last = event.before
        assert last is not None
        failing = (*events[:at], event, *events[at + 1 :])
        moved = msgspec.structs.replace(event, before=beyond)
        passing = (*events[:at], moved, *events[at + 1 :])
        if isinstance(event, Hold):
            return self.edge(event.what, last, failing, passing)
        made = self.watch(failing)
        if event.what not in made or last not in made[made.index(event.what) :]:
            return self.edge(event.what, last, failing, passing)
        block = made[made.index(event.what) : made.index(last)]
        decisive = block[0]
        for n in range(len(block) - 1, 0, -1):
            back = self.with_jump(failing, at, Jump(last, block[n]))
            if not self.fails(back):
                decisive, passing = block[n], back
                break
            failing = back
        return self.edge(decisive, last, failing, passing)

    def lower(
        self, events: tuple[Event, ...], at: int, earlier: list[Event], beyond: Point
    ) -> Edge:
        """Return the edge at the beginning of a window, in front of which ``beyond`` is."""
        event = earlier[-1] if earlier else events[at]
        failing = (*events[:at], event, *events[at + 1 :])
        moved = msgspec.structs.replace(event, before=beyond)
        passing = (*events[:at], moved, *events[at + 1 :])
        if isinstance(event, Hold):
            return self.edge(beyond, event.what, failing, passing)
        made = self.watch(passing)
        if event.what not in made or beyond not in made[made.index(event.what) :]:
            return self.edge(beyond, event.what, failing, passing)
        block = made[made.index(event.what) : made.index(beyond)]
        decisive = block[-1]
        for n in range(1, len(block)):
            back = self.with_jump(passing, at, Jump(beyond, block[n]))
            if not self.fails(back):
                decisive, passing = block[n - 1], back
                break
            failing = back
        return self.edge(beyond, decisive, failing, passing)

    def with_jump(self, events: tuple[Event, ...], at: int, jump: Jump) -> tuple[Event, ...]:
        """Add a jump behind the departure at this place."""
        kept = [e for e in events if not (isinstance(e, Jump) and e.what == jump.what)]
        at = min(at, len(kept) - 1)
        return (*kept[: at + 1], jump, *kept[at + 1 :])

    def edge(
        self, first: Point, second: Point, failing: tuple[Event, ...], passing: tuple[Event, ...]
    ) -> Edge:
        """Return an edge; whether its steps conflict is looked up.

        A forced exit may replace the instruction that comes too late: the one that is named is the
        one that would have been in time.
        """
        made = self.seen(failing)
        a = made.get(first)
        b = self.seen(passing).get(second) or made.get(second)
        ops = ("" if a is None else a.name, "" if b is None else b.name)
        conflict = a is not None and b is not None and a.conflicts(b)
        return Edge(first, second, failing, passing, ops, conflict)
