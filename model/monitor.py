"""The VM monitor: the process in user space that resets, saves and restores the VM."""

from collections.abc import Callable

import msgspec

from model.facts import Fact, VmReset, VmRestored, VmSaved
from model.part import Part
from model.vgic.irq import PRIORITY

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
    priority: int = PRIORITY
    group: int = 1


class SavedVcpu(msgspec.Struct, frozen=True, gc=False):
    """What was read of a VCPU: its private interrupts, and (CVAL in ns, CTL) of each timer.

    The latter are KVM_REG_ARM_TIMER_CVAL and _CTL, and those of KVM_REG_ARM_PTIMER. ``count`` is
    KVM_REG_ARM_TIMER_CNT, where the VM monitor restores it.
    """

    irqs: tuple[SavedIrq, ...] = ()
    timers: tuple[tuple[int, int], ...] = ()
    count: int = 0


NOTHING_SAVED = SavedVcpu()


class Monitor(Part):
    """The VM monitor's memory: ``saved`` is what it has read of each VCPU so far."""

    FIELDS = ("saved",)
    __slots__ = (*FIELDS, "emit")

    emit: Callable[[Fact], object] | None

    def __init__(self, vcpus: int) -> None:
        super().__init__()
        self.emit = None
        self.saved: tuple[SavedVcpu, ...] = (NOTHING_SAVED,) * vcpus

    def keep(self, vcpu: int, saved: SavedVcpu, part: str, *, level: bool, active: bool) -> None:
        """Note what was read of ``part`` of ``vcpu``; the rest as in ``VmSaved``."""
        self.saved = (*self.saved[:vcpu], saved, *self.saved[vcpu + 1 :])
        if self.emit is not None:
            self.emit(VmSaved(vcpu, part, level, active))

    def wrote_back(self, vcpu: int, part: str) -> None:
        """Say that ``part`` of ``vcpu`` was written into a fresh VM."""
        if self.emit is not None:
            self.emit(VmRestored(vcpu, part))

    def reset(self, vcpu: int) -> None:
        """Say that ``vcpu`` was reset."""
        if self.emit is not None:
            self.emit(VmReset(vcpu))
