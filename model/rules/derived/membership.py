"""What belongs on an ap_list and may not fall off it (I5).

Linux arch/arm64/kvm/vgic/vgic.c: vgic_target_oracle, vgic_queue_irq_unlock, vgic_prune_ap_list.
"""

from model import facts
from model.check.alarm import alarm
from model.check.interrupts import Interrupts
from model.check.listener import on
from model.check.rule import EVENTUALLY, Rule
from model.check.state import State
from model.check.views.distributor_switch import DistributorSwitch
from model.check.views.finished import Finished
from model.check.views.flushed_lpis import FlushedLpis
from model.check.views.loaded_vcpus import LoadedVcpus
from model.gic.lr import PENDING
from model.gic.registers import FIRST_SPI, SGIS

__all__ = ["I5"]


class Irq(State):
    """KVM's software state of one virtual interrupt, as far as facts tell it.

    ``owner`` is the VCPU on whose ap_list it is (-1: none), ``target`` the one to which the guest
    routed it (-1: nowhere else than at first). ``queueing``: who made it pending or active is about
    to put it on a list.
    """

    enabled: bool = True
    active: bool = False
    latch: bool = False
    line: bool = False
    owner: int = -1
    target: int = -1
    queueing: bool = False

    def belongs(self, *, on: bool) -> bool:
        """Tell whether it belongs on an ap_list (vgic_target_oracle), the distributor ``on``."""
        return self.active or (on and self.enabled and (self.latch or self.line))


class I5(Rule):
    """Membership: what is active, or pending and enabled, is on an ap_list.

    What is written into a List Register is no longer pending in software; I4 says that it is on the
    list. At an entry only what was taken off wrongly shows: what was never put on may still be
    under way to it, and is owed at rest. So may an SPI that goes to another VCPU now: its owner
    gives it up at its next exit, and nobody kicks it for that (vgic_mmio_write_irouter).

    Nor is it put on the list of a VCPU that it does not go to: whoever puts it there holds
    irq_lock, under which IROUTER is written, and looked at it once more.
    """

    id = "I5"
    section = "vgic.c, vgic_target_oracle (derived; Bao issue 371)"
    title = "what is active, or pending and enabled, is on an ap_list, in the end of its target"
    kind = EVENTUALLY
    trusts = (
        "what KVM takes for its state is held against its own lists; the guest's view of the "
        "same is G9's and L1's"
    )

    MISPLACED = alarm(
        "misplaced",
        "vINTID {vintid} was put on the ap_list of VCPU {vcpu}, but goes to VCPU {target}",
    )
    ENTERED = alarm(
        "entered",
        "VCPU {vcpu} entered its guest on CPU {pcpu} while its vINTID {vintid} is "
        "{active:pending and enabled|active} and on no ap_list",
    )
    STRAY = alarm(
        "stray",
        "vINTID {vintid} of VCPU {vcpu} is {active:pending and enabled|active} and on no ap_list",
    )
    ELSEWHERE = alarm(
        "elsewhere",
        "vINTID {vintid} is pending and enabled on the ap_list of VCPU {owner}, but goes to VCPU "
        "{vcpu}",
    )

    loaded: LoadedVcpus
    finished: Finished
    switch: DistributorSwitch
    flushed: FlushedLpis

    def setup(self) -> None:
        """Make the states, by interrupt; note where SPIs and LPIs go at first."""
        self.irqs = Interrupts(self, Irq)
        self.homes = {x.vintid: x.vcpu for x in self.setting.drivers}
        self.edges = frozenset(x.vintid for x in self.setting.drivers if not x.level)

    def is_level(self, vintid: int) -> bool:
        """Tell whether it is a level interrupt."""
        return vintid >= SGIS and vintid not in self.edges

    def target(self, irq: Irq, v: int, vintid: int) -> int:
        """Return the VCPU that an interrupt goes to: ``v``'s own to ``v``.

        Of one that the VM has, and nobody knows of, -1.
        """
        if vintid < FIRST_SPI:
            return v
        target = irq.target
        return target if target >= 0 else self.homes.get(vintid, -1)

    # -- what it is ------------------------------------------------------------------------------

    @on(facts.Injected)
    def on_inject(self, f: facts.Injected) -> None:
        """Its line rose or fell, or it got an edge."""
        if not f.accepted:
            return
        irq = self.irqs.of(f.vcpu, f.vintid)
        if self.is_level(f.vintid):
            irq.line = f.level
        else:
            irq.latch = True
        irq.queueing = irq.owner < 0

    @on(facts.Resampled)
    def on_resample(self, f: facts.Resampled) -> None:
        """KVM read its line again."""
        self.irqs.of(f.vcpu, f.vintid).line = f.level

    @on(facts.LrWritten)
    def on_written(self, f: facts.LrWritten) -> None:
        """What is put into a List Register is in software no more."""
        after = f.after
        if after.state & PENDING:
            v = self.loaded.on[f.pcpu].vcpu
            if v >= 0:
                irq = self.irqs.of(v, after.vintid)
                irq.latch = irq.line = False

    @on(facts.Folded)
    def on_fold(self, f: facts.Folded) -> None:
        """What was in a List Register is in software again."""
        irq = self.irqs.of(f.vcpu, f.vintid)
        irq.active = f.active
        irq.latch = f.pending_latch
        irq.line = f.line_level and self.is_level(f.vintid)

    @on(facts.SoftwareChanged)
    def on_change(self, f: facts.SoftwareChanged) -> None:
        """Its software state became another in some other way."""
        irq = self.irqs.of(f.vcpu, f.vintid)
        irq.enabled, irq.active, irq.latch = f.enabled, f.active, f.pending_latch
        irq.line = f.line_level and self.is_level(f.vintid)

    @on(facts.RegisterWritten)
    def on_register(self, f: facts.RegisterWritten) -> None:
        """The guest changed it, or the VM monitor reset it."""
        irq, register = self.irqs.of(f.owner, f.vintid), f.register
        if register in ("isenabler", "icenabler"):
            irq.enabled = register == "isenabler"
        elif register in ("ispendr", "icpendr"):
            irq.latch = register == "ispendr"
        elif register in ("isactiver", "icactiver"):
            irq.active = register == "isactiver"
        elif register == "reset":
            irq.enabled = True
            irq.active = irq.latch = irq.line = False
            irq.target = -1
        irq.queueing = irq.owner < 0 and (
            register.startswith("is") or (irq.queueing and register != "reset")
        )

    # -- where it is -----------------------------------------------------------------------------

    @on(facts.Retargeted)
    def on_retarget(self, f: facts.Retargeted) -> None:
        """It goes elsewhere from here on."""
        self.irqs.of(f.vcpu, f.vintid).target = f.target

    @on(facts.Queued)
    def on_queue(self, f: facts.Queued) -> None:
        """It is put on a list: that of the VCPU it goes to."""
        v, vintid = f.vcpu, f.vintid
        irq = self.irqs.of(v, vintid)
        irq.owner = v
        irq.queueing = False
        if vintid >= FIRST_SPI:
            target = self.target(irq, v, vintid)
            if target not in (v, -1):
                self.report(self.MISPLACED, vintid=vintid, vcpu=v, target=target)

    @on(facts.Unqueued)
    def on_unqueue(self, f: facts.Unqueued) -> None:
        """It is taken off one."""
        self.irqs.of(f.vcpu, f.vintid).owner = -1

    # -- whether that is right -------------------------------------------------------------------

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """Nothing that goes to this VCPU has fallen off its list; name the first that has."""
        v, irqs, on = f.vcpu, self.irqs, self.switch.is_on()
        private, shared = irqs.private[v], irqs.shared
        for members in (private, shared):
            strays = [
                vintid
                for vintid, irq in members.items()
                if irq.owner < 0
                and irq.belongs(on=on)
                and not irq.queueing
                and self.target(irq, v, vintid) == v
                and not self.flushed.has(v, vintid)
            ]
            if strays:
                vintid = min(strays)
                active = members[vintid].active
                self.report(self.ENTERED, vcpu=v, pcpu=f.pcpu, vintid=vintid, active=active)
                return

    def at_rest(self) -> None:
        """Name what is on no list, and what is on one where it does no good."""
        finished, on = self.finished.of, self.switch.is_on()
        for v, vintid, irq in self.irqs:
            target = self.target(irq, v, vintid)
            if target < 0 or not irq.belongs(on=on) or finished[target].yes:
                continue
            if self.flushed.has(v, vintid):
                continue
            owner, active = irq.owner, irq.active
            if owner < 0:
                self.report(self.STRAY, vintid=vintid, vcpu=target, active=active)
            elif owner != target and not active and not finished[owner].yes:
                self.report(self.ELSEWHERE, vintid=vintid, vcpu=target, owner=owner)
