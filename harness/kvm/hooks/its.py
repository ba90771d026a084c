"""Hooks of vgic-its.c and GICR_CTLR: LPIs."""

from harness.context import Context
from model.guest import Instruction
from model.vgic.irq import VgicIrq
from model.vgic.its import VgicIts

__all__ = ["ItsHooks"]


class ItsHooks:
    """Hooks of vgic-its.c and GICR_CTLR: LPIs."""

    async def inject_msi(self, ctx: Context, irq: VgicIrq, v: int) -> None:
        """vgic_its_inject_msi: make an LPI pending, if it is found and may be."""
        raise NotImplementedError

    def resolves(self, its: VgicIts, irq: VgicIrq) -> bool:
        """vgic_its_check_cache, vgic_its_resolve_lpi: tell whether the message finds its LPI."""
        raise NotImplementedError

    async def its_command(self, t: Context, irq: VgicIrq, access: Instruction) -> None:
        """vgic_its_handle_command: INV, MOVI or CLEAR of an LPI."""
        raise NotImplementedError

    async def update_lpi_config(self, t: Context, irq: VgicIrq, on: bool) -> None:
        """update_lpi_config: what the guest's table says, and who has it pending is told."""
        raise NotImplementedError

    async def move_lpi(self, t: Context, irq: VgicIrq, target: int) -> None:
        """vgic_its_cmd_handle_movi: invalidate the cache, and route it; nobody is kicked."""
        raise NotImplementedError

    async def clear_lpi(self, t: Context, irq: VgicIrq) -> None:
        """vgic_its_cmd_handle_clear: clear the latch."""
        raise NotImplementedError

    async def write_lpis(self, t: Context, owner: int, on: bool) -> None:
        """vgic_mmio_write_v3r_ctlr: EnableLPIs of a VCPU's redistributor."""
        raise NotImplementedError

    async def flush_pending_lpis(self, t: Context, owner: int) -> None:
        """vgic_flush_pending_lpis: take all LPIs off the ap_list."""
        raise NotImplementedError

    async def sync_pending_table(self, t: Context, owner: int) -> None:
        """its_sync_lpi_pending_table: pending is what the guest's table says."""
        raise NotImplementedError
