"""KVM's lists of what is pending or active for a VCPU (ap_list): who is on which (I4).

Linux arch/arm64/kvm/vgic/vgic.c: vgic_queue_irq_unlock, vgic_prune_ap_list.
"""

from model import facts
from model.check.alarm import alarm
from model.check.interrupts import Interrupts
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.views.flushed_lpis import FlushedLpis
from model.check.views.list_registers import ListRegisters

__all__ = ["I4"]


class Listed(State):
    """``vcpu`` is on whose ap_list the interrupt is, or -1."""

    vcpu: int = -1


class I4(Rule):
    """One place for each: what VCPUs share is on at most one ap_list, and on that once.

    Facts do not show ``irq->vcpu``; that an interrupt is taken off only where it was put, and put
    on only where none has it, is what it comes to. An LPI that is taken off as LPIs are being
    disabled may stay in a List Register until that is saved: the fold then finds no such LPI.
    """

    id = "I4"
    section = "vgic.c, comment on locking (derived; Xen 91ef736493)"
    title = "an interrupt is on one ap_list at most, and where it is in an LR it is on that VCPU's"
    trusts = "what is claimed is judged: that the interrupt is on that list"

    TWICE = alarm(
        "twice",
        "vINTID {vintid} was put on the ap_list of VCPU {vcpu} while it was on that of VCPU "
        "{owner}",
    )
    NOT_THERE = alarm(
        "not-there",
        "vINTID {vintid} was taken off the ap_list of VCPU {vcpu}, where it was not",
    )
    DEACTIVATED = alarm(
        "deactivated",
        "KVM deactivated vINTID {vintid} as one of VCPU {vcpu}'s ap_list, where it is not",
    )
    ENTERED = alarm(
        "entered",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with vINTID {vintid} in a List Register and "
        "not on its ap_list",
    )

    lrs: ListRegisters
    flushed: FlushedLpis

    def setup(self) -> None:
        """Make the states."""
        self.listed = Interrupts(self, Listed)

    @on(facts.Queued)
    def on_queue(self, f: facts.Queued) -> None:
        """It is put on a list, and was on none."""
        listed = self.listed.of(f.vcpu, f.vintid)
        owner, listed.vcpu = listed.vcpu, f.vcpu
        if owner >= 0:
            self.report(self.TWICE, vintid=f.vintid, vcpu=f.vcpu, owner=owner)

    @on(facts.Unqueued)
    def on_unqueue(self, f: facts.Unqueued) -> None:
        """It is taken off the list where it was."""
        listed = self.listed.of(f.vcpu, f.vintid)
        owner, listed.vcpu = listed.vcpu, -1
        if owner != f.vcpu:
            self.report(self.NOT_THERE, vintid=f.vintid, vcpu=f.vcpu)

    @on(facts.Emulated)
    def on_emulated(self, f: facts.Emulated) -> None:
        """KVM found it on a list."""
        if self.listed.of(f.vcpu, f.vintid).vcpu != f.vcpu:
            self.report(self.DEACTIVATED, vintid=f.vintid, vcpu=f.vcpu)

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """What is in a List Register is on the list."""
        v = f.vcpu
        for _, lr in self.lrs.on[f.pcpu].used:
            if self.listed.of(v, lr.vintid).vcpu != v and not self.flushed.has(v, lr.vintid):
                self.report(self.ENTERED, vcpu=v, pcpu=f.pcpu, vintid=lr.vintid)
