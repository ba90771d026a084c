"""Edges are neither lost nor made from nothing on their way through KVM (I6)."""

from model import facts
from model.check.alarm import alarm
from model.check.interrupts import Interrupts
from model.check.listener import on
from model.check.rule import EVENTUALLY, Rule
from model.check.state import State
from model.check.views.finished import Finished
from model.check.views.guest_priorities import GuestPriorities
from model.check.views.guests import Guests
from model.check.views.ideal_gic import IdealGic
from model.check.views.loaded_vcpus import LoadedVcpus
from model.check.views.running_priority import is_special
from model.gic.lr import PENDING
from model.gic.registers import FIRST_LPI, FIRST_SPI, SGIS

__all__ = ["I6"]


class Edge(State):
    """Where the events of one virtual edge are.

    ``sure``: the software latch is certainly set; ``many``: how many events may be in it, one (or,
    for an SGI of a GICv2, one per sender) at the most, but a flush takes one out before it shows;
    ``shown``: it is pending in a List Register, and ``made_up``: nothing was accepted for that.
    ``target`` is the VCPU to which the guest routed it (-1: nowhere else than at first).
    """

    enabled: bool = True
    sure: bool = False
    many: int = 0
    shown: bool = False
    made_up: bool = False
    target: int = -1


class OnCpu(State):
    """``acked`` is what the CPU's handler acknowledged and has not injected yet (a vINTID; -1)."""

    acked: int = -1


class OfVcpu(State):
    """``sgi`` is what the guest sent and KVM has not injected yet: target and vINTID, or empty."""

    sgi: tuple[int, ...] = ()


class I6(Rule):
    """Each edge that was accepted is represented once until its guest acknowledges it.

    From the host's acknowledge (before it, R20, R21 and R25 say so) through the software latch and
    List Registers to the guest's. Coalescing is legal, into the latch. A flush takes the latch
    before the List Register is seen to be written, so an event between the two can look as if it
    had been coalesced until the next fold tells. The guest's: an event that it never hears of, or
    one that there was not.
    """

    id = "I6"
    section = "Edge and Level, paragraphs 3 and 4 (derived; Linux d42c79701a3e, Xen 394b7e587b)"
    title = "no accepted edge is lost, and a guest acknowledges none that was not accepted"
    kind = EVENTUALLY
    guest = True
    trusts = (
        "what the guest set or cleared is so from when KVM carries it out; a write that is only "
        "claimed is told by G3 and G9, from the guest's own access"
    )

    NOT_INJECTED = alarm(
        "not-injected",
        "CPU {pcpu} acknowledged INTID {intid} and ended its handler without injecting vINTID "
        "{vintid}: that edge is nowhere",
    )
    SGI = alarm(
        "sgi",
        "VCPU {vcpu} entered its guest again and the SGI {vintid} that it sent to VCPU {target} "
        "was not injected",
    )
    LOST = alarm(
        "lost",
        "VCPU {vcpu} folded vINTID {vintid} as not pending, but an edge was accepted that its "
        "guest has not acknowledged: it is lost",
    )
    MADE_UP = alarm(
        "made-up",
        "the guest of VCPU {vcpu} acknowledged vINTID {vintid} on CPU {pcpu}, for which no edge "
        "was accepted since it acknowledged the last one",
    )
    OWED = alarm("owed", "an edge of vINTID {vintid}, accepted for VCPU {vcpu}")

    guests: Guests
    loaded: LoadedVcpus
    priorities: GuestPriorities
    ideal: IdealGic
    finished: Finished

    def setup(self) -> None:
        """Make the states; note which interrupts are edges."""
        edges = [x for x in self.setting.drivers if not x.level]
        self.vcpu_of = {x.vintid: x.vcpu for x in edges}
        self.vintid_of = {x.intid: x.vintid for x in edges}
        self.sourced = self.setting.gic_version == 2
        self.edges = Interrupts(self, Edge)
        self.on = self.each_pcpu(OnCpu)
        self.sent = self.each_vcpu(OfVcpu, "sent")

    def edge(self, v: int, vintid: int) -> Edge | None:
        """Return the events of an interrupt, or None if it is no edge."""
        if vintid >= SGIS and vintid not in self.vcpu_of:
            return None
        return self.edges.of(v, vintid)

    # -- into KVM ------------------------------------------------------------------------------

    @on(facts.AckedByHost)
    def on_host_ack(self, f: facts.AckedByHost) -> None:
        """The host has the edge."""
        if f.intid in self.vintid_of:
            self.on[f.pcpu].acked = self.vintid_of[f.intid]

    @on(facts.IsrEnded)
    def on_isr_end(self, f: facts.IsrEnded) -> None:
        """It must have given it to KVM."""
        on_cpu = self.on[f.pcpu]
        vintid, on_cpu.acked = on_cpu.acked, -1
        if vintid >= 0:
            self.report(self.NOT_INJECTED, pcpu=f.pcpu, intid=f.intid, vintid=vintid)

    @on(facts.SgiSent)
    def on_sgi(self, f: facts.SgiSent) -> None:
        """A guest sent an SGI: it trapped."""
        self.sent[f.vcpu].sgi = (f.target, f.vintid)

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """KVM must have carried it out."""
        sent = self.sent[f.vcpu]
        sgi, sent.sgi = sent.sgi, ()
        if sgi:
            self.report(self.SGI, vcpu=f.vcpu, target=sgi[0], vintid=sgi[1])

    @on(facts.Injected)
    def on_inject(self, f: facts.Injected) -> None:
        """An edge is in the latch; it may find another there."""
        edge = self.edge(f.vcpu, f.vintid)
        if edge is not None and f.accepted:
            edge.sure = True
            edge.many += 1

    @on(facts.Injected)
    def on_passed_on(self, f: facts.Injected) -> None:
        """Who owed that to KVM, a handler or the sender of an SGI, owes it no more."""
        vintid = f.vintid
        dropped = not f.accepted and vintid < FIRST_LPI
        if f.pcpu < 0 or dropped or (vintid >= SGIS and vintid not in self.vcpu_of):
            return
        on_cpu = self.on[f.pcpu]
        if on_cpu.acked == vintid:
            on_cpu.acked = -1
        if vintid < SGIS:
            # The sender runs here.
            v = self.loaded.on[f.pcpu].vcpu
            if v >= 0 and self.sent[v].sgi == (f.vcpu, vintid):
                self.sent[v].sgi = ()

    @on(facts.RegisterWritten)
    def on_register(self, f: facts.RegisterWritten) -> None:
        """The guest set, cleared, enabled or disabled it, or the VM monitor reset it."""
        edge = self.edge(f.owner, f.vintid)
        if edge is None:
            return
        register = f.register
        if register == "ispendr":
            edge.sure = True
            edge.many += 1
        elif register == "icpendr":
            # A flush may have taken it before, and will show it.
            edge.sure = False
        elif register in ("isenabler", "icenabler"):
            edge.enabled = register == "isenabler"
        elif register == "reset":
            edge.reset()

    @on(facts.Retargeted)
    def on_retarget(self, f: facts.Retargeted) -> None:
        """It goes elsewhere from here on."""
        edge = self.edge(f.vcpu, f.vintid)
        if edge is not None:
            edge.target = f.target

    # -- through the List Registers --------------------------------------------------------------

    @on(facts.LrWritten)
    def on_read_back(self, f: facts.LrWritten) -> None:
        """What was pending in a List Register is read back: the fold owes it to the latch."""
        before = f.before
        if not before.state & PENDING:
            return
        v = self.loaded.on[f.pcpu].vcpu
        edge = self.edge(v, before.vintid) if v >= 0 else None
        if edge is None:
            return
        made_up = edge.made_up
        shown, edge.shown, edge.made_up = edge.shown, False, False
        if shown:
            edge.sure = not made_up
            edge.many += not made_up

    @on(facts.LrWritten)
    def on_show(self, f: facts.LrWritten) -> None:
        """One event is taken out of the latch, if there is one, and shown to the guest."""
        after = f.after
        if not after.state & PENDING:
            return
        v = self.loaded.on[f.pcpu].vcpu
        edge = self.edge(v, after.vintid) if v >= 0 else None
        if edge is None:
            return
        edge.shown = True
        edge.sure = False
        many = edge.many
        edge.made_up = many == 0
        if many:
            edge.many = many - 1

    @on(facts.Folded, facts.SoftwareChanged)
    def on_fold(self, f: facts.Folded | facts.SoftwareChanged) -> None:
        """The latch is as KVM says; what was certainly in it must be."""
        edge = self.edge(f.vcpu, f.vintid)
        if edge is None:
            return
        if not f.pending_latch:
            sure, edge.sure, edge.many = edge.sure, False, 0
            if sure:
                self.report(self.LOST, vcpu=f.vcpu, vintid=f.vintid)
            return
        if not self.sourced or f.vintid >= SGIS:
            edge.many = min(edge.many, 1)
        edge.sure = edge.many > 0

    @on(facts.AckedByGuest)
    def on_guest_ack(self, f: facts.AckedByGuest) -> None:
        """The guest has the edge, the one that was shown to it."""
        vintid = f.vintid
        if is_special(vintid):
            return
        v = self.guests.on[f.pcpu].vcpu
        edge = self.edge(v, vintid) if v >= 0 else None
        if edge is None:
            return
        made_up = edge.made_up
        shown, edge.shown, edge.made_up = edge.shown, False, False
        if not shown or made_up:
            self.report(self.MADE_UP, vcpu=v, vintid=vintid, pcpu=f.pcpu)

    def at_rest(self) -> None:
        """Name the edges that a guest lets through and has not got."""
        for v, vintid, edge in self.edges:
            if not (edge.sure or edge.shown) or not edge.enabled:
                continue
            if self.ideal.is_held(v, vintid):
                continue
            target = v
            if vintid >= FIRST_SPI:
                target = edge.target if edge.target >= 0 else self.vcpu_of[vintid]
            if not self.finished.of[target].yes and self.priorities.takes(target, vintid):
                self.report(self.OWED, vintid=vintid, vcpu=target)
