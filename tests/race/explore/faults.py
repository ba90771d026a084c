"""Faults planted in the explorer: each makes it wrong in a way that a test here must see."""

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

import pytest

from harness.engine.awaits import awaits_of
from harness.engine.slot import Slot
from harness.search.explore import memo as memo_module
from harness.search.explore.graph import Graph
from harness.search.explore.hearing import Rules, Unit
from harness.search.explore.memo import Memo
from harness.search.explore.place import Effect, Place, Recipe
from harness.search.explore.task import Script
from harness.search.explore.values import Values, getter
from model.check.rule import Rule
from model.timer_context import TimerContext
from tests.race.explore.toys import Toy

__all__ = ["FAULTS", "TIMERS", "TOYS", "Fault"]

POSITION = "position"
"""How the explorer calls the function by which it tells places apart."""
Plant = Callable[[pytest.MonkeyPatch], None]
TOYS, TIMERS = "random programs", "timer"
"""What a fault is held to: programs of toys, or the configuration of that name in flight."""


class Fault(NamedTuple):
    """A fault: what is wrong, the check that is to see it, and how it is planted."""

    name: str
    seen_by: str
    plant: Plant


def around(cls: type, name: str, make: Callable[[Any], Any]) -> Plant:
    """Put a function made of a method in its place."""
    return lambda patch: patch.setattr(cls, name, make(getattr(cls, name)))


def field_left_out(patch: pytest.MonkeyPatch) -> None:
    """The last field of each part of the machine is not in its key."""
    read = Values.read

    def read_less(self: Values) -> int:
        full = self.canonical

        def less() -> Hashable:
            key = full()
            return (*key[:-1], 0) if isinstance(key, tuple) and len(key) == 2 else key

        if self.part.FIELDS == ("value", "mark"):
            self.canonical = less
        try:
            return read(self)
        finally:
            self.canonical = full

    patch.setattr(Values, "read", read_less)


def wrong_dead_variable(patch: pytest.MonkeyPatch) -> None:
    """A timer's compare value in memory is taken for dead while it is not loaded."""

    def canonical(self: TimerContext) -> object:
        return (0, *self.key()[1:])  # type: ignore[index]

    patch.setattr(TimerContext, "canonical", canonical)


def local_left_out(patch: pytest.MonkeyPatch) -> None:
    """What a toy remembers (``kept``) is not in its place."""
    position = getattr(memo_module, POSITION)
    kept = awaits_of(Toy.main.__code__).names.index("kept") + 2

    def less(slot: Slot) -> Hashable:
        key: Any = position(slot)
        if len(key) < 2:
            return key  # type: ignore[no-any-return]
        (frame, *rest) = key
        return ((*frame[:kept], 0, *frame[kept + 1 :]), *rest)

    patch.setattr(memo_module, POSITION, less)


def described(change: Callable[[Place], None]) -> Plant:
    """Change what is noted of each new place."""

    def make(describe: Any) -> Any:
        def described_wrongly(self: Memo, place: Place, coroutine: Any) -> None:
            describe(self, place, coroutine)
            change(place)

        return described_wrongly

    return around(Memo, "describe", make)


def guard_merged(place: Place) -> None:
    """What a guard said once, it says in all states."""
    if place.waits is not None:
        place.waits = getter(())


def condition_cached(place: Place) -> None:
    """So it is with the condition of an alternative."""
    if place.asks is not None:
        place.asks = getter(())


def reads_too_little(place: Place) -> None:
    """A step's key lacks one of the parts that it reads."""
    place.reads = (getter(place.slots[0][1:]), getter(place.slots[1][1:]))


def draw_ignored(_following: Any) -> Any:
    return lambda _self: None


def second_draw_ignored(following: Any) -> Any:
    """Only the first draw of a step is branched on."""

    def next_of_first(self: Script) -> Any:
        self.made = self.made[:1]
        return following(self)

    return next_of_first


def rules_state_dropped(ask: Any) -> Any:
    def forgets(self: Unit, row: Any) -> Any:
        changes, *rest = ask(self, row)
        listeners = [x for x, own in self.rules.own.items() if own == self.own]
        return (() if any(isinstance(x, Rule) for x in listeners) else changes), *rest

    return forgets


def optional_is_progress(patch: pytest.MonkeyPatch) -> None:
    """Where a stimulus can come nothing is owed yet."""
    init = Graph.__init__

    def made(self: Graph, memo: Memo) -> None:
        init(self, memo)
        self.urgent = -1

    patch.setattr(Graph, "__init__", made)


def write_missed(perform: Any) -> Any:
    """The last part that a step changed stays as it was."""

    def performed(self: Memo, *arguments: Any) -> Effect:
        effect: Effect = perform(self, *arguments)
        machine = [change for change in effect.changes if change[0] >= self.tasks]
        changes = tuple(change for change in effect.changes if change not in machine[-1:])
        return Effect(effect.draws, changes, self.packing.moves(changes), effect.hearing)

    return performed


def fact_lost(hearing: Any) -> Any:
    def hears_less(self: Rules, facts: Any, packing: Any) -> Any:
        return hearing(self, facts[:-1], packing)

    return hears_less


def one_step_short(patch: pytest.MonkeyPatch) -> None:
    """A coroutine that is walked forward is taken one step before its place."""

    def take(self: Memo, place: Place) -> Any:
        if place.parked:
            return place.parked.pop()
        steps: list[Recipe] = []
        at: Place | None = place
        while at is not None and not at.parked:
            steps.append(at.recipe)
            at = at.recipe.before
        coroutine = at.parked.pop() if at is not None else self.fresh(place.task)
        for recipe in reversed(steps[1:] if len(steps) > 1 else steps):
            self.prepare(place.task, recipe)
            self.resume(self.slots[place.task], coroutine)
            for each in self.values:
                each.now = -1
        self.slots[place.task].coroutine = coroutine
        return coroutine

    patch.setattr(Memo, "take", take)


def stale_part(put: Any) -> Any:
    """A part is given the value that a step reads only if it was never given one."""

    def puts_once(self: Values, number: int) -> None:
        if self.now < 0:
            put(self, number)

    return puts_once


FAULTS = (
    Fault("a field left out of a key", TOYS, field_left_out),
    Fault("a wrong dead variable", TIMERS, wrong_dead_variable),
    Fault("a local left out of a place", TOYS, local_left_out),
    Fault("a guard merged", TOYS, described(guard_merged)),
    Fault("an alternative's condition cached", TOYS, described(condition_cached)),
    Fault("a read missed", TOYS, described(reads_too_little)),
    Fault("a draw ignored", TOYS, around(Script, "following", draw_ignored)),
    Fault("a second draw ignored", TOYS, around(Script, "following", second_draw_ignored)),
    Fault("a rule's state dropped", TOYS, around(Unit, "ask", rules_state_dropped)),
    Fault("an optional stimulus counted as progress", TOYS, optional_is_progress),
    Fault("a write missed", TOYS, around(Memo, "perform", write_missed)),
    Fault("a told fact lost", TOYS, around(Rules, "hearing", fact_lost)),
    Fault("a coroutine walked one step short", TOYS, one_step_short),
    Fault("a part not set before a step", TOYS, around(Values, "put", stale_part)),
)
