"""How much of all states a search has seen, by random walks among them.

Where a walk is at its end, all states are rare: the part of the last steps that the search knows is
nearer to the truth than that of all steps, of which the first ones are known soon. So a step counts
the more the farther it is from the beginning. Even so chance comes to some states sooner than to
others: it is said as "so much of what random walks meet", and means no more; where steps were left
out it is of what is left. Answers are averaged, the newer ones with more weight.
"""

from random import Random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from harness.search.explore.explore import Exploration

__all__ = ["Estimate"]

WALKS: Final = 6
STEPS_MAX: Final = 2_000
KEEPS: Final = 0.8
"""With which weight earlier answers count at the next one."""
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
        self.average = 0.0
        self.weight = 0.0

    def known(self) -> float:
        """Return which part of what random walks meet is known, 0 to 1."""
        exploration = self.exploration
        graph, space = exploration.graph, exploration.space
        seen = exploration.search.seen
        counted, broken = (graph.transitions, graph.ends), len(graph.broken)
        roots = [space.node(root) for root in exploration.roots]
        walked = found = 0
        for _ in range(WALKS):
            node = self.random.choice(roots)
            for step in range(1, STEPS_MAX):
                walked += step
                found += step * (node in seen)
                following = space.successors(node)
                if not following:
                    break
                node = self.pick(following)
        graph.transitions, graph.ends = counted
        del graph.broken[broken:]
        self.weight = KEEPS * self.weight + 1
        self.average += (found / walked - self.average) / self.weight
        return self.average

    def pick(self, following: list[int]) -> int:
        """Return one of the next nodes; that a stimulus comes is as likely early as late."""
        graph = self.exploration.graph
        pairs = zip(graph.movers, following, strict=True)
        calm = [node for task, node in pairs if graph.urgent >> task & 1]
        if calm and self.random.random() > 1 / STEPS_BETWEEN:
            return self.random.choice(calm)
        return self.random.choice(following)
