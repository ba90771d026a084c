"""The emulated distributor: what a guest's accesses do, and its SGIs.

Linux arch/arm64/kvm/vgic/vgic-mmio.c and vgic-mmio-v3.c (vgic_v3_dispatch_sgi). A mapped
interrupt's pending and active state is changed in the physical distributor as well (df635c5b184d).
"""

from harness.context import Context
from harness.contract import Guard
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from model.guest import (
    ACTIVATE,
    DISABLE,
    DIST,
    ENABLE,
    LPIS,
    PEND,
    READ_ACTIVE,
    READ_DIST,
    READ_ENABLED,
    READ_PENDING,
    READ_PRIORITY,
    READ_TARGET,
    SET_GROUP,
    SET_PRIORITY,
    TARGET,
    UNPEND,
    Instruction,
)
from model.vgic.cpu import DistCtlr
from model.vgic.irq import VgicIrq

__all__ = ["VgicMmio"]

UNLOCKED = (READ_ENABLED, READ_TARGET, READ_PRIORITY)


class VgicMmio(Hooks):
    """The exits that are accesses to the GIC."""

    async def handle_mmio(self, t: Context) -> None:
        """Carry out the access that trapped (vgic_mmio_ops).

        SGIs and PPIs are those of the redistributor that was accessed: any VCPU can access any.
        """
        access = await self.decode(t)
        if access.code == DIST:
            await self.write_dist(t, bool(access.a))
            return
        if access.code == LPIS:
            await self.write_lpis(t, t.v if access.of < 0 else access.of, bool(access.a))
            return
        if access.code == READ_DIST:
            await self.read_dist(t)
            return
        irq = self.machine.irq(t.v if access.of < 0 else access.of, access.a)
        if irq.is_lpi():
            await self.its_command(t, irq, access)
        elif access.code in (ENABLE, DISABLE):
            await self.write_enable(t, irq, access.code == ENABLE)
        elif access.code in (PEND, UNPEND):
            await self.write_pending(t, irq, access.code == PEND)
        elif access.code == READ_PENDING:
            await self.read_pending(t, irq)
        elif access.code == READ_ACTIVE:
            await self.read_active(t, irq)
        elif access.code == TARGET:
            await self.write_target(t, irq, access.b)
        elif access.code == SET_PRIORITY:
            await self.write_priority(t, irq, access.b)
        elif access.code == SET_GROUP:
            await self.write_group(t, irq, access.b)
        elif access.code in UNLOCKED:
            await self.read_field(t, irq, access.code)
        else:
            await self.change_active(t, irq, access.code == ACTIVATE)

    async def decode(self, t: Context) -> Instruction:
        """kvm_handle_guest_abort and kvm_handle_sys_reg: find out what was accessed."""
        await self.point(t, Steps.decode_exit)
        return self.machine.guests[t.v].trap

    async def unlock(self, t: Context, irq: VgicIrq) -> None:
        """raw_spin_unlock_irqrestore: drop irq_lock and let interrupts in."""
        await t.step(Steps.inject_unlock, t.at(t.v, irq))
        t.released(irq, irqs_on=True)

    # -- the distributor itself ------------------------------------------------------------------

    async def write_dist(self, t: Context, on: bool) -> None:
        """vgic_mmio_write_v3_misc and _v2_: GICD_CTLR, in a GICv3 under config_lock (since 2020).

        Switched off, it takes nothing out of anybody's List Registers; what is pending leaves its
        ap_list at the next prune. Switched on, it only kicks who has something on a list.
        """
        locks = self.machine.gic.version == 3 and self.locks_for_dist
        if locks:
            await self.lock_config(t)
        await self.point(t, Steps.write_dist)
        ctlr = self.dist_ctlr()
        was_on, ctlr.enabled = ctlr.enabled, on
        if on and not was_on:
            await self.kick_pending(t)
        if locks:
            await self.unlock_config(t)

    def dist_ctlr(self) -> DistCtlr:
        """Return dist->enabled, which there is where a guest accesses GICD_CTLR."""
        assert self.machine.ctlr is not None, "no guest accesses GICD_CTLR"
        return self.machine.ctlr

    async def kick_pending(self, t: Context) -> None:
        """vgic_kick_vcpus: request and kick who has something deliverable on its ap_list.

        What became pending while the distributor was off, or was pruned then, is on none: F29.
        """
        v = 0
        while v < len(self.machine.threads):
            await self.point(t, Steps.kick_pending, v)
            if self.pending_irq(v):
                await self.request_and_kick(t, v)
            v += 1

    async def read_dist(self, t: Context) -> None:
        """vgic_mmio_read_v3_misc and _v2_."""
        await self.point(t, Steps.read_dist)
        self.dist_ctlr().read(t.v)

    # -- enable, pending, target ---------------------------------------------------------------

    async def write_enable(self, t: Context, irq: VgicIrq, on: bool) -> None:
        """vgic_mmio_write_senable and _cenable."""
        await self.irqs_off_point(t)
        await t.lock(irq, Steps.write_enable, t.at(t.v, irq))
        t.acquired(irq)
        irq.enabled = on
        irq.written(t.v, "isenabler" if on else "icenabler")
        if on:
            self.enabling(t, irq)
            await self.queue_irq_unlock(t, irq, True)
        else:
            await self.unlock(t, irq)

    def enabling(self, t: Context, irq: VgicIrq) -> None:
        """Look at a mapped interrupt's line again when the guest enables it, irq_lock held."""

    def sample_enabled(self, t: Context, irq: VgicIrq) -> None:
        """Do so; a line that fell meanwhile releases the physical interrupt (e40cc57bac79)."""
        if not irq.is_mapped_level():
            return
        was_high = irq.line_level
        self.sample_line(t, irq)
        if not irq.active and was_high and not irq.line_level:
            self.machine.threads[t.v].rechecked("enable-fell")
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
        await t.lock(irq, Steps.write_pending, t.at(t.v, irq))
        t.acquired(irq)
        irq.pending_latch = on
        register = "ispendr" if on else "icpendr"
        if irq.hw and self.mirrors(irq, register):
            if on:
                self.set_phys_active(t, irq.hwintid, True)
            else:
                self.machine.messages.before_access(t.c)
                self.machine.messages.deliver_writes(t.c)
                self.machine.gic.set_pending(t.c, irq.hwintid, False)
                if not irq.active:
                    self.set_phys_active(t, irq.hwintid, False)
        irq.written(t.v, register)
        if on:
            await self.queue_irq_unlock(t, irq, True)
        else:
            await self.unlock(t, irq)

    def mirrors(self, irq: VgicIrq, register: str) -> bool:
        """Tell whether a write to ``register`` of a mapped interrupt reaches the hardware.

        vgic_mmio_write_spending, vgic_hw_irq_cpending, vgic_hw_irq_change_active (df635c5b184d).
        """
        return True

    async def write_target(self, t: Context, irq: VgicIrq, target: int) -> None:
        """vgic_mmio_write_irouter (_write_target): the next prune moves it; nobody is kicked.

        A pending SPI so waits until the VCPU whose ap_list it is on exits for another reason.
        """
        await self.irqs_off_point(t)
        await t.lock(irq, Steps.write_target, t.at(t.v, irq))
        t.acquired(irq)
        irq.retarget(t.v, target)
        await self.unlock(t, irq)

    async def write_priority(self, t: Context, irq: VgicIrq, value: int) -> None:
        """vgic_mmio_write_priority: it counts from the next flush on; nobody is kicked or queued.

        What is in a List Register meanwhile keeps the priority that it had, and a VCPU that sleeps
        with the interrupt below its priority mask sleeps on.
        """
        await self.irqs_off_point(t)
        await t.lock(irq, Steps.write_priority, t.at(t.v, irq))
        t.acquired(irq)
        irq.set_priority(t.v, value)
        await self.unlock(t, irq)

    async def write_group(self, t: Context, irq: VgicIrq, group: int) -> None:
        """vgic_mmio_write_group: who has it on its list is kicked, and presents it anew.

        Of an edge that is pending in a List Register nothing is pending in memory, and nobody is.
        """
        await self.irqs_off_point(t)
        await t.lock(irq, Steps.write_group, t.at(t.v, irq))
        t.acquired(irq)
        irq.group = group
        irq.written(t.v, "igroupr")
        await self.queue_irq_unlock(t, irq, True)

    async def read_field(self, t: Context, irq: VgicIrq, code: int) -> None:
        """vgic_mmio_read_enable, _read_priority, _read_irouter (_read_target): without irq_lock."""
        while await t.preemptible(Steps.read_field, t.at(t.v, irq)):
            await self.preempted(t)
        if code == READ_ENABLED:
            irq.read(t.v, "isenabler", irq.enabled)
        elif code == READ_PRIORITY:
            irq.read(t.v, "ipriorityr", irq.priority)
        else:
            irq.read(t.v, "irouter", irq.target)

    async def read_pending(self, t: Context, irq: VgicIrq) -> None:
        """vgic_mmio_read_pending: a mapped level's line is read from the device (5bfa685e62e9)."""
        await self.irqs_off_point(t)
        await t.lock(irq, Steps.read_pending, t.at(t.v, irq))
        t.acquired(irq)
        sampled = irq.is_mapped_level() and self.mirrors(irq, "ispendr")
        value = self.device_level(t, irq) if sampled else irq.is_pending()
        irq.read(t.v, "ispendr", value)
        await self.unlock(t, irq)

    # -- active --------------------------------------------------------------------------------

    def must_halt(self, irq: VgicIrq) -> bool:
        """vgic_access_active_prepare: whether the interrupt may be in another VCPU's registers.

        A VCPU's access to its own private interrupts halts nobody: it is out of its guest itself.
        """
        return irq.is_spi()

    def is_far(self, t: Context, irq: VgicIrq) -> bool:
        """Tell whether it is another VCPU's redistributor that VCPU ``t.v`` accesses (GICv3)."""
        return irq.lock.vcpu not in (-1, t.v)

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
        """vgic_mmio_read_active, without irq_lock; the guests are halted since 9a50ebbffa98.

        Before that it takes no lock at all.
        """
        halt = (self.must_halt(irq) or self.is_far(t, irq)) and self.halts_for_reads
        if self.halts_for_reads:
            await self.access_active(t, irq, halt=halt)
        if halt:
            await self.wait_folded(t, irq)
        while await t.preemptible(Steps.read_field, t.at(t.v, irq)):
            await self.preempted(t)
        irq.read(t.v, "isactiver", irq.active)
        if self.halts_for_reads:
            await self.end_active(t, halt=halt)

    async def change_active(self, t: Context, irq: VgicIrq, on: bool) -> None:
        """vgic_mmio_write_sactive and _cactive."""
        halt = self.must_halt(irq) or self.is_far(t, irq)
        await self.access_active(t, irq, halt=halt)
        await self.lock_folded(t, irq)
        irq.active = on
        register = "isactiver" if on else "icactiver"
        if irq.hw:
            if self.mirrors(irq, register):
                self.set_phys_active(t, irq.hwintid, on)
        elif irq.sourced and on:
            irq.active_source = t.v
        irq.written(t.v, register)
        if on:
            await self.queue_irq_unlock(t, irq, True)
        else:
            await self.unlock(t, irq)
        await self.end_active(t, halt=halt)

    async def lock_folded(self, t: Context, irq: VgicIrq) -> None:
        """Take irq_lock when the interrupt's state is in memory.

        A VCPU that had looked at its requests before it was halted may yet flush it, and give its
        entry up: so it is looked at again under the lock.
        """
        while True:
            await self.wait_folded(t, irq)
            await self.irqs_off_point(t)
            await t.lock(irq, Steps.write_active, t.at(t.v, irq))
            t.acquired(irq)
            if self.is_folded(t, irq):
                return
            self.machine.threads[t.v].rechecked("active-again")
            await self.unlock(t, irq)

    def is_folded(self, t: Context, irq: VgicIrq) -> bool:
        """Tell, with irq_lock held, whether the interrupt's state is in memory."""
        return not irq.on_lr

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

        while await t.task.step(
            t.at(t.v, irq)[Steps.wait_folded],
            go_on,
            reads | t.irqs_reads,
            (t.here[Steps.preempt], t.resched),
        ):
            await self.preempted(t)

    # -- SGIs ----------------------------------------------------------------------------------

    async def handle_sgi(self, t: Context) -> None:
        """vgic_v3_dispatch_sgi (GICv2: vgic_mmio_write_sgir): an edge for the target VCPU."""
        trap = await self.decode(t)
        irq = self.machine.irq(trap.b, trap.a)
        await self.irqs_off_point(t)
        await t.lock(irq, Steps.send_sgi, t.at(trap.b, irq))
        t.acquired(irq)
        irq.inject(t.c, trap.b, True, accepted=True)
        if irq.sourced:
            irq.source |= 1 << t.v
        await self.queue_irq_unlock(t, irq, True)
