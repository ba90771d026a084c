"""The search: breadth first, so that the first violation found is a shortest one."""

import gc
import time
from collections.abc import Callable

from harness.search.explore.graph import Broken, Graph

__all__ = ["Search"]


class Search:
    """All states of a graph, level by level.

    ``came`` has each state that was reached, and from which one it was first (0, which is a state
    as well, of those in which executions begin: ``roots``).
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.roots = graph.beginnings()
        self.came: dict[int, int] = dict.fromkeys(self.roots, -1)
        self.level = list(self.roots)
        self.depth = 0
        self.back: list[tuple[int, int]] = []
        """Steps that lead to a state that was there before this level: all cycles have one."""

    def run(self, more: Callable[[], bool]) -> None:
        """Go on until all is known, a rule is broken, or ``more`` says no."""
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            while self.level and not self.graph.broken and more():
                self.go()
        finally:
            gc.enable()
            gc.unfreeze()

    def go(self) -> None:
        """Look at all states of one level."""
        came, successors = self.came, self.graph.successors
        fresh: list[int] = []
        new: dict[int, int] = {}
        for state in self.level:
            for then in successors(state):
                if then in new:
                    continue
                if then in came:
                    self.back.append((state, then))
                else:
                    new[then] = state
        came.update(new)
        fresh = list(new)
        self.level = fresh
        self.depth += 1

    def path(self, state: int) -> list[int]:
        """Return the states on the way to one, from the beginning."""
        path = [state]
        while (state := self.came[state]) != -1:
            path.append(state)
        return path[::-1]


def first(broken: list[Broken]) -> Broken:
    """Return the violation that is told."""
    return broken[0]


def clock() -> float:
    """Return CPU seconds of this process."""
    return time.process_time()
