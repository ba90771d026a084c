"""Maintenance interrupts come to an end (I14)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.views.distributor_switch import DistributorSwitch
from model.check.views.hyp_control import HypControl
from model.check.views.list_registers import ListRegisters
from model.gic.lr import PENDING
from model.gic.registers import (
    FIRST_SPI,
    HCR_EN,
    HCR_EOICOUNT,
    HCR_LRENPIE,
    HCR_NPIE,
    HCR_UIE,
)

__all__ = ["I14"]

ASKED = HCR_NPIE | HCR_UIE | HCR_LRENPIE


class Counted(State):
    """``stale``: another CPU changed an interrupt since the VCPU counted what it has."""

    stale: bool = False


class I14(Rule):
    """No maintenance storm: nothing that KVM asked to be told of is the case at once.

    Unless another CPU changed one of the interrupts after this entry counted them: then the next
    entry counts anew. And nothing is asked for once the VCPU has left its CPU.
    """

    id = "I14"
    section = "vgic-v3.c, vgic_v3_configure_hcr (derived; Bao issue 398)"
    title = "no enabled cause of a maintenance interrupt is asserted already at an entry"
    trusts = (
        "a change of what all share makes the VCPU's count stale and so says less, until it "
        "looks again"
    )

    NONE_PENDING = alarm(
        "none-pending",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with NPIE set and no List Register pending: "
        "the maintenance interrupt is asserted already, and nothing the guest does clears it",
    )
    UNDERFLOW = alarm(
        "underflow",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with UIE set and {used} of {lrs} List "
        "Registers in use: the maintenance interrupt is asserted already, and nothing the guest "
        "does clears it",
    )
    EOICOUNT = alarm(
        "eoicount",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with LRENPIE set and EOIcount not zero: the "
        "maintenance interrupt is asserted already, and nothing the guest does clears it",
    )

    LEFT_ON = alarm(
        "left-on",
        "VCPU {vcpu} was put with a cause of the maintenance interrupt enabled on CPU {pcpu}: with "
        "no List Register in use the host takes it without end",
    )

    control: HypControl
    lrs: ListRegisters
    switch: DistributorSwitch

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(Counted)

    @on(facts.RequestsChecked)
    def on_turn(self, f: facts.RequestsChecked) -> None:
        """The VCPU counts anew."""
        self.of[f.vcpu].stale = False

    @on(facts.RegisterWritten, facts.Retargeted, facts.Emulated)
    def on_change(self, f: facts.RegisterWritten | facts.Retargeted | facts.Emulated) -> None:
        """What all VCPUs share changed."""
        if f.vintid >= FIRST_SPI:
            for of in self.of:
                of.stale = True

    @on(facts.Put)
    def on_put(self, f: facts.Put) -> None:
        """None may be enabled while the host runs something else."""
        hcr = self.control.on[f.pcpu].hcr
        if hcr & ASKED and hcr & HCR_EN:
            self.report(self.LEFT_ON, vcpu=f.vcpu, pcpu=f.pcpu)

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """None of the causes that KVM enabled may be asserted."""
        hcr = self.control.on[f.pcpu].hcr
        if not hcr & ASKED or not hcr & HCR_EN or self.of[f.vcpu].stale:
            return
        if not self.switch.is_on():
            return  # it may have been switched off since the list was counted
        used = self.lrs.on[f.pcpu].used
        if hcr & HCR_NPIE and not any(lr.state == PENDING for _, lr in used):
            self.report(self.NONE_PENDING, vcpu=f.vcpu, pcpu=f.pcpu)
        elif hcr & HCR_UIE and len(used) < 2:
            lrs = self.setting.lrs
            self.report(self.UNDERFLOW, vcpu=f.vcpu, pcpu=f.pcpu, used=len(used), lrs=lrs)
        elif hcr & HCR_LRENPIE and hcr & HCR_EOICOUNT:
            self.report(self.EOICOUNT, vcpu=f.vcpu, pcpu=f.pcpu)
