"""Depth first: all states, and all cycles, in one pass over as little memory as can be."""

from collections.abc import Callable, Iterable

from harness.search.explore.space import Space

__all__ = ["LOOKS", "DepthFirst"]

LOOKS = 512
"""After so many states it is asked whether to go on."""


class DepthFirst:
    """All nodes of a space, depth first.

    ``seen`` are the nodes that were reached. On the way from a beginning to where the search is
    lie the nodes of ``path``; ``todo`` has for each the next ones that are still to be looked at;
    the first entry is that of the beginnings.

    A step back to a node of the path closes a cycle: ``cycle`` is told of it, with the nodes of
    the cycle in order, and says whether the search is over. Where steps were left out, and one of
    the others leads back to the path, none is left out: nobody is passed over on every cycle.
    """

    def __init__(
        self, space: Space, roots: Iterable[int], cycle: Callable[[list[int]], bool]
    ) -> None:
        self.space = space
        self.cycle = cycle
        self.seen: set[int] = set()
        self.path: list[int] = []
        self.todo: list[list[int]] = [list(roots)]
        self.depth = 0
        self.stopped = False

    def restart(self, roots: Iterable[int]) -> None:
        """Forget all, and begin anew."""
        self.seen.clear()
        self.path.clear()
        self.todo[:] = [list(roots)]
        self.depth = 0

    def run(self, more: Callable[[], bool]) -> None:
        """Go on until all is known, something is broken, or ``more`` says no.

        It may be called again, to go on from there, once ``broken`` is empty.
        """
        seen, path, todo = self.seen, self.path, self.todo
        on_path = set(path)
        space = self.space
        successors, broken = space.successors, space.broken
        left = 1
        while todo:
            following = todo[-1]
            if not following:
                todo.pop()
                if path:
                    on_path.discard(path.pop())
                continue
            left -= 1
            if not left:
                left = LOOKS
                if not more():
                    self.stopped = True
                    return
            state = following.pop()
            if state in seen:
                if state in on_path and self.cycle(path[path.index(state) :]):
                    return
                continue
            then = successors(state)
            if space.reduced and (state in then or not on_path.isdisjoint(then)):
                then = space.everything(state)
            seen.add(state)
            path.append(state)
            on_path.add(state)
            todo.append(then)
            if len(path) > self.depth:
                self.depth = len(path)
            if broken:
                return
