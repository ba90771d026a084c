"""How sure a failure is after each step: of executions that go on by chance, how many fail."""

from collections.abc import Callable, Sequence
from typing import Final

from harness.engine.choice import Choice, StepOf
from harness.search.explanation import Share
from harness.search.follow import RANDOM
from harness.search.plan import Plan
from harness.search.trial import Stage, Trial

__all__ = ["DRAWS", "inevitable_from", "last_chance", "prefix", "shares"]

DRAWS: Final = 30
"""How many executions are drawn for a step."""
STEPS_MAX: Final = 600_000
"""What all of them may cost, in steps; in a long execution fewer steps are measured."""
PLACES_MIN, PLACES_MAX = 8, 120
HALVING_STEPS_MAX: Final = 100_000
DRAWS_MIN: Final = 5


def prefix(choices: Sequence[Choice], steps: int) -> Sequence[Choice]:
    """Return the choices of the first ``steps`` steps, with what is drawn in the last of them."""
    made = 0
    for at, choice in enumerate(choices):
        if isinstance(choice, StepOf):
            if made == steps:
                return choices[:at]
            made += 1
    return choices


def shares(
    stage: Stage, choices: Sequence[Choice], steps: int, fails: Callable[[Trial], bool]
) -> tuple[Share, ...]:
    """Measure the share of failures behind the first N steps, for N from 0 to ``steps``.

    Every step of a short execution is measured. Of a long one, half of what there is time for goes
    evenly over it, and the rest where the last draw that passes was seen.

    Args:
        stage: where it fails.
        choices: how.
        steps: how many steps of it are chosen: those of the drain cannot be drawn anew.
        fails: tells whether an execution fails alike.

    """
    places = min(max(STEPS_MAX // (DRAWS * max(steps, 1)), PLACES_MIN), PLACES_MAX)
    known: dict[int, Share] = {}

    def measure(numbers: Sequence[int]) -> None:
        for n in numbers:
            if n not in known:
                plan = Plan.of(prefix(choices, n))
                failed = sum(fails(stage.run(plan, RANDOM, seed=seed)) for seed in range(DRAWS))
                known[n] = Share(n, failed, DRAWS)

    if steps < places:
        measure(range(steps + 1))
        return tuple(known[n] for n in sorted(known))
    measure(spread(0, steps, places // 2))
    low, high = around(known)
    measure(spread(low, high, places - len(known)))
    return tuple(known[n] for n in sorted(known))


def last_chance(
    stage: Stage, choices: Sequence[Choice], steps: int, fails: Callable[[Trial], bool]
) -> int:
    """Return about the first step from which on all draws fail, by halving; cheaper than shares.

    In a long execution fewer are drawn.
    """
    halvings = steps.bit_length()
    draws = min(max(HALVING_STEPS_MAX // (max(steps, 1) * max(halvings, 1)), DRAWS_MIN), DRAWS)
    low, high = 0, steps
    while low < high:
        middle = (low + high) // 2
        plan = Plan.of(prefix(choices, middle))
        if all(fails(stage.run(plan, RANDOM, seed=seed)) for seed in range(draws)):
            high = middle
        else:
            low = middle + 1
    return high


def spread(low: int, high: int, count: int) -> list[int]:
    """Return up to ``count`` numbers (2 or more) from ``low`` to ``high``, both with them."""
    count = max(min(count, high - low + 1), 2)
    return sorted({low + (high - low) * n // (count - 1) for n in range(count)})


def around(known: dict[int, Share]) -> tuple[int, int]:
    """Return the last measured step with a draw that passes, and the one behind it."""
    numbers = sorted(known)
    low = max((n for n in numbers if known[n].failed < known[n].drawn), default=numbers[0])
    return low, min((n for n in numbers if n > low), default=numbers[-1])


def inevitable_from(measured: Sequence[Share]) -> int:
    """Return the number of the first step from which on all draws fail; 0 if there is none.

    Of a failure that nothing can prevent from the start it is 0 as well.
    """
    first = 0
    for share in reversed(measured):
        if share.failed < share.drawn:
            break
        first = share.step
    return first
