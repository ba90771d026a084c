"""Lanes: who stands beside whom in a report. Told by what an actor is, never by its name."""

from collections.abc import Iterable
from typing import NamedTuple

from harness.report.course import Who
from model.identity import BG_TIMER, Actor

__all__ = ["Lane", "lane_of", "lanes_of", "title_of"]

KINDS = (
    "vcpu", "host-irq", "soft-timer", "worker", "deactivations", "line", "ptimer-line", "pin",
    "maintenance", "writes", "ipis", "ipi-loss", "edge", "event", "clock", "device",
    "passthrough", "software", "host-scheduler", "user-space", "irq-bypass", "engine", "task",
)  # fmt: skip
GIC = (
    "deactivations", "line", "ptimer-line", "pin", "maintenance", "writes", "ipis", "ipi-loss",
    "edge", "event",
)  # fmt: skip
AROUND = (
    "clock", "device", "passthrough", "software", "host-scheduler", "user-space", "irq-bypass",
    "engine", "task",
)  # fmt: skip


class Lane(NamedTuple):
    """A lane where room is scarce: the channels of the GIC share one, and so do the stimuli.

    ``shared`` says that the lane does not tell who it is.
    """

    order: int
    number: int
    title: str
    shared: bool


def lane_of(who: Who) -> Lane:
    """Return the lane of an actor."""
    kind = who.actor.kind
    if kind in GIC:
        return Lane(len(KINDS), 0, "GIC", True)
    if kind in AROUND:
        return Lane(len(KINDS) + 1, 0, "etc", True)
    return Lane(KINDS.index(kind), number_of(who.actor), who.task, False)


def lanes_of(whos: Iterable[Who]) -> list[Lane]:
    """Return the lanes that there are, in order."""
    return sorted(set(map(lane_of, whos)))


def number_of(actor: Actor) -> int:
    """Return of which CPU, VCPU or device an actor is."""
    return max(actor.vcpu, actor.pcpu, actor.n, 0)


def order_of(who: Who) -> tuple[int, int, str]:
    """Return where an actor stands among all of them."""
    kind = who.actor.kind
    return KINDS.index(kind) if kind in KINDS else len(KINDS), number_of(who.actor), who.task


TITLES = {
    "vcpu": "VCPU {0.vcpu}",
    "host-irq": "CPU {0.pcpu} IRQ",
    "worker": "worker {0.vcpu}",
    "deactivations": "GIC deact {0.pcpu}",
    "line": "GIC line {0.pcpu}",
    "ptimer-line": "GIC ptimer {0.pcpu}",
    "pin": "GIC pin {0.pcpu}",
    "maintenance": "GIC maint {0.pcpu}",
    "writes": "GIC writes {0.pcpu}",
    "ipis": "GIC IPIs {0.pcpu}",
    "edge": "GIC edge {0.n}",
    "event": "GIC event {0.n}",
    "clock": "clock",
    "device": "host device {0.n}",
    "passthrough": "device {0.n}",
    "software": "VMM device {0.n}",
    "host-scheduler": "scheduler",
    "user-space": "VM monitor",
    "irq-bypass": "irq bypass",
    "engine": "at rest",
}


def title_of(who: Who) -> str:
    """Return the heading of an actor's own lane, two or three words."""
    actor = who.actor
    if actor.kind == "soft-timer":
        return f"bg timer {actor.vcpu}" if actor.n == BG_TIMER else f"soft timer {actor.vcpu}"
    return TITLES.get(actor.kind, who.task).format(actor)
