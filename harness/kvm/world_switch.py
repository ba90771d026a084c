"""Flush and sync of the vgic: populate_lr before the guest, fold_lr_state after it.

Linux arch/arm64/kvm/vgic/vgic.c: vgic_flush_lr_state, vgic_fold_lr_state; what happens when there
are more interrupts than List Registers is the series of November 2025 that ends with 3cfd59f81e0f.
"""

from harness.actors.context import Context
from harness.kvm.threads import Threads
from model import facts
from model.gic.lr import ACTIVE, EMPTY, INACTIVE, Lr
from model.gic.registers import HCR_LRENPIE
from model.identity import VTIMER
from model.vgic.decide import (
    compare,
    compute_lr,
    configure_hcr,
    fold_edge_or_level,
    populate,
    resample_needed,
    target_oracle,
)
from model.vgic.irq import VgicIrq

__all__ = ["WorldSwitch"]


class WorldSwitch(Threads):
    """What happens to virtual interrupts on the way into the guest and out of it."""

    observe_edges_only = True
    """Whether populate lowers, and fold resamples, the line of a mapped level interrupt (4.16)."""

    @property
    def polls(self) -> bool:
        """Whether the end of a HW register's life is read from the distributor (R11)."""
        return self.machine.config.lr_on_guest_deactivate == "polled"

    def irq(self, v: int, intid: int) -> VgicIrq:
        """Return the interrupt ``intid`` as VCPU ``v`` sees it."""
        return self.machine.irq(v, intid)

    def observes_edges(self, irq: VgicIrq) -> bool:
        """Whether this mapped level interrupt is lowered at populate and resampled at fold.

        Forwarded SPIs, which no kernel had, are defined that way in both eras.
        """
        return self.observe_edges_only or irq.is_spi()

    # -- entry ---------------------------------------------------------------------------------

    def needs_flush(self, t: Context) -> bool:
        """Tell whether there is anything for the List Registers, or a reason to trap DIR."""
        return self.machine.vgics[t.v].ap_list != () or self.traps_dir()

    def traps_dir(self) -> bool:
        """Tell whether an SPI is in flight anywhere: any VCPU may be the one to deactivate it.

        A GICv2 has no such trap: there GICV_DIR is simply not mapped (07bb1c5622a5).
        """
        return self.machine.dist.active_spis > 0 and self.machine.gic.version == 3

    async def flush_lrs(self, t: Context) -> None:
        """vgic_flush_lr_state: choose what goes into the (shadow) List Registers."""
        v, o = t.v, t.o
        vgic = self.machine.vgics[v]
        await t.lock(vgic, o.flush_ap_list)
        self.took(t, vgic)
        vgic.used = vgic.nr_pend = vgic.nr_act = 0
        vgic.last_lr = -1
        size = len(vgic.lrs)
        if len(vgic.ap_list) > size:
            await self.count_and_sort(t)
        for intid in vgic.ap_list:
            if vgic.used == size:
                break
            irq = self.irq(v, intid)
            on = t.ops_on(irq, v)
            await t.lock(irq, on.populate_lr)
            self.took(t, irq)
            if target_oracle(irq) == v:
                lrs, i = vgic.lrs, vgic.used
                vgic.lrs = (*lrs[:i], self.populate_lr(irq), *lrs[i + 1 :])
                vgic.used = i + 1
                vgic.last_lr = intid
            await t.step(on.irq_unlock)
            self.gave(t, irq)
        await t.step(o.flush_hcr)
        vgic.lrs = vgic.lrs[: vgic.used] + (EMPTY,) * (size - vgic.used)
        vgic.hcr = self.configure_hcr(vgic.nr_pend, vgic.nr_act, size)
        self.gave(t, vgic)

    async def count_and_sort(self, t: Context) -> None:
        """summarize_ap_list and vgic_sort_ap_list, when there may be more than List Registers.

        Below that neither matters. The sort takes the locks of two interrupts at a time; as it only
        looks at them, it is one step here.
        """
        v = t.v
        vgic = self.machine.vgics[v]
        for intid in vgic.ap_list:
            irq = self.irq(v, intid)
            on = t.ops_on(irq, v)
            await t.lock(irq, on.count_irq)
            self.took(t, irq)
            if target_oracle(irq) == v:
                if irq.active:
                    vgic.nr_act += 1
                else:
                    vgic.nr_pend += 1
            await t.step(on.irq_unlock)
            self.gave(t, irq)
        if vgic.nr_pend + vgic.nr_act > len(vgic.lrs):
            await t.step(t.o.sort_ap_list)
            vgic.ap_list = tuple(sorted(vgic.ap_list, key=lambda i: self.sort_key(self.irq(v, i))))

    def sort_key(self, irq: VgicIrq) -> tuple[bool | int, ...]:
        """vgic_irq_cmp."""
        return compare(irq)

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        """vgic_v3_configure_hcr."""
        return configure_hcr(pending, active, size, trap_dir=self.traps_dir())

    def populate_lr(self, irq: VgicIrq) -> Lr:
        """vgic_v3_populate_lr."""
        return populate(irq, observe_edges_only=self.observes_edges(irq))

    async def write_lrs(self, t: Context) -> None:
        """Write the shadow List Registers into the hardware (vgic_v3_restore_state)."""
        await t.step(t.o.write_lrs)
        machine = self.machine
        machine.messages.before_access(t.c)
        vgic = machine.vgics[t.v]
        machine.gic.write_hcr(t.c, vgic.hcr)
        for i in range(vgic.used):
            machine.gic.write_lr(t.c, i, vgic.lrs[i])

    # -- exit ----------------------------------------------------------------------------------

    async def save_lrs(self, t: Context) -> None:
        """Read the used List Registers back and zero them (vgic_v3_save_state); HCR as well.

        EOIcount is of interest only where LRENPIE was set.
        """
        await t.step(t.o.save_lrs)
        gic = self.machine.gic
        vgic = self.machine.vgics[t.v]
        lrs = list(vgic.lrs)
        for i in range(vgic.used):
            lrs[i] = gic.lr(t.c, i)
            gic.write_lr(t.c, i, EMPTY)
        vgic.lrs = tuple(lrs)
        if vgic.hcr & HCR_LRENPIE:
            vgic.eoicount = gic.eoicount(t.c)
        gic.write_hcr(t.c, 0)

    async def fold_lrs(self, t: Context) -> None:
        """vgic_fold_lr_state: take each used register's state back into the software state."""
        vgic = self.machine.vgics[t.v]
        for i in range(vgic.used):
            await self.fold_lr(t, vgic.lrs[i])
        # The count is this thread's own; it is written together with the next lock.
        if vgic.eoicount:
            await self.replay_eois(t)

    def spilled(self, t: Context) -> tuple[int, ...]:
        """Return what is on the ap_list behind the interrupt in the last List Register.

        The guest's completions come in the reverse order of its acknowledges, and the list is
        sorted by priority: the first active one from there on is meant (6da5e537f5af).
        """
        vgic = self.machine.vgics[t.v]
        after = vgic.ap_list.index(vgic.last_lr) + 1 if vgic.last_lr in vgic.ap_list else 0
        return vgic.ap_list[after:]

    async def replay_eois(self, t: Context) -> None:
        """Deactivate as many active interrupts outside the List Registers as EOIcount says."""
        v = t.v
        vgic = self.machine.vgics[v]
        for intid in self.spilled(t):
            if not vgic.eoicount:
                break
            irq = self.irq(v, intid)
            on = t.ops_on(irq, v)
            await t.lock(irq, on.look_spilled)
            self.took(t, irq)
            meant = target_oracle(irq) == v and irq.active
            if meant:
                vgic.spilled = self.without_active(irq)
                vgic.eoicount -= 1
                self.emulated(t, v, irq, "eoicount")
            await t.step(on.irq_unlock)
            self.gave(t, irq)
            if meant:
                await self.deactivate_spilled(t, irq)

    def without_active(self, irq: VgicIrq) -> Lr:
        """Return the List Register this interrupt would leave once the guest deactivated it."""
        lr = compute_lr(irq)
        return Lr(
            vintid=lr.vintid,
            state=lr.state & ~ACTIVE,
            hw=lr.hw,
            pintid=lr.pintid,
            priority=lr.priority,
            source=lr.source,
        )

    def emulated(self, t: Context, v: int, irq: VgicIrq, cause: str) -> None:
        """State that KVM deactivates an interrupt of VCPU ``v``'s ap_list for a guest."""
        self.emit(facts.Emulated(v, t.c, irq.intid, irq.hwintid, cause))

    async def deactivate_spilled(self, t: Context, irq: VgicIrq) -> None:
        """Do in software what a List Register does on deactivation, and fold the outcome."""
        await self.deactivate_phys(t, irq)
        await self.fold_lr(t, self.machine.vgics[t.v].spilled)

    async def deactivate_phys(self, t: Context, irq: VgicIrq) -> None:
        """Deactivate the physical interrupt of a mapped one: a write to DIR on this CPU."""
        if irq.hw:
            await t.step(t.o.deactivate_phys)
            self.machine.messages.before_access(t.c)
            self.machine.gic.dir(t.c, irq.hwintid)

    async def fold_lr(self, t: Context, lr: Lr) -> None:
        """vgic_v3_fold_lr: one register's state into the software state."""
        irq = self.irq(t.v, lr.vintid)
        o = t.ops_on(irq, t.v)
        await t.lock(irq, o.fold_lr_polling if self.polls else o.fold_lr)
        self.took(t, irq)
        await self.fold_locked(t, irq, self.trusted(t, lr))
        await t.step(o.irq_unlock)
        self.gave(t, irq)

    async def fold_locked(self, t: Context, irq: VgicIrq, lr: Lr) -> None:
        """Do the fold itself, with irq_lock held."""
        v = t.v
        observes = self.observes_edges(irq)
        deactivated = fold_edge_or_level(irq, lr, acked_clears_latch=not observes)
        self.emit(
            facts.Folded(v, irq.intid, lr.state, irq.active, irq.line_level, irq.pending_latch)
        )
        if observes and resample_needed(irq, lr, deactivated=deactivated):
            await self.resample(t, irq)

    def trusted(self, t: Context, lr: Lr) -> Lr:
        """Return what to believe of a HW register.

        With ``lr_on_guest_deactivate=polled`` the register stays active when the guest deactivates,
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
        await t.step(t.ops_on(irq, t.v).resample_device if irq.is_spi() else t.o.resample)
        self.sample_line(t, irq)
        if not irq.line_level:
            self.set_phys_active(t, irq.hwintid, False)

    def sample_line(self, t: Context, irq: VgicIrq) -> None:
        """Bring ``line_level`` up to date (irq_lock held)."""
        irq.line_level = self.device_level(t, irq)
        self.emit(facts.Resampled(t.v, irq.intid, irq.line_level))

    def device_level(self, t: Context, irq: VgicIrq) -> bool:
        """vgic_get_phys_line_level: a forwarded SPI's line is read as its pending state."""
        if not irq.is_spi():
            return self.input_level(t)
        self.machine.messages.before_access(t.c)
        return self.machine.gic.is_pending(t.c, irq.hwintid)

    def input_level(self, t: Context) -> bool:
        """kvm_arch_timer_get_input_level: from the hardware while loaded, else from memory."""
        vtimer = self.machine.vtimers[t.v]
        if vtimer.loaded:
            level = self.machine.timers[t.c].output()
        else:
            level = vtimer.should_fire(self.machine.clock.now)
        self.emit(facts.TimerRead(t.v, VTIMER, "live" if vtimer.loaded else "memory", level))
        return level

    def set_phys_active(self, t: Context, intid: int, active: bool) -> None:
        """irq_set_irqchip_state(IRQCHIP_STATE_ACTIVE) on the CPU this runs on."""
        self.machine.messages.before_access(t.c)
        self.machine.gic.set_active(t.c, intid, active)
        self.emit(facts.PhysActiveWritten(t.v, t.c, intid, active))
