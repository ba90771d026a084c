"""How much of all states a search has seen, by random walks among them.

The share of a few walks' states that were reached before is about that, for states that chance
comes to as easily as to others.
"""

from random import Random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from harness.search.explore.explore import Exploration

__all__ = ["Estimate"]

WALKS: Final = 6
STEPS_MAX: Final = 2_000
STEPS_BETWEEN: Final = 50
"""How long a stimulus waits, about, once it could come."""


class Estimate:
    """Estimates how far a search is. What it looks at on the way, the search need not learn again.

    Args:
        exploration: the search.

    """

    def __init__(self, exploration: "Exploration") -> None:
        self.exploration = exploration
        self.random = Random(0)

    def known(self) -> float:
        """Return which part of all states is about known, 0 to 1."""
        exploration = self.exploration
        graph, space = exploration.graph, exploration.space
        seen = exploration.search.seen
        counted, broken = (graph.transitions, graph.ends), len(graph.broken)
        roots = [space.node(root) for root in exploration.roots]
        walked = found = 0
        for _ in range(WALKS):
            node = self.random.choice(roots)
            for _ in range(STEPS_MAX):
                walked += 1
                found += node in seen
                following = space.successors(node)
                if not following:
                    break
                node = self.pick(following)
        graph.transitions, graph.ends = counted
        del graph.broken[broken:]
        return found / walked

    def pick(self, following: list[int]) -> int:
        """Return one of the next nodes; that a stimulus comes is as likely early as late."""
        graph = self.exploration.graph
        pairs = zip(graph.movers, following, strict=True)
        calm = [node for task, node in pairs if graph.urgent >> task & 1]
        if calm and self.random.random() > 1 / STEPS_BETWEEN:
            return self.random.choice(calm)
        return self.random.choice(following)
