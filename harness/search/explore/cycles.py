"""Cycles of states: storms and livelocks.

In a cycle nothing has come from outside, no time has passed and no guest is farther in its program,
for all that is in the state. One that an execution can go round for ever while everybody who can go
all the time does go (weak fairness) is a livelock; a stimulus need never come.
"""

from collections.abc import Callable, Iterator, Sequence

from harness.search.explore.depth import LOOKS
from harness.search.explore.graph import Graph

__all__ = ["fair_component", "is_fair"]


def is_fair(graph: Graph, states: Sequence[int]) -> bool:
    """Tell whether each task that can go in all of these states does go among them.

    ``states`` are a cycle, or all of a strongly connected component.
    """
    inside = set(states)
    moves, always = 0, -1
    for state in states:
        following = graph.successors(state)
        always &= graph.enabled
        for task, then in zip(graph.movers, following, strict=True):
            if then in inside:
                moves |= 1 << task
    return not always & graph.urgent & ~moves


def fair_component(graph: Graph, start: int, more: Callable[[int], bool]) -> list[int] | None:
    """Return states that can be gone round for ever, fairly, and are reached from ``start``.

    ``more`` is asked now and then, with how many states were seen, whether to go on; if it says no,
    there is none.

    Tarjan, "Depth-First Search and Linear Graph Algorithms" (SIAM J. Comput. 1972), without
    recursion.
    """
    for component in components(graph, start, more):
        loops = len(component) > 1 or component[0] in graph.successors(component[0])
        if loops and is_fair(graph, component):
            return component
    return None


def components(graph: Graph, start: int, more: Callable[[int], bool]) -> Iterator[list[int]]:
    """Yield the strongly connected components that are reached from ``start``."""
    number: dict[int, int] = {start: 0}
    low: dict[int, int] = {start: 0}
    waiting = [start]
    inside = {start}
    stack = [(start, graph.successors(start))]
    while stack:
        state, following = stack[-1]
        if following:
            then = following.pop()
            if then not in number:
                number[then] = low[then] = len(number)
                if not len(number) % LOOKS and not more(len(number)):
                    return
                waiting.append(then)
                inside.add(then)
                stack.append((then, graph.successors(then)))
            elif then in inside:
                low[state] = min(low[state], number[then])
            continue
        stack.pop()
        if stack:
            above = stack[-1][0]
            low[above] = min(low[above], low[state])
        if low[state] == number[state]:
            component = []
            while True:
                member = waiting.pop()
                inside.discard(member)
                component.append(member)
                if member == state:
                    break
            yield component


def walk_round(graph: Graph, component: Sequence[int]) -> list[int]:
    """Return states of a component in the order of a closed walk, with a step of each of its tasks.

    Behind the last one the first comes again.
    """
    inside = set(component)
    movers: set[int] = set()
    for state in component:
        following = graph.successors(state)
        movers.update(t for t, then in zip(graph.movers, following, strict=True) if then in inside)
    start = at = component[0]
    walk: list[int] = []
    for task in sorted(movers):
        part = shortest(graph, inside, at, task=task)
        walk += part[:-1]
        at = part[-1]
    if at != start or not walk:
        walk += shortest(graph, inside, at, to=start)[:-1]
    return walk


def shortest(
    graph: Graph, inside: set[int], start: int, *, task: int = -1, to: int = -1
) -> list[int]:
    """Return the states on a shortest way within ``inside``: over a step of ``task``, or ``to``.

    Raises:
        ValueError: there is none.

    """
    came = {start: start}
    level = [start]
    while level:
        fresh = []
        for state in level:
            following = graph.successors(state)
            for mover, then in zip(graph.movers, following, strict=True):
                if then not in inside:
                    continue
                if mover == task or then == to:
                    way = [then, state]
                    while state != start:
                        state = came[state]  # noqa: PLW2901  # the way back
                        way.append(state)
                    return way[::-1]
                if then not in came:
                    came[then] = state
                    fresh.append(then)
        level = fresh
    raise ValueError("there is no such way within the component")
