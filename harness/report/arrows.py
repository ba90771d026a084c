"""Messages of an execution as arrows: from the turn that sends one to the turn where it arrives.

Told from facts alone, by the identities in them: a deactivation by its number, an edge by its
place in the queue of its device, a line, a pin, a kick, a request or a timer by whose it is.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

from harness.report.course import Turn
from harness.report.states import Interrupt
from model import facts
from model.facts import Fact
from model.identity import VTIMER

__all__ = ["Arrow", "arrows_of"]


class Arrow(NamedTuple):
    """A message: ``start`` and ``end`` are indices of turns; ``what`` is its kind and text.

    ``which`` is the interrupt that it is about, or None.
    """

    start: int
    end: int
    kind: str
    what: str
    which: Interrupt | None


class Under(NamedTuple):
    """A message on its way."""

    turn: int
    which: Interrupt | None


Handler = Callable[["Arrows", Any], None]


def arrows_of(turns: Iterable[Turn]) -> list[Arrow]:
    """Return the messages of an execution, in the order in which they arrive.

    One between two steps of the same actor, or within one step, is left out.
    """
    arrows = Arrows()
    for turn in turns:
        arrows.take(turn)
    return arrows.found


class Arrows:
    """Follows what is on its way."""

    def __init__(self) -> None:
        self.found: list[Arrow] = []
        self.under: dict[tuple[Hashable, ...], list[Under]] = {}
        self.turns: list[Turn] = []
        self.which: Interrupt | None = None
        self.guests: dict[int, int] = {}
        """The CPU on which each VCPU's guest was entered last."""

    def take(self, turn: Turn) -> None:
        """Take notice of a turn."""
        self.turns.append(turn)
        for fact, life in turn.told:
            self.which = None if life is None else Interrupt(*life[:2])
            if (handler := HANDLERS.get(type(fact))) is not None:
                handler(self, fact)

    def send(self, *key: Hashable, only: bool = False) -> None:
        """Note that a message leaves in this turn; with ``only`` it replaces one under way."""
        here = Under(self.turns[-1].index, self.which)
        if only:
            self.under[key] = [here]
        else:
            self.under.setdefault(key, []).append(here)

    def arrive(self, what: str, *key: Hashable) -> None:
        """Note that the oldest message of this key arrives in this turn, if there is one."""
        waiting = self.under.get(key)
        if not waiting:
            return
        sent, here = waiting.pop(0), self.turns[-1]
        if self.turns[sent.turn].who != here.who:
            which = sent.which or self.which
            self.found.append(Arrow(sent.turn, here.index, str(key[0]), what, which))

    def drop(self, *key: Hashable) -> None:
        """Note that what was under way will not arrive."""
        self.under.pop(key, None)


def sent(*names: str, kind: str, only: bool = True) -> Handler:
    """Return what notes that a message leaves; the fields ``names`` are its key."""

    def note(arrows: Arrows, fact: Fact) -> None:
        arrows.send(kind, *(getattr(fact, name) for name in names), only=only)

    return note


def arrived(*names: str, kind: str, what: str) -> Handler:
    """Return what notes that a message arrives."""

    def note(arrows: Arrows, fact: Fact) -> None:
        arrows.arrive(what, kind, *(getattr(fact, name) for name in names))

    return note


def on_deactivation(arrows: Arrows, f: facts.DeactivationArrived) -> None:
    """Take a guest's deactivation to the distributor."""
    arrows.arrive(f"deactivation of {f.intid}", "deactivation", f.pcpu, f.message)


def on_raised(arrows: Arrows, f: facts.DeviceRaised) -> None:
    """Let a device's line or edge leave."""
    if f.intid >= 0:
        arrows.send("edge", f.intid)
        arrows.send("line", f.intid, only=True)


def on_edge(arrows: Arrows, f: facts.EdgeArrived) -> None:
    """Take an edge to the distributor."""
    arrows.drop("line", f.intid)
    arrows.arrive(f"edge of {f.intid}", "edge", f.intid)


def on_line(arrows: Arrows, f: facts.LineChanged) -> None:
    """Take a line to the distributor: a device's, or a timer's that fired as time went on."""
    what = f"line of {f.intid} {'high' if f.level else 'low'}"
    arrows.drop("edge", f.intid)
    if ("line", f.intid) in arrows.under:
        arrows.arrive(what, "line", f.intid)
    elif arrows.under.get(("timer", f.pcpu)):
        arrows.arrive(what, "timer", f.pcpu)
    elif f.level:
        arrows.arrive(what, "time")


def on_tick(arrows: Arrows, _f: facts.Ticked) -> None:
    """Let time go on: from here on it may be what raises a timer's line."""
    for key in [key for key in arrows.under if key[0] == "timer"]:
        arrows.drop(*key)
    arrows.send("time", only=True)


def on_entry(arrows: Arrows, f: facts.Entered) -> None:
    """Note where a guest runs."""
    arrows.guests[f.vcpu] = f.pcpu


def on_guest_timer(arrows: Arrows, f: facts.GuestTimer) -> None:
    """Write a virtual timer in the guest: its line may change."""
    if f.timer == VTIMER and f.vcpu in arrows.guests:
        arrows.send("timer", arrows.guests[f.vcpu], only=True)


def on_timer(arrows: Arrows, f: facts.TimerSaved | facts.TimerRestored) -> None:
    """Write it in KVM."""
    if f.timer == VTIMER:
        arrows.send("timer", f.pcpu, only=True)


def on_signal(arrows: Arrows, f: facts.Signalled) -> None:
    """Let the pin of a CPU rise."""
    if f.level:
        arrows.send("pin", f.pcpu, only=True)
    else:
        arrows.drop("pin", f.pcpu)


def on_taken(arrows: Arrows, f: facts.InterruptTaken) -> None:
    """Take an interrupt on a CPU."""
    if f.source == "irq":
        arrows.arrive("IRQ", "pin", f.pcpu)


def on_exit(arrows: Arrows, f: facts.Exited) -> None:
    """Leave a guest for an interrupt."""
    if f.reason == "irq":
        arrows.arrive("IRQ", "pin", f.pcpu)


def on_ipi(arrows: Arrows, f: facts.IpiSent) -> None:
    """Send an IPI."""
    arrows.send("ipi", f.target, f.intid, only=True)


def on_host_ack(arrows: Arrows, f: facts.AckedByHost) -> None:
    """Acknowledge one."""
    arrows.arrive(f"SGI {f.intid}", "ipi", f.pcpu, f.intid)


def on_expired(arrows: Arrows, f: facts.Expired) -> None:
    """Fire a soft timer, for whoever armed it."""
    arrows.arrive("soft timer", "armed", f.vcpu, f.timer)


def on_injected(arrows: Arrows, f: facts.Injected) -> None:
    """Give KVM an interrupt, which a guest acknowledges later."""
    if f.accepted and f.level:
        arrows.send("injection", f.vintid, only=True)


def on_guest_ack(arrows: Arrows, f: facts.AckedByGuest) -> None:
    """Acknowledge an interrupt that another actor injected."""
    arrows.arrive(f"interrupt {f.vintid}", "injection", f.vintid)


HANDLERS: dict[type[Fact], Handler] = {
    facts.DeactivationSent: sent("pcpu", "message", kind="deactivation"),
    facts.DeactivationArrived: on_deactivation,
    facts.DeviceRaised: on_raised,
    facts.EdgeArrived: on_edge,
    facts.LineChanged: on_line,
    facts.Ticked: on_tick,
    facts.Entered: on_entry,
    facts.GuestTimer: on_guest_timer,
    facts.TimerSaved: on_timer,
    facts.TimerRestored: on_timer,
    facts.Signalled: on_signal,
    facts.InterruptTaken: on_taken,
    facts.Exited: on_exit,
    facts.IpiSent: on_ipi,
    facts.AckedByHost: on_host_ack,
    facts.Requested: sent("vcpu", kind="request"),
    facts.RequestsChecked: arrived("vcpu", kind="request", what="request"),
    facts.Woken: sent("vcpu", kind="wake"),
    facts.Unblocked: arrived("vcpu", kind="wake", what="wake-up"),
    facts.NeedResched: sent("vcpu", kind="preempt"),
    facts.Put: arrived("vcpu", kind="preempt", what="preemption"),
    facts.Armed: sent("vcpu", "timer", kind="armed"),
    facts.Expired: on_expired,
    facts.Injected: on_injected,
    facts.AckedByGuest: on_guest_ack,
}
