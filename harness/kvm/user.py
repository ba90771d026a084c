"""What the VM monitor does to a stopped VM: reset it, or save it and restore it elsewhere.

Linux arch/arm64/kvm/reset.c, kvm_timer_vcpu_reset and kvm_vgic_reset_mapped_irq (413aa807ae39);
vgic/vgic-kvm-device.c and KVM_GET_ONE_REG. All VCPUs are in user space meanwhile; ``u`` is the
monitor's own context, which has no CPU.
"""

import msgspec

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from model.device import ForwardedDevice, SoftwareDevice
from model.identity import PTIMER, VTIMER
from model.monitor import SavedIrq, SavedVcpu
from model.part import bits_of
from model.timer import ENABLE
from model.vgic.irq import VgicIrq

__all__ = ["User"]


class User(Hooks):
    """The ioctls."""

    async def set_timers(self, t: Context) -> None:
        """KVM_SET_ONE_REG: program the timers of a VCPU that has not run yet."""
        timers = self.machine.config.timers
        if not timers or max(timers[t.v]) < 0:
            return
        await t.task.step(t.here[Steps.set_timers])
        now = self.machine.clock.now
        for number, ns in zip((VTIMER, PTIMER), timers[t.v], strict=True):
            if ns >= 0:
                timer = self.machine.timers[t.v][number]
                timer.write(cval=now + ns - timer.cntvoff, ctl=ENABLE)

    # -- reset ---------------------------------------------------------------------------------

    async def reset_vm(self, u: Context) -> None:
        """Reset every VCPU, then the passthrough devices and what they had pending."""
        v = 0
        while v < len(self.machine.threads):
            await self.reset_vcpu(u, v)
            v += 1
        n = 0
        while n < len(self.machine.forwards):
            device = self.machine.forwards[n]
            if isinstance(device, SoftwareDevice):
                await self.reset_software(u, device)
            else:
                await self.reset_device(u, device)
            n += 1

    async def reset_vcpu(self, u: Context, v: int) -> None:
        """KVM_ARM_VCPU_INIT: timers off, interrupts inactive, the virtual interface as at power-on.

        What is left on the ap_list is pruned at the next sync. The physical active state of the
        timer belongs to the CPU, and is written at the next load or entry.
        """
        machine = self.machine
        irqs, i = machine.private_irqs(v), 0
        while i < len(irqs):
            await self.reset_irq(u, irqs[i], v)
            i += 1
        await u.step(Steps.reset_vcpu, u.at(v))
        vgic = machine.vgics[v]
        vgic.vmcr, vgic.apr = machine.initial_vmcr, (0, 0)
        if machine.ctlr is not None:
            machine.ctlr.enabled = True
        if machine.its is not None:
            machine.its.enabled |= 1 << v
        guest = machine.guests[v]
        guest.start()
        guest.enabled = True
        machine.monitor.reset(v)
        for timer in self.timers(v):
            timer.irq_level = timer.cleared_last = False
            timer.write(cval=0, ctl=0)
        guest.say_mask()

    async def reset_irq(self, u: Context, irq: VgicIrq, v: int) -> None:
        """kvm_vgic_reset_mapped_irq, and the monitor's writes to the distributor's registers."""
        await u.lock(irq, Steps.reset_irq, u.at(v, irq))
        u.acquired(irq)
        self.clear(irq)
        irq.written(v, "reset", v)
        await u.step(Steps.inject_unlock, u.at(v, irq))
        u.released(irq)

    def clear(self, irq: VgicIrq) -> None:
        """Make an interrupt idle and enabled, as it is at power-on here."""
        irq.enabled = True
        irq.active = irq.pending_latch = irq.line_level = False
        irq.source = irq.active_source = 0
        irq.priority = irq.initial
        irq.group = irq.at_first

    async def reset_device(self, u: Context, forward: ForwardedDevice) -> None:
        """Reset a passthrough device, and release its interrupt at the distributor.

        As VFIO does it: the interrupt is disabled first, and handlers that run are waited for, so
        that none injects what the reset has taken back.
        """
        machine = self.machine
        irq = machine.spis[forward.vintid]
        at = u.at(forward.vcpu, irq)
        await u.step(Steps.disable_irq, at)
        machine.messages.before_access(u.c)
        machine.messages.deliver_writes(u.c)
        machine.mask(forward.target, forward.intid, True)
        await self.synchronize_irq(u)
        await self.reset_irq(u, irq, forward.vcpu)
        await u.step(Steps.reset_device, at)
        machine.mask(forward.target, forward.intid, False)
        irq.target = forward.vcpu
        machine.vm.deferred = ()
        forward.reset()
        machine.messages.before_access(u.c)
        machine.gic.set_pending(forward.target, forward.intid, False)
        if irq.hw:
            self.set_phys_active(u, irq.hwintid, False)

    async def synchronize_irq(self, u: Context) -> None:
        """Wait until no host handler runs (upstream: none of this interrupt)."""
        pcpus = self.machine.pcpus

        def all_idle() -> bool:
            return not any(p.in_irq for p in pcpus)

        await u.task.step(u.here[Steps.synchronize_irq], all_idle, bits_of(pcpus))

    # -- save and restore ----------------------------------------------------------------------

    async def save_vm(self, u: Context) -> None:
        """Read the state of every VCPU: its interrupts, then its timers."""
        v = 0
        while v < len(self.machine.threads):
            await u.step(Steps.save_vgic, u.at(v))
            self.save_irqs(v)
            await u.step(Steps.save_timer, u.at(v))
            self.save_timers(v)
            v += 1

    def save_irqs(self, v: int) -> None:
        """KVM_DEV_ARM_VGIC_GRP_REDIST_REGS: read a VCPU's private interrupts."""
        saved = SavedVcpu(irqs=tuple(self.saved_irq(x) for x in self.machine.private_irqs(v)))
        irq = self.timer_irq(v)
        level, active = irq.is_pending(), irq.active
        self.machine.monitor.keep(v, saved, "vgic", level=level, active=active)

    def save_timers(self, v: int) -> None:
        """KVM_GET_ONE_REG: read CVAL and CTL of a VCPU's timers."""
        machine = self.machine
        timers = tuple((timer.cval, timer.ctl) for timer in self.timers(v))
        saved = msgspec.structs.replace(machine.monitor.saved[v], timers=timers)
        if machine.config.counter == "stops":
            count = machine.timers[v][VTIMER].count(machine.clock.now)
            saved = msgspec.structs.replace(saved, count=count)
        fires = self.timers(v)[0].should_fire(machine.clock.now)
        machine.monitor.keep(v, saved, "timer", level=fires, active=False)

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
            priority=irq.priority,
            group=irq.group,
        )

    async def restore_vm(self, u: Context) -> None:
        """Make a fresh VM and write the saved state into it: interrupts, then timers."""
        machine = self.machine
        v = 0
        while v < len(machine.threads):
            irqs, i = machine.private_irqs(v), 0
            while i < len(irqs):
                await self.renew_irq(u, irqs[i], v)
                i += 1
            v += 1
        v = 0
        while v < len(machine.threads):
            await u.step(Steps.restore_vgic, u.at(v))
            saved, i = machine.monitor.saved[v].irqs, 0
            while i < len(saved):
                await self.restore_irq(u, v, saved[i])
                i += 1
            machine.monitor.wrote_back(v, "vgic")
            if machine.config.counter == "stops":
                await u.step(Steps.restore_counter, u.at(v))
                self.restore_counter(v)
            await u.step(Steps.restore_timer, u.at(v))
            self.restore_timers(v)
            machine.monitor.wrote_back(v, "timer")
            v += 1

    def restore_counter(self, v: int) -> None:
        """KVM_SET_ONE_REG, KVM_REG_ARM_TIMER_CNT: the guest's counter goes on where it stopped.

        It is the VM's: whichever VCPU it is written for, it moves for all (timer_set_offset today,
        update_vtimer_cntvoff in 4.14).
        """
        machine = self.machine
        count = machine.monitor.saved[v].count
        for timers in machine.timers:
            timers[VTIMER].set_count(machine.clock.now, count)

    def restore_timers(self, v: int) -> None:
        """KVM_SET_ONE_REG: write CVAL and CTL of a VCPU's timers."""
        saved = self.machine.monitor.saved[v].timers
        for timer, (cval, ctl) in zip(self.timers(v), saved, strict=True):
            timer.cval, timer.ctl = cval, ctl
            timer.irq_level = timer.cleared_last = False

    async def renew_irq(self, u: Context, irq: VgicIrq, v: int) -> None:
        """Make it a fresh VM's interrupt: idle, and on no list; that VM's timers are off."""
        await u.lock(irq, Steps.renew_irq, u.at(v, irq))
        u.acquired(irq)
        self.clear(irq)
        irq.said()
        self.machine.vgics[v].forget(irq)
        for timer in self.timers(v):
            timer.ctl = timer.cval = 0
        await u.step(Steps.inject_unlock, u.at(v, irq))
        u.released(irq)

    async def restore_irq(self, u: Context, v: int, saved: SavedIrq) -> None:
        """Write one interrupt, and queue it (user access: no hardware is touched)."""
        irq = self.machine.irq(v, saved.vintid)
        await u.lock(irq, Steps.restore_irq, u.at(v, irq))
        u.acquired(irq)
        irq.enabled = saved.enabled
        irq.line_level = saved.line_level
        irq.pending_latch = saved.pending_latch
        irq.active = saved.active
        irq.source, irq.active_source = saved.source, saved.active_source
        irq.priority = saved.priority
        irq.group = saved.group
        irq.said()
        await self.queue_irq_unlock(u, irq, False)
