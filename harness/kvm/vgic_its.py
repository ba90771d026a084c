"""LPIs: what a message becomes, and what enabling and disabling them does.

Linux arch/arm64/kvm/vgic/vgic-its.c, vgic-mmio-v3.c (vgic_mmio_write_v3r_ctlr) and vgic.c
(vgic_flush_pending_lpis). Each LPI is mapped for good; of the ITS's commands there are INV, MOVI
and CLEAR.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from model.guest import ENABLE, TARGET, UNPEND, Instruction
from model.vgic.irq import VgicIrq
from model.vgic.its import VgicIts

__all__ = ["VgicItsFlow"]


class VgicItsFlow(Hooks):
    """vgic-its.c, and GICR_CTLR."""

    # -- messages --------------------------------------------------------------------------------

    async def inject_msi(self, ctx: Context, irq: VgicIrq, v: int) -> None:
        """vgic_its_inject_msi: make an LPI pending, if it is found and may be.

        What the cache has is not asked whether LPIs are enabled; what it has not is looked up, and
        dropped if they are not.
        """
        its = self.machine.its
        if its is not None:
            await ctx.step(Steps.resolve_lpi, ctx.at(v, irq))
            if not self.resolves(its, irq):
                irq.inject(ctx.cpu, v, True, accepted=False)
                return
        await self.inject_irq(ctx, irq, v, True)

    def resolves(self, its: VgicIts, irq: VgicIrq) -> bool:
        """vgic_its_check_cache, vgic_its_resolve_lpi: tell whether the message finds its LPI."""
        if irq.intid in its.cached:
            return True
        if not its.has(irq.target):
            return False
        if self.caches_lpis:
            its.cached = (*its.cached, irq.intid)
        return True

    # -- the ITS's commands ------------------------------------------------------------------------

    async def its_command(self, t: Context, irq: VgicIrq, access: Instruction) -> None:
        """vgic_its_handle_command: INV, MOVI or CLEAR of an LPI."""
        if access.code == TARGET:
            await self.move_lpi(t, irq, access.b)
        elif access.code == UNPEND:
            await self.clear_lpi(t, irq)
        else:
            await self.update_lpi_config(t, irq, access.code == ENABLE)

    async def update_lpi_config(self, t: Context, irq: VgicIrq, on: bool) -> None:
        """vgic_its_cmd_handle_inv, update_lpi_config: what the table says; who has it is told."""
        await self.irqs_off_point(t)
        await t.lock(irq, Steps.write_lpi, t.at(t.v, irq))
        t.acquired(irq)
        irq.enabled = on
        irq.written(t.v, "isenabler" if on else "icenabler")
        await self.queue_irq_unlock(t, irq, True)

    async def move_lpi(self, t: Context, irq: VgicIrq, target: int) -> None:
        """vgic_its_cmd_handle_movi: invalidate the cache; update_affinity, which kicks nobody."""
        its = self.machine.its
        if its is not None:
            await self.point(t, Steps.lpis_invalidate)
            its.cached = ()
        await self.write_target(t, irq, target)

    async def clear_lpi(self, t: Context, irq: VgicIrq) -> None:
        """vgic_its_cmd_handle_clear: the latch alone; upstream takes no irq_lock for it."""
        await self.irqs_off_point(t)
        await t.lock(irq, Steps.write_lpi, t.at(t.v, irq))
        t.acquired(irq)
        irq.pending_latch = False
        irq.written(t.v, "icpendr")
        await self.unlock(t, irq)

    # -- GICR_CTLR -------------------------------------------------------------------------------

    async def write_lpis(self, t: Context, owner: int, on: bool) -> None:
        """vgic_mmio_write_v3r_ctlr: EnableLPIs of a VCPU's redistributor.

        While they are being disabled (RWP) nothing else is done to it.
        """
        its = self.machine.its
        assert its is not None, "a machine whose guests write EnableLPIs has them to enable"
        bit = 1 << owner
        await self.point(t, Steps.lpis_enable if on else Steps.lpis_disable)
        if on:
            if not (its.enabled | its.busy) & bit:
                its.enabled |= bit
                await self.sync_pending_table(t, owner)
        elif its.enabled & bit:
            its.enabled &= ~bit
            its.busy |= bit
            if self.flushes_lpis:
                await self.flush_pending_lpis(t, owner)
            await self.point(t, Steps.lpis_invalidate)
            its.cached = ()
            its.busy &= ~bit

    async def flush_pending_lpis(self, t: Context, owner: int) -> None:
        """vgic_flush_pending_lpis: take all LPIs off the ap_list (96085b949672)."""
        vgic = self.machine.vgics[owner]
        await self.irqs_off_point(t)
        await t.lock(vgic, Steps.prune_ap_list, t.at(owner))
        t.acquired(vgic)
        ap_list, i = vgic.ap_list, 0
        while i < len(ap_list):
            irq = self.machine.irq(owner, ap_list[i])
            if irq.is_lpi():
                at = t.at(owner, irq)
                await t.lock(irq, Steps.flush_lpi, at)
                t.acquired(irq)
                irq.pending_latch = False
                irq.written(t.v, "icpendr")
                vgic.unqueue(t.actor, irq)
                await t.step(Steps.irq_unlock, at)
                t.released(irq)
            i += 1
        await t.step(Steps.ap_list_unlock, t.at(owner))
        t.released(vgic)
        await self.irq_restore(t, True)

    async def sync_pending_table(self, t: Context, owner: int) -> None:
        """its_sync_lpi_pending_table: pending is what the guest's table says, and it says nothing.

        KVM writes that table only when the VM is saved.
        """
        lpis, i = [irq for irq in self.machine.spis.values() if irq.is_lpi()], 0
        while i < len(lpis):
            irq = lpis[i]
            await self.irqs_off_point(t)
            await t.lock(irq, Steps.sync_lpi, t.at(owner, irq))
            t.acquired(irq)
            if irq.target == owner:
                irq.pending_latch = False
                irq.written(t.v, "icpendr")
            await self.queue_irq_unlock(t, irq, True)
            i += 1
