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

from collections.abc import Hashable

from harness.search.explore.futures import Futures, Node
from harness.search.explore.graph import Broken, Graph, Hot
from harness.search.explore.hearing import Heard
from harness.search.explore.memo import CLOCK
from harness.search.explore.packed import CHANGE_BITS, MASK, WIDTH, Row
from harness.search.explore.place import Effect

__all__ = ["Stubborn"]

SERIAL_BITS = 40


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
        self.asked = -1
        self.times = memo.bits.times
        self.reduced = False
        self.cut = 0
        self.on = True
        """Whether steps are left out; else it only learns."""
        stimuli = [n for n, slot in enumerate(memo.slots) if slot.optional]
        parts = memo.parts
        clocks = [n for n, part in enumerate(parts, memo.tasks) if part is memo.bits.clock]
        self.phase_slots = (*clocks, *stimuli)
        self.stimuli = frozenset(stimuli)
        self.tables: dict[Hashable, list[list[Node | None]]] = {}

    def node(self, state: int) -> int:
        """Return the node of a state."""
        return state

    def state(self, node: int) -> int:
        """Return the state of a node."""
        return node

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
        if self.memo.asked != self.asked:
            self.asked = self.memo.asked
            self.futures.looks()
        graph.movers = []
        if not graph.enabled & graph.urgent and graph.rests(state, row):
            return []
        table = self.table(row)
        chosen = ready
        if not all_steps and len(ready) > 1 and graph.enabled & graph.urgent:
            tasks = self.choose(ready, row, table)
            chosen = [hot for hot in ready if hot[0] & tasks]
            if len(chosen) < len(ready):
                self.reduced = True
        broken = len(graph.broken)
        found = self.follow(state, numbers, row, chosen, table)
        if self.reduced and len(graph.broken) > broken:
            # What is broken has no state behind it: the others must not wait for that.
            del graph.broken[broken:]
            self.reduced = False
            graph.transitions -= len(found)
            found = self.follow(state, numbers, row, ready, table)
        return found

    def table(self, row: Row) -> list[list[Node | None]]:
        """Return the nodes in the phase of a state."""
        key = tuple([row[slot] for slot in self.phase_slots])
        found = self.tables.get(key)
        if found is None:
            found = self.tables[key] = self.futures.phase(key)
        return found

    def at(self, table: list[list[Node | None]], row: Row) -> list[Node]:
        """Return where each task is."""
        nodes = []
        for task, known in enumerate(table):
            number = row[task]
            node = known[number] if number < len(known) else None
            nodes.append(node or self.futures.node(table, task, number))
        return nodes

    def follow(
        self, state: int, numbers: list[int], row: Row, ready: list[Hot],
        table: list[list[Node | None]],
    ) -> list[int]:  # fmt: skip
        """Make the steps of these places, and learn what they touch and lead to."""
        graph = self.graph
        groups = graph.packing.groups
        movers = graph.movers = []
        found: list[int] = []
        for hot in ready:
            task = hot[9].task
            for effect in graph.effects(hot, row):
                then = state
                hearing, heard = effect.hearing, None
                if hearing is not None:
                    heard = hearing.known.get(hearing.get(row)) or hearing.hear(row)
                number = row[task]
                known = table[task]
                node = known[number] if number < len(known) else None
                if node is None:
                    node = self.futures.node(table, task, number)
                key = effect.number << SERIAL_BITS | (0 if heard is None else heard[2])
                if key not in node.known:
                    node.known.add(key)
                    self.learn(node, table, hot, effect, heard, row)
                if effect.span is not None or hot[9].task in self.stimuli:
                    self.turn(table, row, effect)
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
        return found

    # -- what is learnt ------------------------------------------------------------------------

    def learn(
        self, node: Node, table: list[list[Node | None]], hot: Hot, effect: Effect,
        heard: Heard | None, row: Row,
    ) -> None:  # fmt: skip
        """Take note of what a step from a node touches, and where its task then is."""
        reads, writes = self.touches(effect, heard)
        self.futures.add(node, reads, writes)
        then = self.memo.changed(row, effect)
        task = hot[9].task
        self.futures.follow(node, self.futures.node(self.table(then), task, then[task]))

    def turn(self, table: list[list[Node | None]], row: Row, effect: Effect) -> None:
        """Take note that the phase went on, for all tasks."""
        then = self.memo.changed(row, effect)
        after = self.table(then)
        if after is table:
            return
        futures = self.futures
        for task in range(self.memo.tasks):
            node = futures.node(table, task, row[task])
            futures.follow(node, futures.node(after, task, then[task]))

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

    def choose(self, ready: list[Hot], row: Row, table: list[list[Node | None]]) -> int:
        """Return the tasks of a stubborn set with as few of those that can go as any."""
        graph = self.graph
        nodes = self.at(table, row)
        enabled, urgent = graph.enabled, graph.urgent
        by_task: dict[int, Hot] = {hot[9].task: hot for hot in ready}
        needs: dict[int, int] = {}
        best, least = enabled, len(ready)
        for seed in by_task:
            if not urgent >> seed & 1:
                continue
            closed, todo = 0, 1 << seed
            while todo:
                low = todo & -todo
                task = low.bit_length() - 1
                closed |= low
                need = needs.get(task)
                if need is None:
                    hot = by_task.get(task)
                    if hot is None:
                        need = self.wakers(task, row, nodes)
                    else:
                        need = self.rivals(hot, row, nodes)
                    needs[task] = need
                todo = (todo | need) & ~closed
                if closed & enabled == enabled:
                    break
            size = (closed & enabled).bit_count()
            if size < least:
                best, least = closed, size
                if size == 1:
                    break
        return best

    def rivals(self, hot: Hot, row: Row, nodes: list[Node]) -> int:
        """Return the tasks that may ever touch what a step that can be made touches."""
        place = hot[9]
        reads = writes = 0
        if place.waits is not None:
            reads = place.waited_reads[place.waits(row)]
        effects = self.graph.effects(hot, row)
        if place.asks is not None:
            reads |= place.asked_reads[place.asks(row)]
        for effect in effects:
            hearing, heard = effect.hearing, None
            if hearing is not None:
                heard = hearing.known.get(hearing.get(row)) or hearing.hear(row)
            read, written = self.touches(effect, heard)
            reads |= read
            writes |= written
        both = reads | writes
        found, bit = 0, 1
        for node in nodes:
            if both & node.all_writes or writes & node.all_reads:
                found |= bit
            bit <<= 1
        return found & ~(1 << place.task)

    def wakers(self, task: int, row: Row, nodes: list[Node]) -> int:
        """Return the tasks that may ever let one go that cannot."""
        place = self.memo.places[task][row[task]]
        if place.returned:
            return 0
        reads = place.waited_reads[place.waits(row)]
        if self.memo.slots[task].actor.kind == CLOCK:
            reads = self.memo.bits.sets
        found, bit = 0, 1
        for node in nodes:
            if reads & node.all_writes:
                found |= bit
            bit <<= 1
        return found & ~(1 << task)
