"""The VM monitor: the process in user space that resets, saves and restores the VM."""

import msgspec

from model.part import Part

__all__ = ["NOTHING_SAVED", "Monitor", "SavedIrq", "SavedVcpu"]


class SavedIrq(msgspec.Struct, frozen=True, gc=False):
    """What KVM_DEV_ARM_VGIC_GRP_*_REGS and _LEVEL_INFO tell of a virtual interrupt."""

    vintid: int
    enabled: bool
    line_level: bool
    pending_latch: bool
    active: bool
    source: int
    active_source: int


class SavedVcpu(msgspec.Struct, frozen=True, gc=False):
    """What was read of a VCPU: its private interrupts, and CVAL and CTL of each timer."""

    irqs: tuple[SavedIrq, ...] = ()
    timers: tuple[tuple[int, int], ...] = ()


NOTHING_SAVED = SavedVcpu()


class Monitor(Part):
    """``saved`` is what has been read of each VCPU so far, in the monitor's memory."""

    FIELDS = ("saved",)
    __slots__ = FIELDS

    def __init__(self, vcpus: int) -> None:
        super().__init__()
        self.saved: tuple[SavedVcpu, ...] = (NOTHING_SAVED,) * vcpus
