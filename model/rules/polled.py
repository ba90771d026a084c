"""The guest's deactivation as the document tells it (section "Life Cycle", items 5 and 6)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.setting import Setting
from model.check.state import State
from model.check.table import Table, drop, get, put
from model.check.views.active_states import ActiveStates
from model.gic.lr import ACTIVE, INACTIVE, Lr

__all__ = ["R10", "R11"]


class R10(Rule):
    """As the document has it: the guest's EOI clears the physical active bit, not the LR."""

    id = "R10"
    section = "Life Cycle, item 5 (lr_on_guest_deactivate=polled only)"
    title = "on guest deactivation the physical active bit is cleared and LR.Active stays set"
    hardware = True

    LEFT_ACTIVE = alarm("left-active", "the guest's deactivation of INTID {intid} left it active")
    MOVED = alarm(
        "moved",
        "LR{index} of CPU {pcpu} went from active to "
        "{state:inactive|pending|active|pending+active} on the guest's deactivation, but this "
        "machine is to leave it to KVM",
    )

    active: ActiveStates

    @classmethod
    def applies(cls, setting: Setting) -> bool:
        """Tell whether this machine is as the document tells it."""
        return setting.lr_on_guest_deactivate == "polled"

    @on(facts.DeactivationArrived)
    def on_arrived(self, f: facts.DeactivationArrived) -> None:
        """The physical active bit is clear."""
        if self.active.has(f.pcpu, f.intid):
            self.report(self.LEFT_ACTIVE, pcpu=f.pcpu, intid=f.intid)

    @on(facts.LrMoved)
    def on_moved(self, f: facts.LrMoved) -> None:
        """The register stays active."""
        state = f.after.state
        if f.before.hw and f.before.state == ACTIVE and state != ACTIVE:
            self.report(self.MOVED, pcpu=f.pcpu, index=f.index, state=state)


class OnCpu(State):
    """``read``: what KVM found in the HW registers that it emptied and did not fold, by vINTID."""

    read: Table[int, Lr] = ()


class OfVcpu(State):
    """``left``: the CPU where its guest was left last, or -1."""

    left: int = -1


class R11(Rule):
    """As the document tells it: KVM clears an active LR once the physical active state is clear."""

    id = "R11"
    section = "Life Cycle, item 6 (lr_on_guest_deactivate=polled only)"
    title = "KVM takes an active HW LR as inactive at exit once the physical active bit is clear"

    ACTIVE = alarm(
        "still-active",
        "VCPU {vcpu} folded LR of vINTID {vintid} as active although INTID {intid} is not active "
        "on CPU {pcpu} any more",
    )

    active: ActiveStates

    @classmethod
    def applies(cls, setting: Setting) -> bool:
        """Tell whether this machine is as the document tells it."""
        return setting.lr_on_guest_deactivate == "polled"

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(OnCpu)
        self.of = self.each_vcpu(OfVcpu)

    @on(facts.Exited)
    def on_exit(self, f: facts.Exited) -> None:
        """What is folded next is this CPU's."""
        self.of[f.vcpu].left = f.pcpu

    @on(facts.LrWritten)
    def on_written(self, f: facts.LrWritten) -> None:
        """KVM takes a HW register back."""
        if f.after.state == INACTIVE and f.before.hw:
            on_cpu = self.on[f.pcpu]
            on_cpu.read = put(on_cpu.read, f.before.vintid, f.before)

    @on(facts.Folded)
    def on_fold(self, f: facts.Folded) -> None:
        """What was active there and is so no more at the distributor is folded as inactive."""
        c, vintid = self.of[f.vcpu].left, f.vintid
        if c < 0:
            return
        on_cpu = self.on[c]
        read, on_cpu.read = on_cpu.read, drop(on_cpu.read, vintid)
        lr = get(read, vintid, None)
        if lr is None or lr.state != ACTIVE or not f.active:
            return
        if not self.active.has(c, lr.pintid):
            self.report(self.ACTIVE, vcpu=f.vcpu, pcpu=c, vintid=vintid, intid=lr.pintid)
