"""Trying one mutant, in a process of its own: what kills it, and whether a guest notices.

The schedules of an entry are run in rounds, a few of each entry first, the cheapest entries first;
the first rule that is broken ends it. A crash or a bound is noted, and the search goes on for a
while, for a rule may say more.
"""

import signal
from collections.abc import Iterator
from typing import NamedTuple

from tests.mutation.entries import Entry, strategy_of, world_of
from tests.mutation.hook import install
from tests.mutation.mutant import Mutant

__all__ = ["AUDIT", "AUDITED", "BOUND", "CRASH", "RULE", "SURVIVED", "Result", "try_mutant"]

ROUNDS = (4, 12, 28, 60)
"""Where rounds end: schedules 0 to 3 of each entry, then 4 to 11, ..."""
AUDITED = 4
"""How many schedules of each entry are audited, once nothing else was found."""
CRASHES_MAX, BOUNDS_MAX = 3, 6
"""After so many of them no more is looked for."""
SECONDS_MAX = 5.0
"""CPU seconds of one schedule, which takes milliseconds: beyond that it goes round in circles."""

RULE, CRASH, BOUND, AUDIT, SURVIVED = "rule", "crash", "bound", "audit", "survived"


class Hang(Exception):  # what a schedule did, no error of this program
    """A schedule does not end."""


class Result(NamedTuple):
    """What became of a mutant.

    ``verdict`` says what killed it; ``what`` is the rule's id, the exception or the bound; it was
    in schedule ``at`` of ``entry``. ``guest`` is the rule that kills it among the guest's alone, in
    schedule ``guest_at`` of ``guest_entry``, or empty. ``ran`` counts schedules.
    """

    verdict: str
    what: str = ""
    entry: str = ""
    at: int = -1
    guest: str = ""
    guest_entry: str = ""
    guest_at: int = -1
    ran: int = 0


class Search:
    """Runs schedules of a list of entries until a rule is broken; ``ran`` counts them."""

    def __init__(self, entries: list[Entry], schedules: int, rules: frozenset[str] | None) -> None:
        self.entries = entries
        self.schedules = schedules
        self.rules = rules
        self.ran = 0
        self.crashes: list[Result] = []
        self.bounds: list[Result] = []

    def plan(self) -> Iterator[tuple[Entry, range]]:
        """Name what to run, in order."""
        begin = 0
        for end in (*(r for r in ROUNDS if r < self.schedules), self.schedules):
            for entry in self.entries:
                yield entry, range(begin, end)
            begin = end

    def run(self) -> Result | None:
        """Look for a broken rule, or what else shows; None if nothing does."""
        worlds = {}
        for entry, numbers in self.plan():
            for i in numbers:
                try:
                    if entry not in worlds:
                        worlds[entry] = world_of(entry, self.rules)
                    found = self.one(worlds[entry], entry, i)
                except Hang:
                    return Result(BOUND, "time limit", str(entry), i)
                except Exception as error:  # whatever a mutant raises
                    worlds.pop(entry, None)
                    what = f"{type(error).__name__}: {error}".partition("\n")[0]
                    self.crashes.append(Result(CRASH, what, str(entry), i))
                    found = None
                if found:
                    return found
                if len(self.crashes) >= CRASHES_MAX or len(self.bounds) >= BOUNDS_MAX:
                    return self.other()
        return self.other()

    def other(self) -> Result | None:
        """Return what showed although no rule was broken."""
        return next(iter(self.crashes or self.bounds), None)

    def one(self, world: object, entry: Entry, i: int) -> Result | None:
        """Run one schedule."""
        from harness.engine.direct_engine import execute

        self.ran += 1
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_MAX)
        try:
            outcome = execute(world, strategy_of(i))  # type: ignore[arg-type]
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        if outcome.violations:
            return Result(RULE, outcome.violations[0].rule, str(entry), i)
        if outcome.bound:
            self.bounds.append(Result(BOUND, outcome.bound, str(entry), i))
        return None


def try_mutant(mutant: Mutant | None, entries: list[Entry], schedules: int) -> Result:
    """Try a mutant (None: the source as it is), in a process that has imported nothing yet.

    Args:
        mutant: what to try.
        entries: what to run it under, in order.
        schedules: how many of each entry.

    """

    def hangs(*_: object) -> None:
        raise Hang

    signal.signal(signal.SIGVTALRM, hangs)
    if mutant is not None:
        install(mutant)
    try:
        import harness.spec  # noqa: F401
    except Exception as error:  # whatever a mutant raises
        return Result(CRASH, f"at import: {type(error).__name__}: {error}")
    search = Search(entries, schedules, None)
    result = search.run() or audit(entries) or Result(SURVIVED)
    ran = search.ran
    if result.verdict == RULE:
        guest, ran = guest_alone(result, entries, schedules), ran
        if guest is not None:
            result = result._replace(guest=guest.what, guest_entry=guest.entry, guest_at=guest.at)
    return result._replace(ran=ran)


def guest_alone(killed: Result, entries: list[Entry], schedules: int) -> Result | None:
    """Look for what a guest alone would notice: first in the schedule in which a rule was broken.

    Then in the entry where that was, and in the others.
    """
    from model.rules.registry import GUEST

    first = [e for e in entries if str(e) == killed.entry]
    search = Search([], schedules, GUEST)
    try:
        found = search.one(world_of(first[0], GUEST), first[0], killed.at)
    except Exception:  # whatever a mutant raises: another schedule may show more
        found = None
    if found is None:
        search = Search([*first, *(e for e in entries if e not in first)], schedules, GUEST)
        found = search.run()
    return found if found is not None and found.verdict == RULE else None


def audit(entries: list[Entry]) -> Result | None:
    """Audit the first schedules of each entry: a step may touch what it did not announce."""
    from harness.engine.audit import AuditedExecution
    from harness.engine.direct_engine import DirectEngine
    from harness.engine.footprint import FootprintError

    for entry in entries:
        world = world_of(entry, None)
        for i in range(AUDITED):
            execution = AuditedExecution(world, strategy_of(i), world.resources)
            try:
                DirectEngine().execute(execution)
            except FootprintError as error:
                return Result(AUDIT, str(error).partition("\n")[0], str(entry), i)
    return None
