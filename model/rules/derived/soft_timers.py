"""The soft timers that stand in for a guest's, and the interrupt of the one that is emulated."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.views.soft_timers import SoftTimers
from model.gic.registers import SGIS
from model.timer import PTIMER_PPI

__all__ = ["I17", "I18"]


class I17(Rule):
    """A soft timer that was cancelled is over, and one that emulates a timer ends with the stay.

    hrtimer_cancel waits for a callback that runs: else that would inject by what the guest has
    programmed anew meanwhile. While a VCPU is not loaded only the background timer stands in for
    its timers: the callback of the other would inject what the VM monitor may have taken away.
    """

    id = "I17"
    section = "arch_timer.c, soft_timer_cancel and kvm_timer_vcpu_put (derived)"
    title = "a cancelled soft timer is over, and none emulates a timer of a VCPU that was put"

    RUNNING = alarm(
        "running",
        "a soft timer of VCPU {vcpu} was cancelled while its callback ran, and nobody waited for "
        "that",
    )
    STILL_ARMED = alarm(
        "still-armed",
        "VCPU {vcpu} was put on CPU {pcpu} while the soft timer that emulates its physical timer "
        "is armed",
    )

    soft: SoftTimers

    @on(facts.Cancelled)
    def on_cancelled(self, f: facts.Cancelled) -> None:
        """Nothing of it may be under way."""
        if f.callback:
            self.report(self.RUNNING, vcpu=f.vcpu)

    @on(facts.Put)
    def on_put(self, f: facts.Put) -> None:
        """The VCPU has left the CPU."""
        if self.soft.of[f.vcpu].emulated >= 0:
            self.report(self.STILL_ARMED, vcpu=f.vcpu, pcpu=f.pcpu)


class I18(Rule):
    """The end of a level interrupt of software must be seen: its List Register asks for an exit.

    Its line may be high again by then, or still; a HW register would show that at the distributor.
    And only an SGI of a GICv2 has a source: the bits are those of the number in other registers.
    """

    id = "I18"
    section = "vgic-v3.c, vgic_v3_populate_lr (derived; ICH_LR_EOI, IHI0069 ICH_LR<n>_EL2)"
    title = "a List Register asks for an exit at the end of a level of software; SGIs have sources"

    NO_EXIT = alarm(
        "no-exit",
        "KVM wrote LR{index} of CPU {pcpu}: vINTID {vintid}, a level of software, without the EOI "
        "bit",
    )

    SOURCE = alarm(
        "source",
        "KVM wrote LR{index} of CPU {pcpu}: vINTID {vintid} with source CPU {source}, which only "
        "an SGI of a GICv2 has",
    )

    HW = alarm(
        "hw",
        "KVM wrote LR{index} of CPU {pcpu}: vINTID {vintid} in a HW List Register with the EOI "
        "bit, which there is one of the physical INTID's",
    )

    @on(facts.LrWritten)
    def on_written(self, f: facts.LrWritten) -> None:
        """Look at what KVM writes for the emulated timer."""
        lr = f.after
        if lr.source and (lr.vintid >= SGIS or self.setting.gic_version == 3):
            self.report(self.SOURCE, index=f.index, pcpu=f.pcpu, vintid=lr.vintid, source=lr.source)
        if lr.hw and lr.eoi:
            self.report(self.HW, index=f.index, pcpu=f.pcpu, vintid=lr.vintid)
        if lr.vintid == PTIMER_PPI and lr.state and not lr.hw and not lr.eoi:
            self.report(self.NO_EXIT, index=f.index, pcpu=f.pcpu, vintid=lr.vintid)
