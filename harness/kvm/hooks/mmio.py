"""Hooks of vgic-mmio.c and vgic-mmio-v3.c: the emulated distributor."""

from harness.context import Context
from model.vgic.irq import VgicIrq

__all__ = ["MmioHooks"]


class MmioHooks:
    """Hooks of vgic-mmio.c and vgic-mmio-v3.c: the emulated distributor."""

    async def handle_mmio(self, t: Context) -> None:
        """Carry out the access that trapped (vgic_mmio_ops)."""
        raise NotImplementedError

    async def write_dist(self, t: Context, on: bool) -> None:
        """vgic_mmio_write_v3_misc and _v2_: GICD_CTLR."""
        raise NotImplementedError

    async def kick_pending(self, t: Context) -> None:
        """vgic_kick_vcpus: the distributor was switched on."""
        raise NotImplementedError

    async def read_dist(self, t: Context) -> None:
        """vgic_mmio_read_v3_misc and _v2_: GICD_CTLR."""
        raise NotImplementedError

    async def write_enable(self, t: Context, irq: VgicIrq, on: bool) -> None:
        """vgic_mmio_write_senable and _cenable."""
        raise NotImplementedError

    def enabling(self, t: Context, irq: VgicIrq) -> None:
        """Look at a mapped interrupt's line again when the guest enables it, irq_lock held."""
        raise NotImplementedError

    def sample_enabled(self, t: Context, irq: VgicIrq) -> None:
        """Do so; a line that fell meanwhile releases the physical interrupt (e40cc57bac79)."""
        raise NotImplementedError

    async def write_pending(self, t: Context, irq: VgicIrq, on: bool) -> None:
        """vgic_mmio_write_spending and _cpending."""
        raise NotImplementedError

    def mirrors(self, irq: VgicIrq, register: str) -> bool:
        """Tell whether a write to ``register`` of a mapped interrupt reaches the hardware."""
        raise NotImplementedError

    async def write_target(self, t: Context, irq: VgicIrq, target: int) -> None:
        """vgic_mmio_write_irouter (_write_target): the next prune moves it; nobody is kicked."""
        raise NotImplementedError

    async def read_pending(self, t: Context, irq: VgicIrq) -> None:
        """vgic_mmio_read_pending: a mapped level's line is read from the device (5bfa685e62e9)."""
        raise NotImplementedError

    async def write_priority(self, t: Context, irq: VgicIrq, value: int) -> None:
        """vgic_mmio_write_priority: it counts from the next flush on; nobody is kicked."""
        raise NotImplementedError

    async def write_group(self, t: Context, irq: VgicIrq, group: int) -> None:
        """vgic_mmio_write_group: who has it on its list is kicked, and presents it anew."""
        raise NotImplementedError

    async def read_field(self, t: Context, irq: VgicIrq, code: int) -> None:
        """vgic_mmio_read_enable, _read_priority, _read_irouter (_read_target): without irq_lock."""
        raise NotImplementedError

    def must_halt(self, irq: VgicIrq) -> bool:
        """vgic_access_active_prepare: whether the interrupt may be in another VCPU's registers."""
        raise NotImplementedError

    async def access_active(self, t: Context, irq: VgicIrq, *, halt: bool) -> None:
        """vgic_access_active_prepare."""
        raise NotImplementedError

    async def end_active(self, t: Context, *, halt: bool) -> None:
        """vgic_access_active_finish."""
        raise NotImplementedError

    async def read_active(self, t: Context, irq: VgicIrq) -> None:
        """vgic_mmio_read_active; the guests are halted for it since 9a50ebbffa98."""
        raise NotImplementedError

    async def change_active(self, t: Context, irq: VgicIrq, on: bool) -> None:
        """vgic_mmio_write_sactive and _cactive."""
        raise NotImplementedError

    async def wait_folded(self, t: Context, irq: VgicIrq) -> None:
        """Wait until the interrupt's state is in memory, now that the guests are halted."""
        raise NotImplementedError

    async def lock_folded(self, t: Context, irq: VgicIrq) -> None:
        """Take irq_lock when the interrupt's state is in memory."""
        raise NotImplementedError

    def is_folded(self, t: Context, irq: VgicIrq) -> bool:
        """Tell, with irq_lock held, whether the interrupt's state is in memory."""
        raise NotImplementedError

    async def handle_sgi(self, t: Context) -> None:
        """vgic_v3_dispatch_sgi (GICv2: vgic_mmio_write_sgir): an edge for the target VCPU."""
        raise NotImplementedError
