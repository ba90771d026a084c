"""Which entries execute which lines of the hypervisor: a mutant is run under those that do."""

import sys
from types import CodeType, FrameType
from typing import Any, NamedTuple

from tests.mutation.entries import Entry, strategy_of, world_of
from tests.mutation.mutant import Mutant
from tests.mutation.sites import ROOT, files

__all__ = ["Covered", "cover", "entries_for"]

SCHEDULES = 10
"""How many schedules of each entry are watched."""


class Covered(NamedTuple):
    """What an entry executes, by file and line, and what a schedule of it costs, in steps."""

    entry: Entry
    lines: frozenset[tuple[str, int]]
    steps: float


class Watch:
    """Notes executed lines; a function that has no more to show is watched no more."""

    def __init__(self) -> None:
        self.names = {str(path): path.relative_to(ROOT).as_posix() for path in files()}
        self.missing: dict[CodeType, set[int]] = {}
        self.lines: set[tuple[str, int]] = set()

    def call(self, frame: FrameType, event: str, arg: Any) -> Any:
        """A function is called, or goes on."""
        code = frame.f_code
        if code.co_filename not in self.names:
            return None
        missing = self.missing.get(code)
        if missing is None:
            missing = self.missing[code] = {n for _, _, n in code.co_lines() if n is not None}
        return self.line if missing else None

    def line(self, frame: FrameType, event: str, arg: Any) -> Any:
        """A line is executed."""
        if event == "line":
            code = frame.f_code
            self.missing[code].discard(frame.f_lineno)
            self.lines.add((self.names[code.co_filename], frame.f_lineno))
        return self.line


FEW = 3
"""What no more entries than this were seen to execute may be reached in others as well."""


def entries_for(mutant: Mutant, covered: list[Covered]) -> list[Entry]:
    """Return what to run a mutant under: the entries that execute it, the cheapest first."""
    ordered = sorted(covered, key=lambda c: (c.steps, c.entry))
    place = (mutant.path, mutant.edit.line)
    having = [c.entry for c in ordered if mutant.at_import or place in c.lines]
    others = [c.entry for c in ordered if c.entry not in having]
    return having + others if len(having) <= FEW else having


def cover(entry: Entry) -> Covered:
    """Run the first schedules of an entry and watch."""
    from harness.engine.direct_engine import execute

    world = world_of(entry, frozenset())
    watch = Watch()
    steps = 0
    sys.settrace(watch.call)
    try:
        for i in range(SCHEDULES):
            steps += execute(world, strategy_of(i)).steps
    finally:
        sys.settrace(None)
    return Covered(entry, frozenset(watch.lines), steps / SCHEDULES)
