"""KVM's copy of a timer of a VCPU (struct arch_timer_context, arch_timer.c)."""

from model.part import Part
from model.timer import ENABLE

__all__ = ["VTimer"]


class VTimer(Part):
    """The virtual timer of a VCPU as KVM has it in memory, or its physical timer.

    ``loaded`` says that the hardware timer holds it and ``cval`` and ``ctl`` here are stale;
    ``irq_level`` is the level last given to the vgic. ``cleared_last`` is 4.14's memory of "the
    last write of the physical active state was 0" (active_cleared_last). ``cntvoff`` is the VM's,
    constant. The physical timer is emulated here: never ``loaded``, and without an offset.
    """

    __slots__ = ("cleared_last", "cntvoff", "ctl", "cval", "irq_level", "loaded")
    FIELDS = ("cval", "ctl", "loaded", "irq_level", "cleared_last")

    def __init__(self, cntvoff: int) -> None:
        super().__init__()
        self.cntvoff = cntvoff
        self.cval = 0
        self.ctl = 0
        self.loaded = False
        self.irq_level = False
        self.cleared_last = False

    def can_fire(self) -> bool:
        """kvm_timer_irq_can_fire: enabled and not masked."""
        return self.ctl == ENABLE

    def should_fire(self, now: int) -> bool:
        """kvm_timer_should_fire for a timer in memory."""
        return self.ctl == ENABLE and self.cval + self.cntvoff <= now

    def deadline(self) -> int:
        """Return when the timer in memory expires, in virtual nanoseconds."""
        return self.cval + self.cntvoff
