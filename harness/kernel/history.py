"""What guests did on a real kernel, as they said it on the board; read back, and as facts.

A history has the accesses of each VCPU with their begin and end, in the guests' own count. Facts
of the model are made of it: of the guests' own accesses, and of the exits that those cause for
certain. Every VCPU stands on a CPU of its own there, whatever it had: nothing is said of the host.
"""

import heapq
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from model import facts
from model.check.setting import Setting
from model.facts import Fact
from model.gic.lr import ACTIVE, EMPTY, PENDING, Lr
from model.gic.registers import FIRST_SPI, SGIS
from model.guest import REGISTERS
from model.identity import PTIMER, VTIMER
from model.rules.guest.registers import FIELDS
from model.timer import ENABLE, ISTATUS, PTIMER_PPI, VTIMER_PPI

__all__ = ["Event", "History", "Teller", "facts_of", "read_histories"]

EVENTS_MAX = 400
HEAD = struct.Struct("<8sQQ9Q")
EVENT = struct.Struct("<QQQHHHH")
VOLATILE = 0x100
IAR, EOIR, DIR, SGI, WFI, MASK, PMR, BPR, GROUP, USER, HALT, SERVED, TIMER_CTL = range(1, 14)
TIMER_CVAL = 14 | VOLATILE
WRITE, READ, READ_REGISTER = 0x20, 0x30, 0x40
READ_TIME = READ_REGISTER | VOLATILE
RAISED, NOTIFIED, RESET = 0x50, 0x51, 0x52
DONE = 1
PARTS = ("enabled", "pending", "active", "target", "priority")
NAMES = {
    IAR: "iar", EOIR: "eoi", DIR: "dir", SGI: "sgi", WFI: "wfi", MASK: "irqs off", PMR: "pmr",
    BPR: "bpr", GROUP: "group", USER: "user", HALT: "halt", SERVED: "served",
    TIMER_CTL: "timer ctl", TIMER_CVAL: "timer cval",
}  # fmt: skip
READS = {part: register for register, part in FIELDS.items()}
"""How facts call the registers that are read."""
SPECIAL_FROM, INTIDS = 1020, 0x3FF


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


class Teller:
    """Makes facts of one history; ``stale`` has the VCPUs whose timer may be presented once more.

    The timer of such a one fired when the guest wrote it last, and KVM may have put its interrupt
    into a List Register: which it cannot take back without an exit.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        vcpus = setting.vcpus
        self.masked = [True] * vcpus
        self.pmr = [0xF0] * vcpus
        self.control = [(True, 0)] * vcpus
        self.timers = [[(0, 0), (0, 0)] for _ in range(vcpus)]
        self.active: list[list[int]] = [[] for _ in range(vcpus)]
        self.stale = [False] * vcpus
        self.devices = {each.vintid: each for each in setting.forwards}

    def begin(self) -> list[Fact]:
        """Return the facts that hold before all others."""
        vcpus = range(self.setting.vcpus)
        return [x for v in vcpus for x in (facts.Loaded(v, v), facts.Entered(v, v))]

    def began(self, v: int, e: Event) -> list[Fact]:
        """Return the facts of an access' begin."""
        owner = -1 if e.a >= FIRST_SPI else v if e.of < 0 else e.of
        kind = e.kind
        if kind & ~0xF == WRITE:
            part = PARTS[kind & 0xF]
            if part == "enabled":
                said: Fact = facts.GuestEnable(v, owner, e.a, bool(e.value))
            else:
                said = facts.GuestAccess(v, owner, e.a, part, e.value)
            return [said, facts.Exited(v, v, "mmio", 1)]
        if kind & ~0xF == READ:
            access = facts.GuestAccess(v, owner, e.a, PARTS[kind & 0xF], -1)
            return [access, facts.Exited(v, v, "mmio", 1)]
        if kind == DIR:
            access = facts.GuestAccess(v, owner, e.a, "active", 0)
            return [access, facts.Exited(v, v, "dir", 1)]
        if kind == SGI:
            return [facts.SgiSent(v, e.value, e.a), facts.Exited(v, v, "sgi", 1)]
        if kind == USER:
            return [facts.Exited(v, v, "user", 1), facts.UserLeft(v)]
        if kind == SERVED:
            return self.served(v, e)
        if kind == RAISED:
            return self.raised(v, e)
        if kind == RESET:
            return self.reset(e.a)
        if kind == HALT:
            return [facts.Halted(v), facts.Exited(v, v, "halt", 1)]
        if kind in (READ_REGISTER, READ_TIME) and REGISTERS[e.a].startswith("cntp"):
            return [facts.ReadTrapped(v, REGISTERS[e.a])]
        return []

    def reset(self, v: int) -> list[Fact]:
        """The VM monitor resets a VCPU, and with the first of them the devices."""
        self.masked[v], self.pmr[v], self.control[v] = True, 0xF0, (True, 0)
        self.timers[v] = [(0, 0), (0, 0)]
        self.active[v], self.stale[v] = [], False
        private = (*range(SGIS), VTIMER_PPI, PTIMER_PPI)
        said: list[Fact] = [facts.Exited(v, v, "user", 1)]
        said += [facts.RegisterWritten(v, vintid, "reset", v) for vintid in private]
        if v == 0:
            for vintid, device in self.devices.items():
                said.append(facts.RegisterWritten(v, vintid, "reset", device.vcpu))
                said.append(facts.DeviceServed(device.vcpu, vintid, vintid, False))
        return [*said, facts.VmReset(v), facts.Entered(v, v)]

    def raised(self, v: int, e: Event) -> list[Fact]:
        """A device has an event: ``v`` is the CPU of none of the guests."""
        device = self.devices[e.a]
        if not device.level:
            return [facts.AckedByHost(v, e.a)]
        return [facts.DeviceRaised(device.vcpu, e.a, e.a), facts.LineChanged(-1, e.a, True)]

    def served(self, v: int, e: Event) -> list[Fact]:
        """Its driver serves it."""
        said: list[Fact] = [facts.DeviceServed(v, e.a, e.a, bool(e.value))]
        if self.devices[e.a].level:
            said.append(facts.LineChanged(-1, e.a, False))
        return [*said, facts.Exited(v, v, "user", 1)]

    def ended(self, v: int, e: Event) -> list[Fact]:
        """Return the facts of its end."""
        owner = -1 if e.a >= FIRST_SPI else v if e.of < 0 else e.of
        kind = e.kind
        entered = facts.Entered(v, v)
        if kind & ~0xF == WRITE:
            if PARTS[kind & 0xF] == "priority":
                return [facts.PriorityWritten(v, owner, e.a, e.value), entered]
            return [entered]
        if kind & ~0xF == READ:
            register = READS[PARTS[kind & 0xF]]
            return [facts.RegisterRead(v, owner, e.a, register, e.value), entered]
        if kind == USER:
            return [facts.UserEntered(v), entered]
        if kind in (DIR, SGI):
            if kind == DIR:
                self.deactivated(v, e.a)
            return [entered]
        if kind == SERVED:
            return [entered]
        if kind in (NOTIFIED, RESET):
            return []
        if kind == RAISED:
            return [] if self.devices[e.a].level else [facts.IsrEnded(v, e.a, None)]
        if kind == IAR:
            return self.acknowledged(v, e)
        if kind == EOIR:
            return self.completed(v, e)
        if kind in (TIMER_CTL, TIMER_CVAL):
            return self.programmed(v, e)
        if kind in (READ_REGISTER, READ_TIME):
            return self.register(v, e)
        return self.interface(v, e)

    def acknowledged(self, v: int, e: Event) -> list[Fact]:
        """IAR, and what that does in the List Register, wherever that is."""
        vintid = e.value & INTIDS
        if vintid >= SPECIAL_FROM:
            return [facts.AckedByGuest(v, vintid)]
        source = e.value >> 10 & 7 if self.setting.gic_version == 2 else 0
        lr = Lr(vintid, PENDING, priority=self.setting.priority_of(vintid), source=source)
        after = Lr(vintid, ACTIVE, priority=lr.priority, source=source)
        self.active[v].append(vintid)
        index = len(self.active[v]) - 1
        return [facts.AckedByGuest(v, vintid), facts.LrMoved(v, index, "iar", lr, after)]

    def deactivated(self, v: int, vintid: int) -> None:
        """It is over."""
        if vintid in self.active[v]:
            self.active[v].remove(vintid)
        if vintid == VTIMER_PPI:
            self.stale[v] = False

    def completed(self, v: int, e: Event) -> list[Fact]:
        """EOIR: in EOImode 0 a deactivation as well."""
        said: list[Fact] = [facts.Completed(v, e.a)]
        if self.setting.eoimode == 0:
            if e.a in self.active[v]:
                index = self.active[v].index(e.a)
                said.append(facts.LrMoved(v, index, "eoir", Lr(e.a, ACTIVE), EMPTY))
            self.deactivated(v, e.a)
            said.append(facts.DeactivatedByGuest(v, e.a))
        return said

    def programmed(self, v: int, e: Event) -> list[Fact]:
        """A write to a timer."""
        which = VTIMER if e.a == VTIMER_PPI else PTIMER
        ctl, cval = self.timers[v][which]
        if which == VTIMER and ctl == ENABLE and e.ended >= cval:
            self.stale[v] = True
        if e.kind == TIMER_CTL:
            ctl = e.value
        else:
            cval = e.value
        self.timers[v][which] = (ctl, cval)
        return [facts.GuestTimer(v, which, cval, ctl, cval)]

    def register(self, v: int, e: Event) -> list[Fact]:
        """A read of the CPU interface or of a timer, at the moment that its value tells."""
        name, value = REGISTERS[e.a], e.value
        if name.endswith("tval"):
            value = (value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
        if name == "cntv_ctl":
            # QEMU keeps ISTATUS, and changes it some time after the count has passed.
            ctl, cval = self.timers[v][VTIMER]
            due = ctl & ENABLE and e.ended >= cval
            value = value & ~ISTATUS | (ISTATUS if due else 0)
        return [facts.GuestRead(v, name, value)]

    def moment(self, v: int, e: Event) -> int:
        """Return when a read of the virtual timer was, as far as its value tells; else its end."""
        if e.kind not in (READ_REGISTER, READ_TIME) or not REGISTERS[e.a].startswith("cntv"):
            return e.ended
        ctl, cval = self.timers[v][VTIMER]
        if REGISTERS[e.a] == "cntv_tval" and ctl & ENABLE:
            left = (e.value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
            return min(max(cval - left, e.began), e.ended)
        return e.ended

    def interface(self, v: int, e: Event) -> list[Fact]:
        """A write to PSTATE.I or to the CPU interface."""
        if e.kind in (MASK, PMR):
            if e.kind == MASK:
                self.masked[v] = bool(e.value)
            else:
                self.pmr[v] = e.value
            return [facts.GuestMask(v, self.masked[v], self.pmr[v], True)]
        if e.kind in (BPR, GROUP):
            group, bpr = self.control[v]
            self.control[v] = (bool(e.value), bpr) if e.kind == GROUP else (group, e.value)
            return [facts.GuestControl(v, *self.control[v])]
        return []


def facts_of(history: History, teller: Teller) -> Iterator[Fact]:
    """Yield the facts of a history, in order, with the time."""
    yield from teller.begin()
    heap: list[tuple[int, int, int, int]] = []
    for v, events in enumerate(history.events):
        if events:
            heapq.heappush(heap, (events[0].began, v, 0, 0))
    now = -1
    while heap:
        time, v, n, half = heapq.heappop(heap)
        event = history.events[v][n]
        if time > now:
            now = time
            yield facts.Ticked(now)
        if half == 0:
            yield from teller.began(v, event)
            heapq.heappush(heap, (teller.moment(v, event), v, n, 1))
            continue
        if event.done:
            yield from teller.ended(v, event)
        if n + 1 < len(history.events[v]):
            heapq.heappush(heap, (max(time, history.events[v][n + 1].began), v, n + 1, 0))
