"""What the VM monitor does to a stopped VM: reset it, or save it and restore it elsewhere.

Linux arch/arm64/kvm/reset.c, kvm_timer_vcpu_reset and kvm_vgic_reset_mapped_irq (413aa807ae39);
vgic/vgic-kvm-device.c and KVM_GET_ONE_REG. All VCPUs are in user space meanwhile; ``u`` is the
monitor's own context, which has no CPU.
"""

import msgspec

from harness.actors.context import Context
from harness.kvm.mmio import Mmio
from model import facts
from model.device import ForwardedDevice
from model.identity import PTIMER, VTIMER
from model.monitor import SavedIrq, SavedVcpu
from model.part import bits_of
from model.vgic.irq import VgicIrq
from model.vgic.vtimer import VTimer

__all__ = ["User"]


class User(Mmio):
    """The ioctls."""

    def private(self, v: int) -> list[VgicIrq]:
        """Return the interrupts that only VCPU ``v`` has."""
        others = [irq for (w, _), irq in self.machine.private.items() if w == v]
        return [self.machine.irqs[v], *others]

    def timers(self, v: int) -> tuple[VTimer, ...]:
        """Return the timers of VCPU ``v`` (struct arch_timer_cpu): two if guests use both."""
        machine = self.machine
        if not machine.ptimers:
            return (machine.vtimers[v],)
        return (machine.vtimers[v], machine.ptimers[v])

    # -- reset ---------------------------------------------------------------------------------

    async def reset_vm(self, u: Context) -> None:
        """Reset every VCPU, then the passthrough devices and what they had pending."""
        for v in range(len(self.machine.threads)):
            await self.reset_vcpu(u, v)
        for forward in self.machine.forwards:
            await self.reset_device(u, forward)

    async def reset_vcpu(self, u: Context, v: int) -> None:
        """KVM_ARM_VCPU_INIT: timers off, interrupts inactive, the virtual interface as at power-on.

        What is left on the ap_list is pruned at the next sync. The physical active state of the
        timer belongs to the CPU, and is written at the next load or entry.
        """
        for irq in self.private(v):
            await self.reset_irq(u, irq, v)
        await u.step(u.ops(v).reset_vcpu)
        machine = self.machine
        vgic = machine.vgics[v]
        for timer in self.timers(v):
            timer.cval = timer.ctl = 0
            timer.irq_level = timer.cleared_last = False
        vgic.vmcr, vgic.apr = machine.initial_vmcr, (0, 0)
        guest = machine.guests[v]
        guest.start()
        guest.enabled = True
        self.emit(facts.VmReset(v))
        self.emit(facts.GuestTimer(v, VTIMER, 0, 0, machine.vtimers[v].cntvoff))
        if machine.ptimers:
            self.emit(facts.GuestTimer(v, PTIMER, 0, 0, 0))
        self.emit(facts.GuestMask(v, guest.irqs_masked, guest.pmr, guest.enabled))

    async def reset_irq(self, u: Context, irq: VgicIrq, v: int) -> None:
        """kvm_vgic_reset_mapped_irq, and the monitor's writes to the distributor's registers."""
        await u.lock(irq, u.ops_on(irq, v).reset_irq)
        self.took(u, irq)
        self.clear(irq)
        self.emit(facts.RegisterWritten(v, irq.intid, "reset", v))
        await u.step(u.ops_on(irq, v).inject_unlock)
        self.gave(u, irq)

    def clear(self, irq: VgicIrq) -> None:
        """Make an interrupt idle and enabled, as it is at power-on here."""
        irq.enabled = True
        irq.active = irq.pending_latch = irq.line_level = False
        irq.source = irq.active_source = 0

    async def reset_device(self, u: Context, forward: ForwardedDevice) -> None:
        """Reset a passthrough device, and release its interrupt at the distributor.

        As VFIO does it: the interrupt is disabled first, and handlers that run are waited for, so
        that none injects what the reset has taken back.
        """
        machine = self.machine
        irq = machine.spis[forward.vintid]
        on = u.ops_on(irq, forward.vcpu)
        await u.step(on.disable_irq)
        machine.messages.before_access(u.c)
        self.host_mask(forward, True)
        await self.synchronize_irq(u)
        await self.reset_irq(u, irq, forward.vcpu)
        await u.step(on.reset_device)
        self.host_mask(forward, False)
        forward.reset()
        irq.target = forward.vcpu
        machine.vm.deferred = ()
        self.emit(facts.DeviceServed(forward.vcpu, forward.intid, forward.vintid, False))
        machine.messages.before_access(u.c)
        machine.gic.set_pending(forward.target, forward.intid, False)
        if irq.hw:
            self.set_phys_active(u, irq.hwintid, False)

    def host_mask(self, forward: ForwardedDevice, masked: bool) -> None:
        """disable_irq and enable_irq: at the distributor."""
        self.machine.gic.set_enable(forward.target, forward.intid, not masked)
        self.emit(facts.HostMasked(forward.intid, masked))

    async def synchronize_irq(self, u: Context) -> None:
        """Wait until no host handler runs (upstream: none of this interrupt)."""
        pcpus = self.machine.pcpus

        def all_idle() -> bool:
            return not any(p.in_irq for p in pcpus)

        await u.task.step(u.o.synchronize_irq, all_idle, bits_of(pcpus))

    # -- save and restore ----------------------------------------------------------------------

    async def save_vm(self, u: Context) -> None:
        """Read the state of every VCPU: its interrupts, then its timers."""
        for v in range(len(self.machine.threads)):
            await u.step(u.ops(v).save_vgic)
            machine = self.machine
            irqs = tuple(self.saved_irq(irq) for irq in self.private(v))
            self.keep(v, SavedVcpu(irqs=irqs))
            timer = machine.irqs[v]
            self.emit(facts.VmSaved(v, "vgic", timer.is_pending(), timer.active))
            await u.step(u.ops(v).save_timer)
            vtimer = machine.vtimers[v]
            timers = tuple((timer.cval, timer.ctl) for timer in self.timers(v))
            self.keep(v, msgspec.structs.replace(machine.monitor.saved[v], timers=timers))
            fires = vtimer.should_fire(machine.clock.now)
            self.emit(facts.VmSaved(v, "timer", fires, False))

    def saved_irq(self, irq: VgicIrq) -> SavedIrq:
        """Read one interrupt (user access: the software state, no hardware is touched)."""
        return SavedIrq(
            vintid=irq.intid,
            enabled=irq.enabled,
            line_level=irq.line_level,
            pending_latch=irq.pending_latch,
            active=irq.active,
            source=irq.source,
            active_source=irq.active_source,
        )

    def keep(self, v: int, saved: SavedVcpu) -> None:
        """Note what was read."""
        monitor = self.machine.monitor
        monitor.saved = (*monitor.saved[:v], saved, *monitor.saved[v + 1 :])

    async def restore_vm(self, u: Context) -> None:
        """Make a fresh VM and write the saved state into it: interrupts, then timers."""
        for v in range(len(self.machine.threads)):
            for irq in self.private(v):
                await self.renew_irq(u, irq, v)
        for v in range(len(self.machine.threads)):
            await u.step(u.ops(v).restore_vgic)
            saved = self.machine.monitor.saved[v]
            for one in saved.irqs:
                await self.restore_irq(u, self.irq(v, one.vintid), v, one)
            self.emit(facts.VmRestored(v, "vgic"))
            await u.step(u.ops(v).restore_timer)
            for timer, (cval, ctl) in zip(self.timers(v), saved.timers, strict=True):
                timer.cval, timer.ctl = cval, ctl
                timer.irq_level = timer.cleared_last = False
            self.emit(facts.VmRestored(v, "timer"))

    async def renew_irq(self, u: Context, irq: VgicIrq, v: int) -> None:
        """Be a fresh VM's interrupt: idle, and on no list; that VM's timers are off."""
        await u.lock(irq, u.ops_on(irq, v).renew_irq)
        self.took(u, irq)
        self.clear(irq)
        if irq.intid in self.machine.vgics[v].ap_list:
            self.unqueue(v, irq)
        irq.vcpu = -1
        for timer in self.timers(v):
            timer.ctl = timer.cval = 0
        await u.step(u.ops_on(irq, v).inject_unlock)
        self.gave(u, irq)

    async def restore_irq(self, u: Context, irq: VgicIrq, v: int, saved: SavedIrq) -> None:
        """Write one interrupt, and queue it (user access: no hardware is touched)."""
        await u.lock(irq, u.ops_on(irq, v).restore_irq)
        self.took(u, irq)
        irq.enabled = saved.enabled
        irq.line_level = saved.line_level
        irq.pending_latch = saved.pending_latch
        irq.active = saved.active
        irq.source, irq.active_source = saved.source, saved.active_source
        await self.queue_irq_unlock(u, irq, False)
