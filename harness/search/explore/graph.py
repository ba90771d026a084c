"""The graph of states of a case: from a state to the next ones, all by look-ups where it can."""

from typing import Any, NamedTuple

from harness.engine.choice import Choice, Draw, StepOf
from harness.search.explore.memo import Beginning, Memo
from harness.search.explore.packed import CHANGE_BITS, MASK
from harness.search.explore.place import Draws, Effect, Place
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
        self.packing = memo.packing
        self.broken: list[Broken] = []
        self.transitions = 0
        self.ends = 0
        self.optional = sum(slot.bit for slot in memo.slots if slot.optional)
        self.eager = sum(slot.bit for slot in memo.slots if slot.eager)
        self.hot: list[list[Hot]] = [[] for _ in memo.slots]
        self.quiet: dict[int, bool] = {}

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
        """Return the states that follow; violations go to ``broken``, with no state behind them."""
        memo = self.memo
        groups = self.packing.groups
        numbers = []
        row: tuple[int, ...] = ()
        left = state
        for group in groups:
            number = left & MASK
            left >>= 24
            numbers.append(number)
            row += group.contents[number]
        enabled = 0
        ready = []
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
                    answer = memo.may_go(hot[9], row)
                if not answer:
                    continue
            enabled |= hot[0]
            ready.append(hot)
        if not enabled & ~self.optional:
            debts = memo.debts.of(row)
            if debts:
                self.broken.append(Broken(state, -1, (), debts))
                return []
            if not enabled:
                self.ends += 1
                return []
        elif enabled & self.eager:
            first = enabled & self.eager
            first &= -first
            ready = [hot for hot in ready if hot[0] == first]
        found = []
        for _, _, _, asks, asked, reads, known, reads2, known2, place in ready:
            k = 0
            if asks is not None:
                answer = asked.get(asks(row))
                if answer is None:
                    answer = memo.replaced(place, row)
                if answer:
                    k, reads, known = 1, reads2, known2  # noqa: PLW2901  # the other operation
            effects = known.get(reads(row))
            if effects is None:
                effects = memo.effects(place, k, row)
            for effect in effects:
                then = state
                for group, change in effect.moves:
                    number = numbers[group]
                    delta = groups[group].goes.get(number << CHANGE_BITS | change)
                    if delta is None:
                        delta = groups[group].go(number, change)
                    then += delta
                hearing = effect.hearing
                if hearing is not None:
                    heard = hearing.known.get(hearing.get(row))
                    if heard is None:
                        heard = hearing.hear(row)
                    moves, violations = heard
                    if violations:
                        self.broken.append(Broken(state, place.task, effect.draws, violations))
                        continue
                    for group, change in moves:
                        number = numbers[group]
                        delta = groups[group].goes.get(number << CHANGE_BITS | change)
                        if delta is None:
                            delta = groups[group].go(number, change)
                        then += delta
                found.append(then)
        self.transitions += len(found)
        return found

    # -- the same with names, for those who tell of it -----------------------------------------

    def ready(self, row: tuple[int, ...]) -> list[Place]:
        """Return the places of the tasks that can go, in task order."""
        memo = self.memo
        found = []
        for task in range(memo.tasks):
            place = memo.places[task][row[task]]
            if place.returned:
                continue
            if place.waits is not None:
                answer = place.waited.get(place.waits(row))
                if not (memo.may_go(place, row) if answer is None else answer):
                    continue
            found.append(place)
        return found

    def steps(self, state: int) -> list[Step]:
        """Return the steps from a state, with those that break a rule."""
        row = self.packing.unpack(state)
        ready = self.ready(row)
        eager = [place for place in ready if 1 << place.task & self.eager]
        found = []
        for place in eager[:1] or ready:
            for effect in self.effects(place, row):
                then = self.after(row, effect)
                violations: tuple[Violation, ...] = ()
                if effect.hearing is not None:
                    moves, violations = effect.hearing.hear(row)
                    then = self.moved(then, moves)
                state2 = self.packing.pack(then)
                found.append(Step(place.task, effect.draws, state2, violations, bool(eager)))
        return found

    def effects(self, place: Place, row: tuple[int, ...]) -> tuple[Effect, ...]:
        """Return what the step of a place does in a state."""
        memo = self.memo
        k = 0
        if place.asks is not None:
            answer = place.asked.get(place.asks(row))
            k = int(memo.replaced(place, row) if answer is None else answer)
        found = place.known[k].get(place.reads[k](row))
        return memo.effects(place, k, row) if found is None else found

    def after(self, row: tuple[int, ...], effect: Effect) -> tuple[int, ...]:
        """Return the row after an effect, its hearers apart."""
        return self.memo.changed(row, effect)

    def moved(self, row: tuple[int, ...], moves: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
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
