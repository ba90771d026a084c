"""Interrupts that the VM monitor makes: KVM_IRQ_LINE, irqfds, and what KVM says of their end.

Linux arch/arm64/kvm/vgic/vgic-irqfd.c, virt/kvm/eventfd.c (irqfd_inject, irqfd_resampler_ack) and
kvm_vm_ioctl_irq_line; what the VM monitor does for its devices is QEMU's and VFIO's shape.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from model.device import SoftwareDevice, serve_device
from model.gic.lr import INACTIVE, Lr
from model.vgic.irq import VgicIrq

__all__ = ["IrqFd"]


class IrqFd(Hooks):
    """eventfd.c, vgic-irqfd.c, and the VM monitor's side of them."""

    async def set_irq(self, ctx: Context, device: SoftwareDevice, level: bool) -> None:
        """kvm_set_irq, kvm_vm_ioctl_irq_line: give a device's level, or its edge, to the vgic.

        An MSI goes by kvm_set_msi.
        """
        irq = self.machine.spis[device.vintid]
        if irq.is_lpi():
            if level:
                await self.inject_msi(ctx, irq, device.vcpu)
        else:
            await self.inject_irq(ctx, irq, device.vcpu, level)

    # -- the end of a level -----------------------------------------------------------------------

    def signals_eoi(self, irq: VgicIrq, lr: Lr) -> bool:
        """lr_signals_eoi_mi, of an SPI: the guest ended it, and a notifier may want to know."""
        return lr.state == INACTIVE and lr.eoi and not lr.hw and irq.is_spi()

    def notifies_first(self) -> bool:
        """Tell whether the notifier is called before the fold: for a GICv2, and for all in 4.14."""
        return self.machine.gic.version == 2

    def notifies(self, irq: VgicIrq, lr: Lr, *, deactivated: bool) -> bool:
        """Tell whether the fold of ``lr`` calls the notifier.

        Upstream asks besides that it was active before (``deactivated``), where the notifier is
        called after the fold: finding F14, in the museum.
        """
        return self.signals_eoi(irq, lr)

    async def notify_acked_irq(self, t: Context, irq: VgicIrq) -> None:
        """kvm_notify_acked_irq: irqfd_resampler_ack lowers the line, and signals the resamplefd.

        A device without a resamplefd has no notifier.
        """
        device = self.software_device(irq.intid)
        if device is not None and device.resample:
            await self.set_irq(t, device, False)
            await t.step(Steps.eventfd_signal, t.at(t.v, irq))
            device.notify()

    def software_device(self, vintid: int) -> SoftwareDevice | None:
        """Return the VM monitor's device with that vINTID, if it is one of its."""
        for device in self.machine.forwards:
            if device.vintid == vintid and isinstance(device, SoftwareDevice):
                return device
        return None

    # -- the VM monitor ----------------------------------------------------------------------------

    async def access_device(self, t: Context, device: SoftwareDevice) -> None:
        """Carry out the driver's access in user space, under the device's lock.

        A level falls with it: KVM_IRQ_LINE. With a resamplefd KVM lowers the line by itself.
        """

        def is_free() -> bool:
            return not device.held and t.irqs_clear()

        while await t.task.step(
            t.here[Steps.device_access],
            is_free,
            device.bit | t.irqs_reads,
            (t.here[Steps.preempt], t.resched),
        ):
            await self.preempted(t, loaded=False)
        device.held = True
        serve_device(self.machine.forwards, device.vintid, t.v)
        if device.level and not device.resample:
            await self.set_irq(t, device, False)
        await self.point(t, Steps.device_done, loaded=False)
        device.held = False

    async def reset_software(self, u: Context, device: SoftwareDevice) -> None:
        """Reset a device of the VM monitor's, and lower its line.

        Its threads are kept out meanwhile. Whatever the interrupt is, its registers are reset.
        """
        irq = self.machine.spis[device.vintid]
        at = u.at(device.vcpu, irq)
        await u.task.step(at[Steps.device_access], lambda: not device.held, device.bit)
        device.held = True
        await self.set_irq(u, device, False)
        await self.reset_irq(u, irq, device.vcpu)
        await u.step(Steps.reset_software, at)
        irq.target = device.vcpu
        self.machine.vm.deferred = ()
        device.reset()
        device.held = False
