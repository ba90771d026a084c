"""The host's IRQ handler of a CPU: acknowledge, priority drop, handler, deactivation.

Linux drivers/irqchip/irq-gic-v3.c with EOImode 1 (commit 0b6a3da9617a): the priority drop comes
before the handler, and the deactivation after it is left out for an interrupt that is forwarded to
a VCPU (irq_set_vcpu_affinity), whose guest will deactivate it.
"""

from typing import TYPE_CHECKING, Any

from harness.actors.context import Context
from harness.engine.execution import Slot
from harness.kvm.halt import SGI_CALL
from model import facts
from model.gic.registers import FIRST_LPI, FIRST_SPI, SPECIAL
from model.identity import Actor
from model.messages import VTIMER_PPI

if TYPE_CHECKING:
    from harness.world import VgicWorld

__all__ = ["OPS", "HostIrq", "make"]

OPS = {
    "irq_take": (
        "timer@c vif@c clock bank@c cpuif@c spi* lpis@c?",
        "pcpu@c bank@c chan@c signal@c device* fwd* spi* lpis@c?",
    ),
    "host_iar": ("", "lpis@c? bank@c spi* cpuif@c signal@c chan@c pcpu@c"),
    "host_eoir": ("", "cpuif@c bank@c spi*"),
    "host_dir": ("timer@c vif@c clock lpis@c?", "cpuif@c bank@c fwd* spi* chan@c pcpu@c"),
    "isr_device": ("", "pcpu@c"),
    "isr_call": ("", "pcpu@c"),
    "irq_end": ("", "pcpu@c"),
}


class HostIrq:
    """The handler's steps. A variant may replace the class (``Kvm.host_irq_class``)."""

    def __init__(self, world: "VgicWorld", h: Context) -> None:
        self.world = world
        self.h = h
        self.machine = world.machine

    def forwarded(self, intid: int) -> bool:
        """Tell whether the interrupt is left active for a guest."""
        if intid == VTIMER_PPI:
            return self.world.kvm.timer_forwarded
        return intid in self.world.forwarded_spis

    async def take(self) -> None:
        """Take the exception as soon as the CPU can, and handle one interrupt."""
        h, machine = self.h, self.machine
        p, signals, o = h.p, h.signals, h.o

        def can_take() -> bool:
            return signals.pin and not p.irqs_off and not p.in_irq

        await h.task.step(o.irq_take, can_take, p.bit | signals.bit)
        p.in_irq = True
        machine.messages.at_interrupt(h.c)
        self.world.emit(facts.InterruptTaken(h.c, "irq"))
        await h.task.step(o.host_iar)
        intid = machine.gic.iar(h.c)
        machine.messages.deliver_pin(h.c)
        # GICv2 has the source CPU of an SGI in the bits above the number.
        number = intid if intid >= FIRST_LPI else intid & 0x3FF
        if SPECIAL <= number < FIRST_LPI:
            p.in_irq = False
            return
        await self.handle(intid, number)

    async def handle(self, intid: int, number: int) -> None:
        """Handle the interrupt just acknowledged as ``intid``."""
        h = self.h
        await self.drop_priority(intid)
        self.world.emit(facts.IsrBegan(h.c, number))
        line: bool | None = None
        if number == VTIMER_PPI:
            line = await self.world.kvm.timer_isr(h)
        elif number in self.world.forwarded_spis:
            await self.world.kvm.device_isr(h, number)
        elif number >= FIRST_SPI:
            await h.task.step(h.o.isr_device)
        elif number == SGI_CALL:
            await h.task.step(h.o.isr_call)
            h.p.call = False
        self.world.emit(facts.IsrEnded(h.c, number, line))
        if self.forwarded(number):
            await h.task.step(h.o.irq_end)
        else:
            await self.deactivate(intid)
        h.p.in_irq = False

    async def drop_priority(self, intid: int) -> None:
        """Write EOIR."""
        await self.h.task.step(self.h.o.host_eoir)
        self.machine.gic.eoir(self.h.c, intid)

    async def deactivate(self, intid: int) -> None:
        """Write DIR."""
        await self.h.task.step(self.h.o.host_dir)
        self.machine.messages.before_access(self.h.c)
        self.machine.gic.dir(self.h.c, intid)


def make(world: "VgicWorld", c: int) -> Slot:
    """Return the task of the IRQ handler of CPU ``c``."""

    async def main(_task: Slot) -> None:
        handler.move(c)
        irq: Any = world.kvm.host_irq_class(world, handler)
        while True:
            await irq.take()

    slot = world.new_task(f"i{c}", Actor("host-irq", pcpu=c), main)
    declared = OPS | world.kvm.OPS
    handler = Context(world, slot, 0, hard=True, in_irq=True, declarations=declared)
    return slot
