"""Flush and sync of the vgic: populate_lr before the guest, fold_lr_state and prune after it.

Linux arch/arm64/kvm/vgic/vgic.c: vgic_flush_lr_state, vgic_fold_lr_state, vgic_prune_ap_list.
"""

from typing import Any

from harness.kvm.inject import Injection
from harness.tasks.context import Context
from model import facts
from model.gic.lr import ACTIVE, EMPTY, INACTIVE, Lr
from model.messages import VTIMER_PPI
from model.vgic.decide import (
    compare,
    fold_edge_or_level,
    populate,
    resample_needed,
    target_oracle,
)
from model.vgic.irq import VgicIrq

__all__ = ["WorldSwitch"]


class WorldSwitch(Injection):
    """What happens to virtual interrupts on the way into the guest and out of it."""

    observe_edges_only = True
    """Whether populate lowers, and fold resamples, the line of a mapped level interrupt (4.16)."""

    @property
    def polls(self) -> bool:
        """Whether the end of a HW register's life is read from the distributor (R11)."""
        return self.machine.config.lr_on_guest_deactivate == "seed"

    def irq(self, v: int, intid: int) -> VgicIrq:
        """Return the interrupt ``intid`` as VCPU ``v`` sees it."""
        return self.machine.irqs[v] if intid == VTIMER_PPI else self.machine.spis[intid]

    def observes_edges(self, irq: VgicIrq) -> bool:
        """Whether this mapped level interrupt is lowered at populate and resampled at fold.

        Forwarded SPIs, which no kernel had, are defined that way in both eras.
        """
        return self.observe_edges_only or irq.name != ""

    # -- entry ---------------------------------------------------------------------------------

    async def flush_lrs(self, t: Context) -> None:
        """vgic_flush_lr_state: choose what goes into the (shadow) List Registers."""
        v, o = t.v, t.o
        vgic = self.machine.vgics[v]
        await t.lock(vgic, o.flush_ap_list)
        self.took(t, vgic)
        intids = vgic.ap_list
        size = len(vgic.lrs)
        if len(intids) > size:
            intids = tuple(sorted(intids, key=lambda i: compare(self.irq(v, i))))
        count = 0
        for intid in intids:
            irq = self.irq(v, intid)
            on = t.ops_on(irq, v)
            await t.lock(irq, on.populate_lr)
            self.took(t, irq)
            if target_oracle(irq) == v and count < size:
                lrs = vgic.lrs
                vgic.lrs = (*lrs[:count], self.populate_lr(irq), *lrs[count + 1 :])
                count += 1
            await t.step(on.irq_unlock)
            self.gave(t, irq)
        await t.step(o.ap_list_unlock)
        vgic.lrs = vgic.lrs[:count] + (EMPTY,) * (size - count)
        vgic.used = count
        self.gave(t, vgic)

    def populate_lr(self, irq: VgicIrq) -> Lr:
        """vgic_v3_populate_lr."""
        return populate(irq, observe_edges_only=self.observes_edges(irq))

    async def write_lrs(self, t: Context) -> None:
        """Write the shadow List Registers into the hardware (vgic_v3_restore_state)."""
        await t.step(t.o.write_lrs)
        machine = self.machine
        machine.messages.before_access(t.c)
        vgic = machine.vgics[t.v]
        for i in range(vgic.used):
            machine.gic.write_lr(t.c, i, vgic.lrs[i])

    # -- exit ----------------------------------------------------------------------------------

    async def save_lrs(self, t: Context) -> None:
        """Read the used List Registers back and zero them (vgic_v3_save_state)."""
        await t.step(t.o.save_lrs)
        gic = self.machine.gic
        vgic = self.machine.vgics[t.v]
        lrs = list(vgic.lrs)
        for i in range(vgic.used):
            lrs[i] = gic.lr(t.c, i)
            gic.write_lr(t.c, i, EMPTY)
        vgic.lrs = tuple(lrs)

    async def fold_lrs(self, t: Context) -> None:
        """vgic_fold_lr_state: take each used register's state back into the software state."""
        v = t.v
        vgic = self.machine.vgics[v]
        for i in range(vgic.used):
            await self.fold_lr(t, vgic.lrs[i])
        # The count is this thread's own; it is written together with the next lock.

    async def fold_lr(self, t: Context, lr: Lr) -> None:
        """vgic_v3_fold_lr_state for one register."""
        v = t.v
        irq = self.irq(v, lr.vintid)
        o = t.ops_on(irq, v)
        observes = self.observes_edges(irq)
        await t.lock(irq, o.fold_lr_polling if self.polls else o.fold_lr)
        self.took(t, irq)
        lr = self.trusted(t, lr)
        deactivated = fold_edge_or_level(irq, lr, acked_clears_latch=not observes)
        self.emit(
            facts.Folded(v, irq.intid, lr.state, irq.active, irq.line_level, irq.pending_latch)
        )
        if observes and resample_needed(irq, lr, deactivated=deactivated):
            await (self.resample_device(t, irq) if irq.name else self.resample(t, irq))
        await t.step(o.irq_unlock)
        self.gave(t, irq)

    def trusted(self, t: Context, lr: Lr) -> Lr:
        """Return what to believe of a HW register.

        With ``lr_on_guest_deactivate=seed`` the register stays active when the guest deactivates,
        and is taken as inactive once the physical active state is clear (the polling of 4.3).
        """
        machine = self.machine
        if not self.polls or not lr.hw or lr.state < ACTIVE:
            return lr
        machine.messages.before_access(t.c)
        if machine.gic.is_active(t.c, lr.pintid):
            return lr
        return Lr(vintid=lr.vintid, state=INACTIVE, hw=True, pintid=lr.pintid)

    async def resample(self, t: Context, irq: VgicIrq) -> None:
        """Read the line of a mapped level interrupt; if it fell, release the physical interrupt."""
        await t.step(t.o.resample)
        irq.line_level = self.input_level(t)
        self.emit(facts.Resampled(t.v, irq.intid, irq.line_level))
        if not irq.line_level:
            self.set_phys_active(t, irq.hwintid, False)

    async def resample_device(self, t: Context, irq: VgicIrq) -> None:
        """The same for a forwarded SPI, whose line is read as its pending state (ISPENDR)."""
        await t.step(t.ops_on(irq, t.v).resample_device)
        self.machine.messages.before_access(t.c)
        irq.line_level = self.machine.gic.is_pending(t.c, irq.hwintid)
        self.emit(facts.Resampled(t.v, irq.intid, irq.line_level))
        if not irq.line_level:
            self.set_phys_active(t, irq.hwintid, False)

    def input_level(self, t: Context) -> bool:
        """kvm_arch_timer_get_input_level: from the hardware while loaded, else from memory."""
        vtimer = self.machine.vtimers[t.v]
        if vtimer.loaded:
            level = self.machine.timers[t.c].output()
        else:
            level = vtimer.should_fire(self.machine.clock.now)
        self.emit(facts.TimerRead(t.v, "live" if vtimer.loaded else "memory", level))
        return level

    def set_phys_active(self, t: Context, intid: int, active: bool) -> None:
        """irq_set_irqchip_state(IRQCHIP_STATE_ACTIVE) on the CPU this runs on."""
        self.machine.messages.before_access(t.c)
        self.machine.gic.set_active(t.c, intid, active)
        self.emit(facts.PhysActiveWritten(t.v, t.c, intid, active))

    async def prune(self, t: Context) -> None:
        """vgic_prune_ap_list: drop what no longer belongs to this VCPU."""
        v, o = t.v, t.o
        vgic = self.machine.vgics[v]
        await t.lock(vgic, o.prune_ap_list)
        self.took(t, vgic)
        vgic.used = 0
        for intid in vgic.ap_list:
            irq = self.irq(v, intid)
            on = t.ops_on(irq, v)
            await t.lock(irq, on.prune_irq)
            self.took(t, irq)
            if target_oracle(irq) < 0:
                vgic.ap_list = tuple(i for i in vgic.ap_list if i != intid)
                irq.vcpu = -1
            await t.step(on.irq_unlock)
            self.gave(t, irq)
        await t.step(o.ap_list_unlock)
        self.gave(t, vgic)

    async def sync_vgic(self, t: Context, work: bool) -> None:
        """kvm_vgic_sync_hwstate: fold and prune; ``work`` is false when there is nothing to do."""
        if work:
            await self.fold_lrs(t)
            await self.prune(t)

    def op(self, t: Context, name: str) -> Any:
        """Return an operation by name, on the CPU where the thread is now."""
        return getattr(t.o, name)
