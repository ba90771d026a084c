"""Guards and conditions, asked for real; from then on the answer is known, and what it hung on."""

from collections.abc import Hashable

from harness.engine.encoding import encode
from harness.engine.footprint import FootprintError
from harness.search.explore.memo import CLOCK, Memo
from harness.search.explore.packed import Row
from harness.search.explore.place import Place

__all__ = ["Guards"]


class Guards:
    """The guards and conditions of a memo's places.

    ``masks`` are what they have read when they were asked, as bits of fields, each by its number;
    ``looked`` the places of which one has read more than before.
    """

    def __init__(self, memo: Memo) -> None:
        self.memo = memo
        self.masks = [0]
        self.numbers = {0: 0}
        self.looked: dict[Place, None] = {}

    def may_go(self, place: Place, row: Row) -> bool:
        """Ask the guard of a place; from now on the answer is known."""
        answer = self.ask(place, place.guard_key, 0, row)
        key = place.waits(row)
        place.waited[key] = answer
        place.waited_reads[key] = self.looked_at(place)
        return answer

    def replaced(self, place: Place, row: Row) -> bool:
        """Ask whether the alternative is made; from now on the answer is known."""
        answer = self.ask(place, place.condition_key, 1, row)
        key = place.asks(row)
        place.asked[key] = answer
        place.asked_reads[key] = self.looked_at(place)
        return answer

    def looked_at(self, place: Place) -> int:
        """Return the number of the mask of what was read for the answer of just now.

        The clock looks at the deadlines of timers, and at nothing else of them.
        """
        memo = self.memo
        reads = memo.watch.fields_read
        if memo.slots[place.task].actor.kind == CLOCK:
            reads = memo.bits.deadlines
        if reads & ~place.looks:
            place.looks |= reads
            self.looked[place] = None
        number = self.numbers.setdefault(reads, len(self.masks))
        if number == len(self.masks):
            self.masks.append(reads)
        return number

    def ask(self, place: Place, key: Hashable, which: int, row: Row) -> bool:
        """Evaluate a place's guard (0) or condition (1) in a state.

        Raises:
            FootprintError: it reads what it did not declare, writes, or changes by itself.

        """
        memo = self.memo
        slots = place.wait_slots[which]
        function = place.condition if which else place.guard
        if function is None:  # it is known of an earlier session only
            place.parked.append(memo.take(place))
            function = place.condition if which else place.guard
        assert function is not None
        what = f"{memo.slots[place.task].name}: {'condition' if which else 'guard'}"
        memo.put(slots, [row[slot] for slot in slots])
        memo.enter(place)
        if encode(function) != key:
            raise FootprintError(f"{what} is another by the time it is asked")
        watch = memo.watch
        watch.begin()
        try:
            answer = function()
        finally:
            watch.end()
            watch.late()
        if bad := watch.writes or watch.reads & ~memo.mask(slots):
            verb = "wrote" if watch.writes else "read"
            raise FootprintError(f"{what} {verb} {memo.world.resources.names(bad)} unannounced")
        return bool(answer)
