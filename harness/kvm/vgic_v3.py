"""List Registers and what is outside them: populate, fold, overflow, trapped DIR, load and put.

Linux arch/arm64/kvm/vgic/vgic-v3.c and vgic-v2.c; what happens when there are more interrupts than
List Registers is the series of November 2025 that ends with 3cfd59f81e0f.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from model.gic.lr import ACTIVE, EMPTY, INACTIVE, Lr
from model.gic.registers import HCR_LRENPIE, HCR_TC, TRAP, Vmcr
from model.host.thread import REQ_PROCESS_UPDATE
from model.vgic import decide
from model.vgic.irq import VgicIrq

__all__ = ["VgicV3"]


class VgicV3(Hooks):
    """vgic-v3.c, and vgic-v2.c where a GICv2 differs."""

    @property
    def polls(self) -> bool:
        """Whether the end of a HW register's life is read from the distributor (R11)."""
        return self.machine.config.lr_on_guest_deactivate == "polled"

    # -- decisions -----------------------------------------------------------------------------

    def traps_dir(self) -> bool:
        """Tell whether an SPI is in flight anywhere: any VCPU may be the one to deactivate it.

        A GICv2 has no such trap: there GICV_DIR is simply not mapped (07bb1c5622a5). A GICv3 that
        cannot trap DIR alone traps always.
        """
        gic = self.machine.gic
        return gic.version == 3 and (self.machine.dist.active_spis > 0 or not gic.tdir)

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        """vgic_v3_configure_hcr: of ``pending`` and ``active`` ones for ``size`` registers."""
        hcr = decide.configure_hcr(pending, active, size, trap_dir=self.traps_dir())
        return hcr | self.trap_bits()

    def trap_bits(self) -> int:
        """vgic_ich_hcr_trap_bits: TC for CPUs that cannot trap DIR alone."""
        gic = self.machine.gic
        return HCR_TC if gic.version == 3 and not gic.tdir else 0

    def write_dir_at_el2(self, t: Context, vintid: int) -> bool:
        """___vgic_v3_write_dir, at EL2 and without a full exit: tell whether it was done there.

        It is where the interrupt is active in a List Register; so the trap of all the common
        registers costs little. Only with TC does a guest's access come by there (cpuif traps).
        """
        machine = self.machine
        if not self.trap_bits():
            return False
        pintid = machine.gic.emulate_vdir(t.c, vintid)
        if pintid >= 0:
            machine.messages.send_deactivation(t.c, pintid)
            machine.messages.deliver_deactivations(t.c)
        return pintid != TRAP

    def populate_lr(self, irq: VgicIrq) -> Lr:
        """vgic_v3_populate_lr."""
        return decide.populate(irq, observe_edges_only=self.observes_edges(irq))

    def fold_edge_or_level(self, irq: VgicIrq, lr: Lr) -> bool:
        """vgic_v3_fold_lr's decisions; return whether the guest deactivated the interrupt.

        In 4.14 the latch of a level goes when its register is no longer pending. With 67b5b673ad4d,
        which the eras have for levels of software (vgic_v3_populate_lr), it stays until that is
        empty: what is active would have no pending bit.
        """
        clears = irq.hw and not self.observes_edges(irq)
        keeps = self.keeps_lpi_active or not irq.is_lpi()
        return decide.fold_edge_or_level(irq, lr, acked_clears_latch=clears, keeps_active=keeps)

    def without_active(self, irq: VgicIrq) -> Lr:
        """Return the List Register this interrupt would leave once the guest deactivated it."""
        lr = decide.compute_lr(irq)
        return Lr(
            vintid=lr.vintid,
            state=lr.state & ~ACTIVE,
            hw=lr.hw,
            pintid=lr.pintid,
            priority=lr.priority,
            group=lr.group,
            eoi=lr.eoi,
            source=lr.source,
        )

    def trusted(self, t: Context, lr: Lr) -> Lr:
        """Return what to believe of a HW register.

        With ``lr_on_guest_deactivate=polled`` the register stays active when the guest deactivates,
        and is taken as inactive once the physical active state is clear (the polling of 4.3).
        """
        machine = self.machine
        if not self.polls or not lr.hw or lr.state < ACTIVE:
            return lr
        machine.messages.before_access(t.c)
        machine.messages.deliver_writes(t.c)
        if machine.gic.is_active(t.c, lr.pintid):
            return lr
        return Lr(vintid=lr.vintid, state=INACTIVE, hw=True, pintid=lr.pintid)

    def spilled(self, t: Context) -> tuple[int, ...]:
        """Return what is on the ap_list behind the interrupt in the last List Register.

        The guest's completions come in the reverse order of its acknowledges, and the list is
        sorted by priority: the first active one from there on is meant (6da5e537f5af).
        """
        vgic = self.machine.vgics[t.v]
        after = vgic.ap_list.index(vgic.last_lr) + 1 if vgic.last_lr in vgic.ap_list else 0
        return vgic.ap_list[after:]

    # -- the hardware --------------------------------------------------------------------------

    async def write_lrs(self, t: Context) -> None:
        """Write the shadow List Registers into the hardware (vgic_v3_restore_state)."""
        await t.step(Steps.write_lrs)
        machine = self.machine
        machine.messages.before_lrs(t.c)
        vgic = machine.vgics[t.v]
        machine.gic.write_hcr(t.c, vgic.hcr)
        for i in range(vgic.used):
            machine.gic.write_lr(t.c, i, vgic.lrs[i])

    async def save_lrs(self, t: Context) -> None:
        """Read the used List Registers back and zero them (vgic_v3_save_state); HCR as well.

        EOIcount is of interest only where LRENPIE was set.
        """
        await t.step(Steps.save_lrs)
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

    def group_causes(self, vmcr: Vmcr) -> int:
        """vgic_v3_configure_hcr: until 2025 nobody watches the guest's interrupt groups."""
        return 0

    async def load_vgic(self, t: Context) -> None:
        """kvm_vgic_load: VMCR and active priorities."""
        await t.step(Steps.vgic_load)
        machine = self.machine
        machine.messages.before_access(t.c)
        vgic = machine.vgics[t.v]
        machine.gic.restore_vmcr(t.c, vgic.vmcr)
        machine.gic.restore_apr(t.c, vgic.apr)

    async def put_vgic(self, t: Context) -> None:
        """kvm_vgic_put: active priorities to memory, and VMCR, which 7.2 saves at each exit."""
        await t.step(Steps.vgic_put)
        machine = self.machine
        vgic = machine.vgics[t.v]
        vgic.vmcr = machine.gic.save_vmcr(t.c)
        vgic.apr = machine.gic.save_apr(t.c)

    # -- fold ----------------------------------------------------------------------------------

    async def fold_lr(self, t: Context, lr: Lr) -> None:
        """vgic_v3_fold_lr: one register's state into the software state."""
        irq = self.machine.irq(t.v, lr.vintid)
        at = t.at(t.v, irq)
        first = self.notifies_first()
        if first and self.signals_eoi(irq, lr):
            await self.notify_acked_irq(t, irq)
        await t.lock(irq, Steps.fold_lr_polling if self.polls else Steps.fold_lr, at)
        t.acquired(irq)
        deactivated = irq.active and lr.state < ACTIVE
        await self.fold_locked(t, irq, self.trusted(t, lr))
        await t.step(Steps.irq_unlock, at)
        t.released(irq)
        if not first and self.notifies(irq, lr, deactivated=deactivated):
            await self.notify_acked_irq(t, irq)
        if deactivated and self.counts_down(irq, lr):
            await self.count_down(t)

    def counts_down(self, irq: VgicIrq, lr: Lr) -> bool:
        """Tell whether ``active_spis`` counts this end (2025): where it is counted up at all."""
        return self.signals_eoi(irq, lr) and self.broadcasts()

    async def count_down(self, t: Context) -> None:
        """atomic_dec_if_positive(active_spis), at the end of vgic_v3_fold_lr."""
        await t.step(Steps.count_down)
        self.machine.dist.spi_ended()

    async def fold_locked(self, t: Context, irq: VgicIrq, lr: Lr) -> None:
        """Do the fold itself, with irq_lock held."""
        irq.assert_held(t.actor, "fold its List Register")
        deactivated = self.fold_edge_or_level(irq, lr)
        irq.folded(t.v, lr.state)
        if self.observes_edges(irq) and self.resample_needed(irq, lr, deactivated=deactivated):
            await self.resample(t, irq)

    # -- what is outside the List Registers ------------------------------------------------------

    async def replay_eois(self, t: Context) -> None:
        """Deactivate as many active interrupts outside the List Registers as EOIcount says.

        The end of vgic_v3_fold_lr_state.
        """
        v = t.v
        vgic = self.machine.vgics[v]
        spilled, i = self.spilled(t), 0
        while i < len(spilled) and vgic.eoicount:
            irq = self.machine.irq(v, spilled[i])
            at = t.at(v, irq)
            await t.lock(irq, Steps.look_spilled, at)
            t.acquired(irq)
            meant = self.target_oracle(t, irq) == v and irq.active
            if meant:
                vgic.deactivate_outside(t.c, v, irq, self.without_active(irq), "eoicount")
                vgic.eoicount -= 1
            await t.step(Steps.irq_unlock, at)
            t.released(irq)
            if meant:
                await self.deactivate_spilled(t, irq)
            i += 1

    async def deactivate_spilled(self, t: Context, irq: VgicIrq) -> None:
        """Do in software what a List Register does on deactivation, and fold the outcome."""
        await self.deactivate_phys(t, irq)
        await self.fold_lr(t, self.machine.vgics[t.v].spilled)

    async def deactivate_phys(self, t: Context, irq: VgicIrq) -> None:
        """Deactivate the physical interrupt of a mapped one: a write to DIR on this CPU."""
        if irq.hw:
            await t.step(Steps.deactivate_phys)
            self.machine.messages.before_access(t.c)
            self.machine.gic.dir(t.c, irq.hwintid)

    async def handle_dir(self, t: Context) -> None:
        """vgic_v3_deactivate: the guest deactivates something that may be in nobody's registers.

        In EOImode 0, for an LPI, and on no ap_list: nothing to do. In the registers of a VCPU that
        runs: as a write to ICACTIVER. Else it is deactivated here, and its VCPU shall prune its
        list.
        (Upstream drops irq_lock before it deactivates: finding F2, in the museum.)
        """
        trap = await self.decode(t)
        irq = self.machine.irq(t.v, trap.a)
        vgic = self.machine.vgics[t.v]
        vgic.trapped(trap.a)
        if not vgic.vmcr.eoim or irq.is_lpi():
            return
        await self.irqs_off_point(t)
        await t.lock(irq, Steps.look_spilled, t.at(t.v, irq))
        t.acquired(irq)
        owner, in_lr = irq.vcpu, irq.on_lr  # on_lr stays false while irq_lock is held
        if irq.sourced and not in_lr and irq.active_source != trap.b:
            owner = -1
        if owner < 0 or in_lr:
            self.machine.threads[t.v].rechecked("dir-in-register" if in_lr else "dir-gone")
        if owner >= 0 and not in_lr:
            vgic.deactivate_outside(t.c, owner, irq, self.without_active(irq), "dir")
            await self.deactivate_looked_at(t, irq)
        else:
            await self.irq_unlock(t, irq)
        await self.irq_restore(t, True)
        if owner < 0:
            return
        if in_lr:
            await self.change_active(t, irq, False)
        await self.point(t, Steps.make_request, owner)
        self.machine.threads[owner].request(REQ_PROCESS_UPDATE)

    async def deactivate_looked_at(self, t: Context, irq: VgicIrq) -> None:
        """Deactivate an interrupt just found on an ap_list and in no register; drop irq_lock."""
        await self.deactivate_phys(t, irq)
        await t.step(Steps.fold_held, t.at(t.v, irq))
        lr = self.machine.vgics[t.v].spilled
        deactivated = irq.active
        await self.fold_locked(t, irq, lr)
        await self.irq_unlock(t, irq)
        if self.notifies(irq, lr, deactivated=deactivated):
            await self.notify_acked_irq(t, irq)
        if deactivated and self.counts_down(irq, lr):
            await self.count_down(t)

    async def irq_unlock(self, t: Context, irq: VgicIrq) -> None:
        """Drop irq_lock, interrupts still off."""
        await t.step(Steps.irq_unlock, t.at(t.v, irq))
        t.released(irq)
