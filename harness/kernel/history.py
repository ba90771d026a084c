"""What guests did on a real kernel, as they said it on the board: read back, and in words.

A history has the accesses of each VCPU, and what the VMM's devices did, with begin and end in the
guests' own count.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from model.guest import REGISTERS

__all__ = [
    "BPR", "DIR", "DIST", "EOIR", "GROUP", "HALT", "IAR", "INTIDS", "MASK", "NOTIFIED", "PARTS",
    "PMR", "RAISED", "READ", "READ_DIST", "READ_REGISTER", "READ_TIME", "RESET", "SERVED", "SGI",
    "TIMER_CTL", "TIMER_CVAL", "USER", "WFI", "WRITE", "Event", "History", "read_histories",
]  # fmt: skip

EVENTS_MAX = 400
HEAD = struct.Struct("<8sQQ9Q")
EVENT = struct.Struct("<QQQHHHH")
VOLATILE = 0x100
IAR, EOIR, DIR, SGI, WFI, MASK, PMR, BPR, GROUP, USER, HALT, SERVED, TIMER_CTL = range(1, 14)
TIMER_CVAL = 14 | VOLATILE
DIST, READ_DIST = 15, 16
WRITE, READ, READ_REGISTER = 0x20, 0x30, 0x40
READ_TIME = READ_REGISTER | VOLATILE
RAISED, NOTIFIED, RESET = 0x50, 0x51, 0x52
DONE = 1
PARTS = ("enabled", "pending", "active", "target", "priority")
NAMES = {
    IAR: "iar", EOIR: "eoi", DIR: "dir", SGI: "sgi", WFI: "wfi", MASK: "irqs off", PMR: "pmr",
    BPR: "bpr", GROUP: "group", USER: "user", HALT: "halt", SERVED: "served",
    DIST: "dist", READ_DIST: "read dist", TIMER_CTL: "timer ctl", TIMER_CVAL: "timer cval",
}  # fmt: skip
INTIDS = 0x3FF
"""Of IAR, without a GICv2's source."""


@dataclass(frozen=True, slots=True)
class Event:
    """An access (``struct event`` of ``guests/board.h``): ``of`` is a VCPU, or -1: its own.

    One that is not ``done`` never ended, in this execution or before a reset.
    """

    began: int
    ended: int
    value: int
    kind: int
    a: int
    of: int
    done: bool = True

    def text(self) -> str:
        """Return what it is, as ``read active 48 = 1``."""
        kind = self.kind
        if kind & ~0xF == WRITE:
            of = f" of VCPU {self.of}" if self.of >= 0 else ""
            return f"write {PARTS[kind & 0xF]} {self.a} := {self.value}{of}"
        if kind & ~0xF == READ:
            of = f" of VCPU {self.of}" if self.of >= 0 else ""
            return f"read {PARTS[kind & 0xF]} {self.a}{of} = {self.value}"
        if kind in (READ_REGISTER, READ_TIME):
            return f"read {REGISTERS[self.a]} = {self.value:#x}"
        if kind == IAR:
            return f"IAR = {self.value & INTIDS}"
        if kind == SGI:
            return f"sgi {self.a} to VCPU {self.value}"
        if kind in (EOIR, DIR, SERVED):
            return f"{NAMES[kind]} {self.a}"
        if kind == RESET:
            return f"VCPU {self.a} is reset"
        if kind in (RAISED, NOTIFIED):
            return f"device {self.a} {'raised' if kind == RAISED else 'notified'}"
        if kind in (TIMER_CTL, TIMER_CVAL):
            return f"{NAMES[kind]} of {self.a} := {self.value}"
        return f"{NAMES.get(kind, kind)} {self.value}"


@dataclass(frozen=True, slots=True)
class History:
    """One execution: its number, why it was kept ("well", "wrong", "stuck"), events by VCPU."""

    execution: int
    why: str
    events: tuple[tuple[Event, ...], ...]

    @property
    def cut(self) -> bool:
        """Whether there were more events than are kept."""
        return any(len(each) >= EVENTS_MAX for each in self.events)

    def lines(self) -> Iterator[str]:
        """Yield its events in the order in which they began, one a line: when, who, what."""
        merged = sorted((e.began, v, e) for v, each in enumerate(self.events) for e in each)
        start = merged[0][0] if merged else 0
        for began, v, event in merged:
            who = f"v{v}" if v + 1 < len(self.events) else "--"
            yield f"{began - start:10} +{event.ended - event.began:<7} {who} {event.text()}"


def read_histories(data: bytes) -> Iterator[History]:
    """Yield the histories of a file (``host/histories.c``); what is cut off at its end is left."""
    at = 0
    while at + HEAD.size <= len(data):
        why, execution, vcpus, *counts = HEAD.unpack_from(data, at)
        at += HEAD.size
        if at + sum(counts[: vcpus + 1]) * EVENT.size > len(data):
            return
        events = []
        for count in counts[: vcpus + 1]:
            block = data[at : at + count * EVENT.size]
            at += len(block)
            events.append(
                tuple(
                    Event(began, ended, value, kind, a, of - 1, bool(flags & DONE))
                    for began, ended, value, kind, a, of, flags in EVENT.iter_unpack(block)
                )
            )
        yield History(execution, why.rstrip(b"\0").decode(), tuple(events))
