"""The physical timer of a guest whose host is VHE: the hardware runs it, as the virtual one.

Linux arch/arm64/kvm/arch_timer.c: get_timer_map gives such a VCPU a direct_ptimer and no emulated
timer. The host's own timer is that of EL2 then; the EL1 physical timer's interrupt, PPI 30, is
requested for kvm_arch_timer_handler as well (kvm_timer_hyp_init) and mapped to vINTID 30
(kvm_timer_enable). Guests' accesses do not trap: neither with CNTPOFF_EL2 nor, as the physical
offset of a VM is 0 unless user space moves both counters, without (timer_set_traps).
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from model.identity import PTIMER
from model.timer import PTIMER_PPI

__all__ = ["DirectPtimer"]


class DirectPtimer(Hooks):
    """The second of a VCPU's timers in hardware."""

    async def load_ptimer(self, t: Context) -> None:
        """kvm_timer_vcpu_load_gic: its level into the vgic, then its physical active state."""
        ptimer = self.machine.timers[t.v][PTIMER]
        await t.step(Steps.ptimer_update)
        level = ptimer.sample(self.machine.clock.now)
        ptimer.irq_level = level
        await self.inject_timer(t, t.v, PTIMER, level)
        irq = self.timer_irq(t.v, PTIMER)
        await t.lock(irq, Steps.ptimer_is_active, t.at(t.v, irq))
        active = irq.active
        await t.step(Steps.ptimer_phys_active)
        self.set_phys_active(t, PTIMER_PPI, self.phys_active_needed(ptimer.irq_level, active))

    async def restore_ptimer(self, t: Context) -> None:
        """timer_restore_state; of what falls due meanwhile the hardware tells by an interrupt."""
        machine, ptimer = self.machine, self.machine.timers[t.v][PTIMER]
        await t.step(Steps.ptimer_restore)
        if not ptimer.irq_level and ptimer.should_fire(machine.clock.now):
            machine.threads[t.v].rechecked("load-expired")
        machine.messages.before_access(t.c)
        ptimer.restore_to(machine.hw_ptimers[t.c], t.c)

    async def save_ptimer(self, t: Context) -> None:
        """timer_save_state."""
        await t.step(Steps.ptimer_save)
        self.machine.timers[t.v][PTIMER].save_from(self.machine.hw_ptimers[t.c], t.c)

    def ptimer_level(self, t: Context, v: int) -> bool:
        """kvm_arch_timer_get_input_level: from the hardware while loaded, else from memory."""
        ptimer = self.machine.timers[v][PTIMER]
        if ptimer.loaded:
            return ptimer.sample_live(self.machine.hw_ptimers[t.c])
        return ptimer.sample(self.machine.clock.now)

    async def ptimer_isr(self, h: Context) -> bool | None:
        """kvm_arch_timer_handler: the one handler of both, told by the number which it is for."""
        await h.step(Steps.isr_ptimer)
        v = h.p.running_vcpu
        if v < 0:
            return None
        await h.step(Steps.isr_ptimer_should_fire, h.at(v))
        ptimer = self.machine.timers[v][PTIMER]
        if not ptimer.loaded:
            self.machine.threads[v].rechecked("handler-saved")
        level = self.ptimer_level(h, v)
        if level:
            ptimer.irq_level = True
            await self.inject_timer(h, v, PTIMER, True)
        return level
