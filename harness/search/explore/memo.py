"""Memoised steps: what a step does is a function of where its task is, what it reads, its draws.

The coroutine runs when such a combination is new; from then on it is a look-up. Guards and
alternatives are memoised alike. Each real step is audited: what it touched outside its footprint
would be missing from the key, and make a proof wrong without a word.
"""

from collections.abc import Coroutine, Hashable, Iterator, Sequence
from inspect import CORO_CLOSED, getcoroutinestate
from typing import Any, Final

from harness.context import Context
from harness.engine.encoding import encode
from harness.engine.execution import EndOfExecution
from harness.engine.footprint import FootprintError
from harness.engine.position import position
from harness.engine.slot import IDLE_OP
from harness.search.explore.explored import Reductions
from harness.search.explore.hearing import Debts, Rules
from harness.search.explore.hidden import Hidden
from harness.search.explore.packed import Packing
from harness.search.explore.place import Draws, Effect, Place, Recipe
from harness.search.explore.task import Script, contexts_of
from harness.search.explore.touched import Bits, Deadlines
from harness.search.explore.values import Values, getter
from harness.search.explore.watch import PartsOnly, Watch
from harness.world import VgicWorld
from model.facts import Fact
from model.part import Part

__all__ = ["CLOCK", "Beginning", "Memo"]

CLOCK: Final = "clock"
"""The kind of actor that moves the time."""

Row = tuple[int, ...]


class Beginning:
    """A state in which an execution may begin: its row, and the draws that led to it."""

    def __init__(self, row: Row, draws: Draws) -> None:
        self.row = row
        self.draws = draws


class Memo:
    """All that was learnt of the steps of a world.

    A state's row has the place of each task, then the value of each part of the machine, then that
    of each part of views and rules.

    Args:
        world: made of tasks of the explorer; its checker has the rules that are checked.
        reductions: what may be left out.
        sizes: how the row is cut into groups, if that is known from an earlier session.

    """

    def __init__(self, world: VgicWorld, reductions: Reductions, sizes: Sequence[int] = ()) -> None:
        self.world = world
        self.slots = world.slots
        self.tasks = len(world.slots)
        machine = world.machine
        machine.reset()
        world.checker.reset()
        self.facts: list[Fact] = []
        machine.tell(self.facts.append)
        self.script = Script()
        self.script.reduces = reductions.held_back
        self.contexts: list[tuple[Context, ...]] = []
        for index, slot in enumerate(world.slots):
            slot.index, slot.bit = index, 1 << index
            slot.execution = self.script
            self.contexts.append(contexts_of(slot))
        self.parts: list[Part] = [part for _, part in machine.parts]
        self.values = [Values(part, dead=reductions.dead) for part in self.parts]
        self.rules = Rules(world.checker, self.tasks + len(self.parts))
        self.debts = Debts(self.rules)
        self.places: list[list[Place]] = [[] for _ in self.slots]
        self.numbers: list[dict[Hashable, Place]] = [{} for _ in self.slots]
        self.bits = Bits([*machine.parts, *world.checker.parts])
        self.watch: Watch = PartsOnly(self.parts)
        self.rules.watch = PartsOnly(())
        if reductions.stubborn:
            self.watch = Watch(self.parts, self.bits)
            self.rules.watch = Watch([part for _, part in world.checker.parts], self.bits)
        self.stubborn = reductions.stubborn
        self.made = 0
        self.hidden = Hidden(world.kvm, world.variant)
        self.misses = 0
        self.walked = 0
        self.packing = Packing(sizes or self.group_sizes())

    def group_sizes(self) -> list[int]:
        """Return how the row is cut into groups."""
        sizes = [self.tasks]
        for total, wide in ((len(self.parts), 14), (len(self.rules.values), 24)):
            cuts = max(1, round(total / wide))
            sizes += [total * (n + 1) // cuts - total * n // cuts for n in range(cuts)]
        return [size for size in sizes if size]

    # -- where an execution begins -------------------------------------------------------------

    def beginnings(self) -> list[Beginning]:
        """Start the tasks one after the other, and return what may come of it, by their draws."""
        parts = len(self.parts) + len(self.rules.values)
        found = [Beginning((-1,) * self.tasks + (0,) * parts, ())]  # 0: what each began with
        slots = tuple(range(self.tasks, self.tasks + len(self.parts)))
        for index in range(self.tasks):
            found = [
                Beginning(self.changed(each.row, effect), each.draws + effect.draws)
                for each in found
                for effect in self.start(index, slots, each.row)
            ]
        return found

    def changed(self, row: Row, effect: Effect) -> Row:
        """Return the row with an effect's changes."""
        then = list(row)
        for slot, number in effect.changes:
            then[slot] = number
        return tuple(then)

    def start(self, index: int, slots: tuple[int, ...], row: Row) -> Iterator[Effect]:
        """Start a task, once for each outcome of its draws.

        Raises:
            FootprintError: it does what only a step may do.

        """
        numbers = row[self.tasks : self.tasks + len(self.parts)]
        given: tuple[int, ...] | None = ()
        while given is not None:
            recipe = Recipe(None, 0, slots, numbers, given)
            effect = self.perform(index, recipe, self.fresh(index), None)
            if effect.hearing is not None:
                raise FootprintError(f"{self.slots[index].name} tells facts before its first step")
            yield effect
            given = self.script.following()

    def fresh(self, index: int) -> Coroutine[Any, Any, None]:
        """Return a coroutine of a task that has not begun."""
        slot = self.slots[index]
        for context in self.contexts[index]:
            for name in ("c", "p", "signals", "irqs_reads", "here"):
                if hasattr(context, name):
                    delattr(context, name)
        slot.op, slot.guard, slot.guard_reads, slot.alt = IDLE_OP, None, 0, None
        return slot.main(slot)

    # -- parts and places ----------------------------------------------------------------------

    def mask(self, slots: tuple[int, ...]) -> int:
        """Return the bits of the parts at these places of a row."""
        return sum(self.parts[slot - self.tasks].bit for slot in slots)

    def slots_of(self, mask: int) -> tuple[int, ...]:
        """Return the places in a row of the machine's parts in a mask."""
        return tuple(n for n, part in enumerate(self.parts, self.tasks) if part.bit & mask)

    # -- steps ---------------------------------------------------------------------------------

    def effects(self, place: Place, k: int, row: Row) -> tuple[Effect, ...]:
        """Make the step of a place for real, once for each outcome of its draws; then it is known.

        Args:
            place: where its task is.
            k: 1 to make the alternative.
            row: the state.

        Raises:
            FootprintError: it touched what it had not announced.

        """
        found = place.known[k][place.reads[k](row)] = tuple(self.run(place, k, row))
        return found

    def run(self, place: Place, k: int, row: Row) -> Iterator[Effect]:
        """Make the step of a place in a state, once for each outcome of its draws."""
        slots = place.slots[k]
        numbers = tuple([row[slot] for slot in slots])
        given: tuple[int, ...] | None = ()
        while given is not None:
            self.misses += 1
            recipe = Recipe(place, k, slots, numbers, given)
            yield self.perform(place.task, recipe, self.take(place), place)
            given = self.script.following()

    def perform(
        self, task: int, recipe: Recipe, coroutine: Coroutine[Any, Any, None], place: Place | None
    ) -> Effect:
        """Let a coroutine make a step, see what it did, and park it where it comes to.

        Raises:
            FootprintError: it touched what it had not announced.

        """
        slot, watch = self.slots[task], self.watch
        self.prepare(task, recipe)
        self.facts.clear()
        touched = [self.parts[slot - self.tasks] for slot in recipe.slots]
        deadlines = Deadlines(self.bits, touched if self.stubborn else ())
        watch.begin(touched)
        try:
            self.resume(slot, coroutine)
        finally:
            watch.end()
        facts = tuple([watch.kept(fact) for fact in self.facts])
        then = self.arrive(task, coroutine, recipe)
        reads = watch.fields_read | watch.late()
        writes = watch.fields_written | deadlines.changed()
        if place is not None:
            op = place.alt if recipe.k else place.op
            assert op is not None
            name = self.world.resources.names
            if bad := watch.writes & ~op.writes:
                raise FootprintError(f"{slot.name}: {op.name} wrote {name(bad)} unannounced")
            if bad := watch.reads & ~(op.reads | op.writes):
                raise FootprintError(f"{slot.name}: {op.name} read {name(bad)} unannounced")
        changes = []
        before = dict(zip(recipe.slots, recipe.numbers, strict=True))
        for at in self.slots_of(watch.writes):
            values = self.values[at - self.tasks]
            number = values.read()
            if self.stubborn:
                writes |= self.bits.differ(values.part, values.keys[number])
            if number != before[at]:
                changes.append((at, number))
        self.hidden.check()
        if place is not then:
            changes.insert(0, (task, then.number))
        moves = self.packing.moves(changes)
        hearing = self.rules.hearing(facts, self.packing)
        effect = Effect(tuple(self.script.made), tuple(changes), moves, hearing)
        self.made += 1
        effect.number, effect.reads, effect.writes = self.made, reads, writes
        if slot.actor.kind == CLOCK and self.bits.clock is not None:
            effect.reads = reads & ~self.bits.fields_of_timers | self.bits.deadlines
            effect.span = deadlines.now, self.bits.clock.now
        return effect

    def prepare(self, task: int, recipe: Recipe) -> None:
        """Give the machine what a step reads, the task its contexts, and the script its draws."""
        self.put(recipe.slots, recipe.numbers)
        if recipe.before is not None:
            self.enter(recipe.before)
        self.script.begin(recipe.k, recipe.given, optional=self.slots[task].optional)

    def put(self, slots: "tuple[int, ...]", numbers: "tuple[int, ...] | list[int]") -> None:
        """Give the parts at these places of a row the values of these numbers."""
        values, tasks = self.values, self.tasks
        for slot, number in zip(slots, numbers, strict=True):
            each = values[slot - tasks]
            if each.now != number:
                each.put(number)

    def enter(self, place: Place) -> None:
        """Bring the contexts of a task to where they are at a place."""
        for context, c in zip(self.contexts[place.task], place.cpus, strict=True):
            if c >= 0 and getattr(context, "c", -1) != c:
                context.move(c)

    def resume(self, slot: Any, coroutine: Coroutine[Any, Any, None]) -> None:
        """Let a coroutine go on to its next announcement, or to its end."""
        try:
            coroutine.send(None)
        except StopIteration:
            slot.guard = slot.alt = None
            slot.guard_reads = slot.wakes = 0

    def arrive(self, task: int, coroutine: Coroutine[Any, Any, None], recipe: Recipe) -> Place:
        """Return the place where a coroutine has just parked, and leave it there."""
        slot = self.slots[task]
        slot.coroutine = coroutine
        key = position(slot)
        place = self.numbers[task].get(key)
        if place is None:
            places = self.places[task]
            place = self.numbers[task][key] = Place(task, len(places), key, recipe)
            places.append(place)
            self.describe(place, coroutine)
        elif recipe.depth < place.recipe.depth:
            place.recipe = recipe
        if not place.returned:
            place.parked.append(coroutine)
            if place.guard is None and slot.guard is not None:
                place.guard = slot.guard
            if place.condition is None and slot.alt is not None:
                place.condition = slot.alt[1]
        return place

    def describe(self, place: Place, coroutine: Coroutine[Any, Any, None]) -> None:
        """Note what was announced at a new place."""
        slot = self.slots[place.task]
        place.cpus = tuple(getattr(context, "c", -1) for context in self.contexts[place.task])
        place.returned = getcoroutinestate(coroutine) == CORO_CLOSED
        if place.returned:
            return
        place.op = op = slot.op
        waits: tuple[int, ...] = ()
        asks: tuple[int, ...] = ()
        if slot.guard is not None:
            place.guard, place.guard_key = slot.guard, encode(slot.guard)
            waits = self.slots_of(slot.guard_reads)
            place.waits = getter(waits)
        other = op
        if slot.alt is not None:
            other, place.condition = slot.alt
            place.alt = other
            place.condition_key = encode(place.condition)
            asks = self.slots_of(op.reads & other.reads)
            place.asks = getter(asks)
        place.wait_slots = waits, asks
        first, second = (self.slots_of(each.reads | each.writes) for each in (op, other))
        place.slots = first, second
        place.reads = getter(first), getter(second)
        place.writes = self.slots_of(op.writes), self.slots_of(other.writes)

    # -- coroutines ----------------------------------------------------------------------------

    def take(self, place: Place) -> Coroutine[Any, Any, None]:
        """Return a coroutine that is parked at a place; if there is none, walk one there.

        Raises:
            FootprintError: the same steps do not lead there again.

        """
        if place.parked:
            return place.parked.pop()
        steps: list[Recipe] = []
        at: Place | None = place
        while at is not None and not at.parked:
            steps.append(at.recipe)
            at = at.recipe.before
        coroutine = at.parked.pop() if at is not None else self.fresh(place.task)
        slot = self.slots[place.task]
        for recipe in reversed(steps):
            self.walked += 1
            self.prepare(place.task, recipe)
            self.resume(slot, coroutine)
            for at_slot in self.written(recipe):
                self.values[at_slot - self.tasks].now = -1
        slot.coroutine = coroutine
        key = position(slot)
        if place.key is None:
            place.key = key
            self.describe(place, coroutine)
        elif key != place.key:
            raise FootprintError(f"{slot.name}: the same steps again led to another place")
        if place.guard is None and slot.guard is not None:
            place.guard = slot.guard
        if place.condition is None and slot.alt is not None:
            place.condition = slot.alt[1]
        return coroutine

    def written(self, recipe: Recipe) -> tuple[int, ...]:
        """Return the places in a row of what the step of a recipe may have written."""
        before = recipe.before
        return recipe.slots if before is None else before.writes[recipe.k]

    def close(self) -> None:
        """End all coroutines."""
        for places in self.places:
            for place in places:
                for coroutine in place.parked:
                    try:
                        coroutine.throw(EndOfExecution)
                    except (EndOfExecution, StopIteration):
                        continue
                place.parked.clear()
