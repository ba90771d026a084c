"""A sample of look-ups, made for real: what was remembered must be what happens."""

from harness.errors import UsageError
from harness.search.explore.graph import Graph
from harness.search.explore.place import Effect, Place
from model.check.violation import Violation

__all__ = ["Sample", "StaleError"]

EVERY = 8_192
"""One of so many states is looked at again, with all its steps."""


class StaleError(UsageError):
    """A step that was made again had another effect than the first time."""


class Sample:
    """Looks again at some states of a graph; ``checked`` counts the look-ups that were right."""

    def __init__(self, graph: Graph, every: int = EVERY) -> None:
        self.graph = graph
        self.every = every
        self.left = 1
        self.checked = 0

    def note(self, state: int, states: int) -> None:
        """Take note of a state; it is checked if it is time for one.

        Args:
            state: that was just looked at.
            states: how many were looked at since the last call.

        Raises:
            StaleError: a look-up was wrong.

        """
        self.left -= states
        if self.left <= 0:
            self.left = self.every
            self.check(state)

    def check(self, state: int) -> None:
        """Ask all guards of a state, make all its steps and let the rules hear them, for real.

        Raises:
            StaleError: a look-up was wrong.

        """
        graph, memo = self.graph, self.graph.memo
        row = graph.packing.unpack(state)
        for task in range(memo.tasks):
            place = memo.places[task][row[task]]
            if place.returned:
                continue
            name = memo.slots[task].name
            if place.waits is not None:
                known = place.waited.get(place.waits(row))
                self.same(known, graph.guards.may_go(place, row), f"whether {name} can go")
            if place.asks is not None:
                known = place.asked.get(place.asks(row))
                self.same(known, graph.guards.replaced(place, row), f"which operation {name} makes")
            for k in (0, 1):
                effects = place.known[k].get(place.reads[k](row))
                if effects is not None:
                    self.check_effects(place, k, row, effects)

    def check_effects(
        self, place: Place, k: int, row: tuple[int, ...], effects: tuple[Effect, ...]
    ) -> None:
        """Make a step again.

        Raises:
            StaleError: it did something else.

        """
        memo = self.graph.memo
        name = memo.slots[place.task].name
        misses = memo.misses
        again = tuple(memo.run(place, k, row))
        memo.misses = misses
        known = [(effect.draws, effect.changes, effect.hearing) for effect in effects]
        now = [(effect.draws, effect.changes, effect.hearing) for effect in again]
        self.same(known, now, f"what {name} does")
        for effect in effects:
            hearing = effect.hearing
            if hearing is None or hearing.get(row) not in hearing.known:
                continue
            moves, violations = hearing.known[hearing.get(row)][:2]
            heard = self.heard(row, moves, violations)
            self.same(heard, memo.rules.hear_all(row, hearing.facts), f"what rules make of {name}")

    def heard(
        self, row: tuple[int, ...], moves: tuple[tuple[int, int], ...], said: tuple[Violation, ...]
    ) -> object:
        """Return what was remembered, in the form of what is compared with it."""
        return self.graph.moved(row, moves)[self.graph.memo.rules.start :], said

    def same(self, known: object, now: object, what: str) -> None:
        """Count a look-up that was right; one that was not made counts for nothing.

        Raises:
            StaleError: it was wrong.

        """
        if known is None:
            return
        if known != now:
            raise StaleError(
                f"{what} in one and the same state is not always the same: the variant remembers "
                "something that is not in the machine (vm_state, vcpu_state and irq_state are)"
            )
        self.checked += 1
