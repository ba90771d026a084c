"""KVM's virtual interrupts, whatever the GIC: injection, ap_lists, flush, fold and prune.

Linux arch/arm64/kvm/vgic/vgic.c. Injection runs in a VCPU's own thread, in a hard IRQ handler on
any CPU, or in a worker; the context says which.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from model.gic.lr import EMPTY, Lr
from model.timer import PTIMER_PPI
from model.vgic import decide
from model.vgic.irq import VgicIrq

__all__ = ["Vgic"]


class Vgic(Hooks):
    """vgic.c."""

    # -- decisions -----------------------------------------------------------------------------

    def target_oracle(self, ctx: Context, irq: VgicIrq) -> int:
        """vgic_target_oracle, with irq_lock held."""
        irq.assert_held(ctx.actor, "choose its VCPU")
        return decide.target_oracle(irq, forwards=self.dist_is_on())

    def accepts_injection(self, irq: VgicIrq, level: bool) -> bool:
        """vgic_validate_injection."""
        return decide.validate_injection(irq, level)

    def sort_key(self, irq: VgicIrq, v: int) -> tuple[bool | int, ...]:
        """vgic_irq_cmp, for the ap_list of VCPU ``v``."""
        return decide.compare(irq, v, self.machine.vgics[v].vmcr, forwards=self.dist_is_on())

    def resample_needed(self, irq: VgicIrq, lr: Lr, *, deactivated: bool) -> bool:
        """vgic_irq_handle_resampling."""
        return decide.resample_needed(irq, lr, deactivated=deactivated)

    def deliverable(self, irq: VgicIrq, pmr: int) -> bool:
        """kvm_vgic_vcpu_pending_irq, of one interrupt: whether it is a reason not to block."""
        return irq.enabled and irq.is_pending() and not irq.active and irq.priority < pmr

    def dist_is_on(self) -> bool:
        """Tell whether the distributor forwards anything (dist->enabled)."""
        ctlr = self.machine.ctlr
        return ctlr is None or ctlr.enabled

    def pending_irq(self, v: int) -> bool:
        """kvm_vgic_vcpu_pending_irq: whether VCPU ``v`` has what its saved PMR lets through.

        It takes ap_list_lock and irq_lock; as it only looks, it is one step here.
        """
        vgic = self.machine.vgics[v]
        pmr = vgic.vmcr.pmr
        return self.dist_is_on() and any(
            self.deliverable(self.machine.irq(v, n), pmr) for n in vgic.ap_list
        )

    def broadcasts(self) -> bool:
        """vgic_model_needs_bcst_kick (2025): the first SPI in flight is told to all VCPUs.

        So DIR traps on each; without TDIR it does always. Only what a guest deactivates with the
        EOI bit in its List Register is counted down: after a mapped SPI, or an edge, DIR traps for
        good.
        """
        gic = self.machine.gic
        return gic.version == 3 and gic.tdir

    def observes_edges(self, irq: VgicIrq) -> bool:
        """Tell whether this mapped level interrupt is lowered at populate and resampled at fold.

        Forwarded SPIs, which no kernel had, are defined that way in both eras.
        """
        return self.observe_edges_only or (irq.hw and irq.is_spi())

    # -- injection -----------------------------------------------------------------------------

    async def inject_irq(self, ctx: Context, irq: VgicIrq, v: int, level: bool) -> None:
        """kvm_vgic_inject_irq: a level, or an edge (``level`` true), on ``irq`` of VCPU ``v``."""
        at = ctx.at(v, irq)
        saved = await self.irq_save(ctx)
        await ctx.lock(irq, Steps.inject, at)
        ctx.acquired(irq)
        accepted = self.accepts_injection(irq, level)
        irq.inject(ctx.cpu, v, level, accepted=accepted)
        if accepted:
            await self.queue_irq_unlock(ctx, irq, saved)
        else:
            await ctx.step(Steps.inject_unlock, at)
            ctx.released(irq, irqs_on=saved)

    async def queue_irq_unlock(self, ctx: Context, irq: VgicIrq, saved: bool) -> None:
        """vgic_queue_irq_unlock: put the interrupt on the ap_list where it belongs; drop irq_lock.

        The two locks nest the other way round, so irq_lock is dropped, with interrupts back as they
        were before it was taken (``saved``: on), and everything is looked at again: in that window
        the interrupt may have moved, been queued, or gone away.
        """
        irq.assert_held(ctx.actor, "queue it")
        while True:
            target = self.target_oracle(ctx, irq)
            if irq.vcpu >= 0 or target < 0:
                await ctx.step(Steps.inject_unlock, ctx.at(irq.owner(), irq))
                ctx.released(irq, irqs_on=saved)
                if target >= 0:
                    await self.request_and_kick(ctx, target)
                return
            at = ctx.at(target, irq)
            vgic = self.machine.vgics[target]
            await ctx.step(Steps.inject_unlock, at)
            ctx.released(irq, irqs_on=saved)
            if saved:
                await self.irq_save(ctx)
            await ctx.lock(vgic, Steps.queue_ap_list, at)
            ctx.acquired(vgic)
            await ctx.lock(irq, Steps.queue_irq, at)
            ctx.acquired(irq)
            now = self.target_oracle(ctx, irq)
            if irq.vcpu < 0 and now == target:
                break
            moved = "queue-gone" if now < 0 else "queue-moved"
            self.machine.threads[target].rechecked("queue-queued" if irq.vcpu >= 0 else moved)
            await ctx.step(Steps.queue_unlock, at)
            ctx.released(irq)
            ctx.released(vgic, irqs_on=saved)
            if saved:
                await self.irq_save(ctx)
            await ctx.lock(irq, Steps.inject, at)
            ctx.acquired(irq)
        vgic.queue(ctx.actor, irq)
        first = irq.is_spi() and self.broadcasts() and self.machine.dist.spi_queued()
        await ctx.step(Steps.queue_unlock, at)
        ctx.released(irq)
        ctx.released(vgic, irqs_on=saved)
        if first:
            v = 0
            while v < len(self.machine.threads):
                await self.request_and_kick(ctx, v)
                v += 1
        else:
            await self.request_and_kick(ctx, target)

    async def map_is_active(self, t: Context) -> bool:
        """kvm_vgic_map_is_active: it takes irq_lock, looks, and drops it again, in one step."""
        irq = self.timer_irq(t.v)
        await t.lock(irq, Steps.map_is_active)
        return irq.active

    # -- flush ---------------------------------------------------------------------------------

    async def flush_lrs(self, t: Context) -> None:
        """vgic_flush_lr_state: choose what goes into the (shadow) List Registers."""
        v = t.v
        vgic = self.machine.vgics[v]
        await t.lock(vgic, Steps.flush_ap_list)
        t.acquired(vgic)
        vgic.used = vgic.nr_pend = vgic.nr_act = 0
        vgic.last_lr = -1
        size = len(vgic.lrs)
        if self.must_count(v):
            await self.count_and_sort(t)
        i = 0
        while i < len(vgic.ap_list) and vgic.used < size:
            irq = self.machine.irq(v, vgic.ap_list[i])
            at = t.at(v, irq)
            await t.lock(irq, Steps.populate_lr, at)
            t.acquired(irq)
            late = self.comes_too_late(v, irq)
            if not late and self.target_oracle(t, irq) == v:
                self.put_in_lr(t, irq)
            await t.step(Steps.irq_unlock, at)
            t.released(irq)
            i = len(vgic.ap_list) if late else i + 1
        await t.step(Steps.flush_hcr)
        vgic.lrs = vgic.lrs[: vgic.used] + (EMPTY,) * (size - vgic.used)
        causes = self.group_causes(vgic.vmcr)
        vgic.hcr = self.configure_hcr(vgic.nr_pend, vgic.nr_act, size) | causes
        vgic.nr_pend = vgic.nr_act = 0  # locals of the kernel's
        vgic.floor = -1
        t.released(vgic)

    def put_in_lr(self, t: Context, irq: VgicIrq) -> None:
        """vgic_populate_lr: use the next shadow List Register for ``irq``, with irq_lock held."""
        irq.assert_held(t.actor, "populate its List Register")
        vgic = self.machine.vgics[t.v]
        lrs, i = vgic.lrs, vgic.used
        vgic.lrs = (*lrs[:i], self.populate_lr(irq), *lrs[i + 1 :])
        irq.said()  # the List Register, once it is written, tells what was consumed
        vgic.used = i + 1
        vgic.last_lr = irq.intid

    def comes_too_late(self, v: int, irq: VgicIrq) -> bool:
        """Nothing is left out that there is room for."""
        return False

    def must_count(self, v: int) -> bool:
        """Tell whether its count can matter: if there may be more than List Registers."""
        vgic = self.machine.vgics[v]
        return len(vgic.ap_list) > len(vgic.lrs)

    async def count_and_sort(self, t: Context) -> None:
        """summarize_ap_list and vgic_sort_ap_list, when there may be more than List Registers.

        Below that neither matters. The sort takes the locks of two interrupts at a time; as it only
        looks at them, it is one step here.
        """
        v = t.v
        vgic = self.machine.vgics[v]
        vgic.assert_held(t.actor, "count and sort the ap_list")
        i = 0
        while i < len(vgic.ap_list):
            irq = self.machine.irq(v, vgic.ap_list[i])
            at = t.at(v, irq)
            await t.lock(irq, Steps.count_irq, at)
            t.acquired(irq)
            if self.target_oracle(t, irq) == v:
                if irq.active:
                    vgic.nr_act += 1
                else:
                    vgic.nr_pend += 1
            await t.step(Steps.irq_unlock, at)
            t.released(irq)
            i += 1
        if self.overflows(v):
            await t.step(Steps.sort_ap_list)
            vgic.ap_list = tuple(
                sorted(vgic.ap_list, key=lambda n: self.sort_key(self.machine.irq(v, n), v))
            )

    def overflows(self, v: int) -> bool:
        """irqs_outside_lrs: tell whether more was counted than there are List Registers."""
        vgic = self.machine.vgics[v]
        return vgic.nr_pend + vgic.nr_act > len(vgic.lrs)

    # -- sync: fold and prune ------------------------------------------------------------------

    async def sync_vgic(self, t: Context) -> None:
        """kvm_vgic_sync_hwstate: fold and prune."""
        await self.fold_lrs(t)
        await self.prune(t)

    async def fold_lrs(self, t: Context) -> None:
        """vgic_fold_lr_state: take each used register's state back into the software state."""
        vgic = self.machine.vgics[t.v]
        i = 0
        while i < vgic.used:
            await self.fold_lr(t, vgic.lrs[i])
            i += 1
        # The count is this thread's own; it is written together with the next lock.
        if vgic.eoicount:
            await self.replay_eois(t)

    async def prune(self, t: Context) -> None:
        """vgic_prune_ap_list: look at every interrupt of the list; start again after each move."""
        while await self.prune_until_moved(t):
            pass

    async def prune_until_moved(self, t: Context) -> bool:
        """Look at the list from its start; return whether one was moved and the rest is left."""
        v = t.v
        vgic = self.machine.vgics[v]
        await t.lock(vgic, Steps.prune_ap_list)
        t.acquired(vgic)
        vgic.used = 0
        vgic.hcr = vgic.eoicount = 0
        ap_list, i = vgic.ap_list, 0
        while i < len(ap_list):
            irq = self.machine.irq(v, ap_list[i])
            at = t.at(v, irq)
            await t.lock(irq, Steps.prune_irq, at)
            t.acquired(irq)
            target = self.target_oracle(t, irq)
            if target < 0:
                self.unqueue(t, irq)
            await t.step(Steps.irq_unlock, at)
            t.released(irq)
            if target not in (-1, v):
                await t.step(Steps.ap_list_unlock)
                t.released(vgic)
                if await self.migrate(t, irq, target):
                    await self.request_and_kick(t, target)
                return True
            i += 1
        await t.step(Steps.ap_list_unlock)
        t.released(vgic)
        return False

    def unqueue(self, t: Context, irq: VgicIrq) -> None:
        """Take an interrupt off this VCPU's ap_list, with both locks held."""
        self.machine.vgics[t.v].unqueue(t.actor, irq)

    async def migrate(self, t: Context, irq: VgicIrq, target: int) -> bool:
        """Move an interrupt to the ap_list of ``target``; return whether it still had to go there.

        All locks were dropped: both lists' are taken in the order of the VCPUs, then irq_lock, and
        everything is looked at again.
        """
        v = t.v
        low, high = min(v, target), max(v, target)
        vgics = self.machine.vgics
        await t.lock(vgics[low], Steps.queue_ap_list, t.at(low))
        t.acquired(vgics[low])
        await t.lock(vgics[high], Steps.queue_ap_list, t.at(high))
        t.acquired(vgics[high])
        at = t.at(v, irq)
        await t.lock(irq, Steps.move_irq, at)
        t.acquired(irq)
        moves = self.still_moves(t, irq, target)
        if moves:
            self.unqueue(t, irq)
            vgics[target].queue(t.actor, irq)
        else:
            self.machine.threads[v].rechecked("prune-changed")
        await t.step(Steps.irq_unlock, at)
        t.released(irq)
        await t.step(Steps.ap_list_unlock, t.at(high))
        t.released(vgics[high])
        await t.step(Steps.ap_list_unlock, t.at(low))
        t.released(vgics[low])
        return moves

    def still_moves(self, t: Context, irq: VgicIrq, target: int) -> bool:
        """Look again, with all locks held, whether ``irq`` goes from this VCPU to ``target``."""
        return irq.vcpu == t.v and self.target_oracle(t, irq) == target

    # -- mapped interrupts ---------------------------------------------------------------------

    async def resample(self, t: Context, irq: VgicIrq) -> None:
        """Read the line of a mapped level interrupt; if it fell, release the physical interrupt.

        Of one that is not linked the line is not read: it is let through again, and comes if its
        line is high.
        """
        if irq.is_spi():
            await t.step(Steps.resample_device, t.at(t.v, irq))
        elif irq.intid == PTIMER_PPI:
            await t.step(Steps.resample_ptimer, t.at(t.v, irq))
        else:
            await t.step(Steps.resample)
        if not irq.linked:
            self.set_phys_active(t, irq.hwintid, False)
            return
        self.sample_line(t, irq)
        if not irq.line_level:
            self.machine.threads[t.v].rechecked("resample-fell")
            self.set_phys_active(t, irq.hwintid, False)

    def sample_line(self, t: Context, irq: VgicIrq) -> None:
        """Bring ``line_level`` up to date, with irq_lock held."""
        irq.assert_held(t.actor, "sample its line")
        owner = irq.lock.vcpu
        irq.resampled(t.v if owner < 0 else owner, self.device_level(t, irq))

    def device_level(self, t: Context, irq: VgicIrq) -> bool:
        """vgic_get_phys_line_level: a forwarded SPI's line is read as its pending state."""
        if irq.intid == PTIMER_PPI:
            return self.ptimer_level(t, t.v)
        if not irq.is_spi():
            return self.input_level(t, t.v)
        self.machine.messages.before_access(t.c)
        self.machine.messages.deliver_writes(t.c)
        return self.machine.gic.is_pending(t.c, irq.hwintid)

    def set_phys_active(self, t: Context, intid: int, active: bool) -> None:
        """vgic_irq_set_phys_active: the physical active state, on the CPU this runs on."""
        back = self.reads_back(active)
        self.machine.write_active(t.c, t.v, intid, active, read_back=back)

    def reads_back(self, active: bool) -> bool:
        """gic_irq_set_irqchip_state: whether ISACTIVER is read after it was written.

        So that a guest cannot deactivate before that (464cb98f1c07, November 2024): in the driver
        of a GICv3 alone, and not for ICACTIVER.
        """
        return active and self.machine.gic.version == 3
