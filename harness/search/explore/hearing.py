"""What rules make of the facts of a step, memoised: by the facts and by what the rules remember.

What a rule makes of facts is a function of them, of its own states and of those of the views that
it names; a view's likewise. So each is asked by itself, and once for each such combination.
"""

from collections.abc import Sequence
from typing import Any

from harness.search.explore.packed import Change, Move, Packing
from harness.search.explore.values import Get, Values, getter
from harness.search.explore.watch import Swap, Watch
from model.check.checker import Checker
from model.check.listener import Listener
from model.check.violation import Violation
from model.facts import Fact
from model.part import Part

__all__ = ["Debts", "Heard", "Hearing", "Rules"]

Verdicts = tuple[Violation, ...]
Heard = tuple[tuple[Move, ...], Verdicts, int, int, int]
"""What is done to the groups of a state, the complaints, a number that no other answer has, and
which fields of those who hear were read and which written (``touched.Bits``)."""


class Rules:
    """All that hears facts, as parts of a state.

    Args:
        checker: with the rules that are checked, in their initial states.
        start: the place of its first part in a state's row.

    """

    def __init__(self, checker: Checker, start: int) -> None:
        self.checker = checker
        self.start = start
        self.values = [Values(part) for _, part in checker.parts]
        places = {id(part): start + n for n, (_, part) in enumerate(checker.parts)}
        self.places = places
        self.own: dict[Listener, tuple[int, ...]] = {
            each: tuple(places[id(part)] for _, part in each.parts) for each in checker.listeners
        }
        self.watch: Watch | None = None
        self.hearings: dict[tuple[Fact, ...], Hearing] = {}
        self.asked = self.answers = 0

    def views(self, listener: Listener) -> list[Listener]:
        """Return the views that a listener rests on, in the order in which they hear facts."""
        wanted = {self.checker.views[cls] for cls in listener.all_views()}
        return [view for view in self.checker.views.values() if view in wanted]

    def reads(self, listener: Listener) -> tuple[int, ...]:
        """Return the places in a row of what a listener may look at."""
        places = set(self.own[listener])
        for view in self.views(listener):
            places.update(self.own[view])
        return tuple(sorted(places))

    def hearing(self, facts: tuple[Fact, ...], packing: Packing) -> "Hearing | None":
        """Return who hears these facts; None: nobody hears any."""
        facts = tuple([fact for fact in facts if fact.__class__ in self.checker.table])
        if not facts:
            return None
        found = self.hearings.get(facts)
        if found is None:
            found = self.hearings[facts] = Hearing(self, facts, packing)
        return found

    def hear_all(
        self, row: tuple[int, ...], facts: tuple[Fact, ...]
    ) -> tuple[tuple[int, ...], Verdicts]:
        """Let all hear facts at once, as in a run; return the values of all parts after it."""
        checker = self.checker
        self.put(tuple(self.places.values()), row[self.start :])
        checker.violations = []
        for fact in facts:
            checker.emit(fact)
        return tuple(values.read() for values in self.values), tuple(checker.violations)

    def put(self, places: Sequence[int], numbers: Sequence[int]) -> None:
        """Give the parts at these places the values of these numbers."""
        for place, number in zip(places, numbers, strict=True):
            self.values[place - self.start].put(number)


Answer = tuple[tuple[Change, ...], Verdicts, int, int]


class Unit:
    """One listener that hears some facts: what to call, in order, and what came of it before."""

    __slots__ = ("calls", "get", "known", "own", "parts", "places", "rules", "swaps")

    def __init__(self, rules: Rules, listener: Listener, facts: tuple[Fact, ...]) -> None:
        self.rules = rules
        self.own = rules.own[listener]
        self.places = rules.reads(listener)
        self.get = getter(self.places)
        self.known: dict[Any, Answer] = {}
        self.parts: list[Part] = []
        self.swaps: list[Swap] | None = None
        heard = {*rules.views(listener), listener}
        checker = rules.checker
        self.calls = [
            (handler, fact)
            for fact in facts
            for handler in checker.table.get(fact.__class__, ())
            if checker.owners[handler] in heard
        ]

    def hear(self, row: tuple[int, ...]) -> "Answer":
        """Return what becomes of the listener's own states, its complaints, and what it touched."""
        key = self.get(row)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self.ask(row)
        return found

    def ask(self, row: tuple[int, ...]) -> "Answer":
        """Ask the listener itself."""
        rules = self.rules
        rules.asked += 1
        checker, values, start = rules.checker, rules.values, rules.start
        rules.put(self.places, [row[place] for place in self.places])
        checker.violations = []
        watch = rules.watch
        assert watch is not None
        if self.swaps is None:
            self.parts = [values[place - start].part for place in self.places]
            self.swaps = watch.subset(self.parts)
        watch.begin(self.parts, self.swaps)
        try:
            for handler, fact in self.calls:
                handler(fact)
        finally:
            watch.end()
            said = tuple([watch.kept(violation) for violation in checker.violations])
            watch.late()
        changes = []
        for place in self.places:
            after = values[place - start].read()
            if place in self.own and after != row[place]:
                changes.append((place, after))
        touched = watch.fields_read, watch.fields_written
        return tuple(changes), said, *touched


class Hearing:
    """All who hear the facts of a step.

    ``get`` takes what they look at out of a row, ``known`` has by that what came of it.
    """

    __slots__ = ("facts", "get", "known", "packing", "rules", "units")

    def __init__(self, rules: Rules, facts: tuple[Fact, ...], packing: Packing) -> None:
        self.facts = facts
        self.rules = rules
        self.packing = packing
        kinds = {fact.__class__ for fact in facts}
        listeners = [x for x in rules.checker.listeners if not kinds.isdisjoint(x.HEARS)]
        self.units = [Unit(rules, listener, facts) for listener in listeners]
        places = {place for unit in self.units for place in unit.places}
        self.get: Get = getter(sorted(places))
        self.known: dict[Any, Heard] = {}

    def hear(self, row: tuple[int, ...]) -> Heard:
        """Return what becomes of all, and the complaints; from now on it is known."""
        changes: list[Change] = []
        verdicts: list[Violation] = []
        reads = writes = 0
        for unit in self.units:
            done, said, read, written = unit.hear(row)
            changes += done
            verdicts += said
            reads |= read
            writes |= written
        self.rules.answers += 1
        moves = self.packing.moves(changes)
        found = (moves, tuple(verdicts), self.rules.answers, reads, writes)
        self.known[self.get(row)] = found
        return found


class Debts:
    """What rules say is owed when nothing can happen any more."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        places = {p for rule in rules.checker.owing for p in rules.reads(rule)}
        self.places = sorted(places)
        self.get = getter(self.places)
        self.known: dict[Any, Verdicts] = {}

    def of(self, row: tuple[int, ...]) -> Verdicts:
        """Return what is owed in a state."""
        key = self.get(row)
        found = self.known.get(key)
        if found is None:
            self.rules.put(self.places, [row[place] for place in self.places])
            found = self.known[key] = tuple(self.rules.checker.at_rest())
        return found
