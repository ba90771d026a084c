"""Stubborn sets: of steps whose order cannot matter, one order.

Valmari, "Stubborn Sets for Reduced State Space Generation" (1991); Godefroid, "Partial-Order
Methods for the Verification of Concurrent Systems" (1996). In a state a set of tasks is chosen, and
only their steps are followed. The set is closed under this:

- of a task that can go, all tasks are in it that may ever touch what its step touches here;
- of a task that cannot, all that may ever change what its guard looked at to say so.

Nobody outside of it can then change what those inside do, before one of them has gone: each path of
the outside has a twin on which a step of the inside comes first. What rules remember is touched
like everything else, so the twins break the same rules. A task of the set that can go is no
stimulus, so that states at which only stimuli can go are all reached; and where the steps of a set
lead back to the path of the search all are followed (the cycle proviso), so that nobody is passed
over for ever: if an execution can go round without end, so can one that is followed.

What tasks may ever touch is learnt (``futures``). That is sound in the end, though at first little
is known: suppose that a search has ended in which nothing new was learnt, and that some path from
one of its states has a step that touches what its task's node does not say. Take the shortest such
path. If a task of the set goes on it before that step, or makes it, then that task's first step on
the path can come first instead, which leads to a state of the search with a shorter such path. If
none does, then a step of the set can come first (all that comes before is as was known), and from
where it leads the same path goes on; this cannot be for ever, because of the proviso. In the end
the step itself is made from a state of the search: and then it was learnt of.
"""

from collections.abc import Callable, Iterable
from random import Random
from typing import Final

from harness.search.explore.futures import ALWAYS, Futures, Node, Table
from harness.search.explore.graph import Broken, Graph, Hot
from harness.search.explore.hearing import Heard
from harness.search.explore.packed import CHANGE_BITS, MASK, WIDTH, Row
from harness.search.explore.phases import Phases
from harness.search.explore.place import Effect

__all__ = ["Stubborn"]

SERIAL_BITS = 40
QUIET: Final = 50
"""After so many walks of which nothing was learnt it is enough."""
STEPS_MAX: Final = 20_000
MISSES_MAX: Final = 3_000
"""So many steps of walks are made at most, and so many for real: what is large learns later."""


class Stubborn:
    """The states of a graph, each with as few of its steps as will do: a space to be searched.

    ``reduced`` says of the state that was looked at last whether steps were left out.

    Args:
        graph: the states.

    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.broken = graph.broken
        self.memo = memo = graph.memo
        self.futures = Futures(memo.places)
        self.touch_of: dict[tuple[int, ...], int] = {}
        self.guard_touches: list[int] = []
        """By the number of a guard's mask, that of what it touches."""
        self.ticks: dict[tuple[Node, tuple[int, int]], None] = {}
        """From where the clock was seen to go from one time to another."""
        self.compared = 0
        self.times = memo.bits.times
        self.reduced = False
        self.trusted = 0
        """How often more had been learnt than was known, when the search began."""
        self.on = True
        """Whether steps are left out; else it only learns."""
        self.phases = Phases(memo, self.futures)
        self.turners = self.phases.turners
        self.phase = self.phases.tables_of

    def node(self, state: int) -> int:
        """Return the node of a state."""
        return state

    def state(self, node: int) -> int:
        """Return the state of a node."""
        return node

    def walk(self, roots: Iterable[int], more: Callable[[], bool]) -> None:
        """Go at random from these states, until little more is learnt: so that less is later."""
        graph, futures, rng = self.graph, self.futures, Random(0)
        beginnings = list(roots)
        counted, broken = (graph.transitions, graph.ends), len(graph.broken)
        quiet = steps = 0
        most = self.memo.misses + MISSES_MAX
        self.on = False
        while quiet < QUIET and steps < STEPS_MAX and self.memo.misses < most and more():
            grown = futures.grown
            following = beginnings
            while following and steps < STEPS_MAX:
                following = self.successors(rng.choice(following))
                steps += 1
            quiet = quiet + 1 if self.settle() == grown else 0
        self.on = True
        graph.transitions, graph.ends = counted
        del graph.broken[broken:]

    def believe(self) -> None:
        """Begin to search: what is known from here on is held to be all."""
        self.trusted = self.settle()

    def believed(self) -> bool:
        """Tell whether it was all: nothing was learnt since."""
        return self.settle() == self.trusted

    def settle(self) -> int:
        """Work out all that was learnt; return how often more was learnt than was known."""
        if len(self.times.bits) > self.compared:
            self.compare()
        self.futures.looks(self.graph.guards.looked)
        self.graph.guards.looked.clear()
        self.futures.renew()
        return self.futures.grown

    # -- one state -----------------------------------------------------------------------------

    def successors(self, state: int) -> list[int]:
        """Return the states that follow by the steps of a stubborn set."""
        return self.look(state, all_steps=not self.on)

    def everything(self, state: int) -> list[int]:
        """Return all states that follow."""
        return self.look(state, all_steps=True)

    def look(self, state: int, *, all_steps: bool) -> list[int]:
        """Return the states that follow, of all steps or of those of a stubborn set."""
        graph = self.graph
        self.reduced = False
        numbers = []
        row: Row = ()
        left = state
        for group in graph.packing.groups:
            number = left & MASK
            left >>= WIDTH
            numbers.append(number)
            row += group.contents[number]
        ready = graph.ready(row)
        if self.graph.guards.looked:
            self.futures.looks(self.graph.guards.looked)
            self.graph.guards.looked.clear()
        graph.movers = []
        if not graph.enabled & graph.urgent and graph.rests(state, row):
            return []
        tables = self.phase(row)
        tasks = graph.enabled
        if not all_steps and len(ready) > 1 and graph.enabled & graph.urgent:
            tasks = self.choose(ready, row, tables)
            self.reduced = tasks & graph.enabled != graph.enabled
        broken = len(graph.broken)
        found = self.follow(state, numbers, row, ready, tables, tasks)
        if self.reduced and len(graph.broken) > broken:
            # What is broken has no state behind it: the others must not wait for that.
            del graph.broken[broken:]
            self.reduced = False
            graph.transitions -= len(found)
            found = self.follow(state, numbers, row, ready, tables, graph.enabled)
        return found

    def at(self, tables: list[Table], row: Row) -> list[Node]:
        """Return where each task is."""
        nodes = []
        for task, table in enumerate(tables):
            number = row[task]
            node = table[number] if number < len(table) else None
            nodes.append(node or self.futures.node(table, task, number))
        return nodes

    def follow(
        self, state: int, numbers: list[int], row: Row, ready: list[Hot], tables: list[Table],
        tasks: int,
    ) -> list[int]:  # fmt: skip
        """Make the steps of these tasks, and learn what they touch and lead to."""
        graph = self.graph
        groups = graph.packing.groups
        movers = graph.movers = []
        found: list[int] = []
        turns = []
        for hot in ready:
            if not hot[0] & tasks:
                continue
            task = hot[9].task
            for effect in graph.effects(hot, row):
                then = state
                hearing, heard = effect.hearing, None
                if hearing is not None:
                    heard = hearing.known.get(hearing.get(row)) or hearing.hear(row)
                number = row[task]
                table = tables[task]
                node = table[number] if number < len(table) else None
                if node is None:
                    node = self.futures.node(table, task, number)
                key = effect.number << SERIAL_BITS | (0 if heard is None else heard[2])
                if key not in node.known:
                    node.known.add(key)
                    self.learn(node, task, effect, heard, row)
                if effect.turns is None:
                    effect.turns = self.phases.turns(effect, row)
                if effect.turns:
                    turns.append((hot[0], effect))
                if heard is not None:
                    if heard[1]:
                        self.broken.append(Broken(state, task, effect.draws, heard[1]))
                        continue
                    for which, change in heard[0]:
                        delta = groups[which].goes.get(numbers[which] << CHANGE_BITS | change)
                        then += groups[which].go(numbers[which], change) if delta is None else delta
                for which, change in effect.moves:
                    delta = groups[which].goes.get(numbers[which] << CHANGE_BITS | change)
                    then += groups[which].go(numbers[which], change) if delta is None else delta
                found.append(then)
                movers.append(task)
        graph.transitions += len(found)
        if turns:
            self.turn(tables, row, turns, tasks)
        return found

    # -- what is learnt ------------------------------------------------------------------------

    def learn(self, node: Node, task: int, effect: Effect, heard: Heard | None, row: Row) -> None:
        """Take note of what a step from a node touches, and where its task then is."""
        reads, writes = self.touches(effect, heard)
        self.futures.add(node, reads, writes)
        if effect.span is not None:
            self.ticks[node, effect.span] = None
        then = self.memo.changed(row, effect)
        after = self.futures.node(self.phase(then)[task], task, then[task])
        self.futures.follow(node, after, ALWAYS)

    def turn(
        self, tables: list[Table], row: Row, turns: list[tuple[int, Effect]], tasks: int
    ) -> None:
        """Take note for all tasks that the phase was turned, by steps of these ``tasks``.

        Where the others were left out, and the set has no step that does not turn it, the search
        knows what they do only behind the turn: that must count as if it were possible before.
        """
        graph, futures = self.graph, self.futures
        turners = 0
        for bit, _ in turns:
            turners |= bit
        only = self.reduced and not tasks & graph.enabled & graph.urgent & ~turners
        for bit, effect in turns:
            then = self.memo.changed(row, effect)
            after = self.phase(then)
            for task, table in enumerate(after):
                if table is not tables[task]:
                    node = futures.node(tables[task], task, row[task])
                    outside = not tasks >> task & 1
                    futures.follow(
                        node, futures.node(table, task, then[task]),
                        ALWAYS if only and outside else bit,
                    )  # fmt: skip

    def touches(self, effect: Effect, heard: Heard | None) -> tuple[int, int]:
        """Return what a step reads and writes, and what rules do that hear of it."""
        reads, writes = effect.reads, effect.writes
        if effect.span is not None:
            writes |= self.times.passed(*effect.span)
        if heard is not None:
            reads |= heard[3]
            writes |= heard[4]
        return reads, writes

    # -- the set -------------------------------------------------------------------------------

    def choose(self, ready: list[Hot], row: Row, tables: list[Table]) -> int:
        """Return the tasks of a stubborn set with as few of those that can go as any."""
        graph, futures = self.graph, self.futures
        nodes = self.at(tables, row)
        can_go: dict[int, Hot] = {hot[9].task: hot for hot in ready}
        touches = []
        for task in range(self.memo.tasks):
            hot = can_go.get(task)
            touches.append(self.looked(task, row) if hot is None else self.made(hot, row))
        if len(self.times.bits) > self.compared:
            self.compare()
        if futures.changed:
            futures.renew()
        enabled, urgent = graph.enabled, graph.urgent
        best, least = enabled, len(ready)
        stimuli = sum(1 << task for task in self.phases.stimuli if not nodes[task].place.returned)
        for start in (0, stimuli) if stimuli else (0,):
            for hot in ready:
                if not hot[0] & urgent:
                    continue
                closed = self.close(start | hot[0], enabled, nodes, touches)
                size = (closed & enabled).bit_count()
                if size < least:
                    best, least = closed, size
                    if size == 1:
                        return best
        return best

    def close(self, todo: int, enabled: int, nodes: list[Node], touches: list[int]) -> int:
        """Return a stubborn set that has these tasks in it, or all.

        Args:
            todo: the tasks, as bits.
            enabled: those that can go.
            nodes: where each task is.
            touches: what each touches, by its step or by its guard.

        """
        futures, turners = self.futures, self.turners
        task_of = futures.task_of
        closed = 0
        open_nodes = 0
        for node in nodes:
            open_nodes |= node.bit
        without = todo & turners
        while todo:
            low = todo & -todo
            task = low.bit_length() - 1
            closed |= low
            open_nodes &= ~nodes[task].bit
            if low & turners:
                without |= low
            if without not in futures.rivals:
                futures.without(without)
            touch = touches[task]
            rivals = futures.rivals[without].get(touch)
            if rivals is None:
                rivals = futures.touching(touch, without)
            rivals &= open_nodes
            while rivals:
                bit = rivals & -rivals
                todo |= task_of[bit]
                rivals ^= bit
            todo &= ~closed
            if (closed | todo) & enabled == enabled:
                return closed | todo
        return closed

    def made(self, hot: Hot, row: Row) -> int:
        """Return what a step that can be made touches, with what lets it go, by number."""
        place = hot[9]
        effects = self.graph.effects(hot, row)
        waits = asks = 0
        if place.waits is not None:
            waits = place.waited_reads[place.waits(row)]
        if place.asks is not None:
            asks = place.asked_reads[place.asks(row)]
        key = [waits, asks]
        answers: list[Heard | None] = []
        for effect in effects:
            hearing, heard = effect.hearing, None
            if hearing is not None:
                heard = hearing.known.get(hearing.get(row)) or hearing.hear(row)
            answers.append(heard)
            key += [effect.number, 0 if heard is None else heard[2]]
        found = self.touch_of.get(tuple(key))
        if found is None:
            masks = self.graph.guards.masks
            reads, writes = masks[waits] | masks[asks], 0
            for effect, heard in zip(effects, answers, strict=True):
                read, written = self.touches(effect, heard)
                reads |= read
                writes |= written
            found = self.touch_of[tuple(key)] = self.futures.number((reads, writes))
        return found

    def looked(self, task: int, row: Row) -> int:
        """Return what the guard of a task that cannot go has looked at, by number."""
        place = self.memo.places[task][row[task]]
        if place.returned:
            return 0
        if task in self.phases.clock:
            return self.futures.number((self.memo.bits.sets, 0))
        mask = place.waited_reads[place.waits(row)]
        guards, masks = self.guard_touches, self.graph.guards.masks
        while mask >= len(guards):
            guards.append(self.futures.number((masks[len(guards)], 0)))
        return guards[mask]

    def compare(self) -> None:
        """Take note that steps of the clock change what it was compared with since."""
        self.compared = len(self.times.bits)
        self.touch_of.clear()
        for node, span in self.ticks:
            self.futures.add(node, 0, self.times.passed(*span))
