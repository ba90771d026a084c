"""From a path of states to a schedule, and what the engine says of it."""

from collections.abc import Sequence
from itertools import pairwise

from harness.engine.choice import Choice
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.engine.outcome import Outcome
from harness.search.case import Case
from harness.search.explore.explored import Failure
from harness.search.explore.graph import Broken, Graph, Step, draws
from harness.search.explore.memo import Beginning
from harness.strategies.replay import Replay

__all__ = ["UnseenError", "failure_of", "livelock_of"]

TURNS = 70
"""So many times round a cycle are more than any rule that counts storms lets pass."""


class UnseenError(Exception):
    """The explorer found a violation that a run of its schedule does not show: it is at fault."""


def failure_of(
    case: Case,
    graph: Graph,
    root: Beginning,
    path: Sequence[int],
    broken: Broken,
    *,
    shortest: bool,
) -> Failure:
    """Return how a rule is broken, as a run of the engine shows it.

    Args:
        case: what is run.
        graph: its states.
        root: where the path begins.
        path: the states up to the one before the violation.
        broken: the violation.
        shortest: whether it is known that there is no shorter path to any.

    Raises:
        UnseenError: a run does not show the violation.

    """
    choices = choices_of(graph, root, path)
    if broken.task >= 0:
        choices += graph.choices(
            next(
                step
                for step in graph.steps(broken.state)
                if step.task == broken.task and step.draws == broken.draws
            )
        )
    outcome = rerun(case, choices)
    shown = {(x.rule, x.alarm) for x in outcome.violations}
    if not shown.intersection((x.rule, x.alarm) for x in broken.violations):
        said = ", ".join(sorted(x.rule for x in broken.violations))
        raise UnseenError(
            f"found that {said} is broken, and a run of that schedule does not show it"
        )
    steps = outcome.drained_from if outcome.drained_from >= 0 else outcome.steps
    return Failure(tuple(choices), tuple(outcome.violations), steps, shortest=shortest)


def livelock_of(
    case: Case, graph: Graph, root: Beginning, path: Sequence[int], cycle: Sequence[int]
) -> Failure:
    """Return a cycle as a failure: the way to it, and often round.

    Args:
        case: what is run.
        graph: its states.
        root: where the path begins.
        path: the states on the way, the first one of the cycle last.
        cycle: the states of the cycle, from that one on.

    """
    stem = choices_of(graph, root, path)
    turn = [
        choice
        for state, then in pairwise([*cycle, cycle[0]])
        for choice in graph.choices(step_to(graph, state, then))
    ]
    choices = tuple(stem + turn * TURNS)
    outcome = rerun(case, choices)
    return Failure(
        choices,
        tuple(outcome.violations),
        outcome.steps,
        shortest=False,
        stem=len(path) - 1,
        cycle=len(cycle),
    )


def choices_of(graph: Graph, root: Beginning, path: Sequence[int]) -> list[Choice]:
    """Return the choices that lead along a path of states."""
    choices: list[Choice] = list(draws(root.draws))
    for state, then in pairwise(path):
        choices += graph.choices(step_to(graph, state, then))
    return choices


def step_to(graph: Graph, state: int, then: int) -> Step:
    """Return a step from a state to one that follows it."""
    return next(x for x in graph.steps(state) if x.state == then and not x.violations)


def rerun(case: Case, choices: Sequence[Choice]) -> Outcome:
    """Run a schedule on the direct engine, with all rules of the case."""
    world = case.world(DirectEngine.task_class)
    outcome = DirectEngine().execute(Execution(world, Replay(choices)))
    assert outcome is not None  # a replay always has something left to try
    return outcome
