"""Exhaustive search of a case, as one call."""

import gc
import resource
import time
from collections.abc import Callable
from typing import Final

from harness.search.case import Case
from harness.search.explore.breadth import BreadthFirst
from harness.search.explore.cycles import fair_component, is_fair, walk_round
from harness.search.explore.depth import DepthFirst
from harness.search.explore.explored import Explored, ExploreLimits, Failure, Reductions
from harness.search.explore.failure import failure_of, livelock_of
from harness.search.explore.graph import Graph
from harness.search.explore.memo import Memo
from harness.search.explore.sample import Sample
from harness.search.explore.task import ExploredTask
from harness.verdict import INCONCLUSIVE, PROVED, VIOLATED
from model.rules.registry import RULES

__all__ = ["LEFT_OUT", "Exploration", "explore", "graph_of"]

LEFT_OUT: Final = tuple(sorted(name for name, rule in RULES.items() if rule.by_cycles))
"""The rules that count how often something is done for nothing: a cycle of states is that."""
MEMORY, STATES, TIME, STOPPED = "memory", "states", "time", "interrupted"


def graph_of(case: Case, reductions: Reductions | None = None) -> Graph:
    """Return the graph of states of a case.

    Raises:
        UsageError: the variant cannot be had.

    """
    known = frozenset(RULES) if case.rules is None else frozenset(case.rules)
    world = case.world(ExploredTask, rules=known - {*LEFT_OUT})
    world.checker.states.clear()  # "sometimes" states are no part of a verdict
    world.checker.subscribe(last={})  # nor are bounds
    return Graph(Memo(world, reductions or Reductions()))


def explore(
    case: Case,
    limits: ExploreLimits | None = None,
    reductions: Reductions | None = None,
    *,
    shortest: bool = True,
) -> Explored:
    """Look at every interleaving of a case.

    Args:
        case: what is run; its sizes and stimuli are the bounds of what is proved.
        limits: when to give up.
        reductions: what may be left out.
        shortest: whether a violation is looked for again, breadth first, for a shortest schedule.

    Raises:
        UsageError: the variant cannot be had, or remembers what no state can hold.

    """
    return Exploration(case, limits, reductions, shortest=shortest).run()


class Exploration:
    """One exhaustive search.

    ``watch`` is called every few hundred states with it; it returns whether to go on.
    """

    def __init__(
        self,
        case: Case,
        limits: ExploreLimits | None = None,
        reductions: Reductions | None = None,
        *,
        shortest: bool = True,
        watch: Callable[["Exploration"], bool] | None = None,
    ) -> None:
        self.case = case
        self.limits = limits or ExploreLimits()
        self.shortest = shortest
        self.watch = watch
        self.began = time.monotonic()
        self.cpu_began = time.process_time()
        self.graph = graph_of(case, reductions)
        self.sample = Sample(self.graph)
        self.search = DepthFirst(self.graph, self.on_cycle)
        self.bound = ""
        self.failure: Failure | None = None
        self.unfair: list[int] = []
        """A state of the first cycle that nobody can go round for ever."""
        self.noted = 0
        self.peak = 0

    def run(self) -> Explored:
        """Search, and return what was found.

        Raises:
            UsageError: the variant remembers what no state can hold.

        """
        gc.collect()
        gc.freeze()
        gc.disable()  # nothing here makes cycles of references
        try:
            self.search.run(self.more)
            self.judge()
        finally:
            self.graph.memo.close()
            gc.enable()
            gc.unfreeze()
        return self.explored()

    def more(self) -> bool:
        """Tell whether to go on, between two states."""
        states = len(self.search.seen)
        if self.search.path:
            self.sample.note(self.search.path[-1], states - self.noted)
        self.noted = states
        return self.goes_on(states)

    def goes_on(self, states: int) -> bool:
        """Tell whether no limit is reached with so many states."""
        limits = self.limits
        if limits.states is not None and states >= limits.states:
            self.bound = STATES
        elif limits.seconds is not None and self.seconds() >= limits.seconds:
            self.bound = TIME
        elif limits.memory_mb is not None and memory_mb() >= limits.memory_mb:
            self.bound = MEMORY
        elif self.watch is not None and not self.watch(self):
            self.bound = STOPPED
        return not self.bound

    def seconds(self) -> float:
        """Return the wall time that it has taken."""
        return time.monotonic() - self.began

    # -- what was found ------------------------------------------------------------------------

    def on_cycle(self, cycle: list[int]) -> bool:
        """Look at a cycle; return whether it is a livelock, and the search over."""
        graph, search = self.graph, self.search
        counted = graph.transitions, graph.ends
        fair = is_fair(graph, cycle)
        graph.transitions, graph.ends = counted
        if not fair:
            if not self.unfair:
                self.unfair = cycle[:1]
            return False
        stem = search.path[: search.path.index(cycle[0]) + 1]
        root = search.roots[stem[0]]
        self.failure = livelock_of(self.case, graph, root, stem, cycle)
        return True

    def judge(self) -> None:
        """Make a failure of what the search came upon."""
        search, graph = self.search, self.graph
        if graph.broken:
            self.failure = self.tell(search.path, shortest=False)
            if self.shortest:
                self.shorten(len(search.path))
        elif self.unfair and not self.failure and not search.stopped:
            self.look_for_livelock()

    def tell(self, path: list[int], *, shortest: bool) -> Failure:
        """Return the failure at the end of a path."""
        broken = self.graph.broken[0]
        root = self.search.roots[path[0]]
        return failure_of(self.case, self.graph, root, path, broken, shortest=shortest)

    def shorten(self, most: int) -> None:
        """Look for a violation with the fewest steps; there is one with ``most``."""
        self.peak = self.states
        counted = self.graph.transitions, self.graph.ends
        self.graph.broken.clear()
        self.search.seen.clear()
        wide = BreadthFirst(self.graph)
        wide.run(lambda: self.goes_on(len(wide.came)), most)
        if self.graph.broken:
            path = wide.path(self.graph.broken[0].state)
            self.failure = self.tell(path, shortest=True)
        self.graph.transitions, self.graph.ends = counted

    def look_for_livelock(self) -> None:
        """Look for a livelock in all states: there are cycles, though none by itself is one."""
        graph = self.graph
        counted = graph.transitions, graph.ends
        for root in self.search.roots:
            component = fair_component(graph, root)
            if component is None:
                continue
            wide = BreadthFirst(graph)
            inside = set(component)
            while inside.isdisjoint(wide.level):
                wide.go(lambda: True)
            start = next(state for state in wide.level if state in inside)
            component.sort(key=lambda state: state != start)
            cycle = walk_round(graph, component)
            path = wide.path(start)
            begins = self.search.roots[path[0]]
            self.failure = livelock_of(self.case, graph, begins, path, cycle)
            break
        graph.transitions, graph.ends = counted

    def explored(self) -> Explored:
        """Return what was found so far."""
        search, graph = self.search, self.graph
        verdict = VIOLATED if self.failure else INCONCLUSIVE if search.stopped else PROVED
        return Explored(
            verdict=verdict,
            bound=self.bound if verdict == INCONCLUSIVE else "",
            failure=self.failure,
            states=self.states,
            transitions=graph.transitions,
            terminal=graph.ends,
            depth=search.depth,
            seconds=self.seconds(),
            cpu_seconds=time.process_time() - self.cpu_began,
            memory_mb=memory_mb(),
            misses=graph.memo.misses,
            checked=self.sample.checked,
            left_out=LEFT_OUT,
        )

    @property
    def states(self) -> int:
        """How many states were reached."""
        self.peak = max(self.peak, len(self.search.seen))
        return self.peak


def memory_mb() -> float:
    """Return the memory that this process has, in MiB (the most it has had, where not known)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / (1 << 20)
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
