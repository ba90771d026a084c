"""The graph of states of a case: from a state to the next ones, all by look-ups where it can."""

from typing import Any, NamedTuple

from harness.engine.choice import Choice, Draw, StepOf
from harness.search.explore.guards import Guards
from harness.search.explore.memo import Beginning, Memo
from harness.search.explore.packed import CHANGE_BITS, MASK, WIDTH, Move, Row
from harness.search.explore.place import Draws, Effect
from model.check.violation import Violation

__all__ = ["Broken", "Graph", "Step"]

Hot = tuple[Any, ...]


class Step(NamedTuple):
    """A step from one state to another: whose, with which draws, and what rules said of it."""

    task: int
    draws: Draws
    state: int
    violations: tuple[Violation, ...]
    eager: bool


class Broken(NamedTuple):
    """A violation: the state before the step that shows it, that step, and what rules said.

    ``task`` is -1 where nothing can happen any more and something is owed.
    """

    state: int
    task: int
    draws: Draws
    violations: tuple[Violation, ...]


class Graph:
    """The graph of states of a world, by its memo.

    ``broken`` are the violations that were met, ``ends`` counts the states where no task can go,
    ``transitions`` the steps that were followed.
    """

    def __init__(self, memo: Memo) -> None:
        self.memo = memo
        self.guards = Guards(memo)
        self.packing = memo.packing
        self.broken: list[Broken] = []
        self.transitions = 0
        self.ends = 0
        self.urgent = sum(slot.bit for slot in memo.slots if not slot.optional)
        self.eager = sum(slot.bit for slot in memo.slots if slot.eager)
        self.hot: list[list[Hot]] = [[] for _ in memo.slots]
        self.enabled = 0
        self.movers: list[int] = []

    def beginnings(self) -> dict[int, Beginning]:
        """Return the states in which an execution may begin."""
        found: dict[int, Beginning] = {}
        for each in self.memo.beginnings():
            found.setdefault(self.packing.pack(each.row), each)
        return found

    def heat(self, task: int, number: int) -> Hot:
        """Return what the inner loop needs of a place, side by side."""
        hot, places = self.hot[task], self.memo.places[task]
        while len(hot) < len(places):
            place = places[len(hot)]
            bit = 0 if place.returned else 1 << task
            hot.append(
                (bit, place.waits, place.waited, place.asks, place.asked,
                 place.reads[0], place.known[0], place.reads[1], place.known[1], place)
            )  # fmt: skip
        return hot[number]

    def successors(self, state: int) -> list[int]:
        """Return the states that follow; violations go to ``broken``, with no state behind them.

        ``movers`` then has the task of each of these steps, ``enabled`` the tasks that can go.
        """
        groups = self.packing.groups
        numbers = []
        row: tuple[int, ...] = ()
        left = state
        for group in groups:
            number = left & MASK
            left >>= WIDTH
            numbers.append(number)
            row += group.contents[number]
        ready = self.ready(row)
        movers: list[int] = []
        self.movers = movers
        if not self.enabled & self.urgent:
            if self.rests(state, row):
                return []
        elif self.enabled & self.eager:
            ready = ready[:1]
        found: list[int] = []
        for hot in ready:
            effects = self.effects(hot, row)
            for effect in effects:
                then = state
                hearing = effect.hearing
                if hearing is not None:
                    heard = hearing.known.get(hearing.get(row))
                    if heard is None:
                        heard = hearing.hear(row)
                    moves, violations = heard[0], heard[1]
                    if violations:
                        step = (hot[9].task, effect.draws)
                        self.broken.append(Broken(state, *step, violations))
                        continue
                    for which, change in moves:
                        number = numbers[which]
                        delta = groups[which].goes.get(number << CHANGE_BITS | change)
                        then += groups[which].go(number, change) if delta is None else delta
                for which, change in effect.moves:
                    number = numbers[which]
                    delta = groups[which].goes.get(number << CHANGE_BITS | change)
                    then += groups[which].go(number, change) if delta is None else delta
                found.append(then)
                movers.append(hot[9].task)
        self.transitions += len(found)
        return found

    def ready(self, row: Row) -> list[Hot]:
        """Return the places of the tasks that can go, in task order; ``enabled`` has their bits.

        With synchronous messages what is in flight goes first: those tasks are put first.
        """
        enabled = 0
        found = []
        for task, table in enumerate(self.hot):
            try:
                hot = table[row[task]]
            except IndexError:
                hot = self.heat(task, row[task])
            waits = hot[1]
            if waits is None:
                if not hot[0]:
                    continue  # it has returned
            else:
                answer = hot[2].get(waits(row))
                if answer is None:
                    answer = self.guards.may_go(hot[9], row)
                if not answer:
                    continue
            enabled |= hot[0]
            found.append(hot)
        self.enabled = enabled
        if enabled & self.eager:
            found.sort(key=lambda hot: not hot[0] & self.eager)
        return found

    def effects(self, hot: Hot, row: Row) -> tuple[Effect, ...]:
        """Return what the step of a place does in a state."""
        _, _, _, asks, asked, reads, known, reads2, known2, place = hot
        k = 0
        if asks is not None:
            answer = asked.get(asks(row))
            if answer is None:
                answer = self.guards.replaced(place, row)
            if answer:
                k, reads, known = 1, reads2, known2
        effects: tuple[Effect, ...] | None = known.get(reads(row))
        return self.memo.effects(place, k, row) if effects is None else effects

    def rests(self, state: int, row: Row) -> bool:
        """Tell whether an execution is over where only stimuli can go: something is owed, or all.

        The rules say what is owed; that is a violation, late or lost.
        """
        debts = self.memo.debts.of(row)
        if debts:
            self.broken.append(Broken(state, -1, (), debts))
            return True
        if not self.enabled:
            self.ends += 1
            return True
        return False

    # -- the same with names, for those who tell of it -----------------------------------------

    def steps(self, state: int) -> list[Step]:
        """Return the steps from a state, with those that break a rule."""
        row = self.packing.unpack(state)
        ready = self.ready(row)
        eager = bool(self.enabled & self.eager)
        found = []
        for hot in ready[:1] if eager else ready:
            for effect in self.effects(hot, row):
                then = self.memo.changed(row, effect)
                violations: tuple[Violation, ...] = ()
                if effect.hearing is not None:
                    moves, violations = effect.hearing.hear(row)[:2]
                    then = self.moved(then, moves)
                after = self.packing.pack(then)
                found.append(Step(hot[9].task, effect.draws, after, violations, eager))
        return found

    def moved(self, row: Row, moves: tuple[Move, ...]) -> Row:
        """Return the row with moves of its groups."""
        then = list(row)
        for group, change in moves:
            for slot, number in self.packing.groups[group].changes[change]:
                then[slot] = number
        return tuple(then)

    def choices(self, step: Step) -> tuple[Choice, ...]:
        """Return a step as a schedule has it: the step, then its draws; an eager one is none."""
        if step.eager:
            return draws(step.draws)
        return (StepOf(self.memo.slots[step.task].name), *draws(step.draws))


def draws(made: Draws) -> tuple[Choice, ...]:
    """Return draws as a schedule has them: one of one is none."""
    return tuple(Draw(name, n, k) for name, n, k in made if k > 1)
