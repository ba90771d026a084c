"""What is searched: the states of a case, or those that few enough switches between tasks reach."""

from typing import Protocol

from harness.search.explore.graph import Broken, Graph
from harness.search.explore.packed import WIDTH

__all__ = ["FewSwitches", "Space", "Whole"]

COUNT_BITS = 8
COUNT_MAX = (1 << COUNT_BITS) - 1


class Space(Protocol):
    """Nodes, as numbers, and what follows on each."""

    broken: list[Broken]
    """The violations that were met."""
    reduced: bool
    """Whether steps were left out of those that were returned last."""

    def node(self, state: int) -> int:
        """Return the node of a state in which executions begin."""

    def state(self, node: int) -> int:
        """Return the state of a node."""

    def successors(self, node: int) -> list[int]:
        """Return the nodes that follow, or so many of them as will do."""

    def everything(self, node: int) -> list[int]:
        """Return all nodes that follow."""


class Whole:
    """All states, each a node of its own."""

    reduced = False

    def __init__(self, graph: Graph) -> None:
        self.broken = graph.broken
        self.successors = self.everything = graph.successors

    def node(self, state: int) -> int:
        """Return the node of a state."""
        return state

    def state(self, node: int) -> int:
        """Return the state of a node."""
        return node


class FewSwitches:
    """States that are reached with few switches from one task to another.

    A node is a state, who made the step to it, and how many switches there were. Musuvathi and
    Qadeer, "Iterative Context Bounding for Systematic Testing of Multithreaded Programs" (PLDI
    2007), count those that leave a task which could have gone on.

    Args:
        graph: the states.
        switches: how many there may be at most, of any kind (None: any number).
        preemptions: how many of them may leave a task that could have gone on (None: any number).

    """

    reduced = False

    def __init__(self, graph: Graph, switches: int | None, preemptions: int | None) -> None:
        self.graph = graph
        self.broken = graph.broken
        self.switches = COUNT_MAX if switches is None else switches
        self.preemptions = COUNT_MAX if preemptions is None else preemptions
        self.counts = switches is not None
        self.low = WIDTH * len(graph.packing.groups)
        self.mask = (1 << self.low) - 1
        self.cut = 0
        """How many steps were not followed because of a bound."""

    def node(self, state: int) -> int:
        """Return the node of a state in which executions begin: nobody has run."""
        return state

    def state(self, node: int) -> int:
        """Return the state of a node."""
        return node & self.mask

    def everything(self, node: int) -> list[int]:
        """Return the nodes that follow: none is left out."""
        return self.successors(node)

    def successors(self, node: int) -> list[int]:
        """Return the nodes that follow."""
        graph, low = self.graph, self.low
        about = node >> low
        current = (about & COUNT_MAX) - 1
        made = about >> COUNT_BITS & COUNT_MAX
        preempted = about >> 2 * COUNT_BITS
        found, movers = [], []
        following = graph.successors(node & self.mask)
        leaves = current >= 0 and graph.enabled >> current & 1
        for task, then in zip(graph.movers, following, strict=True):
            switch = current not in (-1, task)
            switches = made + (switch and self.counts)
            preemptions = preempted + (1 if switch and leaves else 0)
            if self.preemptions == COUNT_MAX:
                preemptions = 0
            if switches > self.switches or preemptions > self.preemptions:
                self.cut += 1
                continue
            about = task + 1 | switches << COUNT_BITS | preemptions << 2 * COUNT_BITS
            found.append(then | about << low)
            movers.append(task)
        graph.movers = movers
        return found
