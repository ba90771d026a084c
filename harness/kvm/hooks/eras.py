"""Hooks that only one era calls: a patch that overrides one is refused in the others."""

from harness.context import Context

__all__ = ["V4_14Hooks", "V7_2Hooks"]


class V4_14Hooks:
    """Hooks of 4.14's arm.c and arch_timer.c."""

    async def restore_state(self, t: Context) -> None:
        """__kvm_vcpu_run, on the way in: List Registers, then the timer."""
        raise NotImplementedError

    async def update_timer(self, t: Context) -> None:
        """kvm_timer_update_state: at each flush and sync, recompute from memory and inject."""
        raise NotImplementedError

    async def flush_timer(self, t: Context) -> None:
        """kvm_timer_flush_hwstate: before each entry, interrupts on."""
        raise NotImplementedError

    async def flush_phys_active(self, t: Context) -> None:
        """kvm_timer_flush_hwstate's end: write the physical active state."""
        raise NotImplementedError

    def write_phys_active(self, t: Context, active: bool) -> None:
        """Write that state, unless it is known to be clear (active_cleared_last)."""
        raise NotImplementedError

    async def ptimer_is_missed(self, t: Context) -> bool:
        """Tell, interrupts off, whether the physical timer has fired since the flush (F10)."""
        raise NotImplementedError

    async def sync_timer(self, t: Context) -> None:
        """kvm_timer_sync_hwstate: after each exit, interrupts on."""
        raise NotImplementedError

    def needs_flush(self, t: Context) -> bool:
        """kvm_vgic_flush_hwstate's beginning: before each entry, whether the list is not empty."""
        raise NotImplementedError

    def has_vgic_work(self, t: Context) -> bool:
        """kvm_vgic_sync_hwstate's beginning: after each exit, the same."""
        raise NotImplementedError

    async def flush_vgic(self, t: Context) -> None:
        """kvm_vgic_flush_hwstate: before each entry, interrupts on."""
        raise NotImplementedError

    async def irqs_off_for_handlers(self, t: Context) -> bool:
        """Mask interrupts around the vgic's locks where host handlers take them too."""
        raise NotImplementedError

    async def schedule_soft_timer(self, t: Context) -> None:
        """kvm_timer_schedule: before a guest that idles blocks."""
        raise NotImplementedError

    def fires(self, v: int) -> bool:
        """kvm_timer_should_fire, of either timer: at each look whether to block."""
        raise NotImplementedError


class V7_2Hooks:
    """Hooks of today's arm.c and arch_timer.c."""

    async def enter_and_leave(self, t: Context) -> str:
        """kvm_arch_vcpu_ioctl_run, from announcing guest mode until interrupts are back on."""
        raise NotImplementedError

    async def load_timer(self, t: Context) -> None:
        """kvm_timer_vcpu_load: when a VCPU is loaded."""
        raise NotImplementedError

    async def load_emulation(self, t: Context) -> None:
        """kvm_timer_vcpu_load's end: what fell due while the VCPU was put."""
        raise NotImplementedError

    async def load_phys_active(self, t: Context) -> None:
        """kvm_timer_vcpu_load_gic: write the physical active state when a VCPU is loaded."""
        raise NotImplementedError

    async def enter_el2(self, t: Context) -> str:
        """__kvm_vcpu_run: at each entry, the List Registers of a GICv3 and the guest."""
        raise NotImplementedError

    def is_blocking(self, v: int) -> bool:
        """kvm_vcpu_is_blocking, in kvm_timer_vcpu_put: whether the background timer stands in."""
        raise NotImplementedError

    async def sync_vmcr(self, t: Context) -> None:
        """vgic_v3_save_state: at each exit, VMCR back to memory (compare 5eeaf10eec39)."""
        raise NotImplementedError

    def reached_from_kernel(self) -> bool:
        """can_access_vgic_from_kernel: at each entry, whether the flush writes List Registers."""
        raise NotImplementedError

    async def isr_level(self, h: Context, v: int) -> bool:
        """kvm_timer_should_fire, for the host's handler, of the VCPU loaded on that CPU."""
        raise NotImplementedError
