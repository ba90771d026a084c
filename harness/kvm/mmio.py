"""The emulated distributor: what a guest's accesses do. And what its trapped DIRs and SGIs do.

Linux arch/arm64/kvm/vgic/vgic-mmio.c, vgic-mmio-v3.c (vgic_v3_dispatch_sgi) and vgic-v3.c
(vgic_v3_deactivate). A mapped interrupt's pending and active state is changed in the physical
distributor as well (df635c5b184d).
"""

from harness.actors.context import Context
from harness.contract import Guard
from harness.kvm.halt import Halt
from model import facts
from model.guest import (
    ACTIVATE,
    DISABLE,
    ENABLE,
    PEND,
    READ_ACTIVE,
    READ_PENDING,
    TARGET,
    UNPEND,
    Instruction,
)
from model.host.thread import REQ_PROCESS_UPDATE
from model.vgic.irq import VgicIrq

__all__ = ["Mmio"]


class Mmio(Halt):
    """The exits that are accesses to the GIC."""

    async def handle_mmio(self, t: Context) -> None:
        """Carry out the access that trapped (vgic_mmio_ops)."""
        access = await self.decode(t)
        irq = self.irq(t.v, access.a)
        if access.code in (ENABLE, DISABLE):
            await self.write_enable(t, irq, access.code == ENABLE)
        elif access.code in (PEND, UNPEND):
            await self.write_pending(t, irq, access.code == PEND)
        elif access.code == READ_PENDING:
            await self.read_pending(t, irq)
        elif access.code == READ_ACTIVE:
            await self.read_active(t, irq)
        elif access.code == TARGET:
            await self.write_target(t, irq, access.b)
        else:
            await self.change_active(t, irq, access.code == ACTIVATE)

    async def decode(self, t: Context) -> Instruction:
        """kvm_handle_guest_abort and kvm_handle_sys_reg: find out what was accessed."""
        await self.point(t, "decode_exit")
        return self.machine.guests[t.v].trap

    async def irqs_off_point(self, t: Context) -> None:
        """raw_spin_lock_irqsave where the thread may have been preempted before."""
        await self.point(t, "irq_save")
        t.p.irqs_off = True

    def written(self, t: Context, irq: VgicIrq, register: str) -> None:
        """State that a write was carried out."""
        owner = irq.vcpu if irq.vcpu >= 0 else irq.target
        self.emit(facts.RegisterWritten(t.v, irq.intid, register, owner))

    async def unlock(self, t: Context, irq: VgicIrq) -> None:
        """Drop irq_lock and let interrupts in."""
        await t.step(t.ops_on(irq, t.v).inject_unlock)
        self.gave_irqrestore(t, irq, True)

    # -- enable, pending, target ---------------------------------------------------------------

    async def write_enable(self, t: Context, irq: VgicIrq, on: bool) -> None:
        """vgic_mmio_write_senable and _cenable."""
        await self.irqs_off_point(t)
        await t.lock(irq, t.ops_on(irq, t.v).write_enable)
        self.took(t, irq)
        irq.enabled = on
        self.written(t, irq, "isenabler" if on else "icenabler")
        if on:
            self.enabling(t, irq)
            await self.queue_irq_unlock(t, irq, True)
        else:
            await self.unlock(t, irq)

    def enabling(self, t: Context, irq: VgicIrq) -> None:
        """Look at a mapped interrupt's line again when the guest enables it (irq_lock held)."""

    def sample_enabled(self, t: Context, irq: VgicIrq) -> None:
        """Do so; a line that fell meanwhile releases the physical interrupt (e40cc57bac79)."""
        if not irq.is_mapped_level():
            return
        was_high = irq.line_level
        self.sample_line(t, irq)
        if not irq.active and was_high and not irq.line_level:
            self.set_phys_active(t, irq.hwintid, False)

    async def write_pending(self, t: Context, irq: VgicIrq, on: bool) -> None:
        """vgic_mmio_write_spending and _cpending.

        A mapped interrupt made pending is made active at the distributor, as if the host had
        acknowledged it. One that is cleared, and not active, is released there, so that the host
        takes it again if its device insists; its pending state there is cleared, for edges. The
        bits of a GICv2's SGIs ignore writes (82e40f558de5).
        """
        if irq.sourced:
            return
        await self.irqs_off_point(t)
        await t.lock(irq, t.ops_on(irq, t.v).write_pending)
        self.took(t, irq)
        irq.pending_latch = on
        if irq.hw:
            if on:
                self.set_phys_active(t, irq.hwintid, True)
            else:
                self.machine.messages.before_access(t.c)
                self.machine.gic.set_pending(t.c, irq.hwintid, False)
                if not irq.active:
                    self.set_phys_active(t, irq.hwintid, False)
        self.written(t, irq, "ispendr" if on else "icpendr")
        if on:
            await self.queue_irq_unlock(t, irq, True)
        else:
            await self.unlock(t, irq)

    async def write_target(self, t: Context, irq: VgicIrq, target: int) -> None:
        """vgic_mmio_write_irouter (_write_target): the next prune moves it; nobody is kicked.

        A pending SPI so waits until the VCPU whose ap_list it is on exits for another reason.
        """
        await self.irqs_off_point(t)
        await t.lock(irq, t.ops_on(irq, t.v).write_target)
        self.took(t, irq)
        irq.target = target
        self.emit(facts.Retargeted(t.v, irq.intid, target))
        await self.unlock(t, irq)

    async def read_pending(self, t: Context, irq: VgicIrq) -> None:
        """vgic_mmio_read_pending: a mapped level's line is read from the device (5bfa685e62e9)."""
        await self.irqs_off_point(t)
        await t.lock(irq, t.ops_on(irq, t.v).read_pending)
        self.took(t, irq)
        value = self.device_level(t, irq) if irq.is_mapped_level() else irq.is_pending()
        self.emit(facts.RegisterRead(t.v, irq.intid, "ispendr", value))
        await self.unlock(t, irq)

    # -- active --------------------------------------------------------------------------------

    def must_halt(self, irq: VgicIrq) -> bool:
        """vgic_access_active_prepare: whether the interrupt may be in another VCPU's registers.

        A VCPU's access to its own private interrupts halts nobody: it is out of its guest itself.
        """
        return irq.is_spi()

    async def access_active(self, t: Context, irq: VgicIrq, *, halt: bool) -> None:
        """vgic_access_active_prepare."""
        await self.lock_config(t)
        if halt:
            await self.halt_guests(t)

    async def end_active(self, t: Context, *, halt: bool) -> None:
        """vgic_access_active_finish."""
        if halt:
            await self.resume_guests(t)
        await self.unlock_config(t)

    async def read_active(self, t: Context, irq: VgicIrq) -> None:
        """vgic_mmio_read_active; the guests are halted for it since 9a50ebbffa98."""
        halt = self.must_halt(irq) and self.halts_for_reads
        await self.access_active(t, irq, halt=halt)
        if halt:
            await self.wait_folded(t, irq)
        await self.irqs_off_point(t)
        await t.lock(irq, t.ops_on(irq, t.v).read_pending)
        self.took(t, irq)
        self.emit(facts.RegisterRead(t.v, irq.intid, "isactiver", irq.active))
        await self.unlock(t, irq)
        await self.end_active(t, halt=halt)

    halts_for_reads = True

    async def change_active(self, t: Context, irq: VgicIrq, on: bool) -> None:
        """vgic_mmio_write_sactive and _cactive."""
        halt = self.must_halt(irq)
        await self.access_active(t, irq, halt=halt)
        await self.wait_folded(t, irq)
        await self.irqs_off_point(t)
        await t.lock(irq, t.ops_on(irq, t.v).write_active)
        self.took(t, irq)
        irq.active = on
        if irq.hw:
            self.set_phys_active(t, irq.hwintid, on)
        elif irq.sourced and on:
            irq.active_source = t.v
        self.written(t, irq, "isactiver" if on else "icactiver")
        if on:
            await self.queue_irq_unlock(t, irq, True)
        else:
            await self.unlock(t, irq)
        await self.end_active(t, halt=halt)

    async def wait_folded(self, t: Context, irq: VgicIrq) -> None:
        """Wait until the interrupt's state is in memory, now that the guests are halted.

        A VCPU that has flushed and not yet announced guest mode is sent no IPI: it finds the
        request, gives its entry up, and folds what it had put into its registers. Upstream does not
        wait for that: finding F3, in the museum.
        """
        await self.wait_until(t, irq, lambda: not irq.on_lr, irq.bit)

    async def wait_until(self, t: Context, irq: VgicIrq, ready: Guard, reads: int) -> None:
        """cond_resched_lock in a loop: wait with interrupts on, where preemption can come."""

        def go_on() -> bool:
            return ready() and t.irqs_clear()

        reads |= t.irqs_reads
        on = t.ops_on(irq, t.v)
        while await t.task.step(on.wait_folded, go_on, reads, (t.o.preempt, t.resched)):
            await self.preempted(t)
            on = t.ops_on(irq, t.v)

    # -- deactivation and SGIs -----------------------------------------------------------------

    async def handle_dir(self, t: Context) -> None:
        """vgic_v3_deactivate: the guest deactivates something that may be in nobody's registers.

        On no ap_list: nothing to do. In the registers of a VCPU that runs: as a write to ICACTIVER.
        Else it is deactivated here, and its VCPU shall prune its list. (What is still in one of
        this VCPU's own registers upstream ends at EL2 already, without a full exit. And upstream
        drops irq_lock before it deactivates: finding F2, in the museum.)
        """
        trap = await self.decode(t)
        irq = self.irq(t.v, trap.a)
        self.emit(facts.Trapped(t.v, trap.a))
        await self.irqs_off_point(t)
        await t.lock(irq, t.ops_on(irq, t.v).look_spilled)
        self.took(t, irq)
        owner, in_lr = irq.vcpu, irq.on_lr  # on_lr stays false while irq_lock is held
        if irq.sourced and not in_lr and irq.active_source != trap.b:
            owner = -1
        if owner >= 0 and not in_lr:
            self.machine.vgics[t.v].spilled = self.without_active(irq)
            self.emulated(t, owner, irq, "dir")
            await self.deactivate_looked_at(t, irq)
        else:
            await self.irq_unlock(t, irq)
        await t.step(t.o.irq_restore)
        t.p.irqs_off = False
        if owner < 0:
            return
        if in_lr:
            await self.change_active(t, irq, False)
        await self.point_on(t, owner, "make_request")
        self.machine.threads[owner].requests |= REQ_PROCESS_UPDATE

    async def deactivate_looked_at(self, t: Context, irq: VgicIrq) -> None:
        """Deactivate an interrupt just found on an ap_list and in no register; drop irq_lock."""
        await self.deactivate_phys(t, irq)
        await t.step(t.ops_on(irq, t.v).fold_held)
        await self.fold_locked(t, irq, self.machine.vgics[t.v].spilled)
        await self.irq_unlock(t, irq)

    async def irq_unlock(self, t: Context, irq: VgicIrq) -> None:
        """Drop irq_lock, interrupts still off."""
        await t.step(t.ops_on(irq, t.v).irq_unlock)
        self.gave(t, irq)

    async def handle_sgi(self, t: Context) -> None:
        """vgic_v3_dispatch_sgi (GICv2: vgic_mmio_write_sgir): an edge for the target VCPU."""
        trap = await self.decode(t)
        irq = self.irq(trap.b, trap.a)
        await self.irqs_off_point(t)
        await t.lock(irq, t.ops_on(irq, trap.b).send_sgi)
        self.took(t, irq)
        irq.pending_latch = True
        if irq.sourced:
            irq.source |= 1 << t.v
        self.emit(facts.Injected(t.c, trap.b, irq.intid, True, True))
        await self.queue_irq_unlock(t, irq, True)
