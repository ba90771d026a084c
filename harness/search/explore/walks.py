"""Executions of a strategy's over memoised steps: of small machines, which come to old states soon.

An execution goes from state to state; a step that was made in a state before leads, by a look-up,
to the state that it led to then. Only clean executions are told of. Where a rule is broken, or a
bound might be reached, whoever asked runs the schedule on an engine, which says all there is to
say. So what comes of a campaign is the same to the byte.

It pays where states come again: about a thousand executions of one CPU with one guest and its
timer are 1.5 times as fast as on the direct engine, eight thousand five times (``README.md`` has
the table). On all other built-in scenarios nearly every step of an execution leads to a new state.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec

from harness.contract import RunInfo, Strategy
from harness.engine.slot import Candidates, Slot
from harness.search.explore.explored import Reductions
from harness.search.explore.guards import Guards
from harness.search.explore.memo import Memo
from harness.search.explore.place import Draws, Effect, Place, Recipe
from harness.search.explore.task import Script
from harness.search.explore.values import Get, getter
from harness.world import VgicWorld
from model.rules.sometimes import Reached

__all__ = ["LONGEST", "MISSES_MAX", "NODES_MAX", "Clean", "Walks"]

LONGEST: Final = 600
"""Steps of an execution that can be told of.

No bound of the engine's is reached within so many: an exit and the way to the next take ten steps
and more, and ``Limits.idle_exits_max`` such in a row are allowed.
"""
NODES_MAX: Final = 80_000
"""So many states are kept, of about 1 KiB each; then it begins anew, with what steps do known."""
MISSES_MAX: Final = 20_000
"""A machine that goes on to do what it never did, that often, is not a small one."""

UNCLEAN_MAX: Final = 64
"""So many executions that an engine runs once more are no waste yet."""


class Clean(msgspec.Struct, frozen=True):
    """An execution that broke no rule and reached no bound.

    ``reached`` are the "sometimes" states of it, as bits.
    """

    steps: int
    reached: int


class Draw(Protocol):
    """Says which number is drawn for a name, from 0 to ``k - 1``."""

    def __call__(self, name: str, k: int) -> int:
        """Return the number."""


class Asking(Script):
    """The draws of a step: those that were made already, then what ``ask`` says."""

    ask: Draw

    def draw(self, name: str, k: int) -> int:
        """Return the next number."""
        at = len(self.made)
        n = self.given[at] if at < len(self.given) else self.ask(name, k)
        self.made.append((name, n, k))
        return n


class Branch:
    """A draw within a step: its name, how many numbers there are, and what follows on each."""

    __slots__ = ("k", "name", "to")

    def __init__(self, name: str, k: int) -> None:
        self.name = name
        self.k = k
        self.to: dict[Any, Any] = {}


class Node:
    """A state: its row, the tasks that can go, and what their steps led to, by task."""

    __slots__ = ("candidates", "enabled", "row", "to")

    def __init__(self, row: tuple[int, ...], enabled: int, candidates: tuple[Slot, ...]) -> None:
        self.row = row
        self.enabled = enabled
        self.candidates = candidates
        self.to: dict[int, Any] = {}


UNCLEAN: Final = Node((), 0, ())
"""In the place of a state that a rule or a bound forbids."""


class Hot:
    """What is needed of a place; ``done`` has what its step does, by what that reads (``reads``).

    ``waits`` are the resource bits that its guard reads, 0 without one.
    """

    __slots__ = ("done", "place", "reads", "waits")

    def __init__(self, place: Place, bits: Sequence[int]) -> None:
        self.place = place
        self.waits = sum(bits[slot] for slot in place.wait_slots[0])
        slots = {*place.slots[0], *place.slots[1], *place.wait_slots[1]}
        self.reads: Get = getter(sorted(slots))
        self.done: dict[Any, Any] = {}


class Walks:
    """Executions of a world, one after the other.

    Args:
        world: made of tasks of the explorer, with all that an engine's has; nobody else uses it.

    """

    def __init__(self, world: VgicWorld) -> None:
        world.checker.subscribe(last={})  # bounds: see LONGEST, and the clock in ``intern``
        self.memo = memo = Memo(world, Reductions(held_back=False, stubborn=False))
        self.guards = Guards(memo)
        self.limits = world.limits
        self.script = memo.script = Asking()
        for slot in memo.slots:
            slot.execution = self.script
        self.slots = memo.slots
        self.candidates = Candidates(memo.slots)
        self.bits = [0] * memo.tasks + [part.bit for part in memo.parts]
        self.clock = memo.parts.index(world.machine.clock)
        self.hot: list[list[Hot]] = [[] for _ in memo.slots]
        self.nodes: dict[tuple[int, ...], Node] = {}
        self.begins: dict[Any, Any] = {}
        self.states = [each for each in world.checker.states if isinstance(each, Reached)]
        own = [part for state in self.states for _, part in state.parts]
        self.own = [memo.rules.places[id(part)] for part in own]
        self.reached_by: dict[tuple[int, ...], int] = {}
        self.clean = self.unclean = 0

    @property
    def pays(self) -> bool:
        """Whether it still does: much of what happens is known, and most of it clean."""
        return self.memo.misses <= MISSES_MAX and self.unclean <= UNCLEAN_MAX + self.clean // 8

    def run(self, strategy: Strategy) -> Clean | None:
        """Run an execution; None if an engine has to, with a strategy that is as new."""
        clean = self.walk(strategy)
        if clean is None:
            self.unclean += 1
        else:
            self.clean += 1
        return clean

    def walk(self, strategy: Strategy) -> Clean | None:
        """Run an execution, as far as it is clean."""
        memo, slots = self.memo, self.slots
        if not strategy.begin(RunInfo(tasks=slots, steps_max=self.limits.steps_max)):
            return None
        choose = strategy.choose
        most = min(LONGEST, self.limits.steps_max)
        current: Slot | None = None
        steps = 0
        node = self.begin(strategy)
        while candidates := node.candidates:
            if steps >= most:
                return None
            steps += 1
            # A strategy answers with one of the candidates, which are slots.
            task: Any = choose(candidates, slots, current) if len(candidates) > 1 else candidates[0]
            then = node.to.get(task.index)
            if then.__class__ is not Node:
                then = self.go(node, task, then, strategy.draw)
            if then is UNCLEAN:
                return None
            node, current = then, task
        if memo.debts.of(node.row):
            return None
        return Clean(steps, self.reached(node.row))

    def reached(self, row: tuple[int, ...]) -> int:
        """Return the "sometimes" states that an execution reached that ends here."""
        key = tuple([row[slot] for slot in self.own])
        found = self.reached_by.get(key)
        if found is None:
            self.memo.rules.put(self.own, key)
            found = self.reached_by[key] = sum(state.bits for state in self.states)
        return found

    # -- from state to state -------------------------------------------------------------------

    def begin(self, strategy: Strategy) -> Any:
        """Start all tasks, and return the state that they start in."""
        drawn, found = follow(self.begins, 0, strategy.draw)
        return self.start(drawn, strategy.draw) if found is None else found

    def start(self, drawn: tuple[int, ...], draw: Draw) -> Node:
        """Start all tasks for real; ``drawn`` are draws that were made already."""
        memo = self.memo
        parts = tuple(range(memo.tasks, memo.tasks + len(memo.parts)))
        row = [-1] * memo.tasks + [0] * (len(memo.parts) + len(memo.rules.values))
        made: Draws = ()
        self.script.ask = draw
        for index in range(memo.tasks):
            numbers = tuple([row[slot] for slot in parts])
            recipe = Recipe(None, 0, parts, numbers, drawn[len(made) :])
            effect = self.perform(index, recipe, None)
            for slot, number in effect.changes:
                row[slot] = number
            made += effect.draws
        enabled = 0
        for task in self.slots:
            if self.can_go(self.heat(task.index, row[task.index]), row):
                enabled |= task.bit
        node = self.intern(row, enabled)
        insert(self.begins, 0, made, node)
        return node

    def go(self, node: Node, task: Slot, then: Any, draw: Draw) -> Any:
        """Let a task make a step that leads on by its draws, or that is new in this state."""
        drawn: tuple[int, ...] = ()
        if then is not None:
            drawn, then = follow(node.to, task.index, draw)
        if then is not None:
            return then
        row = list(node.row)
        hot = self.hot[task.index][row[task.index]]
        effect = self.effect(hot, row, drawn, draw)
        then = self.arrive(node, row, task, effect)
        insert(node.to, task.index, effect.draws, then)
        return then

    def effect(self, hot: Hot, row: list[int], drawn: tuple[int, ...], draw: Draw) -> Any:
        """Return what the step of a place does; ``drawn`` are draws that were made already."""
        key = hot.reads(row)
        drawn, found = follow(hot.done, key, draw, drawn)
        return self.learn(hot, row, drawn, draw) if found is None else found

    def learn(self, hot: Hot, row: list[int], drawn: tuple[int, ...], draw: Draw) -> Effect:
        """Make the step of a place for real; from now on what it does is known."""
        memo, place = self.memo, hot.place
        k = int(place.asks is not None and self.guards.replaced(place, tuple(row)))
        slots = place.slots[k]
        recipe = Recipe(place, k, slots, tuple([row[slot] for slot in slots]), drawn)
        self.script.ask = draw
        memo.misses += 1
        effect = self.perform(place.task, recipe, place)
        insert(hot.done, hot.reads(row), effect.draws, effect)
        return effect

    def perform(self, task: int, recipe: Recipe, place: Place | None) -> Effect:
        """Make a step for real, from ``place`` on, or the start of a task."""
        memo = self.memo
        coroutine = memo.fresh(task) if place is None else memo.take(place)
        effect = memo.perform(task, recipe, coroutine, place)
        recipe.given = tuple([n for _, n, _ in effect.draws])
        return effect

    def arrive(self, node: Node, row: list[int], task: Slot, effect: Effect) -> Node:
        """Return the state behind a step, whose row is made of ``row``; UNCLEAN where none is."""
        memo, changed = self.memo, 0
        hearing = effect.hearing
        if hearing is not None:
            heard = hearing.known.get(hearing.get(row)) or hearing.hear(tuple(row))
            if heard[1]:
                return UNCLEAN
            for group, change in heard[0]:
                for slot, number in memo.packing.groups[group].changes[change]:
                    row[slot] = number
        for slot, number in effect.changes:
            row[slot] = number
            changed |= self.bits[slot]
        enabled = node.enabled & ~task.bit
        if self.can_go(self.heat(task.index, row[task.index]), row):
            enabled |= task.bit
        for each in self.slots:
            hot = self.hot[each.index][row[each.index]]
            if hot.waits & changed and each is not task:
                enabled &= ~each.bit
                if self.can_go(hot, row):
                    enabled |= each.bit
        return self.intern(row, enabled)

    def heat(self, task: int, number: int) -> Hot:
        """Return what is needed of a place."""
        hot, places = self.hot[task], self.memo.places[task]
        while len(hot) < len(places):
            hot.append(Hot(places[len(hot)], self.bits))
        return hot[number]

    def can_go(self, hot: Hot, row: list[int]) -> bool:
        """Tell whether a task can go on from a place."""
        place = hot.place
        if place.returned or place.waits is None:
            return not place.returned
        answer = place.waited.get(place.waits(row))
        return self.guards.may_go(place, tuple(row)) if answer is None else answer

    def intern(self, row: list[int], enabled: int) -> Node:
        """Return the node of a state."""
        key = tuple(row)
        node = self.nodes.get(key)
        if node is None:
            memo = self.memo
            now: Any = memo.values[self.clock].keys[key[memo.tasks + self.clock]]
            if now > self.limits.time_ns_max:
                return UNCLEAN
            if len(self.nodes) >= NODES_MAX:
                self.nodes.clear()
                self.begins.clear()
            node = self.nodes[key] = Node(key, enabled, self.candidates[enabled])
        return node


def follow(
    table: dict[Any, Any], key: Any, draw: Draw, drawn: tuple[int, ...] = ()
) -> tuple[tuple[int, ...], Any]:
    """Make the draws that stand before what ``table`` has under ``key``; return them, and that.

    ``drawn`` are those that were made already. What is not known is None.
    """
    at, made = table.get(key), 0
    while at.__class__ is Branch:
        if made == len(drawn):
            drawn += (draw(at.name, at.k),)
        at = at.to.get(drawn[made])
        made += 1
    return drawn, at


def insert(table: dict[Any, Any], key: Any, draws: Draws, leaf: object) -> None:
    """Put something into ``table`` under ``key``, behind draws."""
    for name, n, k in draws:
        branch = table.get(key)
        if branch is None:
            branch = table[key] = Branch(name, k)
        table, key = branch.to, n
    table[key] = leaf
