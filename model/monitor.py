"""The VM monitor: the process in user space that resets, saves and restores the VM."""

import msgspec

from model.part import Part

__all__ = ["NOTHING_SAVED", "Monitor", "SavedIrq", "SavedVcpu"]


class SavedIrq(msgspec.Struct, frozen=True, gc=False):
    """What KVM_DEV_ARM_VGIC_GRP_*_REGS and _LEVEL_INFO tell of a virtual interrupt.

    ``source`` is the mask of VCPUs whose SGI it is and waits, ``active_source`` the VCPU whose SGI
    is active (GICv2's SGIs; 0 for all others).
    """

    vintid: int
    enabled: bool
    line_level: bool
    pending_latch: bool
    active: bool
    source: int
    active_source: int


class SavedVcpu(msgspec.Struct, frozen=True, gc=False):
    """What was read of a VCPU: its private interrupts, and (CVAL in ns, CTL) of each timer.

    The latter are KVM_REG_ARM_TIMER_CVAL and _CTL, and those of KVM_REG_ARM_PTIMER.
    """

    irqs: tuple[SavedIrq, ...] = ()
    timers: tuple[tuple[int, int], ...] = ()


NOTHING_SAVED = SavedVcpu()


class Monitor(Part):
    """The VM monitor's memory: ``saved`` is what it has read of each VCPU so far."""

    FIELDS = ("saved",)
    __slots__ = FIELDS

    def __init__(self, vcpus: int) -> None:
        super().__init__()
        self.saved: tuple[SavedVcpu, ...] = (NOTHING_SAVED,) * vcpus
