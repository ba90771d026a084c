"""What a search that leaves out orders of steps finds, in the terms of what a whole one does."""

from collections.abc import Hashable
from typing import Any, NamedTuple

from harness.search.explore.cycles import fair_component, is_fair
from harness.search.explore.depth import DepthFirst
from harness.search.explore.explored import Reductions
from harness.search.explore.graph import Graph
from harness.search.explore.memo import Memo
from harness.search.explore.space import Whole
from harness.search.explore.stubborn import Stubborn
from harness.search.explore.task import ExploredTask
from tests.race.explore.agree import Make, said

__all__ = ["Found", "alike", "everything", "reduced"]


class Found(NamedTuple):
    """The states in which nothing has to happen any more, what was broken, and more.

    ``round``: whether executions can go round for ever, fairly (None: there are cycles, and none of
    them is fair by itself).
    """

    resting: frozenset[Hashable]
    broken: frozenset[tuple[Hashable, ...]]
    round: bool | None
    states: int


def reduced(make: Make) -> Found:
    """Search as ``explore`` does."""
    graph = Graph(Memo(make(ExploredTask), Reductions()))
    roots = list(graph.beginnings())
    space = Stubborn(graph)
    space.walk(roots, lambda: True)
    cycles: list[bool] = []

    def on_cycle(cycle: list[int]) -> bool:
        counted = space.reduced
        cycles.append(is_fair(graph, cycle))
        space.reduced = counted
        return False

    search = DepthFirst(space, roots, on_cycle)
    while True:
        space.believe()
        cycles.clear()
        violations = go(search, graph)
        if space.believed():
            break
        search.restart(roots)
    goes_round = True if any(cycles) else None if cycles else False
    return Found(resting(graph, search.seen), violations, goes_round, len(search.seen))


def everything(make: Make) -> Found:
    """Search everything, with Tarjan for what can go round."""
    graph = Graph(Memo(make(ExploredTask), Reductions()))
    roots = list(graph.beginnings())
    search = DepthFirst(Whole(graph), roots, lambda _cycle: False)
    violations = go(search, graph)
    fair = any(fair_component(graph, root, lambda _states: True) for root in roots)
    return Found(resting(graph, search.seen), violations, fair, len(search.seen))


def go(search: DepthFirst, graph: Graph) -> frozenset[tuple[Hashable, ...]]:
    """Search to the end, and behind what is broken; return what was."""
    found: set[tuple[Hashable, ...]] = set()
    while True:
        search.run(lambda: True)
        found.update(x for broken in graph.broken for x in said(broken.violations))
        graph.broken.clear()
        if not search.todo:
            return frozenset(found)


def resting(graph: Graph, states: set[int]) -> frozenset[Hashable]:
    """Return the values of all parts where nothing has to happen any more."""
    memo = graph.memo
    values: list[Any] = [*memo.values, *memo.rules.values]
    found = set()
    for state in states:
        row = graph.packing.unpack(state)
        graph.ready(row)
        if not graph.enabled & graph.urgent:
            found.add(tuple([v.keys[n] for v, n in zip(values, row[memo.tasks :], strict=True)]))
    return frozenset(found)


def alike(whole: Found, less: Found) -> None:
    """Hold a search that leaves orders out against one that does not.

    Where something is owed neither goes on: then what lies behind may be reached by one only.
    """
    if any(alarm == "owed" for _, alarm, _, _ in whole.broken):
        assert less.resting <= whole.resting
        assert bool(less.broken) == bool(whole.broken)
        assert less.broken <= whole.broken
    else:
        assert less.resting == whole.resting
        assert less.broken == whole.broken
    if whole.round:
        assert less.round is not False, "executions go round, and no cycle is followed"
    else:
        assert not less.round
    assert less.states <= whole.states
