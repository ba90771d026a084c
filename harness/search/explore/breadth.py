"""Breadth first: the first violation that it meets is one with the fewest steps."""

from collections.abc import Callable

from harness.search.explore.depth import LOOKS
from harness.search.explore.graph import Graph

__all__ = ["BreadthFirst"]


class BreadthFirst:
    """The states of a graph, level by level.

    ``came`` has each state that was reached, and from which one it was reached first (-1: it is a
    beginning).
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.roots = graph.beginnings()
        self.came: dict[int, int] = dict.fromkeys(self.roots, -1)
        self.level = list(self.roots)
        self.depth = 0

    def run(self, more: Callable[[], bool], most: int) -> None:
        """Go on until something is broken, ``more`` says no, or ``most`` steps were made."""
        while self.level and self.depth <= most and self.go(more):
            self.depth += 1

    def go(self, more: Callable[[], bool]) -> bool:
        """Look at all states of one level; return whether to go on with the next."""
        came, successors, broken = self.came, self.graph.successors, self.graph.broken
        fresh: list[int] = []
        left = LOOKS
        for state in self.level:
            left -= 1
            if not left:
                left = LOOKS
                if not more():
                    return False
            for then in successors(state):
                if then not in came:
                    came[then] = state
                    fresh.append(then)
            if broken:
                return False
        self.level = fresh
        return True

    def path(self, state: int) -> list[int]:
        """Return the states on the way to one, from the beginning."""
        path = [state]
        while (state := self.came[state]) != -1:
            path.append(state)
        return path[::-1]
