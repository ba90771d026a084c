"""An execution as its departures from the calm order, which can be moved, and left out.

A step is named by its task and how many steps that task made before it, so that it is the same step
wherever others come. There are two kinds of departure:

- a *jump*: a task makes a step although another, by the calm order, would go. So stimuli come,
  threads take turns, time passes early;
- a *hold*: a message, a handler or a soft timer is kept waiting, though it would go at once, until
  another task is about to make a certain step.

What the calm order does of itself is no departure. So an execution that lets a message travel while
a thread makes forty steps has one.
"""

from collections.abc import Sequence

import msgspec

from harness.contract import Abandon, RunInfo, Task
from harness.engine.execution import Slot
from harness.search.follow import Follow, Staged
from harness.search.order import THREADS
from harness.search.plan import Draws, Plan

__all__ = ["Departed", "Event", "Hold", "Jump", "Noting", "Point"]


class Point(msgspec.Struct, frozen=True, gc=False, order=True):
    """Step number ``count`` (from 0) of ``task`` (a short name), in whatever execution."""

    task: str
    count: int


class Jump(msgspec.Struct, frozen=True, gc=False):
    """``what`` is made when ``before`` would be; None: when nobody would go any more.

    Where that task has come elsewhere meanwhile, another step of its own is made instead.
    """

    what: Point
    before: Point | None


class Hold(msgspec.Struct, frozen=True, gc=False):
    """``what`` is not made until ``before`` is about to be; None: not while anything else goes."""

    what: Point
    before: Point | None


Event = Jump | Hold
Ended = tuple[Point, dict[int, Point], tuple[int, int]]
"""The end of a hold: of which step, who else could have gone, and the state of the order."""


class Noting(Follow):
    """Follows a plan, and notes its departures as it goes."""

    def __init__(self, stage: Staged, plan: Plan) -> None:
        super().__init__(stage, plan, stage.order.name)
        self.slots = stage.slots

    def begin(self, info: RunInfo) -> bool:
        """Start from the first block."""
        self.noted: list[Jump | Ended] = []
        self.counts: dict[int, int] = {}
        self.held: dict[int, Point] = {}
        """The step at which a task is held, by the task's number."""
        return super().begin(info)

    @property
    def events(self) -> list[Event]:
        """The departures, in the order in which they came, holds where they ended.

        A hold begins as soon as its step could be made: so whoever is held at any time is no
        candidate for the step that a hold lasts to.
        """
        held = set(self.held.values())
        held.update(each[0] for each in self.noted if not isinstance(each, Jump))
        events: list[Event] = []
        for each in self.noted:
            if isinstance(each, Jump):
                events.append(each)
                continue
            what, others, (last, thread) = each
            mask = sum(1 << index for index, point in others.items() if point not in held)
            slot = self.order.find(mask, last, thread)
            events.append(Hold(what, None if slot is None else others[slot.index]))
        return events + [Hold(what, None) for what in self.held.values()]

    def point(self, slot: Slot) -> Point:
        """Return the step that a task would make next."""
        return Point(slot.name, self.counts.get(slot.index, 0))

    def planned(self, mask: int) -> Slot | None:
        """Note who goes by the plan."""
        chosen = super().planned(mask)
        if chosen is not None:
            self.note(chosen, mask)
        return chosen

    def beyond(self, enabled: Sequence[Task], mask: int) -> Slot | None:
        """Note who goes behind the plan."""
        chosen = super().beyond(enabled, mask)
        if chosen is not None:
            self.note(chosen, mask)
        return chosen

    def note(self, chosen: Slot, mask: int) -> None:
        """Note how ``chosen`` departs from the calm order of the tasks in ``mask``."""
        what = self.held.pop(chosen.index, None)
        for index in self.held:
            mask &= ~(1 << index)
        default = self.order.next(mask)
        while default is not None and default is not chosen:
            if self.order.ranks[default.index] >= THREADS:
                break
            self.held[default.index] = self.point(default)
            mask &= ~default.bit
            default = self.order.next(mask)
        if what is not None:
            others = {slot.index: self.point(slot) for slot in self.slots if slot.bit & mask}
            del others[chosen.index]
            self.noted.append((what, others, self.order.state))
        if default is not chosen:
            before = None if default is None else self.point(default)
            self.noted.append(Jump(self.point(chosen), before))
        self.counts[chosen.index] = self.counts.get(chosen.index, 0) + 1


class Departed(Follow):
    """Follows the calm order, but for ``events``; what does not fit is left out.

    Of those that are due before the same step the first one comes first. ``used`` tells afterwards
    which of them came to pass.
    """

    def __init__(self, stage: Staged, events: Sequence[Event], draws: Draws) -> None:
        super().__init__(stage, Plan((), draws), stage.order.name)
        named = stage.named
        self.events = [e for e in events if e.what.task in named]
        self.named = named

    def begin(self, info: RunInfo) -> bool:
        """Start with all events to come."""
        self.counts: dict[str, int] = dict.fromkeys(self.named, 0)
        self.to_come = list(self.events)
        self.used: set[Event] = set()
        return super().begin(info)

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        """Choose, and count the step."""
        chosen = super().choose(enabled, pending, current)
        if isinstance(chosen, Slot):
            self.counts[chosen.name] += 1
        return chosen

    def planned(self, mask: int) -> Slot | None:
        """Return who goes: whoever jumps, else by the order, of those that are not held."""
        default = self.order.next(self.unheld(mask))
        at = 0
        while at < len(self.to_come):
            event = self.to_come[at]
            slot = self.named[event.what.task]
            due = self.is_due(default, event)
            if due and isinstance(event, Hold):
                del self.to_come[at]
                default = self.order.next(self.unheld(mask))
                at = 0
            elif due and slot.bit & mask:
                del self.to_come[at]
                self.used.add(event)
                return slot
            else:
                at += 1
        return default

    def unheld(self, mask: int) -> int:
        """Return those of ``mask`` that need not wait."""
        for event in self.to_come:
            if isinstance(event, Hold) and self.counts[event.what.task] == event.what.count:
                bit = self.named[event.what.task].bit
                if bit & mask:
                    self.used.add(event)
                    mask &= ~bit
        return mask

    def is_due(self, default: Slot | None, event: Event) -> bool:
        """Tell whether it is time for an event, now that ``default`` would go.

        A hold ends when nobody else goes, and is over where its end was missed.
        """
        before = event.before
        if default is None or before is None:
            return default is None and (before is None or isinstance(event, Hold))
        if default.name != before.task:
            return False
        made = self.counts[before.task]
        return made == before.count or (made > before.count and isinstance(event, Hold))
