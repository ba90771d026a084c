"""Stillborn mutants: who executes one crashes, whatever the interleaving.

In each scenario in which it crashes at all, every schedule that executes the changed statement ends
with an exception: the first run shows that, and no rule has anything to say. Such a mutant is
invalid, like one that no compiler takes. A crash that only some schedules of a scenario show is a
fault that hides, and counts against the rules.
"""

import sys

from tests.mutation.entries import Entry, World
from tests.mutation.mutant import Mutant
from tests.mutation.swap import instrumented

__all__ = ["LOOKED", "is_stillborn"]

LOOKED = 6
"""How many schedules of each scenario that crashes are looked at, at least."""


def is_stillborn(mutant: Mutant, crashed: dict[Entry, int]) -> bool:
    """Tell whether a mutant that no rule kills crashes always where it does.

    Args:
        mutant: the mutant, whose code this process has.
        crashed: the entries in which it crashed, each with the schedule that did.

    """
    if mutant.at_import:
        return not any(crashed.values())
    executed: set[int] = set()
    instrumented(sys.modules[mutant.module], mutant.mutated, executed.add)
    return all(
        dies_by(entry, i, executed, mutant.statement)
        for entry, at in crashed.items()
        for i in range(max(LOOKED, at + 1))
    )


def dies_by(entry: Entry, i: int, executed: set[int], line: int) -> bool:
    """Tell whether schedule ``i`` crashes if it executes ``line``, and does not if not."""
    executed.clear()
    try:
        World(entry).run(i)
    except Exception:  # whatever a mutant raises
        return line in executed
    return line not in executed
