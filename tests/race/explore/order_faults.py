"""Faults planted in what leaves out orders of steps: each must be seen by a test here."""

from typing import Any, Final

import pytest

from harness.search.explore.futures import Futures
from harness.search.explore.guards import Guards
from harness.search.explore.stubborn import Stubborn
from harness.search.explore.touched import Bits, Deadlines, Touched
from harness.search.explore.watch import Watch
from tests.race.explore.faults import Fault, around
from tests.race.explore.toys import Program, drawn_apart

__all__ = ["APART", "FIRST", "MACHINE", "ORDER_FAULTS"]

APART, MACHINE = "programs that share little", "the machine"
"""What a fault is held to: random programs of toys, or tiny configurations of the machine."""


def guards_wait_for_nobody(patch: pytest.MonkeyPatch) -> None:
    """Who may let a task go that cannot is not asked for."""
    patch.setattr(Stubborn, "looked", lambda _self, _task, _row: 0)


def rules_are_deaf(touches: Any) -> Any:
    """What rules make of a step counts for nothing."""
    return lambda self, effect, _heard: touches(self, effect, None)


def nothing_follows(patch: pytest.MonkeyPatch) -> None:
    """A task is held to touch no more than its very next step does."""
    patch.setattr(Futures, "follow", lambda _self, _node, _then, _movers: None)


def passed_over(patch: pytest.MonkeyPatch) -> None:
    """Nothing is done where steps lead back to the path."""
    patch.setattr(Stubborn, "everything", Stubborn.successors)


def stimuli_will_do(init: Any) -> Any:
    """A set may have no task but stimuli that can go."""

    def made(self: Stubborn, graph: Any) -> None:
        init(self, graph)
        choose = self.choose

        def choose_any(*arguments: Any) -> int:
            urgent, graph.urgent = graph.urgent, -1
            try:
                return choose(*arguments)
            finally:
                graph.urgent = urgent

        self.choose = choose_any  # type: ignore[assignment,method-assign]

    return made


def writes_are_reads(end: Any) -> Any:
    """What a step sets counts as if it only looked at it."""

    def ended(self: Watch) -> None:
        end(self)
        self.fields_read |= self.fields_written
        self.fields_written = 0

    return ended


def sets_unseen(audited: Any) -> Any:
    """A field that is set to what it was before counts for nothing, not even as read."""

    def ended(self: Watch) -> None:
        read = self.touched.fields_read
        audited(self)
        self.fields_read = read

    return ended


def first_pass_believed(patch: pytest.MonkeyPatch) -> None:
    """A search is believed although more was learnt meanwhile, and nothing before it."""
    patch.setattr(Stubborn, "believed", lambda _self: True)
    patch.setattr(Stubborn, "walk", lambda _self, _roots, _more: None)


def conditions_not_read(looked_at: Any) -> Any:
    """What a guard or a condition looks at is not what its step reads."""

    def looked(self: Guards, place: Any) -> int:
        looked_at(self, place)
        return 0

    return looked


def phases_unturned(patch: pytest.MonkeyPatch) -> None:
    """What others do behind a turn of the phase is not held to follow."""
    patch.setattr(Stubborn, "turn", lambda *_arguments: None)


def deadlines_unset(patch: pytest.MonkeyPatch) -> None:
    """Nobody gives a timer a deadline."""
    patch.setattr(Deadlines, "changed", lambda _self: 0)


def clock_not_compared(patch: pytest.MonkeyPatch) -> None:
    """A timer's level hangs on its registers alone."""
    patch.setattr(Touched, "compares", lambda _self, _time: None)


def derived_not_read(init: Any) -> Any:
    """What a part derives from its fields is read by nobody."""

    def made(self: Any, parts: Any) -> None:
        parts = list(parts)
        init(self, parts)
        for _, part in parts:
            for cache in getattr(part, "CACHES", ()):
                self.of[id(part)][cache] = 0

    return made


ROUND: Final[Program] = (
    (("add", 0, 0, 0), ("back", 0, 0, 0)),
    (("add", 1, 1, 1), ("say", 1, 0, 0), ("add", 1, 1, 1), ("say", 1, 0, 0)),
)
"""One task goes round for ever, the other breaks the rule."""

FIRST: Final[dict[str, Program]] = {
    "tasks passed over on cycles": ROUND,
    "guards that wait for nobody": drawn_apart(41),
    "rules that are deaf": drawn_apart(75),
    "stimuli alone followed": drawn_apart(38),
    "writes of the same value unseen": drawn_apart(75),
    "guards not read": drawn_apart(29),
}
"""A program that shows a fault, where that is not the first that is drawn."""

ORDER_FAULTS: Final = (
    Fault("guards that wait for nobody", APART, guards_wait_for_nobody),
    Fault("rules that are deaf", APART, around(Stubborn, "touches", rules_are_deaf)),
    Fault("futures cut short", APART, nothing_follows),
    Fault("tasks passed over on cycles", APART, passed_over),
    Fault("stimuli alone followed", APART, around(Stubborn, "__init__", stimuli_will_do)),
    Fault("writes taken for reads", APART, around(Watch, "end", writes_are_reads)),
    Fault("writes of the same value unseen", APART, around(Watch, "end", sets_unseen)),
    Fault("a first pass believed", APART, first_pass_believed),
    Fault("guards not read", APART, around(Guards, "looked_at", conditions_not_read)),
    Fault("phases never turned", MACHINE, phases_unturned),
    Fault("deadlines never set", MACHINE, deadlines_unset),
    Fault("levels that no time changes", MACHINE, clock_not_compared),
    Fault("derived values not read", MACHINE, around(Bits, "__init__", derived_not_read)),
)  # fmt: skip
