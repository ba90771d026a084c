"""What each task may still do: learnt from the steps that were seen, and shown to be all of it.

A node is a place of a task in a phase: the time, and where the stimuli are. It has the fields that
steps from there were seen to read and write, and the nodes that were seen to follow, be it by a
step of the task or because the phase went on. What a task may still touch from a node is what all
nodes touch that can follow. ``grown`` counts what was learnt: a search is only believed if nothing
was, from its beginning to its end (``stubborn`` has the argument).
"""

from collections.abc import Callable, Hashable, Iterator
from typing import Any

from harness.search.explore.place import Place

__all__ = ["Futures", "Node"]


class Node:
    """A place in a phase: what its own steps touch (``reads``, ``writes``), and what may follow.

    ``all_reads`` and ``all_writes`` are what its task may touch from here on. ``known`` are the
    effects, and what rules made of them, that were taken note of.
    """

    __slots__ = ("after", "all_reads", "all_writes", "before", "known", "place", "reads", "writes")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.reads = self.writes = 0
        self.all_reads = self.all_writes = 0
        self.after: dict[Node, None] = {}
        self.before: dict[Node, None] = {}
        self.known: set[Any] = set()


class Futures:
    """The nodes of all tasks.

    Args:
        places: the places of each task, which become more.

    """

    def __init__(self, places: list[list[Place]]) -> None:
        self.places = places
        self.phases: dict[Hashable, list[list[Node | None]]] = {}
        self.of_place: dict[Place, list[Node]] = {}
        self.grown = 0

    def phase(self, key: Hashable) -> list[list[Node | None]]:
        """Return the nodes in a phase: for each task, by the number of the place."""
        found = self.phases.get(key)
        if found is None:
            found = self.phases[key] = [[] for _ in self.places]
        return found

    def node(self, table: list[list[Node | None]], task: int, number: int) -> Node:
        """Return the node of a place in a phase."""
        nodes = table[task]
        while len(nodes) <= number:
            nodes.append(None)
        found = nodes[number]
        if found is None:
            place = self.places[task][number]
            found = nodes[number] = Node(place)
            self.of_place.setdefault(place, []).append(found)
            self.add(found, place.looks, 0)
        return found

    def add(self, node: Node, reads: int, writes: int) -> None:
        """Take note of what a step from a node touches."""
        if reads & ~node.reads or writes & ~node.writes:
            node.reads |= reads
            node.writes |= writes
            self.spread(node)

    def follow(self, node: Node, then: Node) -> None:
        """Take note that one node follows another."""
        if then not in node.after and then is not node:
            node.after[then] = None
            then.before[node] = None
            self.spread(node)

    def looks(self) -> None:
        """Take note of what guards have read that were asked meanwhile."""
        for place, nodes in self.of_place.items():
            for node in nodes:
                if place.looks & ~node.reads:
                    self.add(node, place.looks, 0)

    def spread(self, node: Node) -> None:
        """Let the nodes before this one know what may follow."""
        todo = [node]
        while todo:
            node = todo.pop()
            reads, writes = node.reads, node.writes
            for then in node.after:
                reads |= then.all_reads
                writes |= then.all_writes
            if reads != node.all_reads or writes != node.all_writes:
                node.all_reads, node.all_writes = reads, writes
                self.grown += 1
                todo += node.before
