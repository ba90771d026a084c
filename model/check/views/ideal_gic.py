"""A GIC without virtualisation, driven by what guests and devices do: what a guest may see.

It is made of the guests' own accesses, of the devices' events, of what the host acknowledges at the
distributor, and of when the VM monitor's calls return. Nothing that KVM says of itself goes in; a
reset is the VM monitor's. Delay is allowed: an access takes effect somewhere until its guest goes
on, an edge of a device somewhere until the host's handler ends, or the VM monitor's call.
"""

from model import facts
from model.check.interrupts import Interrupts
from model.check.listener import on
from model.check.possible import READ, lacks
from model.check.state import State
from model.check.table import Keys, add
from model.check.unknown import Debt
from model.check.view import View
from model.check.views.accesses import NO, YES, Irq, looks_again, step_of, takes_away
from model.check.views.distributor_switch import DistributorSwitch
from model.check.views.guests import Guests
from model.check.views.loaded_vcpus import LoadedVcpus
from model.check.views.running_priority import is_special
from model.gic.registers import FIRST_LPI, FIRST_SPI, SGIS

__all__ = [
    "AGAIN", "DISABLED", "ELSEWHERE", "NO", "PARKED", "SPURIOUS_ACK", "YES", "IdealGic", "Irq",
]  # fmt: skip

DISABLED, SPURIOUS_ACK, AGAIN, ELSEWHERE, PARKED = 1, 2, 4, 8, 16
"""What is wrong with an acknowledge."""


class OfVcpu(State):
    """``touched``: what its guest accesses just now, as owner and vINTID."""

    touched: Debt[Keys[tuple[int, int]]] = ()


class OnCpu(State):
    """``taken`` is the device's vINTID whose interrupt the host handles there, or -1."""

    taken: Debt[int] = -1


class Last(State):
    """What is ``wrong`` with the last acknowledge of a guest; ``late``: writes not yet everywhere.

    Of a right one nothing is kept.
    """

    wrong: Debt[int] = 0
    late: Debt[Keys[tuple[int, int]]] = ()


class IdealGic(View):
    """``irq(v, n)`` is the state of what is vINTID ``n`` for VCPU ``v``."""

    trusts = "a reset alone is heard: the VM monitor's doing, not KVM's"

    guests: Guests
    loaded: LoadedVcpus
    switch: DistributorSwitch

    def setup(self) -> None:
        """Make the states; note what is a level, and which vINTID is which device's."""
        forwards = self.setting.forwards
        drivers = self.setting.drivers
        self.home = {x.vintid: x.vcpu for x in drivers}
        self.levels = frozenset(x.vintid for x in drivers if x.level)
        self.software = {x.vintid: n for n, x in enumerate(self.setting.software, 1)}
        self.edges = {x.intid: x.vintid for x in forwards if not x.level}
        self.devices = {x.intid: x.vintid for x in forwards}
        self.sourced = self.setting.gic_version == 2
        self.group = 1 if self.sourced else 2
        self.enabled_groups = 3 if self.sourced else 2
        self.irqs = Interrupts(self, Irq)
        self.of = self.each_vcpu(OfVcpu, "accesses")
        self.on = self.each_pcpu(OnCpu, "taken")
        self.last = self.one(Last, "last")

    def irq(self, v: int, vintid: int) -> Irq:
        """Return the state of what is ``vintid`` for VCPU ``v``."""
        return self.irqs.of(v, vintid)

    def goes_to(self, irq: Irq, vintid: int) -> int:
        """Return the VCPU that an SPI certainly goes to, or -1."""
        if not irq.target:
            return self.home.get(vintid, -1)
        return -1 if irq.target & (irq.target - 1) else irq.target.bit_length() - 1

    def is_free(self, irq: Irq, vintid: int) -> bool:
        """Tell whether nothing of its own holds it back, if it is pending."""
        if irq.enabled != YES or irq.active != NO or self.may_be_parked(irq):
            return False
        return self.forwards(vintid)

    def is_due(self, irq: Irq, vintid: int) -> bool:
        """Tell whether it is certainly to be presented, as soon as its VCPU lets it through."""
        pending = irq.line == 1 if vintid in self.levels else irq.pending == YES
        return pending and self.is_free(irq, vintid)

    def may_be_parked(self, irq: Irq) -> bool:
        """Tell whether it may be in the group that guests have not enabled."""
        return not lacks(irq.group, ~self.enabled_groups)

    def is_held(self, v: int, vintid: int) -> bool:
        """Tell whether guests hold an interrupt back: disabled, active, the distributor off.

        Or they have put it into a group that they have not enabled.
        """
        irq = self.irqs.of(v, vintid)
        held = irq.enabled == NO or irq.active == YES or self.may_be_parked(irq)
        return held or not self.forwards(vintid)

    def forwards(self, vintid: int) -> bool:
        """Tell whether nothing that it comes through is switched off as a whole."""
        return self.switch.forwards(self.home.get(vintid, 0), vintid)

    # -- accesses ------------------------------------------------------------------------------

    @on(facts.GuestEnable)
    def on_enable(self, f: facts.GuestEnable) -> None:
        """A guest writes ISENABLER or ICENABLER."""
        owner = f.owner if f.owner >= 0 else f.vcpu
        self.begin(f.vcpu, owner, f.vintid, "enabled", int(f.enabled))

    @on(facts.GuestAccess)
    def on_access(self, f: facts.GuestAccess) -> None:
        """A guest reads or writes another register.

        The bits of a GICv2's SGIs in ISPENDR and ICPENDR ignore writes; a level's cannot be cleared
        while its line is high, as it may be (IHI0048 4.3.7, 4.3.8).
        """
        owner, value = f.owner if f.owner >= 0 else f.vcpu, f.value
        if f.register == "priority" and value != READ:
            value = step_of(value)
        if f.register == "pending" and value != READ:
            if self.sourced and f.vintid < SGIS:
                return
            if value == 0 and f.vintid in self.levels:
                irq = self.irqs.of(owner, f.vintid)
                irq.become("pending", irq.pending | NO)
                return
        self.begin(f.vcpu, owner, f.vintid, f.register, value)

    @on(facts.SgiSent)
    def on_sgi(self, f: facts.SgiSent) -> None:
        """A guest makes an SGI pending for another, or for itself."""
        self.begin(f.vcpu, f.target, f.vintid, "pending", 1)

    def begin(self, who: int, owner: int, vintid: int, name: str, value: int) -> None:
        """VCPU ``who`` begins an access."""
        irq = self.irqs.of(owner, vintid)
        if name == "target":
            irq.routed = irq.routed or value != READ
            if lacks(irq.target, -1):
                irq.target = 1 << self.home.get(vintid, 0)
        if name == "group" and lacks(irq.group, -1):
            irq.group = self.group
        if name == "priority" and lacks(irq.priority, -1):
            irq.priority = 1 << step_of(self.setting.priority_of(vintid))
        if name == "pending" and value == 1:
            self.count(irq, vintid)
            irq.latched = True
        elif name == "pending" and value == 0:
            irq.cleared = True
        if vintid in self.levels:
            irq.raised = not lacks(irq.line, 1) or (irq.raised and bool(irq.under_way))
        irq.begin(who, name, value)
        of = self.of[who]
        of.touched = add(of.touched, (owner, vintid))

    def count(self, irq: Irq, vintid: int) -> None:
        """An event comes; if one is pending, this one may be told by itself or with it.

        The one may be in a List Register, and the other in the latch until that is read back. Of a
        GICv2's SGI each sender's is pending by itself.
        """
        if not lacks(irq.pending, YES):
            irq.more = irq.more + 1 if self.sourced and vintid < SGIS else 1

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """That guest goes on: its accesses are over."""
        v = f.vcpu
        if self.last.late:
            self.reached(v, gone=False)
        of = self.of[v]
        if of.touched:
            touched, of.touched = of.touched, ()
            for owner, vintid in touched:
                self.over(v, owner, vintid)

    def over(self, v: int, owner: int, vintid: int) -> None:
        """VCPU ``v``'s accesses to an interrupt are over.

        What it took away may be in the List Registers of others for as long as those stay in their
        guests, or are just about to enter them.
        """
        irq = self.irqs.of(owner, vintid)
        rest: list[tuple[int, int]] = []
        if (vintid >= FIRST_SPI or owner != v) and any(
            x.who == v and takes_away(x.name, x.value) for x in irq.under_way
        ):
            for w in range(self.setting.vcpus) if vintid >= FIRST_SPI else (owner,):
                if w != v and self.loaded.of[w].pcpu >= 0:
                    rest.append((w, 1 if self.guests.of[w].pcpu >= 0 else 2))
        looked = any(x.who == v and looks_again(x.name, x.value) for x in irq.under_way)
        irq.end(v, tuple(rest))
        if looked and self.has_fallen(irq, vintid) and not irq.raised and lacks(irq.active, YES):
            irq.set("pending", 0)
        if rest:
            self.last.late = add(self.last.late, (owner, vintid))

    @on(facts.Put)
    def on_put(self, f: facts.Put) -> None:
        """What a VCPU had in its List Registers was taken out of them."""
        if self.last.late:
            self.reached(f.vcpu, gone=True)

    def reached(self, v: int, *, gone: bool) -> None:
        """What was over for others has reached VCPU ``v``, too, or is about to."""
        late = []
        for owner, vintid in self.last.late:
            irq = self.irqs.of(owner, vintid)
            irq.entered(v, gone=gone)
            if any(x.rest for x in irq.under_way):
                late.append((owner, vintid))
        self.last.late = tuple(late)

    # -- devices -------------------------------------------------------------------------------

    @on(facts.DeviceRaised)
    def on_event(self, f: facts.DeviceRaised) -> None:
        """A level's line rises; of a passthrough edge nothing is there before the host has it."""
        irq = self.irqs.shared[f.vintid]
        irq.silent = False
        if f.vintid in self.levels:
            irq.line = 1
            irq.raised = True
            irq.become("pending", irq.pending | YES)
        elif f.vintid in self.software:
            self.count(irq, f.vintid)
        self.on_call(f)

    @on(facts.DeviceStillHigh)
    def on_call(self, f: facts.DeviceRaised | facts.DeviceStillHigh) -> None:
        """The VM monitor is about to signal, whatever becomes of the line before it does."""
        who = self.software.get(f.vintid, 0)
        if who:
            self.irqs.shared[f.vintid].begin(-self.setting.pcpus - who, "pending", 1)

    @on(facts.DeviceSignalled)
    def on_signalled(self, f: facts.DeviceSignalled) -> None:
        """It has: an edge is with KVM, and of a level nothing is on its way any more."""
        irq, who = self.irqs.shared[f.vintid], -self.setting.pcpus - self.software[f.vintid]
        if f.vintid in self.levels:
            irq.forget_accesses(who)
        else:
            self.arrived(irq, who, f.vintid)

    def arrived(self, irq: Irq, who: int, vintid: int) -> None:
        """An edge is with KVM, by ``who``: it may be lost if it came while LPIs were disabled."""
        if self.forwards(vintid) or vintid < FIRST_LPI:
            irq.end(who)
        else:
            irq.forget_accesses(who)
            irq.cleared = True
            irq.loosen("pending", 0)

    @on(facts.GuestLpis)
    def on_lpis(self, f: facts.GuestLpis) -> None:
        """A guest enables or disables LPIs: what is pending, or comes just now, may be lost."""
        for vintid, home in self.home.items():
            if vintid >= FIRST_LPI and home == f.owner:
                irq = self.irqs.shared[vintid]
                irq.cleared = True
                irq.loosen("pending", 0)

    @on(facts.DeviceServed)
    def on_served(self, f: facts.DeviceServed) -> None:
        """Its line falls; what is on its way may still be shown once."""
        if f.vintid in self.levels:
            irq = self.irqs.shared[f.vintid]
            irq.line = 0
            if not irq.latched:
                irq.become("pending", irq.pending | NO)

    @on(facts.AckedByHost)
    def on_host_ack(self, f: facts.AckedByHost) -> None:
        """The host has an edge of a device, not from before its reset: it is on its way."""
        vintid = self.devices.get(f.intid, -1)
        if vintid < 0:
            return
        self.on[f.pcpu].taken = vintid
        irq = self.irqs.shared[vintid]
        if f.intid in self.edges and not irq.silent:
            self.count(irq, vintid)
            irq.begin(-1 - f.pcpu, "pending", 1)

    @on(facts.IsrEnded)
    def on_isr_end(self, f: facts.IsrEnded) -> None:
        """Its handler is over: the edge must be with KVM."""
        on_cpu = self.on[f.pcpu]
        if on_cpu.taken >= 0:
            self.arrived(self.irqs.shared[on_cpu.taken], -1 - f.pcpu, on_cpu.taken)
            on_cpu.taken = -1

    # -- the CPU interface -----------------------------------------------------------------------

    @on(facts.AckedByGuest)
    def on_ack(self, f: facts.AckedByGuest) -> None:
        """A guest acknowledges an interrupt: look whether it is to be had."""
        last, vintid, v = self.last, f.vintid, self.guests.on[f.pcpu].vcpu
        if v < 0 or is_special(vintid):
            last.wrong = 0
            return
        irq = self.irqs.of(v, vintid)
        wrong = AGAIN if lacks(irq.active, NO) else 0
        if lacks(irq.enabled, YES) or self.switch.is_off_for(v, vintid):
            wrong |= DISABLED
        if not lacks(irq.group, -1) and lacks(irq.group, self.enabled_groups):
            wrong |= PARKED
        taken = self.take(irq, v, vintid)
        if vintid < SGIS or vintid in self.home:
            wrong |= taken
        last.wrong = wrong
        if vintid >= FIRST_LPI:
            return  # an LPI has no active state
        if irq.under_way:
            irq.set("active", 1)
        else:
            irq.active = YES

    def take(self, irq: Irq, v: int, vintid: int) -> int:
        """Take what is pending; return what is wrong with that."""
        wrong = SPURIOUS_ACK if lacks(irq.pending, YES) else 0
        if vintid >= FIRST_SPI and self.is_elsewhere(irq, v, vintid):
            wrong |= ELSEWHERE
        irq.latched = irq.cleared = False
        # An access to its route may take effect only behind this.
        irq.routed = irq.routed and any(x.name == "target" for x in irq.under_way)
        # A line that is high is reason enough: it witnesses no write to ISPENDR.
        if irq.under_way and not wrong and lacks(irq.line, 1):
            irq.witness("pending", 1)
        irq.set("pending", 0)
        if vintid in self.levels and not lacks(irq.line, 1):
            irq.become("pending", YES if lacks(~irq.line, 1) else NO | YES)
        if irq.more:
            irq.more -= 1
            irq.become("pending", irq.pending | YES)
        return wrong

    def has_fallen(self, irq: Irq, vintid: int) -> bool:
        """Tell whether it is a device's level, pending by its line alone, and that is low."""
        return vintid in self.levels and not irq.latched and lacks(irq.line, 1)

    def is_elsewhere(self, irq: Irq, v: int, vintid: int) -> bool:
        """Tell whether an SPI certainly goes to others than VCPU ``v``."""
        if lacks(irq.target, -1):
            return self.home[vintid] != v
        return lacks(irq.target, 1 << v)

    @on(facts.DeactivatedByGuest)
    def on_deactivate(self, f: facts.DeactivatedByGuest) -> None:
        """A guest deactivates one: it may come again, a level if its line is high."""
        v = self.guests.on[f.pcpu].vcpu
        if v < 0:
            return
        irq = self.irqs.of(v, f.vintid)
        ends = lacks(irq.active, NO)
        irq.set("active", 0)
        if ends and self.has_fallen(irq, f.vintid):
            irq.set("pending", 0)

    # -- the VM monitor --------------------------------------------------------------------------

    @on(facts.RegisterWritten)
    def on_register(self, f: facts.RegisterWritten) -> None:
        """It reset an interrupt; one that was routed goes where it went at first from here on."""
        if f.register == "reset":
            irq = self.irqs.of(f.owner, f.vintid)
            routed = irq.routed
            irq.reset()
            irq.routed, irq.silent = routed, True

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """It reset a VCPU, whose guest makes no access any more, and has nothing to end.

        Of the devices' interrupts that are routed there at first, too: that KVM resets those is
        not taken for granted.
        """
        of = self.of[f.vcpu]
        for vintid, home in self.home.items():
            if home == f.vcpu:
                self.irqs.shared[vintid].active = NO
        for owner, vintid in of.touched:
            self.irqs.of(owner, vintid).forget_accesses(f.vcpu)
        of.touched = ()
