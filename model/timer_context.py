"""KVM's copy of a timer of a VCPU (struct arch_timer_context, arch_timer.c)."""

from collections.abc import Callable

from model.facts import (
    CounterMoved,
    Fact,
    GuestRead,
    GuestTimer,
    TimerRead,
    TimerRestored,
    TimerSaved,
)
from model.part import Part
from model.timer import ENABLE, ISTATUS, HwTimer

__all__ = ["TimerContext"]


class TimerContext(Part):
    """Timer ``timer`` of VCPU ``vcpu`` (VTIMER or PTIMER) as KVM has it in memory.

    ``loaded`` says that a hardware timer holds it and ``cval`` and ``ctl`` here are stale;
    ``irq_level`` is the level last given to the vgic. ``cleared_last`` is 4.14's memory of "the
    last write of the physical active state was 0" (active_cleared_last). ``cntvoff`` is the VM's
    offset in ns, which only user space changes; the physical timer has none. It is ``loaded`` only
    where the host is VHE, and emulated otherwise.

    ``alone`` says that guests use no other timer: then nobody reads it while it is loaded. (In
    4.14 the background timer also stands in for the physical timer of a running guest, and its
    callback asks both for their deadlines, whatever is loaded.)
    """

    FIELDS = ("cval", "ctl", "loaded", "irq_level", "cleared_last", "cntvoff")
    __slots__ = (*FIELDS, "alone", "emit", "timer", "vcpu")

    emit: Callable[[Fact], object] | None

    def __init__(self, vcpu: int, timer: int, cntvoff: int, *, alone: bool = False) -> None:
        super().__init__()
        self.alone = alone
        self.vcpu = vcpu
        self.timer = timer
        self.cntvoff = cntvoff
        self.emit = None
        self.cval = 0
        self.ctl = 0
        self.loaded = False
        self.irq_level = False
        self.cleared_last = False

    def canonical(self) -> object:
        """Without what the hardware has while it is loaded: a save brings both back."""
        if self.loaded and self.alone:
            return (0, 0, True, self.irq_level, self.cleared_last, self.cntvoff)
        return self.key()

    def can_fire(self) -> bool:
        """kvm_timer_irq_can_fire: enabled and not masked."""
        return self.ctl == ENABLE

    def should_fire(self, now: int) -> bool:
        """kvm_timer_should_fire for a timer in memory; ``now`` is virtual time in ns."""
        return self.ctl == ENABLE and self.cval + self.cntvoff <= now

    def deadline(self) -> int:
        """Return when the timer in memory expires, in virtual nanoseconds."""
        return self.cval + self.cntvoff

    def sample(self, now: int) -> bool:
        """Compute from memory whether the timer fires at ``now`` (virtual ns), and say so."""
        level = self.should_fire(now)
        if self.emit is not None:
            self.emit(TimerRead(self.vcpu, self.timer, "memory", level))
        return level

    def sample_live(self, hardware: HwTimer) -> bool:
        """Read from the hardware timer whether it fires, and say so."""
        level = hardware.output()
        if self.emit is not None:
            self.emit(TimerRead(self.vcpu, self.timer, "live", level))
        return level

    def restore_to(self, hardware: HwTimer, cpu: int) -> None:
        """timer_restore_state: program the hardware timer of CPU ``cpu`` with this state."""
        hardware.cntvoff = self.cntvoff
        hardware.cval = self.cval
        hardware.ctl = self.ctl
        self.loaded = True
        if self.emit is not None:
            self.emit(TimerRestored(self.vcpu, self.timer, cpu, hardware.ctl, hardware.cval))

    def save_from(self, hardware: HwTimer, cpu: int, *, disable: bool = True) -> None:
        """timer_save_state: store the hardware timer of CPU ``cpu`` here, and disable it."""
        self.ctl = hardware.ctl
        self.cval = hardware.cval
        if disable:
            hardware.ctl = 0
            hardware.cntvoff = 0
        self.loaded = False
        if self.emit is not None:
            left = hardware.ctl
            self.emit(TimerSaved(self.vcpu, self.timer, cpu, self.ctl, self.cval, left))

    def count(self, now: int) -> int:
        """Return what its guest counts at ``now`` (virtual time in ns)."""
        return now - self.cntvoff

    def set_count(self, now: int, count: int) -> None:
        """KVM_REG_ARM_TIMER_CNT: let its guest count ``count`` at ``now``, and on from there."""
        shift = now - count - self.cntvoff
        self.cntvoff += shift
        if shift and self.emit is not None:
            self.emit(CounterMoved(self.vcpu, shift))

    def read(self, register: str, now: int) -> None:
        """Carry out a guest's read of CNTP_CTL_EL0, CNTP_CVAL_EL0 or CNTP_TVAL_EL0, by ``now``."""
        if self.emit is None:
            return
        if register.endswith("ctl"):
            value = self.ctl | ISTATUS if self.deadline() <= now else self.ctl
        elif register.endswith("cval"):
            value = self.cval
        else:
            ahead = self.deadline() - now & 0xFFFF_FFFF
            value = ahead - (ahead >> 31 << 32)
        self.emit(GuestRead(self.vcpu, register, value))

    def write(self, *, cval: int | None = None, ctl: int | None = None) -> None:
        """Carry out a write of the guest, or of a reset, to this timer in memory."""
        if cval is not None:
            self.cval = cval
        if ctl is not None:
            self.ctl = ctl
        if self.emit is not None:
            self.emit(GuestTimer(self.vcpu, self.timer, self.cval, self.ctl, self.deadline()))
