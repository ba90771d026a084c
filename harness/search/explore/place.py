"""A place of a task: a position where it parks, and all that is known of going on from there."""

from collections.abc import Callable, Coroutine, Hashable
from typing import Any

from harness.contract import Op
from harness.search.explore.hearing import Hearing
from harness.search.explore.packed import Change, Move
from harness.search.explore.values import Get

__all__ = ["Draws", "Effect", "Place", "Recipe"]

Draws = tuple[tuple[str, int, int], ...]
"""The draws of a step: name, number, and how many there were to choose from."""


class Effect:
    """What a step does, under one outcome of its draws.

    Attributes:
        draws: the draws.
        changes: what becomes of the row, the task's place with it.
        moves: the same, as is done to the groups of a packed state.
        hearing: who hears the facts of it; None: nobody does.
        number: no other effect has it.
        reads, writes: what it touched of the machine, as bits of fields (``touched.Bits``).
        turns: whether it turns the phase of a search; None: nobody has asked.
        span: of a step of the clock, the time before and after (virtual ns).

    """

    __slots__ = (
        "changes",
        "draws",
        "hearing",
        "moves",
        "number",
        "reads",
        "span",
        "turns",
        "writes",
    )

    def __init__(
        self,
        draws: Draws,
        changes: tuple[Change, ...],
        moves: tuple[Move, ...],
        hearing: Hearing | None,
    ) -> None:
        self.draws = draws
        self.changes = changes
        self.moves = moves
        self.hearing = hearing
        self.number = self.reads = self.writes = 0
        self.span: tuple[int, int] | None = None
        self.turns: bool | None = None


class Recipe:
    """How to come to a place: the ``before`` one, what the step there read, and how it went.

    ``before`` is None at the beginning of the task. ``numbers`` are those of the values of the
    parts in ``slots``.
    """

    __slots__ = ("before", "depth", "given", "k", "numbers", "slots")

    def __init__(
        self,
        before: "Place | None",
        k: int,
        slots: tuple[int, ...],
        numbers: tuple[int, ...],
        given: tuple[int, ...],
    ) -> None:
        self.before = before
        self.k = k
        self.slots = slots
        self.numbers = numbers
        self.given = given
        self.depth: int = 0 if before is None else before.recipe.depth + 1

    def plain(self) -> tuple[object, ...]:
        """Return it as plain values; the place before is its number, -1 for none."""
        before = -1 if self.before is None else self.before.number
        return before, self.k, self.slots, self.numbers, self.given, self.depth


class Place:
    """A position of a task.

    Attributes:
        task: the task's number.
        number: the place's own, among those of the task.
        key: the position, as a value.
        cpus: on which CPU each of the task's contexts is (-1: on none yet).
        op, alt: what was announced, and what may replace it; ``returned`` that nothing was.
        guard, condition: when it may go, and when the other operation is made; None: always, and
            never. ``guard_key`` is the guard as a value, ``condition_key`` the condition.
        waits, waited: what takes what the guard reads from a row, and what it said by that.
        asks, asked: the same of the condition. ``waited_reads`` and ``asked_reads`` have the
            fields that were read for each answer, as the number of a mask (``Guards.masks``),
            ``looks`` has all of them.
        reads, known: the same of the step, for ``op`` and for ``alt``.
        parked: coroutines of the task that are here.

    """

    __slots__ = (
        "alt", "asked", "asked_reads", "asks", "condition", "condition_key", "cpus", "guard",
        "guard_key", "key", "known", "looks", "number", "op", "parked", "reads", "recipe",
        "returned", "slots", "task", "wait_slots", "waited", "waited_reads", "waits", "writes",
    )  # fmt: skip

    def __init__(self, task: int, number: int, key: Hashable, recipe: Recipe) -> None:
        self.task = task
        self.number = number
        self.key = key
        self.recipe = recipe
        self.cpus: tuple[int, ...] = ()
        self.op: Op | None = None
        self.alt: Op | None = None
        self.returned = False
        self.guard: Callable[[], bool] | None = None
        self.guard_key: Hashable = None
        self.condition: Callable[[], bool] | None = None
        self.condition_key: Hashable = None
        self.wait_slots: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
        self.waits: Get = None
        self.waited: dict[Any, bool] = {}
        self.asks: Get = None
        self.asked: dict[Any, bool] = {}
        self.waited_reads: dict[Any, int] = {}
        self.asked_reads: dict[Any, int] = {}
        self.looks = 0
        self.slots: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
        self.writes: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
        self.reads: tuple[Get, Get] = (None, None)
        self.known: tuple[dict[Any, tuple[Effect, ...]], dict[Any, tuple[Effect, ...]]] = ({}, {})
        self.parked: list[Coroutine[Any, Any, None]] = []
