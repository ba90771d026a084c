"""The life of an interrupt around a violation: what was said of it and its VCPU, in few lines."""

from collections import deque
from typing import Any, NamedTuple

from harness.trace.text import tell
from model import facts
from model.facts import Fact, traced

__all__ = ["Lives", "Moment", "View", "stamp"]

RING = 64
"""So many facts of each VCPU are kept."""
BEFORE, AFTER = 16, 4
"""So many are shown before a violation and after it."""
VCPUS = 64
"""Of so many VCPUs."""
DULL: frozenset[type[Fact]] = frozenset(
    {
        facts.TimerRead, facts.IsrBegan, facts.IsrEnded, traced.ContextWentOn, traced.ContextLeft,
        traced.Meddled, traced.PhysActiveDone,
        traced.ExitTraced, traced.FoldEnded, traced.DeadlineSet,
    }
)  # fmt: skip
"""Facts that say what another one beside them says."""
HERE: tuple[type[Fact], ...] = (
    facts.Placed, traced.LoadBegan, facts.Entered, facts.TimerRestored,
)  # fmt: skip


class Moment(NamedTuple):
    """A fact, when it was (ns), and in which line."""

    time: int
    line: int
    fact: Fact


class View:
    """What is shown with a violation: ``lines`` of text, as they come."""

    def __init__(self, interrupt: int, lines: list[str]) -> None:
        self.interrupt = interrupt
        self.lines = lines
        self.left = AFTER


class Lives:
    """Keeps what was said last of each VCPU, and of what is active on its CPU."""

    def __init__(self) -> None:
        self.rings: dict[int, deque[Moment]] = {}
        self.on: dict[int, int] = {}
        self.open: dict[int, list[View]] = {}

    def hear(self, time: int, line: int, fact: Fact) -> None:
        """Take notice of a fact."""
        kind = fact.__class__
        if kind in DULL:
            return
        whose: Any = fact
        v = getattr(fact, "vcpu", -1)
        if kind in HERE:
            self.on[whose.pcpu] = v
        elif v < 0:
            v = self.on.get(getattr(fact, "pcpu", -1), -1)
        if v < 0:
            return
        ring = self.rings.get(v)
        if ring is None:
            if len(self.rings) >= VCPUS:
                return
            ring = self.rings[v] = deque(maxlen=RING)
        moment = Moment(time, line, fact)
        ring.append(moment)
        for view in self.open.get(v, ()):
            if view.left and about(fact, view.interrupt):
                view.left -= 1
                view.lines.append(text_of(moment))

    def view(self, v: int, interrupt: int, here: str) -> list[str]:
        """Return what was said of ``interrupt`` (-1: of any) and VCPU ``v``, and then ``here``.

        What comes after is added to it.
        """
        ring = self.rings.get(v, ())
        lines = [text_of(m) for m in ring if about(m.fact, interrupt)][-BEFORE:]
        lines.append(here)
        views = [view for view in self.open.get(v, ()) if view.left]
        self.open[v] = [*views, View(interrupt, lines)]
        return lines


def about(fact: Fact, interrupt: int) -> bool:
    """Tell whether a fact is about an interrupt, or about its VCPU as a whole."""
    if interrupt < 0:
        return True
    if isinstance(fact, facts.LrWritten | facts.LrMoved):
        return interrupt in (fact.after.vintid, fact.before.vintid) and bool(
            fact.after.state or fact.before.state
        )
    named = getattr(fact, "vintid", getattr(fact, "intid", interrupt))
    return bool(named == interrupt)


def text_of(moment: Moment) -> str:
    """Return a line of text."""
    return f"{stamp(moment.time, moment.line)}{tell(moment.fact)}"


def stamp(time: int, line: int) -> str:
    """Return how such a line begins."""
    return f"{time / 1e9:.6f}  line {line:<8} "
