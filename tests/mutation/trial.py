"""Trying one mutant, in a process of its own: what kills it, and whether a guest notices.

The schedules of an entry are run in rounds, a few of each entry first, the cheapest entries first;
the first rule that is broken ends it. A crash or a bound is noted, and the search goes on in other
entries, for a rule may say more. What survives, and is not known to change nothing, gets more
schedules.
"""

import signal
import sys
from collections.abc import Iterator
from typing import NamedTuple, Self

from harness.engine.footprint import FootprintError
from model.rules.registry import GUEST
from tests.mutation.entries import Entry, World, all_entries
from tests.mutation.mutant import Mutant
from tests.mutation.stillborn import is_stillborn
from tests.mutation.swap import swap

__all__ = [
    "AUDIT",
    "AUDITED",
    "BOUND",
    "CRASH",
    "MORE",
    "RULE",
    "SURVIVED",
    "Bench",
    "Result",
    "try_mutant",
]

ROUNDS = (4, 12, 24, 60)
"""Where rounds end: schedules 0 to 3 of each entry, then 4 to 11, ..."""
MORE = 100
"""How many schedules of each entry what survives the usual ones gets."""
AUDITED = 1
"""How many schedules of each entry are audited, once nothing else was found."""
CRASHES_MAX, BOUNDS_MAX = 1, 2
"""After so many of them an entry is run no more; others may show what breaks a rule."""
BOUNDS_IN_ALL_MAX = 12
"""After so many of them no more is looked for: each takes as long as a hundred schedules."""
SECONDS_MAX = 5.0
"""CPU seconds of one schedule, which takes milliseconds: beyond that it goes round in circles."""

RULE, CRASH, BOUND, AUDIT, SURVIVED = "rule", "crash", "bound", "audit", "survived"


class Hang(Exception):  # what a schedule did, no error of this program
    """A schedule does not end."""


class Result(NamedTuple):
    """What became of a mutant.

    ``verdict`` says what killed it; ``what`` is the rule's id, the exception or the bound; it was
    in schedule ``at`` of ``entry``. ``guest`` is the rule that kills it among the guest's alone, in
    schedule ``guest_at`` of ``guest_entry``, or empty. ``ran`` counts schedules. ``stillborn``:
    see ``tests.mutation.stillborn``.
    """

    verdict: str
    what: str = ""
    entry: str = ""
    at: int = -1
    guest: str = ""
    guest_entry: str = ""
    guest_at: int = -1
    ran: int = 0
    stillborn: bool = False


class Search:
    """Runs schedules of a list of entries until a rule is broken; ``ran`` counts them.

    ``worlds`` are those that were made before; others are made with ``rules``. It begins with
    schedule ``begin`` of each, and ends before ``schedules``.
    """

    def __init__(
        self,
        entries: list[Entry],
        schedules: int,
        rules: frozenset[str] | None = None,
        worlds: dict[Entry, World] | None = None,
        begin: int = 0,
    ) -> None:
        self.entries = entries
        self.schedules = schedules
        self.begin = begin
        self.rules = rules
        self.worlds = {} if worlds is None else worlds
        self.ran = 0
        self.crashes: list[Result] = []
        self.bounds: list[Result] = []

    def plan(self) -> Iterator[tuple[Entry, range]]:
        """Name what to run, in order."""
        begin = self.begin
        for end in (*(r for r in ROUNDS if begin < r < self.schedules), self.schedules):
            for entry in self.entries:
                yield entry, range(begin, end)
            begin = end

    def run(self) -> Result | None:
        """Look for a broken rule, or what else shows; None if nothing does."""
        for entry, numbers in self.plan():
            for i in numbers:
                if self.given_up(entry):
                    break
                found = self.one(entry, i)
                if found is not None:
                    return found
                if len(self.bounds) >= BOUNDS_IN_ALL_MAX:
                    return self.other()
        return self.other()

    def given_up(self, entry: Entry) -> bool:
        """Tell whether an entry shows a crash or a bound, again and again."""
        name = str(entry)
        crashes = sum(x.entry == name for x in self.crashes)
        return crashes >= CRASHES_MAX or sum(x.entry == name for x in self.bounds) >= BOUNDS_MAX

    def crashed(self) -> dict[Entry, int]:
        """Return the entries in which it crashed, each with the schedule that did."""
        known = {str(entry): entry for entry in self.entries}
        return {known[x.entry]: x.at for x in self.crashes}

    def other(self) -> Result | None:
        """Return what showed although no rule was broken."""
        return next(iter(self.crashes or self.bounds), None)

    def one(self, entry: Entry, i: int) -> Result | None:
        """Run one schedule; return what ends the search."""
        self.ran += 1
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_MAX)
        try:
            if entry not in self.worlds:
                self.worlds[entry] = World(entry, self.rules)
            outcome = self.worlds[entry].run(i)
        except Hang:
            return Result(BOUND, "time limit", str(entry), i)
        except Exception as error:  # whatever a mutant raises
            self.worlds.pop(entry, None)
            what = f"{type(error).__name__}: {error}".partition("\n")[0]
            self.crashes.append(Result(CRASH, what, str(entry), i))
            return None
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        if outcome.violations:
            return Result(RULE, outcome.violations[0].rule, str(entry), i)
        if outcome.bound:
            self.bounds.append(Result(BOUND, outcome.bound, str(entry), i))
        return None


class Bench(NamedTuple):
    """What is made once, before mutants are tried: worlds by entry, with all rules and a guest's.

    ``schedules`` is how many of each entry are run.
    """

    all_rules: dict[Entry, World]
    guests: dict[Entry, World]
    schedules: int

    @classmethod
    def make(cls, schedules: int, *, builtin: bool = False) -> Self:
        """Make the worlds; ``builtin``: those of built-in scenarios alone."""
        entries = all_entries(builtin=builtin)
        return cls({e: World(e) for e in entries}, {e: World(e, GUEST) for e in entries}, schedules)

    def worlds_for(self, mutant: Mutant, *, guest: bool) -> dict[Entry, World]:
        """Return the worlds that a mutant may use: none, if it changes how they are made."""
        if mutant.at_import:
            return {}
        return self.guests if guest else self.all_rules


def try_mutant(mutant: Mutant, entries: list[Entry], bench: Bench, more: int = 0) -> Result:
    """Try a mutant, in a process of its own, for it changes the code there.

    Args:
        mutant: what to try.
        entries: what to run it under, in order.
        bench: worlds, and how many schedules.
        more: how many schedules of each entry if it survives those.

    """

    def hangs(*_: object) -> None:
        raise Hang

    signal.signal(signal.SIGVTALRM, hangs)
    try:
        swap(sys.modules[mutant.module], mutant.mutated)
    except Exception as error:  # whatever a mutant raises
        return Result(CRASH, f"at import: {type(error).__name__}: {error}")
    worlds = bench.worlds_for(mutant, guest=False)
    search = Search(entries, bench.schedules, None, worlds)
    result = search.run()
    schedules = bench.schedules
    if result is None and more > schedules:
        search.begin, search.schedules = schedules, more
        result = search.run()
        schedules = more
    result = result or audit(entries, search.worlds) or Result(SURVIVED)
    if result.verdict == CRASH:
        result = result._replace(stillborn=is_stillborn(mutant, search.crashed()))
    if result.verdict == RULE:
        worlds = bench.worlds_for(mutant, guest=True)
        guest = guest_alone(result, entries, schedules, worlds)
        if guest is not None:
            result = result._replace(guest=guest.what, guest_entry=guest.entry, guest_at=guest.at)
    return result._replace(ran=search.ran)


def guest_alone(
    killed: Result, entries: list[Entry], schedules: int, worlds: dict[Entry, World]
) -> Result | None:
    """Look for what a guest alone would notice: first in the schedule in which a rule was broken.

    Then in the entry where that was, and in the others.
    """
    first = [e for e in entries if str(e) == killed.entry]
    rest = [e for e in entries if e not in first]
    search = Search([*first, *rest], schedules, GUEST, worlds)
    found = search.one(first[0], killed.at) or search.run()
    return found if found is not None and found.verdict == RULE else None


def audit(entries: list[Entry], worlds: dict[Entry, World]) -> Result | None:
    """Audit the first schedules of each entry: a step may touch what it did not announce."""
    for entry in entries:
        for i in range(AUDITED):
            try:
                if entry not in worlds:
                    worlds[entry] = World(entry)
                worlds[entry].audit(i)
            except FootprintError as error:
                return Result(AUDIT, str(error).partition("\n")[0], str(entry), i)
    return None
