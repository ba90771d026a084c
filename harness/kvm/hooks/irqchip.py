"""Hooks of irq-gic-v3.c: the host's own IRQ handling."""

from harness.context import Context

__all__ = ["IrqChipHooks"]


class IrqChipHooks:
    """Hooks of irq-gic-v3.c: the host's own IRQ handling."""

    async def handle_interrupt(self, h: Context) -> None:
        """Acknowledge and handle the interrupt just taken (gic_handle_irq)."""
        raise NotImplementedError

    async def call_handler(self, h: Context, intid: int, number: int) -> None:
        """Drop the priority, run the handler of ``number``, and deactivate if it is the host's."""
        raise NotImplementedError

    def forwarded(self, intid: int) -> bool:
        """Tell whether the interrupt is left active for a guest (irqd_is_forwarded_to_vcpu)."""
        raise NotImplementedError

    async def drop_priority(self, h: Context, intid: int) -> None:
        """gic_eoi_irq, EOImode 1: write EOIR."""
        raise NotImplementedError

    async def deactivate(self, h: Context, intid: int) -> None:
        """gic_eoimode1_eoi_irq: write DIR."""
        raise NotImplementedError

    async def device_isr(self, h: Context, intid: int) -> None:
        """Handle a passthrough device: inject, and leave the interrupt active."""
        raise NotImplementedError
