"""Active states and what they are needed for: neither missing nor left over (I1, I2, I3, I10)."""

from model import facts
from model.check.alarm import Alarm, alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.views.active_states import ActiveStates
from model.check.views.deactivations import Deactivations
from model.check.views.guests import Guests
from model.check.views.host_masks import HostMasks
from model.check.views.lines import Lines
from model.check.views.list_registers import ListRegisters
from model.check.views.loaded_vcpus import LoadedVcpus
from model.check.views.software_states import SoftwareStates
from model.check.views.timer_levels import TimerLevels
from model.gic.lr import PENDING, PENDING_ACTIVE
from model.gic.registers import SGIS
from model.identity import IRQ, LockId
from model.messages import VTIMER_PPI
from model.timer import PTIMER_PPI

__all__ = ["I1", "I2", "I3", "I10"]


class I1(Rule):
    """INV-ACT: throughout a guest stay, a HW LR in use means an active physical interrupt."""

    id = "I1"
    section = "Edge and Level, last paragraph (INV-ACT)"
    title = "while a guest runs, every HW LR in use has its physical interrupt active on that CPU"

    INACTIVE = alarm(
        "inactive",
        "VCPU {vcpu} runs on CPU {pcpu} with vINTID {vintid} in a HW List Register while INTID "
        "{intid} is not active there",
    )

    guests: Guests
    lrs: ListRegisters
    active: ActiveStates
    masks: HostMasks

    def setup(self) -> None:
        """Find out whether an LR may stay active after its deactivation."""
        self.stays = self.setting.lr_on_guest_deactivate in ("polled", "quirk")

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """From here on it must hold."""
        if self.lrs.on[f.pcpu].used:
            self.check(f.pcpu)

    @on(facts.ActiveChanged)
    def on_active(self, f: facts.ActiveChanged) -> None:
        """Something is active no more, perhaps while a guest needs it."""
        if f.after:
            return
        # An SPI's state is one for all CPUs.
        for c in range(self.setting.pcpus) if f.pcpu < 0 else (f.pcpu,):
            if self.guests.on[c].vcpu >= 0:
                self.check(c)

    def check(self, c: int) -> None:
        """Complain of the first HW List Register of CPU ``c`` without an active interrupt."""
        # Where an LR may stay active after its deactivation, only a pending one needs it.
        for _, lr in self.lrs.on[c].used:
            if not lr.hw or (self.stays and lr.state != PENDING):
                continue
            if not self.active.has(c, lr.pintid) and not self.masks.has(lr.pintid):
                self.report(
                    self.INACTIVE,
                    vcpu=self.guests.on[c].vcpu,
                    pcpu=c,
                    vintid=lr.vintid,
                    intid=lr.pintid,
                )
                return


class Folding(State):
    """``begun``: a VCPU's timer interrupt is folded under that interrupt's lock just now.

    Or it is enabled there (``enables``), with the line noted as high before.
    """

    begun: bool = False
    enables: bool = False


class Taken(State):
    """``yes``: the host acknowledged the timer's interrupt there; who is loaded must live with it.

    It ends when the active state is written, or the CPU changes hands.
    """

    yes: bool = False


class I2(Rule):
    """INV-NOSTALE-ACT: an active state that nobody will clear masks the next interrupt."""

    id = "I2"
    section = "The Architected Timer (derived; contradiction C7)"
    title = "no active state is left where neither the line nor the guest needs it"
    trusts = "that the guest's write is carried out is only the moment from which it must hold"

    LEFT = alarm(
        "left",
        "VCPU {vcpu} retired its timer interrupt at an exit on CPU {pcpu}, its line is low, and "
        "INTID {intid} was left active there",
    )
    ENABLED = alarm(
        "enabled",
        "VCPU {vcpu} enabled its timer's interrupt on CPU {pcpu}, the line noted before fell, "
        "and INTID {intid} was left active there: the next assertion is masked",
    )
    ENTERED = alarm(
        "entered",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with INTID {intid} active, although its "
        "timer's line is low and its guest handles nothing: the next assertion is masked",
    )
    LOADED = alarm(
        "loaded",
        "VCPU {vcpu} was loaded on CPU {pcpu} with INTID {intid} active, although its timer's line "
        "is low and its guest handles nothing: the next assertion is masked",
    )

    active: ActiveStates
    lines: Lines
    lrs: ListRegisters
    loaded: LoadedVcpus
    software: SoftwareStates
    levels: TimerLevels
    deactivations: Deactivations

    def setup(self) -> None:
        """Make the states."""
        self.folding = self.direct_vcpus(Folding)
        self.taken = self.direct_pcpus(Taken, "taken")
        self.locks = {
            LockId(IRQ, v, intid): (v, intid)
            for intid in self.setting.direct
            for v in range(self.setting.vcpus)
        }

    @on(facts.ActiveChanged)
    def on_active(self, f: facts.ActiveChanged) -> None:
        """What the host takes while a VCPU is loaded, its line silenced before, stays.

        Until the next load, that is: a GIC that lags brings it after KVM wrote the active state.
        """
        if f.intid in self.taken and f.cause == "ack":
            self.taken[f.intid][f.pcpu].yes = True

    @on(facts.PhysActiveWritten, facts.Put, facts.Placed)
    def on_written(self, f: facts.PhysActiveWritten | facts.Put | facts.Placed) -> None:
        """What is active from here on is KVM's doing."""
        for intid, taken in self.taken.items():
            if not isinstance(f, facts.PhysActiveWritten) or f.intid == intid:
                taken[f.pcpu].yes = False

    @on(facts.Folded)
    def on_fold(self, f: facts.Folded) -> None:
        """In era v7.2 the interrupt may be retired at the exit, under its lock."""
        if f.vintid in self.folding and self.era == "v7.2":
            folding = self.folding[f.vintid][f.vcpu]
            folding.begun, folding.enables = True, False

    @on(facts.RegisterWritten)
    def on_register(self, f: facts.RegisterWritten) -> None:
        """Who enables it reads the line again, and releases what the host took for it."""
        if f.register != "isenabler" or f.vintid not in self.folding or self.era != "v7.2":
            return
        if self.software.direct[f.vintid][f.owner].pending:
            folding = self.folding[f.vintid][f.owner]
            folding.begun, folding.enables = True, True

    @on(facts.LockReleased)
    def on_unlock(self, f: facts.LockReleased) -> None:
        """The fold is over: what is retired is active no more."""
        v, intid = self.locks.get(f.lock, (-1, -1))
        if v < 0 or not self.folding[intid][v].begun:
            return
        folding = self.folding[intid][v]
        enables = folding.enables
        folding.begun = folding.enables = False
        software = self.software.direct[intid][v]
        if software.active or software.pending:
            return
        c = self.loaded.of[v].pcpu
        if c < 0 or not self.active.has(c, intid) or self.deactivations.on[c].in_flight:
            return
        # What the host took meanwhile is on its way to be injected, and its line is high.
        if not self.lines.has(c, intid):
            what = self.ENABLED if enables else self.LEFT
            self.report(what, vcpu=v, pcpu=c, intid=intid)

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """Era v4.14 writes the active state before each entry."""
        if self.era == "v4.14":
            self.check(f.vcpu, f.pcpu, VTIMER_PPI, self.ENTERED)

    @on(facts.Loaded)
    def on_load(self, f: facts.Loaded) -> None:
        """Era v7.2 writes it at each load."""
        if self.era != "v7.2":
            return
        for intid, taken in self.taken.items():
            if not taken[f.pcpu].yes:
                self.check(f.vcpu, f.pcpu, intid, self.LOADED)

    def check(self, v: int, c: int, intid: int, what: Alarm) -> None:
        """Complain by ``what`` of an active state on CPU ``c`` that VCPU ``v`` does not need."""
        if not self.active.has(c, intid):
            return
        software = self.software.direct[intid][v]
        needed = software.active or software.pending or self.levels.direct[intid][v].high
        if not needed and not self.lrs.timer(c, intid).state:
            self.report(what, vcpu=v, pcpu=c, intid=intid)


class I3(Rule):
    """No HW register is ever pending and active, whoever made it so.

    Nor is that of a level interrupt of software, which must be asked again when it ends, or of a
    GICv2's SGI, of which one sender is active while another's is pending.
    """

    id = "I3"
    section = "The HW bit, paragraph 3 (derived; Linux 67b5b673ad4d, 16ca6a607d84)"
    title = "no List Register that must hold one state at a time is pending and active at an entry"

    BOTH = alarm(
        "both",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with LR{index} (vINTID {vintid}, HW) pending "
        "and active",
    )
    SOFTWARE = alarm(
        "software",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with LR{index} (vINTID {vintid}, a level or a "
        "GICv2's SGI) pending and active",
    )

    lrs: ListRegisters

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """Look at what the guest is entered with."""
        for i, lr in self.lrs.on[f.pcpu].used:
            if lr.state != PENDING_ACTIVE:
                continue
            if lr.hw:
                self.report(self.BOTH, vcpu=f.vcpu, pcpu=f.pcpu, index=i, vintid=lr.vintid)
            elif lr.vintid == PTIMER_PPI or (lr.vintid < SGIS and self.setting.gic_version == 2):
                self.report(self.SOFTWARE, vcpu=f.vcpu, pcpu=f.pcpu, index=i, vintid=lr.vintid)


class Orphan(State):
    """``stays`` of guests that began with the timer's interrupt active and nobody to clear it.

    ``reloaded``: a VCPU was loaded since the first of them.
    """

    stays: int = 0
    reloaded: bool = False

    def canonical(self) -> object:
        """Whether there was one: more of them say no more."""
        return (1, self.reloaded) if self.stays else (0, False)


class I10(Rule):
    """Stuck: active at the distributor over two stays, with nothing anywhere that will clear it."""

    id = "I10"
    section = "Life Cycle (derived; Bao issue 371)"
    title = "no interrupt stays active over two guest stays that nobody will deactivate"

    STUCK = alarm(
        "stuck",
        "INTID {intid} is active on CPU {pcpu} over two stays of VCPU {vcpu}, its line is low and "
        "no List Register will deactivate it",
    )

    active: ActiveStates
    lines: Lines
    lrs: ListRegisters
    software: SoftwareStates

    def setup(self) -> None:
        """Make the states."""
        self.on = self.direct_pcpus(Orphan)

    @on(facts.Loaded)
    def on_load(self, f: facts.Loaded) -> None:
        """The next load is what clears it in era v7.2: it gets its chance."""
        for cpus in self.on.values():
            cpus[f.pcpu].reloaded = True

    @on(facts.LineChanged, facts.ActiveChanged)
    def on_change(self, f: facts.LineChanged | facts.ActiveChanged) -> None:
        """Something moves: it is not stuck."""
        if f.pcpu >= 0:
            for cpus in self.on.values():
                cpus[f.pcpu].stays = 0

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """Count the stays; an exit between two entries is what makes them two."""
        for intid, cpus in self.on.items():
            if self.is_orphan(f.pcpu, f.vcpu, intid):
                self.count(cpus[f.pcpu], f.pcpu, f.vcpu, intid)
            else:
                cpus[f.pcpu].stays = 0

    def is_orphan(self, c: int, v: int, intid: int) -> bool:
        """Tell whether it is active on CPU ``c``, where neither its line nor ``v`` needs that."""
        if not self.active.has(c, intid) or self.lines.has(c, intid):
            return False
        software = self.software.direct[intid][v]
        return not (software.active or software.pending or self.lrs.timer(c, intid).state)

    def count(self, orphan: Orphan, c: int, v: int, intid: int) -> None:
        """One more stay, of VCPU ``v`` on CPU ``c``."""
        if not orphan.stays:
            orphan.reloaded = False
        orphan.stays += 1
        if orphan.stays > 1 and (self.era == "v4.14" or orphan.reloaded):
            self.report(self.STUCK, intid=intid, pcpu=c, vcpu=v)
