"""Each patch of the museum: which rule is broken first, and what a guest then suffers.

``python -m tests.museum_table [SCHEDULES]`` prints it as Markdown. The cause is that of the first
schedule that breaks any rule; the symptom that of the same schedule with the guest's rules alone,
or else of the first of SCHEDULES that shows one.
"""

import sys
from typing import NamedTuple

from harness.catalogue.shows import SHOWS
from harness.engine.direct_engine import execute
from harness.engine.execution import Outcome
from harness.variants import resolve_variant
from model.check.violation import Violation
from model.rules.registry import GUEST
from tests.race.running import RaceWorld, strategy, world_of

__all__ = ["Row", "look", "main"]

SCHEDULES = 300


class Row(NamedTuple):
    """What was found of a variant: the schedules, and what was said in them (None: nothing)."""

    variant: str
    scenario: str
    at: int
    cause: Violation | None
    symptom_at: int
    symptom: Violation | None


def run(world: RaceWorld, i: int) -> Outcome:
    """Run schedule ``i``."""
    return execute(world, strategy(i))


def look(variant: str, schedules: int = SCHEDULES) -> Row:
    """Look for the cause, and for a symptom in the same schedule and in the first ones."""
    scenario, within, _ = SHOWS[variant]
    kvm = resolve_variant(variant)
    world, guests = world_of(scenario, kvm), world_of(scenario, kvm, rules=GUEST)
    cause = None
    at = -1
    for i in range(within):
        if violations := run(world, i).violations:
            cause, at = violations[0], i
            break
    for i in (at, *range(schedules)):
        if violations := run(guests, i).violations:
            return Row(variant, scenario, at, cause, i, violations[0])
    return Row(variant, scenario, at, cause, -1, None)


def main(schedules: int) -> None:
    """Print the table."""
    print("| variant | scenario | first rule | schedule | what the guest suffers | schedule |")
    print("|---|---|---|---|---|---|")
    for variant in SHOWS:
        row = look(variant, schedules)
        first = row.cause.rule if row.cause else "-"
        if row.symptom:
            symptom, at = f"{row.symptom.rule}: {row.symptom.text}", str(row.symptom_at)
        else:
            symptom, at = f"no symptom in {schedules} schedules", "-"
        print(f"| {row.variant} | {row.scenario} | {first} | {row.at} | {symptom} | {at} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SCHEDULES)
