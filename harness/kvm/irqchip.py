"""The host's IRQ handling: acknowledge, priority drop, handler, deactivation.

Linux drivers/irqchip/irq-gic-v3.c with EOImode 1 (commit 0b6a3da9617a): the priority drop comes
before the handler, and the deactivation after it is left out for an interrupt that is forwarded to
a VCPU (irq_set_vcpu_affinity), whose guest will deactivate it.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.kvm_main import SGI_CALL
from harness.kvm.steps import Steps
from model.gic.registers import FIRST_LPI, FIRST_SPI, SPECIAL
from model.timer import PTIMER_PPI, VTIMER_PPI

__all__ = ["IrqChip"]

TIMERS = (VTIMER_PPI, PTIMER_PPI)


class IrqChip(Hooks):
    """gic_handle_irq and what it calls."""

    async def handle_interrupt(self, h: Context) -> None:
        """Acknowledge and handle the interrupt just taken (gic_handle_irq)."""
        machine = self.machine
        await h.task.step(h.here[Steps.host_iar])
        intid = machine.gic.iar(h.c)
        machine.messages.at_acknowledge(h.c)
        # GICv2 has the source CPU of an SGI in the bits above the number.
        number = intid if intid >= FIRST_LPI else intid & 0x3FF
        if not SPECIAL <= number < FIRST_LPI:
            await self.call_handler(h, intid, number)

    async def call_handler(self, h: Context, intid: int, number: int) -> None:
        """Drop the priority, run the handler of ``number``, and deactivate if it is the host's."""
        await self.drop_priority(h, intid)
        h.p.begin_isr(number)
        line: bool | None = None
        if number == VTIMER_PPI:
            line = await self.timer_isr(h)
        elif number == PTIMER_PPI:
            line = await self.ptimer_isr(h)
        elif number in self.rt.forwarded_spis:
            await self.device_isr(h, number)
        elif number >= FIRST_SPI:
            await h.task.step(h.here[Steps.isr_device])
        elif number == SGI_CALL:
            await h.task.step(h.here[Steps.isr_call])
            h.p.call = False
        h.p.end_isr(number, line)
        if self.forwarded(number):
            await h.task.step(h.here[Steps.irq_end])
        else:
            await self.deactivate(h, intid)

    def forwarded(self, intid: int) -> bool:
        """Tell whether the interrupt is left active for a guest (irqd_is_forwarded_to_vcpu)."""
        if intid in TIMERS:
            return self.timer_forwarded and not self.machine.config.masks
        return intid in self.rt.forwarded_spis

    async def drop_priority(self, h: Context, intid: int) -> None:
        """gic_eoi_irq, EOImode 1: write EOIR.

        A host that masks the timer's interrupt has done so with the acknowledge.
        """
        await h.task.step(h.here[Steps.host_eoir])
        if self.machine.config.masks and intid in TIMERS:
            self.machine.gic.set_enable(h.c, intid, False)
        self.machine.gic.eoir(h.c, intid)

    async def deactivate(self, h: Context, intid: int) -> None:
        """gic_eoimode1_eoi_irq: write DIR."""
        await h.task.step(h.here[Steps.host_dir])
        self.machine.messages.before_access(h.c)
        self.machine.gic.dir(h.c, intid)

    async def device_isr(self, h: Context, intid: int) -> None:
        """Handle a passthrough device: inject, and leave the interrupt active."""
        forward = next(f for f in self.machine.forwards if f.intid == intid)
        irq = self.machine.spis[forward.vintid]
        if irq.is_lpi():
            await self.inject_msi(h, irq, forward.vcpu)
        else:
            await self.inject_irq(h, irq, forward.vcpu, True)
