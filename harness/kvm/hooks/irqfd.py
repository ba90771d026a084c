"""Hooks of vgic-irqfd.c and eventfd.c: interrupts that the VM monitor makes."""

from harness.context import Context
from model.device import SoftwareDevice
from model.gic.lr import Lr
from model.vgic.irq import VgicIrq

__all__ = ["IrqFdHooks"]


class IrqFdHooks:
    """Hooks of vgic-irqfd.c and eventfd.c: interrupts that the VM monitor makes."""

    async def set_irq(self, ctx: Context, device: SoftwareDevice, level: bool) -> None:
        """kvm_set_irq, kvm_vm_ioctl_irq_line: give a device's level, or its edge, to the vgic."""
        raise NotImplementedError

    def signals_eoi(self, irq: VgicIrq, lr: Lr) -> bool:
        """lr_signals_eoi_mi, of an SPI: the guest ended it, and a notifier may want to know."""
        raise NotImplementedError

    def notifies_first(self) -> bool:
        """Tell whether the notifier is called before the fold."""
        raise NotImplementedError

    def notifies(self, irq: VgicIrq, lr: Lr, *, deactivated: bool) -> bool:
        """Tell whether the fold of ``lr`` calls the notifier."""
        raise NotImplementedError

    async def notify_acked_irq(self, t: Context, irq: VgicIrq) -> None:
        """kvm_notify_acked_irq: irqfd_resampler_ack lowers the line, and signals the resamplefd."""
        raise NotImplementedError

    async def access_device(self, t: Context, device: SoftwareDevice) -> None:
        """Carry out the driver's access in user space, under the device's lock."""
        raise NotImplementedError

    async def reset_software(self, u: Context, device: SoftwareDevice) -> None:
        """Reset a device of the VM monitor's, and lower its line."""
        raise NotImplementedError
