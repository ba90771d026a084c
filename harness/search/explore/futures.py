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

__all__ = ["ALWAYS", "Futures", "Node", "Table"]

ALWAYS: Final = -1
"""On an edge: it is there whoever goes."""


class Node:
    """A place in a phase: what its own steps touch (``reads``, ``writes``), and what may follow.

    ``after`` has the nodes that follow, with who turned the phase (a mask of tasks), or ALWAYS;
    ``before`` those that it follows.
    ``all`` is what its task may touch from here on, read and written, by the mask of those who do
    not go. ``known`` are the steps that were taken note of.
    """

    __slots__ = ("after", "all", "before", "known", "place", "reads", "writes")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.reads = self.writes = 0
        self.all: dict[int, tuple[int, int]] = {}
        self.after: dict[Node, int] = {}
        self.before: dict[Node, None] = {}
        self.known: set[Any] = set()


Table = list[Node | None]
"""The nodes of a task in one phase, by the number of the place."""


class Futures:
    """The nodes of all tasks.

    Args:
        places: the places of each task, which become more.

    """

    def __init__(self, places: list[list[Place]]) -> None:
        self.places = places
        self.nodes: list[Node] = []
        self.tables: list[dict[Hashable, Table]] = [{} for _ in places]
        self.variants: list[int] = [0]
        """The masks of tasks for which ``Node.all`` is kept."""
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
            found = table[number] = Node(self.places[task][number])
            self.nodes.append(found)
            self.add(found, found.place.looks, 0)
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

    def looks(self) -> None:
        """Take note of what guards have read that were asked meanwhile."""
        for node in self.nodes:
            self.add(node, node.place.looks, 0)

    def without(self, movers: int) -> None:
        """Keep what may be touched as long as these tasks do not go, from now on."""
        if movers not in self.variants:
            self.variants.append(movers)
            for node in self.nodes:
                node.all[movers] = node.reads, node.writes
            self.spread(movers, self.nodes)

    def renew(self) -> None:
        """Work out anew what may be touched; from here on it is so."""
        changed = list(self.changed)
        self.changed.clear()
        if any([self.spread(without, changed) for without in self.variants]):
            self.grown += 1

    def spread(self, without: int, changed: Iterable[Node]) -> bool:
        """Work it out for one mask of tasks that do not go; return whether it became more.

        Args:
            without: the mask.
            changed: the nodes that touch more, or that more follows, than before.

        """
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
            for earlier in node.before:
                if earlier.after[node] & ~without:
                    todo.append((earlier, reads, writes))
        return grown
