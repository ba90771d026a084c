"""Exhaustive search of a case, as one call."""

import gc
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from harness.engine.footprint import FootprintError
from harness.engine.position import PositionError
from harness.errors import UsageError
from harness.search.case import Case
from harness.search.explore.breadth import BreadthFirst
from harness.search.explore.cycles import fair_component, is_fair, walk_round
from harness.search.explore.depth import DepthFirst
from harness.search.explore.explored import Explored, ExploreLimits, Failure, Reductions
from harness.search.explore.failure import failure_of, livelock_of
from harness.search.explore.graph import Graph
from harness.search.explore.memo import Memo
from harness.search.explore.packed import TooManyError
from harness.search.explore.sample import Sample
from harness.search.explore.space import FewSwitches, Space, Whole
from harness.search.explore.store import Saved
from harness.search.explore.stubborn import Stubborn
from harness.search.explore.symmetry import mirrors
from harness.search.explore.tables import restore
from harness.search.explore.task import ExploredTask
from harness.variants import ERAS
from harness.verdict import INCONCLUSIVE, PROVED, VIOLATED
from model.rules.registry import RULES

__all__ = ["LEFT_OUT", "Exploration", "explore", "graph_of"]

LEFT_OUT: Final = tuple(sorted(name for name, rule in RULES.items() if rule.by_cycles))
"""The rules that count how often something is done for nothing: a cycle of states is that."""
MEMORY, STATES, TIME, STOPPED = "memory", "states", "time", "interrupted"


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
        limits: when to give up, and bounds on switches.
        reductions: what may be left out.
        shortest: whether a violation is looked for again, breadth first, for a shortest schedule.

    Raises:
        UsageError: the variant cannot be had, or is one that cannot be explored.

    """
    return Exploration(case, limits, reductions, shortest=shortest).run()


def graph_of(
    case: Case,
    reductions: Reductions | None = None,
    sizes: Sequence[int] = (),
    *,
    states: bool = False,
) -> Graph:
    """Return the graph of states of a case.

    Args:
        case: what is run.
        reductions: what may be left out.
        sizes: how states are packed, if they were before.
        states: whether what tells of "sometimes" states is part of each.

    Raises:
        UsageError: the variant cannot be had.

    """
    known = frozenset(RULES) if case.rules is None else frozenset(case.rules)
    world = case.world(ExploredTask, rules=known - {*LEFT_OUT})
    if not states:
        world.checker.states.clear()  # "sometimes" states are no part of a verdict
    world.checker.subscribe(last={})  # nor are bounds
    return Graph(Memo(world, reductions or Reductions(), sizes))


class Exploration:
    """One exhaustive search.

    Args:
        case: what is run.
        limits: when to give up, and bounds on switches.
        reductions: what may be left out. By default nothing is taken for dead in a variant of a
            user's, which may read what is dead in KVM, and no orders of steps are left out on one
            CPU, where nearly all of them can be told apart.
        shortest: whether a violation is looked for again, breadth first.
        watch: is called every few hundred states with this; returns whether to go on.
        saved: a search of this case to go on with, by ``session.resume``; here its tables are used.

    Raises:
        UsageError: the variant cannot be had, or what was saved is not of this case.

    """

    def __init__(
        self,
        case: Case,
        limits: ExploreLimits | None = None,
        reductions: Reductions | None = None,
        *,
        shortest: bool = True,
        watch: Callable[["Exploration"], bool] | None = None,
        saved: Saved | None = None,
    ) -> None:
        self.case = case
        self.limits = limits or ExploreLimits()
        self.reductions = reductions or Reductions(
            dead=case.variant.partition("+")[0] in ERAS, stubborn=case.scenario.pcpus > 1
        )
        self.shortest = shortest
        self.watch = watch
        self.began = time.monotonic()
        self.cpu_began = time.process_time()
        self.before = (0.0, 0.0)
        """Wall and CPU seconds of earlier sessions."""
        self.bound = ""
        self.failure: Failure | None = None
        self.unfair = False
        """Whether there are cycles, each of which somebody leaves who can go all the time."""
        self.noted = self.peak = 0
        with explorable(case):
            self.graph = graph = self.make_graph(saved)
            self.roots = graph.beginnings()
            self.mirrored = 0
            if self.reductions.symmetric:
                self.leave_mirrors_out()
        self.sample = Sample(graph)
        self.space = self.make_space()
        self.passes = 0
        self.search = DepthFirst(self.space, map(self.space.node, self.roots), self.on_cycle)

    def make_graph(self, saved: Saved | None) -> Graph:
        """Return the graph, with what an earlier session knew of it.

        Raises:
            UsageError: what was saved is not of this case.

        """
        if saved is None:
            return graph_of(self.case, self.reductions)
        tables = saved.tables
        try:
            graph = graph_of(self.case, self.reductions, tables["sizes"])
            restore(graph.memo, tables)
            graph.packing.restore(tables["contents"])
        except (FootprintError, ValueError, KeyError, IndexError) as error:
            raise UsageError(f"cannot go on with this search: {error}") from None
        return graph

    def leave_mirrors_out(self) -> None:
        """Search only one of beginnings that mirror each other."""
        left_out = mirrors(self.case.scenario, self.graph, self.roots)
        self.mirrored = len(left_out)
        self.roots = {state: root for state, root in self.roots.items() if state not in left_out}

    def make_space(self) -> Space:
        """Return what is searched."""
        limits, graph = self.limits, self.graph
        if limits.switches is not None or limits.preemptions is not None:
            return FewSwitches(graph, limits.switches, limits.preemptions)
        if self.reductions.stubborn and not graph.eager:
            return Stubborn(graph)
        return Whole(graph)

    def run(self) -> Explored:
        """Search, and return what was found.

        Raises:
            UsageError: the variant is one that cannot be explored.

        """
        gc.collect()
        gc.freeze()
        gc.disable()  # nothing here makes cycles of references
        try:
            with explorable(self.case):
                self.go()
                self.judge()
        except TooManyError:
            self.bound = STATES
            self.search.stopped = True
        finally:
            self.graph.memo.close()
            gc.enable()
            gc.unfreeze()
        return self.explored()

    def go(self) -> None:
        """Search; and again, as long as more was learnt of what tasks may touch."""
        space, search = self.space, self.search
        if not isinstance(space, Stubborn):
            search.run(self.more)
            return
        if not self.passes:
            space.walk(self.roots, lambda: self.goes_on(0))
            search.stopped = bool(self.bound)
        while not self.bound:
            if not search.path:
                self.passes += 1
                self.noted = self.peak = 0
                self.graph.transitions = self.graph.ends = 0
                space.believe()
            search.run(self.more)
            if search.todo or space.believed():
                return
            search.restart(self.roots)

    @property
    def learning(self) -> bool:
        """Whether it has not begun, and only learns what tasks may touch."""
        return isinstance(self.space, Stubborn) and not self.passes

    def more(self) -> bool:
        """Tell whether to go on, between two states."""
        states = len(self.search.seen)
        if self.search.path:
            self.sample.note(self.space.state(self.search.path[-1]), states - self.noted)
        self.noted = states
        return self.goes_on(states)

    def goes_on(self, states: int) -> bool:
        """Tell whether no limit is reached with so many states."""
        limits = self.limits
        if limits.states is not None and states >= limits.states:
            self.bound = STATES
        elif limits.seconds is not None and time.monotonic() - self.began >= limits.seconds:
            self.bound = TIME
        elif limits.memory_mb is not None and memory_mb() >= limits.memory_mb:
            self.bound = MEMORY
        elif self.watch is not None and not self.watch(self):
            self.bound = STOPPED
        return not self.bound

    def seconds(self) -> float:
        """Return the wall time that it has taken, in all sessions."""
        return time.monotonic() - self.began + self.before[0]

    def cpu_seconds(self) -> float:
        """Return the CPU time of this process that it has taken, in all sessions."""
        return time.process_time() - self.cpu_began + self.before[1]

    # -- what was found ------------------------------------------------------------------------

    def on_cycle(self, cycle: list[int]) -> bool:
        """Look at a cycle; return whether it is a livelock, and the search over."""
        graph, search = self.graph, self.search
        states = [self.space.state(node) for node in cycle]
        counted = graph.transitions, graph.ends
        fair = is_fair(graph, states)
        graph.transitions, graph.ends = counted
        if not fair:
            self.unfair = True
            return False
        stem = search.path[: search.path.index(cycle[0]) + 1]
        self.failure = self.livelock(stem, states)
        return True

    def livelock(self, stem: Sequence[int], cycle: Sequence[int]) -> Failure:
        """Return a cycle of states as a failure; ``stem`` are the nodes on the way to it."""
        path = [self.space.state(node) for node in stem]
        return livelock_of(self.case, self.graph, self.roots[path[0]], path, cycle)

    def judge(self) -> None:
        """Make a failure of what the search came upon."""
        search = self.search
        if self.graph.broken:
            self.failure = self.tell(search.path, shortest=False)
            if self.shortest:
                self.shorten(len(search.path))
        elif self.unfair and not self.failure and not search.stopped:
            self.look_for_livelock()

    def tell(self, nodes: Sequence[int], *, shortest: bool) -> Failure:
        """Return the failure at the end of a path."""
        path = [self.space.state(node) for node in nodes]
        broken = self.graph.broken[0]
        root = self.roots[path[0]]
        return failure_of(self.case, self.graph, root, path, broken, shortest=shortest)

    def shorten(self, most: int) -> None:
        """Look for a violation with the fewest steps; there is one with ``most``."""
        graph, search = self.graph, self.search
        self.peak = self.states
        counted = graph.transitions, graph.ends
        graph.broken.clear()
        search.seen.clear()
        space = Whole(graph) if isinstance(self.space, Stubborn) else self.space
        wide = BreadthFirst(space, map(space.node, self.roots))
        wide.run(lambda: self.goes_on(len(wide.came)), most)
        if graph.broken:
            nodes = wide.path(wide.last)
            self.failure = self.tell(nodes, shortest=True)
        graph.transitions, graph.ends = counted

    def look_for_livelock(self) -> None:
        """Look for a livelock in all states: there are cycles, though none by itself is one."""
        graph = self.graph
        counted = graph.transitions, graph.ends
        for root in self.roots:
            component = fair_component(graph, root, self.goes_on)
            if self.bound:
                self.search.stopped = True
                break
            if component is None:
                continue
            wide = BreadthFirst(Whole(graph), self.roots)
            inside = set(component)
            while inside.isdisjoint(wide.level):
                wide.go(lambda: True)
            start = next(state for state in wide.level if state in inside)
            component.sort(key=lambda state: state != start)
            self.failure = self.livelock(wide.path(start), walk_round(graph, component))
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
            cpu_seconds=self.cpu_seconds(),
            memory_mb=memory_mb(),
            misses=graph.memo.misses,
            checked=self.sample.checked,
            cut=self.space.cut if isinstance(self.space, FewSwitches) else 0,
            passes=self.passes,
            mirrored=self.mirrored,
            left_out=LEFT_OUT,
        )

    @property
    def states(self) -> int:
        """How many states were reached (with bounds on switches: nodes)."""
        self.peak = max(self.peak, len(self.search.seen))
        return self.peak


@contextmanager
def explorable(case: Case) -> Iterator[None]:
    """Refuse a variant whose steps are no function of what they announce to read.

    Raises:
        UsageError: it touches or remembers something else.

    """
    try:
        yield
    except (FootprintError, PositionError) as error:
        raise UsageError(
            f"variant {case.variant!r} cannot be explored: {error}; expected steps that touch what "
            "they announce, and remember nothing besides"
        ) from error


def memory_mb() -> float:
    """Return the memory that this process has, in MiB (the most it has had, where not known)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / (1 << 20)
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
