"""Which entries execute which lines of the hypervisor: a mutant is run under those that do."""

import time
from typing import NamedTuple

from tests.mutation.entries import Entry, World
from tests.mutation.mutant import Mutant
from tests.mutation.sites import ROOT, files, module_of
from tests.mutation.swap import instrumented, swap

__all__ = ["WATCHED", "Covered", "NotCleanError", "assert_clean", "cover", "entries_for"]

WATCHED = 24
"""How many schedules of each entry are watched."""
FEW = 3
"""What no more entries than this were seen to execute may be reached in others as well."""


class Covered(NamedTuple):
    """The lines that an entry executes, by file, and the CPU seconds of a schedule of it."""

    entry: Entry
    lines: frozenset[tuple[str, int]]
    seconds: float


class NotCleanError(Exception):
    """The source as it is breaks a rule: that rule would seem to kill whatever runs there."""


def cover(worlds: dict[Entry, World]) -> list[Covered]:
    """Run the first schedules of each entry and watch; the code is as before afterwards.

    Raises:
        NotCleanError: one of them breaks a rule, or reaches a bound.

    """
    watched: dict[str, set[int]] = {}
    sources = {path: path.read_text("ascii") for path in files()}
    for path, source in sources.items():
        lines = watched[path.relative_to(ROOT).as_posix()] = set()
        instrumented(module_of(path), source, lines.add)
    found = []
    for entry, world in worlds.items():
        for lines in watched.values():
            lines.clear()
        began = time.process_time()
        for i in range(WATCHED):
            assert_clean(world, i)
        seconds = (time.process_time() - began) / WATCHED
        executed = frozenset((name, n) for name, lines in watched.items() for n in lines)
        found.append(Covered(entry, executed, seconds))
    for path, source in sources.items():
        swap(module_of(path), source)
    return found


def assert_clean(world: World, i: int) -> None:
    """Run schedule ``i`` of the source as it is.

    Raises:
        NotCleanError: it breaks a rule, or reaches a bound.

    """
    outcome = world.run(i)
    if outcome.violations or outcome.bound:
        what = outcome.violations[0].rule if outcome.violations else outcome.bound
        raise NotCleanError(f"{world.entry}, schedule {i}, shows {what} without any mutant")


def entries_for(mutant: Mutant, covered: list[Covered]) -> list[Entry]:
    """Return what to run a mutant under: the entries that execute it, the cheapest first."""
    ordered = sorted(covered, key=lambda c: (len(c.lines), c.entry))
    place = (mutant.path, mutant.statement)
    having = [c.entry for c in ordered if mutant.at_import or place in c.lines]
    others = [c.entry for c in ordered if c.entry not in having]
    return having + others if len(having) <= FEW else having
