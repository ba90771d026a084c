"""What is known of a VM whose trace is read: its interrupts, its VCPUs, and its flows of control.

A trace begins in mid-life, loses events, and does not show everything: each field of an interrupt
has a bit that says whether its value is known. What is not known is compared with nothing.
"""

from collections.abc import Callable
from typing import Any, Final

from harness.trace.events import Mmio
from harness.trace.follow.context import Flight, Quiet
from model.gic.lr import Lr
from model.vgic.irq import VgicIrq

__all__ = [
    "ACTIVE", "ALL", "ENABLED", "FOREVER", "GROUP", "HW", "LATCH", "LEVEL", "LINE", "LISTED",
    "NAMES", "ON_LR", "PRIORITY", "SHOWN", "SOURCE", "TARGET", "Flow", "TracedIrq", "Vcpu",
]  # fmt: skip

LINE, LATCH, ACTIVE, ENABLED, HW, LISTED, LEVEL, PRIORITY, GROUP, SOURCE, TARGET, ON_LR = (
    1 << n for n in range(12)
)
"""Which fields of an interrupt are known."""
NAMES: Final = ("line", "latch", "active", "enabled", "hw")
"""The first five, as the trace calls them."""
SHOWN: Final = LINE | LATCH | ACTIVE | ENABLED | HW
ALL: Final = (1 << 12) - 1
FOREVER: Final = 1 << 62


class TracedIrq(VgicIrq):
    """A virtual interrupt of a traced VM.

    ``known`` has a bit for each field whose value is known. It was put on its ap_list somewhere
    from event ``since`` to event ``until``; ``off`` is the event at which it was taken off one.
    ``touched`` is the last event that changed it.
    """

    __slots__ = ("known", "off", "since", "touched", "until")

    def __init__(self, intid: int, vcpu: int, *, sourced: bool, group: int) -> None:
        super().__init__(intid, vcpu, level=intid >= 16, sourced=sourced, group=group)
        self.off = self.touched = 0
        self.forget(0)

    def forget(self, at: int) -> None:
        """Know, from event ``at`` on, no more of it than its number tells.

        An SGI is an edge, without a line; a PPI is a level, which KVM lets no guest change; and a
        private interrupt has no other target.
        """
        self.known = (TARGET | LEVEL if self.intid < 32 else 0) | (LINE if self.intid < 16 else 0)
        self.since, self.until = 0, at

    def state(self) -> tuple[bool, ...]:
        """Return the five fields that the trace shows, in the order of :data:`NAMES`."""
        return (self.line_level, self.pending_latch, self.active, self.enabled, self.hw)

    def told_state(self) -> str:
        """Return the state as a reader wants it: what is not known has a question mark."""
        fields = zip(NAMES, self.state(), range(5), strict=True)
        text = " ".join(
            f"{name}={int(value)}" if self.known >> n & 1 else f"{name}=?"
            for name, value, n in fields
        )
        where = f"ap_list of VCPU {self.vcpu}" if self.vcpu >= 0 else "no ap_list"
        return f"{text}, {where if self.known & LISTED else 'ap_list unknown'}"


class Vcpu:
    """A VCPU as its trace shows it; what the hypervisor knows of it is in the machine.

    ``cpu`` is where it is loaded (-1: nowhere, or not known). ``inside`` says whether it is in its
    guest: False, True, or None where that cannot be told; ``entered`` is the event of the entry.
    ``blocking`` says whether it is on its waitqueue, ``asleep`` that it was switched out there;
    both None: not known. ``whole`` is set once a whole flush was seen, which shows all of its
    ap_list that matters, or all of it was shown, last in event ``shown``. ``pruning`` is the event
    of a sync whose prune has not been followed yet.

    Of a fold, ``left`` counts the List Registers that are not folded yet, ``counted`` says whether
    it is known what EOIcount deactivates besides, and ``release`` is the physical active state that
    the line which was read last asks for: its INTID, and the write, or None for none.
    """

    __slots__ = (
        "asleep", "blocked_at", "blocking", "counted", "cpu", "entered", "flush", "flush_at",
        "flushed", "fold", "from_user", "inside", "kicked", "left", "load", "manual", "partial",
        "pid", "pruning", "ptimer", "release", "shown", "signalled", "t", "unfolded", "v", "whole",
        "woken",
    )  # fmt: skip

    def __init__(self, v: int, t: Quiet) -> None:
        self.v = v
        self.t = t
        self.pid = -1
        self.forget()

    def forget(self) -> None:
        """Know nothing of it any more."""
        self.cpu = -1
        self.inside: bool | None = None
        self.entered = 0
        self.blocking: bool | None = None
        self.asleep: bool | None = None
        self.blocked_at = self.woken = 0
        self.kicked: list[int] = []
        self.ptimer: bool | None = None
        self.whole = False
        self.from_user = False
        self.unfolded = False
        self.pruning = 0
        self.shown = self.signalled = 0
        self.left = 0
        self.counted = False
        self.release: tuple[int, bool | None] | None = None
        self.fold: Flight | None = None
        self.load: Flight | None = None
        self.drop_flush()

    def drop_flush(self) -> None:
        """Leave the flush that is under way, if there is one."""
        self.flush: Flight | None = None
        self.flush_at = 0
        self.manual = False
        self.partial = False
        self.flushed: list[tuple[TracedIrq, Lr]] = []


Settle = Callable[["Flow", Any], bool]


class Flow:
    """A flow of control of the host: a thread, or the hard IRQs or softirqs of a CPU.

    ``vcpu`` is the VCPU whose thread it is. ``owed`` are the things that the next event in this
    flow decides, each a function that is asked with that event and says whether it is done with.
    ``vm`` is the VM that it works for, if that is known. ``halted``: it halted the guests for an
    access, ``line_read``: it just read a timer's line.
    """

    __slots__ = (
        "halted",
        "hrtimer",
        "injected",
        "key",
        "kicks",
        "line_read",
        "mmio",
        "owed",
        "phys",
        "queued",
        "released",
        "sgi",
        "sgi_to",
        "update",
        "vcpu",
        "vm",
    )  # fmt: skip

    def __init__(self, key: int) -> None:
        self.key = key
        self.vcpu: Vcpu | None = None
        self.vm: Any = None
        self.forget()

    def forget(self) -> None:
        """Expect nothing any more."""
        self.owed: list[Settle] = []
        self.injected: tuple[TracedIrq, int, bool, int] | None = None
        self.update: tuple[int, int, bool] | None = None
        self.kicks: list[int] = []
        self.queued: TracedIrq | None = None
        self.phys: list[tuple[int, bool]] = []
        self.mmio: Mmio | None = None
        self.released = False
        self.sgi = False
        self.sgi_to: set[int] = set()
        self.hrtimer = 0
        self.halted = self.line_read = False
