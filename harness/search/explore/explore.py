"""Exhaustive search of a case, as one call."""

import resource
import time
from typing import Final

from harness.engine.choice import Choice
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.engine.outcome import Outcome
from harness.search.case import Case
from harness.search.explore.explored import Explored, ExploreLimits, Failure, Reductions
from harness.search.explore.graph import Broken, Graph, draws
from harness.search.explore.memo import Memo
from harness.search.explore.search import Search
from harness.search.explore.task import ExploredTask
from harness.strategies.replay import Replay
from harness.verdict import INCONCLUSIVE, PROVED, VIOLATED
from model.rules.derived.progress import L2, L3
from model.rules.registry import RULES

__all__ = ["LEFT_OUT", "explore", "graph_of"]

LEFT_OUT: Final = (L2.id, L3.id)
"""The rules that count how often something is done for nothing: a cycle of states is that."""


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
    case: Case, limits: ExploreLimits | None = None, reductions: Reductions | None = None
) -> Explored:
    """Look at every interleaving of a case.

    Args:
        case: what is run; its sizes and stimuli are the bounds of what is proved.
        limits: when to give up.
        reductions: what may be left out.

    Raises:
        UsageError: the variant cannot be had.

    """
    limits = limits or ExploreLimits()
    began, cpu = time.monotonic(), time.process_time()
    graph = graph_of(case, reductions)
    search = Search(graph)
    bound = ""

    def more() -> bool:
        nonlocal bound
        bound = passed(limits, search, time.monotonic() - began)
        return not bound

    search.run(more)
    failure = None
    if graph.broken:
        failure = told(case, search, graph.broken[0])
    memo = graph.memo
    return Explored(
        verdict=VIOLATED if failure else INCONCLUSIVE if search.level else PROVED,
        bound="" if failure or not search.level else bound,
        failure=failure,
        states=len(search.came),
        transitions=graph.transitions,
        terminal=graph.ends,
        depth=search.depth,
        seconds=time.monotonic() - began,
        cpu_seconds=time.process_time() - cpu,
        memory_mb=peak_mb(),
        misses=memo.misses,
        checked=0,
        left_out=LEFT_OUT,
    )


def passed(limits: ExploreLimits, search: Search, seconds: float) -> str:
    """Return which bound has been reached; "": none."""
    if limits.states is not None and len(search.came) >= limits.states:
        return "states"
    if limits.seconds is not None and seconds >= limits.seconds:
        return "time"
    if limits.memory_mb is not None and peak_mb() >= limits.memory_mb:
        return "memory"
    return ""


def peak_mb() -> float:
    """Return the most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def told(case: Case, search: Search, broken: Broken) -> Failure:
    """Return how a rule is broken, as a run of the engine shows it."""
    choices = choices_to(search, broken)
    outcome = rerun(case, choices)
    steps = outcome.drained_from if outcome.drained_from >= 0 else outcome.steps
    return Failure(tuple(choices), tuple(outcome.violations), steps, shortest=True)


def choices_to(search: Search, broken: Broken) -> list[Choice]:
    """Return the choices that lead to a violation."""
    graph = search.graph
    path = search.path(broken.state)
    choices: list[Choice] = list(draws(search.roots[path[0]].draws))
    for state, then in zip(path, path[1:], strict=False):
        step = next(x for x in graph.steps(state) if x.state == then and not x.violations)
        choices += graph.choices(step)
    if broken.task >= 0:
        last = next(
            x
            for x in graph.steps(broken.state)
            if x.task == broken.task and x.draws == broken.draws
        )
        choices += graph.choices(last)
    return choices


def rerun(case: Case, choices: list[Choice]) -> Outcome:
    """Run a schedule on the direct engine, with all rules of the case."""
    world = case.world(DirectEngine.task_class)
    outcome = DirectEngine().execute(Execution(world, Replay(choices)))
    assert outcome is not None  # a replay always has something left to try
    return outcome
