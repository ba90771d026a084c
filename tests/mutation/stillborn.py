"""Stillborn mutants: whoever executes one crashes at once, whatever the interleaving.

In each scenario in which it crashes at all, every schedule that executes the changed statement ends
with the exception the first time that it does: the first run of any test shows that, and no rule
has anything to say. Such a mutant is invalid, like one that no compiler takes. A crash that only
some schedules of a scenario show is a fault that hides, and counts against the rules.
"""

import sys

from tests.mutation.entries import Entry, World
from tests.mutation.mutant import Mutant
from tests.mutation.swap import instrumented

__all__ = ["LOOKED", "is_stillborn"]

LOOKED = 6
"""How many schedules of each scenario that crashes are looked at, at least."""


def is_stillborn(mutant: Mutant, crashed: dict[Entry, int]) -> bool:
    """Tell whether a mutant that no rule kills crashes at once wherever it crashes.

    Args:
        mutant: the mutant, whose code this process has.
        crashed: the entries in which it crashed, each with the schedule that did.

    """
    if mutant.at_import:
        return not any(crashed.values())
    hits: list[int] = []
    instrumented(sys.modules[mutant.module], mutant.mutated, hits.append)
    return all(
        dies_at_once(entry, i, hits, mutant.statement)
        for entry, at in crashed.items()
        for i in range(max(LOOKED, at + 1))
    )


def dies_at_once(entry: Entry, i: int, hits: list[int], line: int) -> bool:
    """Tell whether schedule ``i`` crashes when it first executes ``line``, or never does so."""
    hits.clear()
    world = World(entry)
    try:
        world.run(i)
    except Exception:  # whatever a mutant raises
        return hits.count(line) == 1
    return line not in hits
