"""Breadth first: the first violation that it meets is one with the fewest steps."""

from collections.abc import Callable, Iterable

from harness.search.explore.depth import LOOKS
from harness.search.explore.space import Space

__all__ = ["BreadthFirst"]


class BreadthFirst:
    """The nodes of a space, level by level.

    ``came`` has each node that was reached, and from which one it was reached first (-1: it is a
    beginning).
    """

    def __init__(self, space: Space, roots: Iterable[int]) -> None:
        self.space = space
        self.came: dict[int, int] = dict.fromkeys(roots, -1)
        self.level = list(self.came)
        self.depth = 0
        self.last = -1
        """The node that was looked at last."""

    def run(self, more: Callable[[], bool], most: int) -> None:
        """Go on until something is broken, ``more`` says no, or ``most`` steps were made."""
        while self.level and self.depth <= most and self.go(more):
            self.depth += 1

    def go(self, more: Callable[[], bool]) -> bool:
        """Look at all nodes of one level; return whether to go on with the next."""
        came, successors, broken = self.came, self.space.successors, self.space.broken
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
                self.last = state
                return False
        self.level = fresh
        return True

    def path(self, state: int) -> list[int]:
        """Return the nodes on the way to one, from the beginning."""
        path = [state]
        while (state := self.came[state]) != -1:
            path.append(state)
        return path[::-1]
