"""A guest that runs on is made to take what has come for it (G7)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.table import Keys, add, remove
from model.check.unknown import Debt
from model.check.views.guests import Guests
from model.check.views.ideal_gic import IdealGic
from model.check.views.ipis import Ipis
from model.check.views.list_registers import ListRegisters
from model.gic.lr import Lr
from model.gic.registers import FIRST_SPI, SGIS

__all__ = ["G7"]


NOBODY = (-1, False)
DEVICE = -1
"""Who sends what is no SGI, or one that anybody may have sent."""
VMM = (-1, True)
"""Who kicks: a CPU, and whether in a handler. A thread of the VM monitor's has none: that its IPI
comes L1 and G9 tell."""


class OnCpu(State):
    """``taken``: the host handles this device's vINTID. ``in_isr``: a handler runs there.

    ``full``: its guest was entered with no List Register left. ``ended``: its guest has ended one
    with the EOI bit, which makes it exit.
    """

    full: Debt[bool] = False
    ended: Debt[bool] = False
    taken: Debt[int] = -1
    in_isr: Debt[bool] = False


class OfVcpu(State):
    """``sent``: what its guest has made pending or enabled just now: for whom, vINTID and sender.

    ``kicker``: who is about to send it an IPI, a CPU and whether a handler there; ``left`` are the
    vINTIDs that are left to that IPI. ``came`` has what came while it was out of its guest. Each
    of the latter with the VCPU that sent it (-1: a device).
    """

    sent: Debt[Keys[tuple[int, int, int]]] = ()
    kicker: Debt[tuple[int, bool]] = NOBODY
    left: Debt[Keys[tuple[int, int]]] = ()
    came: Debt[Keys[tuple[int, int]]] = ()


class G7(Rule):
    """Who runs a guest for which an interrupt has come is interrupted, or has it at hand already.

    When the host's handler of a device ends, or the VM monitor's call for its device, or a guest
    goes on that has sent an SGI, set an interrupt pending or enabled it, the VCPU that it is for is
    out of its guest, has it in a List Register, or an IPI is under way to its CPU. A busy guest
    would get it late, or never. That KVM is about to send one (``Kicked``) is taken for no more: it
    must, before it goes on.
    """

    id = "G7"
    section = "Forwarded LPIs, paragraph 3 (a GIC without virtualisation)"
    title = "a guest that runs on is interrupted for what has come for it"
    guest = True
    trusts = (
        "that an IPI is to be sent is taken as a promise: it must be at the distributor "
        "(IpiSent) before its maker goes on; of writes a reset alone is heard, the VM monitor's"
    )

    UNTOLD = alarm(
        "untold",
        "vINTID {vintid} has come for VCPU {vcpu}, whose guest runs on on CPU {pcpu}: it is in no "
        "List Register, and nothing interrupts that CPU",
    )

    ideal: IdealGic
    guests: Guests
    lrs: ListRegisters
    ipis: Ipis

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(OnCpu)
        self.of = self.each_vcpu(OfVcpu)
        self.devices = {x.intid: x.vintid for x in self.setting.forwards}

    @on(facts.AckedByHost)
    def on_host_ack(self, f: facts.AckedByHost) -> None:
        """The host takes a device's interrupt."""
        if f.intid in self.devices:
            self.on[f.pcpu].taken = self.devices[f.intid]

    @on(facts.AckedByGuest)
    def on_guest_ack(self, f: facts.AckedByGuest) -> None:
        """The guest has it already; what its device does next is another interrupt."""
        if f.vintid >= FIRST_SPI:
            self.over(f.vintid)

    @on(facts.RegisterWritten)
    def on_register(self, f: facts.RegisterWritten) -> None:
        """The VM monitor resets it."""
        if f.register == "reset" and f.vintid >= FIRST_SPI:
            self.over(f.vintid)

    def over(self, vintid: int) -> None:
        """What has come of a device is dealt with."""
        for on_cpu in self.on:
            if on_cpu.taken == vintid:
                on_cpu.taken = -1
        for of in self.of:
            if of.came:
                of.came = remove(of.came, (vintid, DEVICE))

    @on(facts.IpiSent)
    def on_ipi(self, f: facts.IpiSent) -> None:
        """An IPI is at the distributor."""
        v = self.guests.on[f.target].vcpu
        if v >= 0:
            of = self.of[v]
            of.kicker = NOBODY
            of.left = ()

    @on(facts.Kicked)
    def on_kick(self, f: facts.Kicked) -> None:
        """KVM is about to send one: others leave it to that."""
        if f.ipi and f.pcpu < 0:
            self.of[f.vcpu].kicker = VMM
        elif f.ipi:
            self.of[f.vcpu].kicker = (f.pcpu, self.on[f.pcpu].in_isr)

    @on(facts.LrMoved)
    def on_move(self, f: facts.LrMoved) -> None:
        """A guest's access moved a List Register; EISR asks for an exit (IHI0069 ICH_EISR_EL2)."""
        if f.after.eoi and not f.after.state and not f.after.hw:
            self.on[f.pcpu].ended = True
        if f.access == "iar" and f.before.vintid < SGIS and self.setting.gic_version == 2:
            self.taken_of(self.guests.on[f.pcpu].vcpu, f.before.vintid, f.before.source)

    def taken_of(self, v: int, vintid: int, sender: int) -> None:
        """Note that VCPU ``v``'s guest has what ``sender`` sent, and waits for it no more."""
        if v < 0:
            return
        of, by = self.of[v], self.of[sender]
        if by.sent:
            by.sent = remove(by.sent, (v, vintid, sender))
        if of.came:
            of.came = remove(of.came, (vintid, sender))
        if of.left:
            of.left = remove(of.left, (vintid, sender))

    @on(facts.Exited)
    def on_exit(self, f: facts.Exited) -> None:
        """It is out of its guest, and looks at everything before it enters again."""
        of = self.of[f.vcpu]
        self.on[f.pcpu].ended = False
        of.kicker = NOBODY
        of.left = ()

    def goes_on(self, place: tuple[int, bool]) -> None:
        """Whoever ran there goes on: an IPI that it has not sent will not come."""
        for v, of in enumerate(self.of):
            if of.kicker == place:
                left, of.kicker, of.left = of.left, NOBODY, ()
                for vintid, sender in left:
                    self.check(v, vintid, sender)

    @on(facts.IsrBegan)
    def on_isr(self, f: facts.IsrBegan) -> None:
        """A handler begins."""
        self.on[f.pcpu].in_isr = True

    @on(facts.IsrEnded)
    def on_isr_end(self, f: facts.IsrEnded) -> None:
        """The host has done what it does."""
        on_cpu = self.on[f.pcpu]
        on_cpu.in_isr = False
        self.goes_on((f.pcpu, True))
        vintid, on_cpu.taken = on_cpu.taken, -1
        if vintid >= 0:
            self.check(-1, vintid, DEVICE)

    @on(facts.EoiNotified)
    def on_notified(self, f: facts.EoiNotified) -> None:
        """KVM lowers a line and says so: it is the VM monitor's to raise it again."""
        self.over(f.vintid)

    @on(facts.DeviceSignalled)
    def on_signalled(self, f: facts.DeviceSignalled) -> None:
        """The VM monitor's call for its device is over."""
        if not f.again:
            self.check(-1, f.vintid, DEVICE)

    @on(facts.SgiSent)
    def on_sgi(self, f: facts.SgiSent) -> None:
        """A guest sends an SGI."""
        of = self.of[f.vcpu]
        of.sent = add(of.sent, (f.target, f.vintid, f.vcpu))

    @on(facts.GuestAccess)
    def on_access(self, f: facts.GuestAccess) -> None:
        """A guest makes an interrupt pending."""
        if f.register == "pending" and f.value == 1:
            of = self.of[f.vcpu]
            of.sent = add(of.sent, (f.owner, f.vintid, DEVICE))

    @on(facts.GuestEnable)
    def on_enable(self, f: facts.GuestEnable) -> None:
        """A guest enables one, which was pending before if it is an edge."""
        if f.enabled and f.vintid not in self.ideal.levels:
            of = self.of[f.vcpu]
            of.sent = add(of.sent, (f.owner, f.vintid, DEVICE))

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """It goes on: what it sent was carried out, and it has what came for it."""
        of = self.of[f.vcpu]
        self.on[f.pcpu].full = len(self.lrs.on[f.pcpu].used) >= self.setting.lrs
        self.goes_on((f.pcpu, False))
        if of.came:
            came, of.came = of.came, ()
            for vintid, sender in came:
                self.check(f.vcpu, vintid, sender)
        if of.sent:
            sent, of.sent = of.sent, ()
            for v, vintid, sender in sent:
                self.check(v, vintid, sender)

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """Its guest starts anew."""
        of = self.of[f.vcpu]
        of.sent = of.came = ()

    def check(self, v: int, vintid: int, sender: int) -> None:
        """Complain if ``vintid`` is due for a guest that runs on and does not hear of it."""
        irq = self.ideal.irq(v, vintid)
        if irq.routed or not self.ideal.is_due(irq, vintid):
            return
        if vintid >= FIRST_SPI:
            v = self.ideal.goes_to(irq, vintid)
        if v < 0:
            return
        c = self.guests.of[v].pcpu
        if c < 0:
            of = self.of[v]
            of.came = add(of.came, (vintid, sender if vintid < SGIS else DEVICE))
            return
        if self.ipis.on[c].coming or self.on[c].ended or self.lrs.has_a_turn(c):
            return
        # What found no register waits for one: for the maintenance interrupt, when one is free.
        if self.on[c].full or any(self.shows(lr, vintid, sender) for _, lr in self.lrs.on[c].used):
            return
        of = self.of[v]
        if of.kicker != NOBODY:
            of.left = add(of.left, (vintid, sender))
        else:
            self.report(self.UNTOLD, vcpu=v, vintid=vintid, pcpu=c)

    def shows(self, lr: Lr, vintid: int, sender: int) -> bool:
        """Tell whether a List Register brings ``vintid``, or the exit at which it comes.

        A GICv2 has an SGI pending once for each sender, and one register for all of them: the
        others come when the end of the first makes an exit (the EOI bit; Linux 16ca6a607d84).
        """
        if lr.vintid != vintid or sender == DEVICE:
            return lr.vintid == vintid
        other = self.setting.gic_version == 2 and vintid < SGIS and lr.source != sender
        return not other or lr.eoi
