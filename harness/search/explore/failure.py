"""From a path of states to a schedule, and what the engine says of it."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from harness.engine.choice import Choice
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.engine.outcome import Limits, Outcome
from harness.search.case import Case
from harness.search.explore.explored import Failure
from harness.search.explore.graph import Broken, Graph, Step, draws
from harness.search.explore.memo import Beginning
from harness.strategies.replay import Replay

__all__ = ["UnseenError", "failure_of", "livelock_of", "with_steps_max"]

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
    checked = None if case.rules is None else frozenset(case.rules)
    case = msgspec.structs.replace(case, rules=None)  # as it is replayed
    steps = len(path) - 1 + len(cycle) * TURNS
    raised = max(steps + 1, Limits().steps_max) if steps >= steps_max_of(case) else 0
    outcome = rerun(with_steps_max(case, raised), stem + turn * TURNS)
    made = stem + turn * TURNS
    if not outcome.violations:
        # No rule counts this: then the schedule goes round until the engine's bound ends it.
        raised = 0
        turns = steps_max_of(case) // len(cycle) + 1
        made = stem + turn * turns
        outcome = rerun(case, made)
    return Failure(
        # A rule that complains ends the execution: the rest is not chosen any more.
        tuple(made[: len(outcome.choices)]),
        tuple(x for x in outcome.violations if checked is None or x.rule in checked),
        outcome.steps,
        shortest=False,
        stem=len(path) - 1,
        cycle=len(cycle),
        steps_max=raised,
    )


def steps_max_of(case: Case) -> int:
    """Return after how many steps the engine ends an execution of a case."""
    knobs = dict(case.knobs)
    return int(knobs.get("steps_max", Limits().steps_max))


def with_steps_max(case: Case, steps_max: int) -> Case:
    """Return a case with another bound on steps; 0: its own."""
    if not steps_max:
        return case
    knobs = {**dict(case.knobs), "steps_max": str(steps_max)}
    return msgspec.structs.replace(case, knobs=tuple(sorted(knobs.items())))


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
