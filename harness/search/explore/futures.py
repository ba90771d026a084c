"""What each task may still do: learnt from the steps that were seen, and shown to be all of it.

A node is a place of a task in a phase: the time, where the stimuli are, and for the interrupt
handler of a CPU whose the CPU is. It has the fields that steps from there were seen to read and
write, and the nodes that were seen to follow: by a step of the task itself, or because somebody
else turned the phase, who is noted on that edge. What a task may still touch from a node, as long
as certain others do not go, is what all nodes touch that can follow without them.

``grown`` counts how often more was learnt than was known: a search is only believed if it did not
grow from its beginning to its end (``stubborn`` has the argument).
"""

from collections.abc import Hashable, Iterable
from typing import Any, Final

from harness.search.explore.place import Place

__all__ = ["ALWAYS", "Futures", "Node", "Table", "Touch"]

ALWAYS: Final = -1
"""On an edge: it is there whoever goes."""


class Node:
    """A place in a phase: what its own steps touch (``reads``, ``writes``), and what may follow.

    ``after`` has the nodes that follow, with who turned the phase (a mask of tasks), or ALWAYS;
    ``before`` those that it follows.
    ``all`` is what its task may touch from here on, read and written, by the mask of those who do
    not go. ``known`` are the steps that were taken note of; ``bit`` is its own in masks of nodes.
    """

    __slots__ = ("after", "all", "before", "bit", "known", "place", "reads", "writes")

    def __init__(self, place: Place, bit: int) -> None:
        self.place = place
        self.bit = bit
        self.reads = self.writes = 0
        self.all: dict[int, tuple[int, int]] = {}
        self.after: dict[Node, int] = {}
        self.before: dict[Node, None] = {}
        self.known: set[Any] = set()


Touch = tuple[int, int]
"""What a step reads and what it writes, as bits of fields."""
Table = list[Node | None]
"""The nodes of a task in one phase, by the number of the place."""

PlainNode = tuple[int, Hashable, int, int, int, list[tuple[int, int]]]
"""Its task, phase and place, what it reads and writes, and what follows, by number."""


class Futures:
    """The nodes of all tasks.

    Args:
        places: the places of each task, which become more.

    """

    def __init__(self, places: list[list[Place]]) -> None:
        self.places = places
        self.nodes: list[Node] = []
        self.tables: list[dict[Hashable, Table]] = [{} for _ in places]
        self.of_place: dict[Place, list[Node]] = {}
        self.task_of: dict[int, int] = {}
        """By the bit of a node, that of its task."""
        self.variants: list[int] = [0]
        """The masks of tasks for which ``Node.all`` is kept."""
        self.touches: list[Touch] = [(0, 0)]
        self.numbers: dict[Touch, int] = {(0, 0): 0}
        """What steps and guards touch, by number."""
        self.rivals: dict[int, dict[int, int]] = {0: {}}
        """By such a mask, and by the number of what is touched, the nodes that may touch that."""
        self.fresh: list[Node] = []
        """The nodes that were made since it was last worked out what may be touched."""
        self.changed: dict[Node, None] = {}
        """The nodes of which something was learnt that is not worked out yet."""
        self.grown = 0

    def table(self, task: int, phase: Hashable) -> Table:
        """Return the nodes of a task in a phase."""
        tables = self.tables[task]
        found = tables.get(phase)
        if found is None:
            found = tables[phase] = []
        return found

    def node(self, table: Table, task: int, number: int) -> Node:
        """Return the node of a place in a phase."""
        while len(table) <= number:
            table.append(None)
        found = table[number]
        if found is None:
            place = self.places[task][number]
            bit = 1 << len(self.nodes)
            found = table[number] = Node(place, bit)
            self.nodes.append(found)
            self.of_place.setdefault(place, []).append(found)
            self.task_of[bit] = 1 << task
            self.fresh.append(found)
            self.changed[found] = None
            self.add(found, place.looks, 0)
            for without in self.variants:
                found.all[without] = found.reads, 0
        return found

    def add(self, node: Node, reads: int, writes: int) -> None:
        """Take note of what a step from a node touches."""
        if reads & ~node.reads or writes & ~node.writes:
            node.reads |= reads
            node.writes |= writes
            self.changed[node] = None

    def follow(self, node: Node, then: Node, movers: int) -> None:
        """Take note that one node follows another; ``movers`` as in ``Node.after``."""
        before = node.after.get(then, 0)
        if movers & ~before and then is not node:
            node.after[then] = before | movers
            then.before[node] = None
            self.changed[node] = None

    def looks(self, places: Iterable[Place]) -> None:
        """Take note of what the guards of these places have read meanwhile."""
        for place in places:
            for node in self.of_place.get(place, ()):
                self.add(node, place.looks, 0)

    def number(self, touch: Touch) -> int:
        """Return the number of what a step reads and writes."""
        found = self.numbers.setdefault(touch, len(self.touches))
        if found == len(self.touches):
            self.touches.append(touch)
        return found

    def touching(self, touch: int, without: int) -> int:
        """Return the nodes, as bits, that may touch what a step touches: in conflict with it.

        Args:
            touch: the number of what it reads and writes.
            without: those who do not go; one of ``variants``.

        """
        found = self.conflicting(touch, without, self.nodes)
        self.rivals[without][touch] = found
        return found

    def conflicting(self, touch: int, without: int, nodes: Iterable[Node]) -> int:
        """Return those of these nodes, as bits, that may touch what a step touches."""
        reads, writes = self.touches[touch]
        both = reads | writes
        found = 0
        for node in nodes:
            read, written = node.all[without]
            if both & written or writes & read:
                found |= node.bit
        return found

    def without(self, movers: int) -> None:
        """Keep what may be touched as long as these tasks do not go, from now on."""
        if movers not in self.variants:
            self.variants.append(movers)
            self.rivals[movers] = {}
            for node in self.nodes:
                node.all[movers] = node.reads, node.writes
            self.spread(movers, self.nodes, ())

    def renew(self) -> None:
        """Work out anew what may be touched; from here on it is so."""
        changed = list(self.changed)
        self.changed.clear()
        fresh, self.fresh = self.fresh, []
        became_more = [self.spread(without, changed, fresh) for without in self.variants]
        self.grown += any(became_more)

    def spread(self, without: int, changed: Iterable[Node], fresh: Iterable[Node]) -> bool:
        """Work it out for one mask of tasks that do not go; return whether it became more.

        Args:
            without: the mask.
            changed: the nodes that touch more, or that more follows, than before.
            fresh: those that are new.

        """
        more = dict.fromkeys(fresh)
        grown = False
        todo = []
        for node in changed:
            reads, writes = node.reads, node.writes
            for then, movers in node.after.items():
                if movers & ~without:
                    read, written = then.all[without]
                    reads |= read
                    writes |= written
            todo.append((node, reads, writes))
        while todo:
            node, reads, writes = todo.pop()
            read, written = node.all[without]
            if not (reads & ~read or writes & ~written):
                continue
            node.all[without] = reads, writes = read | reads, written | writes
            grown = True
            more[node] = None
            for earlier in node.before:
                if earlier.after[node] & ~without:
                    todo.append((earlier, reads, writes))
        if more:
            rivals = self.rivals[without]
            for touch, known in rivals.items():
                rivals[touch] = known | self.conflicting(touch, without, more)
        return grown

    # -- another session -----------------------------------------------------------------------

    def plain(self) -> list[PlainNode]:
        """Return all nodes as plain values."""
        numbers = {node: n for n, node in enumerate(self.nodes)}
        where = {
            node: (task, phase)
            for task, tables in enumerate(self.tables)
            for phase, table in tables.items()
            for node in table
            if node is not None
        }
        return [
            (
                *where[node], node.place.number, node.reads, node.writes,
                [(numbers[then], movers) for then, movers in node.after.items()],
            )
            for node in self.nodes
        ]  # fmt: skip

    def restore(self, plain: Iterable[PlainNode]) -> None:
        """Take up the nodes that an earlier session knew."""
        plain = list(plain)
        for task, phase, number, reads, writes, _ in plain:
            self.add(self.node(self.table(task, phase), task, number), reads, writes)
        for node, (*_, after) in zip(self.nodes, plain, strict=True):
            for n, movers in after:
                self.follow(node, self.nodes[n], movers)
