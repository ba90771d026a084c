"""A history of guests as facts of the model.

They are of the guests' own accesses, and of the exits that those cause for certain. Every VCPU
stands on a CPU of its own there, whatever it had: nothing is said of the host.
"""

import heapq
from collections.abc import Iterator

from harness.kernel.history import (
    BPR,
    DIR,
    DIST,
    EOIR,
    GROUP,
    HALT,
    IAR,
    INTIDS,
    MASK,
    NOTIFIED,
    PARTS,
    PMR,
    RAISED,
    READ,
    READ_DIST,
    READ_REGISTER,
    READ_TIME,
    RESET,
    SERVED,
    SGI,
    TIMER_CTL,
    TIMER_CVAL,
    USER,
    WRITE,
    Event,
    History,
)  # fmt: skip
from model import facts
from model.check.setting import Setting
from model.facts import Fact
from model.gic.lr import ACTIVE, EMPTY, PENDING, Lr
from model.gic.registers import FIRST_SPI, SGIS, SPECIAL
from model.guest import REGISTERS
from model.identity import PTIMER, VTIMER
from model.rules.guest.registers import FIELDS
from model.timer import ENABLE, ISTATUS, PTIMER_PPI, VTIMER_PPI

__all__ = ["Teller", "facts_of"]

READS = {part: register for register, part in FIELDS.items()}
"""How facts call the registers that are read."""
NONE = -1


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
        self.devices = {each.vintid: each for each in setting.software}
        self.notified: set[int] = set()
        self.taken: dict[int, list[tuple[int, int]]] = {}

    def hear_of(self, history: History) -> None:
        """Note who took each SPI when: VCPU and end of the access."""
        self.taken = {}
        for v, events in enumerate(history.events):
            for e in events:
                vintid = e.value & INTIDS
                if e.kind == IAR and FIRST_SPI <= vintid < SPECIAL:
                    self.taken.setdefault(vintid, []).append((v, e.ended))

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
        if kind in (DIST, READ_DIST):
            value = e.value if kind == DIST else -1
            return [facts.GuestDist(v, value), facts.Exited(v, v, "mmio", 1)]
        if kind == SGI:
            return [facts.SgiSent(v, e.value, e.a), facts.Exited(v, v, "sgi", 1)]
        if kind == USER:
            return [facts.Exited(v, v, "user", 1), facts.UserLeft(v)]
        if kind == SERVED:
            return self.served(v, e)
        if kind == RAISED:
            return self.raised(e)
        if kind == RESET:
            return self.reset(e.a)
        if kind == HALT:
            return [facts.Exited(v, v, "halt", 1), facts.Halted(v)]
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
                said.append(facts.DeviceServed(device.vcpu, NONE, vintid, False))
        return [*said, facts.VmReset(v), facts.Entered(v, v)]

    def raised(self, e: Event) -> list[Fact]:
        """A device has an event, or asks still for something."""
        vcpu = self.devices[e.a].vcpu
        self.notified.discard(e.a)
        if e.value:
            return [facts.DeviceStillHigh(vcpu, e.a)]
        return [facts.DeviceRaised(vcpu, NONE, e.a)]

    def told(self, e: Event) -> list[Fact]:
        """KVM was told of an event, or told the VMM of an end."""
        vcpu = self.devices[e.a].vcpu
        if e.kind == NOTIFIED:
            self.notified.add(e.a)
            return [facts.EoiNotified(vcpu, e.a)]
        return [facts.DeviceSignalled(vcpu, e.a, e.a in self.notified)]

    def served(self, v: int, e: Event) -> list[Fact]:
        """Its driver serves it; whether that leaves for user space is the scenario's."""
        return [facts.DeviceServed(v, NONE, e.a, bool(e.value))]

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
        if kind in (DIST, READ_DIST):
            return [facts.DistRead(v, e.value), entered] if kind == READ_DIST else [entered]
        if kind in (DIR, SGI):
            if kind == DIR:
                self.deactivated(v, e.a)
            return [entered]
        if kind in (RAISED, NOTIFIED):
            return self.told(e)
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
        if vintid >= SPECIAL:
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
        """Return when an access was, as far as is known; else its end.

        A read of the virtual timer tells by its value. An SPI was completed before another VCPU
        took it, however late this one goes on behind its EOIR.
        """
        if e.kind == EOIR and e.a in self.taken:
            others = [t for w, t in self.taken[e.a] if w != v and e.began <= t <= e.ended]
            return e.began if others else e.ended
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
    teller.hear_of(history)
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
