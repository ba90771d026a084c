"""The host's IRQ handler of a CPU: it takes each interrupt that the CPU can take.

What it does with one is ``harness.kvm.irqchip``.
"""

from harness.context import Context
from harness.engine.execution import Slot
from harness.engine.footprint import Step
from harness.kvm.kvm import Kvm
from harness.resources import (
    BANK,
    CHANNEL,
    CLOCK,
    CPUIF,
    DEVICE,
    FORWARD,
    HW_PTIMER,
    HW_TIMER,
    LPIS,
    PCPU,
    SIGNAL,
    SPI,
    VIF,
)
from harness.runtime import Runtime
from model.identity import Actor

__all__ = ["make"]

TAKE = Step(
    (
        HW_TIMER.here, HW_PTIMER.here, VIF.here, CLOCK, BANK.here, CPUIF.here, SPI.all, LPIS.here,
    ),
    (
        PCPU.here, BANK.here, CHANNEL.here, SIGNAL.here, DEVICE.all, FORWARD.all, SPI.all,
        LPIS.here,
    ),
    "irq_take",
)  # fmt: skip


def make(rt: Runtime, kvm: Kvm, c: int) -> Slot:
    """Return the task of the IRQ handler of CPU ``c``."""
    p, signals = rt.machine.pcpus[c], rt.machine.signals[c]

    def can_take() -> bool:
        return signals.pin and not p.irqs_off and not p.in_irq

    async def main(task: Slot) -> None:
        handler.move(c)
        while True:
            await task.step(handler.here[TAKE], can_take, p.bit | signals.bit)
            rt.machine.messages.at_interrupt(c)
            p.take_interrupt("irq")
            await kvm.handle_interrupt(handler)
            p.in_irq = False

    slot = rt.new_task(f"i{c}", Actor("host-irq", pcpu=c), main)
    handler = Context(rt, slot, 0, hard=True, in_irq=True)
    return slot
