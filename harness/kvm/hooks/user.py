"""Hooks of reset.c and the ioctls: what the VM monitor does."""

from harness.context import Context
from model.device import ForwardedDevice
from model.monitor import SavedIrq
from model.vgic.irq import VgicIrq

__all__ = ["UserHooks"]


class UserHooks:
    """Hooks of reset.c and the ioctls: what the VM monitor does."""

    async def set_timers(self, t: Context) -> None:
        """KVM_SET_ONE_REG: program the timers of a VCPU that has not run yet."""
        raise NotImplementedError

    async def reset_vm(self, u: Context) -> None:
        """Reset every VCPU, then the passthrough devices and what they had pending."""
        raise NotImplementedError

    async def reset_vcpu(self, u: Context, v: int) -> None:
        """KVM_ARM_VCPU_INIT: timers, interrupts and virtual interface as at power-on."""
        raise NotImplementedError

    async def reset_irq(self, u: Context, irq: VgicIrq, v: int) -> None:
        """kvm_vgic_reset_mapped_irq, and the monitor's writes to the distributor's registers."""
        raise NotImplementedError

    def clear(self, irq: VgicIrq) -> None:
        """Make an interrupt idle and enabled, as it is at power-on here."""
        raise NotImplementedError

    async def reset_device(self, u: Context, forward: ForwardedDevice) -> None:
        """Reset a passthrough device, and release its interrupt at the distributor."""
        raise NotImplementedError

    async def synchronize_irq(self, u: Context) -> None:
        """Wait until no host handler runs (upstream: none of this interrupt)."""
        raise NotImplementedError

    async def save_vm(self, u: Context) -> None:
        """Read the state of every VCPU: its interrupts, then its timers."""
        raise NotImplementedError

    def save_irqs(self, v: int) -> None:
        """KVM_DEV_ARM_VGIC_GRP_REDIST_REGS: read a VCPU's private interrupts."""
        raise NotImplementedError

    def save_timers(self, v: int) -> None:
        """KVM_GET_ONE_REG: read CVAL and CTL of a VCPU's timers."""
        raise NotImplementedError

    def saved_irq(self, irq: VgicIrq) -> SavedIrq:
        """Read one interrupt (user access: the software state, no hardware is touched)."""
        raise NotImplementedError

    async def restore_vm(self, u: Context) -> None:
        """Make a fresh VM and write the saved state into it: interrupts, then timers."""
        raise NotImplementedError

    def restore_counter(self, v: int) -> None:
        """KVM_SET_ONE_REG, KVM_REG_ARM_TIMER_CNT: set the counter of all guests back."""
        raise NotImplementedError

    def restore_timers(self, v: int) -> None:
        """KVM_SET_ONE_REG: write CVAL and CTL of a VCPU's timers."""
        raise NotImplementedError

    async def renew_irq(self, u: Context, irq: VgicIrq, v: int) -> None:
        """Make it a fresh VM's interrupt: idle, and on no list; that VM's timers are off."""
        raise NotImplementedError

    async def restore_irq(self, u: Context, v: int, saved: SavedIrq) -> None:
        """Write one interrupt, and queue it (user access: no hardware is touched)."""
        raise NotImplementedError
