"""KVM's software state of a virtual interrupt: struct vgic_irq of include/kvm/arm_vgic.h.

The fields have the same names and meanings there. Whoever changes the state holds ``irq_lock``;
the interrupt itself says what it went to, whatever code did it: by its methods at once, and else
when its lock is given back.
"""

from typing import Final

from model.facts import (
    Folded,
    Injected,
    LockReleased,
    LockTaken,
    PriorityWritten,
    RegisterRead,
    RegisterWritten,
    Resampled,
    Retargeted,
    SoftwareChanged,
)
from model.gic.registers import FIRST_LPI, FIRST_SPI, PRIORITY_MASK, SGIS, SPECIAL
from model.host.lock import Lockable
from model.identity import IRQ, Actor, LockId

__all__ = ["PRIORITY", "VgicIrq"]

PRIORITY = 0xA0
"""The priority of an interrupt that nobody gave another."""

Told = tuple[bool, bool, bool, bool]
NOTHING: Final = (False, False, False, False)


class VgicIrq(Lockable):
    """One virtual interrupt; ``irq_lock`` is its ``holder``.

    ``vcpu`` is the VCPU on whose ap_list it is (-1: none); ``target`` where it should be.
    ``line_level`` and ``pending_latch`` are its software pending state; ``hw`` says that it is
    mapped to the physical interrupt ``hwintid``, and ``linked`` that its List Register is, too: a
    guest's deactivation ends the physical one (not so with VGIC_IRQ_SW_RESAMPLE). ``on_lr`` says
    that its state is in a List Register, where software does not see it. ``source`` is the mask of
    the VCPUs that sent a GICv2 SGI (``sourced``) and ``active_source`` the one whose SGI is active.
    ``group`` is 0 or 1, what the guest wrote last to IGROUPR, and ``priority`` to IPRIORITYR;
    ``at_first`` and ``initial`` are what they are after a reset: the group is 1 then in a GICv3, 0
    in a GICv2 (kvm_vgic_vcpu_init). ``told`` is the state (enabled, active, line, latch) as it was
    said last within the present hold of the lock, and nothing outside one.
    """

    FIELDS = (
        "holder", "enabled", "line_level", "pending_latch", "active", "vcpu", "target",
        "on_lr", "source", "active_source", "told", "priority",
        "group",
    )  # fmt: skip
    __slots__ = (
        *FIELDS[1:], "at_first", "hw", "hwintid", "initial", "intid", "level", "linked", "sourced",
    )  # fmt: skip

    def __init__(
        self,
        intid: int,
        target: int,
        *,
        level: bool,
        hwintid: int = -1,
        priority: int = PRIORITY,
        sourced: bool = False,
        group: int = 1,
        linked: bool = True,
    ) -> None:
        super().__init__(LockId(IRQ, -1 if intid >= FIRST_SPI else target, intid))
        self.at_first = self.group = group
        self.sourced = sourced
        self.intid = intid
        self.level = level
        self.hw = hwintid >= 0
        self.hwintid = hwintid
        self.linked = self.hw and linked
        self.initial = self.priority = priority
        self.enabled = True
        self.line_level = False
        self.pending_latch = False
        self.active = False
        self.vcpu = -1
        self.target = target
        self.on_lr = False
        self.source = 0
        self.active_source = 0
        self.told: Told = NOTHING

    # -- questions -----------------------------------------------------------------------------

    def is_pending(self) -> bool:
        """irq_is_pending: the latch, or the line of a level interrupt."""
        return self.pending_latch or (self.level and self.line_level)

    def is_mapped_level(self) -> bool:
        """vgic_irq_is_mapped_level: whether KVM only observes rising edges of this one."""
        return self.hw and self.level

    def is_spi(self) -> bool:
        """vgic_valid_spi: whether it is one of the distributor's, which VCPUs share."""
        return FIRST_SPI <= self.intid < SPECIAL

    def is_lpi(self) -> bool:
        """irq_is_lpi: whether it is a message's, which has no active state."""
        return self.intid >= FIRST_LPI

    def is_sgi(self) -> bool:
        """vgic_irq_is_sgi."""
        return self.intid < SGIS

    def is_multi_sgi(self) -> bool:
        """vgic_irq_is_multi_sgi: whether one List Register cannot hold all of a GICv2 SGI."""
        return self.source != 0 and self.source.bit_count() + self.active > 1

    # -- the lock ------------------------------------------------------------------------------

    def acquire(self, actor: Actor, irqs_off: bool, in_irq: bool) -> None:
        """Take ``irq_lock``; from here on changes of the state are watched."""
        if self.holder is not None:
            self.assert_free(actor)
        self.holder = actor
        self.told = (self.enabled, self.active, self.line_level, self.pending_latch)
        if self.emit is not None:
            self.emit(LockTaken(actor, self.lock, irqs_off, in_irq))

    def release(self, actor: Actor) -> None:
        """Give ``irq_lock`` back, and say what changed under it and was not said."""
        state = (self.enabled, self.active, self.line_level, self.pending_latch)
        if state != self.told and self.emit is not None:
            self.emit(SoftwareChanged(self.owner(), self.intid, *state))
        self.told = NOTHING
        if self.holder is not actor:
            self.assert_held(actor, "release it")
        self.holder = None
        if self.emit is not None:
            self.emit(LockReleased(actor, self.lock))

    def owner(self) -> int:
        """Return the VCPU on whose ap_list it is, or should be."""
        return self.vcpu if self.vcpu >= 0 else self.target

    def said(self) -> None:
        """Note that the state as it is now has been said."""
        self.told = (self.enabled, self.active, self.line_level, self.pending_latch)

    # -- what happens to it ---------------------------------------------------------------------

    def inject(self, cpu: int, vcpu: int, level: bool, *, accepted: bool) -> None:
        """Give it a level or an edge on ``cpu`` for ``vcpu``, unless it was not ``accepted``."""
        if self.emit is not None:
            self.emit(Injected(cpu, vcpu, self.intid, level, accepted))
        if accepted:
            if self.level:
                self.line_level = level
            else:
                self.pending_latch = True
            self.said()

    def folded(self, vcpu: int, lr_state: int) -> None:
        """Say what the fold of its List Register, which held ``lr_state``, made of it."""
        if self.emit is not None:
            active, line, latch = self.active, self.line_level, self.pending_latch
            self.emit(Folded(vcpu, self.intid, lr_state, active, line, latch))
        self.said()

    def resampled(self, vcpu: int, level: bool) -> None:
        """Take ``level``, just read from the device, as its line."""
        self.line_level = level
        if self.emit is not None:
            self.emit(Resampled(vcpu, self.intid, level))
        self.said()

    def written(self, vcpu: int, register: str, owner: int = -1) -> None:
        """Say that a write of ``vcpu`` to ``register`` (or a reset of ``owner``'s) took effect."""
        if self.emit is not None:
            whose = owner if owner >= 0 else self.owner()
            self.emit(RegisterWritten(vcpu, self.intid, register, whose))
        self.said()

    def read(self, vcpu: int, register: str, value: int) -> None:
        """Say what ``vcpu`` read of it from ``register``."""
        if self.emit is not None:
            owner = -1 if self.is_spi() else self.lock.vcpu
            self.emit(RegisterRead(vcpu, owner, self.intid, register, int(value)))

    def set_priority(self, vcpu: int, value: int) -> None:
        """Give it a priority (IPRIORITYR), as ``vcpu`` wrote; the upper five bits count."""
        self.priority = value & PRIORITY_MASK
        if self.emit is not None:
            owner = -1 if self.is_spi() else self.lock.vcpu
            self.emit(PriorityWritten(vcpu, owner, self.intid, self.priority))

    def retarget(self, vcpu: int, target: int) -> None:
        """Route it to ``target`` (ITARGETSR, IROUTER), as ``vcpu`` wrote."""
        self.target = target
        if self.emit is not None:
            self.emit(Retargeted(vcpu, self.intid, target))
