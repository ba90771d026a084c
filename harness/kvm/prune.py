"""Prune: what no longer belongs to a VCPU leaves its ap_list, or moves to another VCPU's.

Linux arch/arm64/kvm/vgic/vgic.c: vgic_prune_ap_list, kvm_vgic_sync_hwstate.
"""

from harness.actors.context import Context
from harness.kvm.world_switch import WorldSwitch
from model import facts
from model.vgic.decide import target_oracle
from model.vgic.irq import VgicIrq

__all__ = ["Prune"]


class Prune(WorldSwitch):
    """The end of a sync."""

    def has_vgic_work(self, t: Context) -> bool:
        """Tell whether there is anything to save, fold or prune."""
        vgic = self.machine.vgics[t.v]
        return vgic.hcr != 0 or vgic.ap_list != ()

    async def sync_vgic(self, t: Context, work: bool) -> None:
        """kvm_vgic_sync_hwstate: fold and prune; ``work`` is false when there is nothing to do."""
        if work:
            await self.fold_lrs(t)
            await self.prune(t)

    async def prune(self, t: Context) -> None:
        """vgic_prune_ap_list: look at every interrupt of the list; start again after each move."""
        while await self.prune_until_moved(t):
            pass

    async def prune_until_moved(self, t: Context) -> bool:
        """Look at the list from its start; return whether one was moved and the rest is left."""
        v, o = t.v, t.o
        vgic = self.machine.vgics[v]
        await t.lock(vgic, o.prune_ap_list)
        self.took(t, vgic)
        vgic.used = 0
        vgic.hcr = vgic.eoicount = 0
        for intid in vgic.ap_list:
            irq = self.irq(v, intid)
            on = t.ops_on(irq, v)
            await t.lock(irq, on.prune_irq)
            self.took(t, irq)
            target = target_oracle(irq)
            if target < 0:
                self.unqueue(v, irq)
                irq.vcpu = -1
                if irq.is_spi():
                    self.machine.dist.active_spis -= 1
            await t.step(on.irq_unlock)
            self.gave(t, irq)
            if target not in (-1, v):
                await t.step(o.ap_list_unlock)
                self.gave(t, vgic)
                if await self.migrate(t, irq, target):
                    await self.request_and_kick(t, target)
                return True
        await t.step(o.ap_list_unlock)
        self.gave(t, vgic)
        return False

    def unqueue(self, v: int, irq: VgicIrq) -> None:
        """Take an interrupt off an ap_list (both locks held)."""
        vgic = self.machine.vgics[v]
        vgic.ap_list = tuple(i for i in vgic.ap_list if i != irq.intid)
        self.emit(facts.Unqueued(v, irq.intid))

    async def migrate(self, t: Context, irq: VgicIrq, target: int) -> bool:
        """Move an interrupt to the ap_list of ``target``; return whether it still had to go there.

        All locks were dropped: both lists' are taken in the order of the VCPUs, then irq_lock, and
        everything is looked at again.
        """
        v = t.v
        low, high = sorted((v, target))
        vgics = self.machine.vgics
        for w in (low, high):
            await t.lock(vgics[w], t.ops(w).queue_ap_list)
            self.took(t, vgics[w])
        on = t.ops_on(irq, v)
        await t.lock(irq, on.move_irq)
        self.took(t, irq)
        moves = self.still_moves(v, irq, target)
        if moves:
            self.unqueue(v, irq)
            vgics[target].ap_list = (*vgics[target].ap_list, irq.intid)
            irq.vcpu = target
            self.emit(facts.Queued(target, irq.intid))
        await t.step(on.irq_unlock)
        self.gave(t, irq)
        for w in (high, low):
            await t.step(t.ops(w).ap_list_unlock)
            self.gave(t, vgics[w])
        return moves

    def still_moves(self, v: int, irq: VgicIrq, target: int) -> bool:
        """Tell whether an interrupt of VCPU ``v`` still goes to ``target`` (all locks held)."""
        return irq.vcpu == v and target_oracle(irq) == target
