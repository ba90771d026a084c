"""Nothing stays active that its guest has ended (G6)."""

from model import facts
from model.check.alarm import alarm
from model.check.interrupts import Interrupts
from model.check.listener import on
from model.check.rule import EVENTUALLY, Rule
from model.check.setting import Setting
from model.check.state import State
from model.check.unknown import Debt
from model.check.views.active_states import ActiveStates
from model.check.views.finished import Finished
from model.check.views.guest_priorities import GuestPriorities
from model.check.views.ideal_gic import NO, YES, IdealGic, Irq
from model.gic.registers import FIRST_LPI

__all__ = ["G6"]


class OnItsWay(State):
    """``yes``: the host has taken a device's interrupt, and its guest has not acknowledged it."""

    yes: Debt[bool] = False


class InMemory(State):
    """``active``: so it reads at the emulated distributor, as far as was told."""

    active: Debt[bool] = False


class G6(Rule):
    """At rest an interrupt is active only if a guest has acknowledged it and not ended it.

    Of a device's interrupt the distributor's active state is what counts, and that it is neither
    pending for its guest; of others what a read of ISACTIVER would give. What stays active never
    comes again. A level whose line has fallen may be on its way still, to a guest that takes none,
    where a fall may reach the distributor late (``gic_messages=lagging``).
    """

    id = "G6"
    section = "a GIC without virtualisation (IHI0069 4.1.2)"
    title = "no interrupt is left active that its guest has ended"
    kind = EVENTUALLY
    guest = True
    trusts = (
        "whether it reads as active is KVM's memory, and the claim dates when an access took "
        "effect there; what the guest has ended is the guest's own"
    )

    DEVICE = alarm(
        "device",
        "INTID {intid} (vINTID {vintid}) is still active at the distributor, though its guest "
        "neither handles it nor has it pending",
    )
    READS = alarm(
        "reads",
        "vINTID {vintid} of VCPU {vcpu} still reads as active, though its guest has ended it",
    )

    ideal: IdealGic
    active: ActiveStates
    finished: Finished
    priorities: GuestPriorities

    def setup(self) -> None:
        """Make the states; note which devices have an active state."""
        self.devices = [
            (x.vcpu, x.intid, x.vintid) for x in self.setting.forwards if x.intid < FIRST_LPI
        ]
        self.memory = Interrupts(self, InMemory)
        late = self.ideal.levels if self.setting.gic_messages == "lagging" else frozenset[int]()
        levels = [(i, n) for _, i, n in self.devices if n in late]
        self.taken = {intid: self.one(OnItsWay, f"intid{intid}") for intid, _ in levels}
        self.shown = {vintid: self.taken[intid] for intid, vintid in levels}

    @classmethod
    def applies(cls, setting: Setting) -> bool:
        """Not where KVM polls for deactivations, and errs (``model.rules.guest.excuses``)."""
        return setting.lr_on_guest_deactivate != "polled"

    @on(facts.AckedByHost)
    def on_host_ack(self, f: facts.AckedByHost) -> None:
        """The host takes it: it is on its way."""
        if f.intid in self.taken:
            self.taken[f.intid].yes = True

    @on(facts.AckedByGuest)
    def on_guest_ack(self, f: facts.AckedByGuest) -> None:
        """Its guest has it."""
        if f.vintid in self.shown:
            self.shown[f.vintid].yes = False

    @on(facts.Folded, facts.SoftwareChanged)
    def on_memory(self, f: facts.Folded | facts.SoftwareChanged) -> None:
        """What a read would give is this."""
        self.memory.of(f.vcpu, f.vintid).active = f.active

    @on(facts.RegisterWritten)
    def on_register(self, f: facts.RegisterWritten) -> None:
        """An active state was written."""
        if f.register in ("icactiver", "isactiver", "reset"):
            self.memory.of(f.owner, f.vintid).active = f.register == "isactiver"

    @on(facts.Emulated)
    def on_emulated(self, f: facts.Emulated) -> None:
        """KVM deactivates it in memory."""
        self.memory.of(f.vcpu, f.vintid).active = False

    def at_rest(self) -> None:
        """Name what is left active."""
        for v, intid, vintid in self.devices:
            irq = self.ideal.irq(v, vintid)
            idle = irq.active == NO and irq.pending == NO
            if not idle or not self.active.has(-1, intid):
                continue
            waits = intid in self.taken and self.taken[intid].yes and not self.takes(irq, vintid)
            if not waits:
                self.report(self.DEVICE, intid=intid, vintid=vintid)
        for v, vintid, memory in self.memory:
            if memory.active and vintid < FIRST_LPI and self.ideal.irq(v, vintid).active == NO:
                self.report(self.READS, vcpu=self.ideal.home.get(vintid, v), vintid=vintid)

    def takes(self, irq: Irq, vintid: int) -> bool:
        """Tell whether the guest that an SPI goes to would take it now."""
        v = self.ideal.goes_to(irq, vintid)
        if v < 0 or self.finished.of[v].yes:
            return False
        parked = self.ideal.may_be_parked(irq)
        return irq.enabled == YES and not parked and self.priorities.takes(v, vintid)
