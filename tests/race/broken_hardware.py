"""Machines with a broken interrupt controller: one idea each, none subtle."""

from typing import Any

import msgspec

from harness.kvm.kvm import Kvm
from model import facts
from model.facts import LrMoved
from model.gic.gic import Gic
from model.gic.lr import ACTIVE
from model.gic.registers import FIRST_LPI, IDLE, SPURIOUS
from model.machine import Machine
from model.timer import VTIMER_PPI


def on_machine(era: type[Kvm], gic: type[Gic]) -> type[Kvm]:
    """An era on a machine with another GIC."""
    machine = type(f"Machine{gic.__name__}", (Machine,), {"gic_class": gic})
    return type(f"{era.__name__}On{gic.__name__}", (era,), {"machine_class": machine})


class AckEmpties(Gic):
    """An acknowledge leaves the List Register inactive."""

    def viar(self, c: int, group: int = 1) -> int:
        vintid = super().viar(c, group)
        vif = self.vifs[c]
        for i, lr in enumerate(vif.lrs):
            if vintid < 1020 and lr.vintid == vintid:
                empty = msgspec.structs.replace(lr, state=0)
                vif.lrs = (*vif.lrs[:i], empty, *vif.lrs[i + 1 :])
                vif.refresh()
                assert self.emit is not None
                self.emit(LrMoved(c, i, "iar", lr, empty))
        return vintid


class ArchAfterAll(Gic):
    """Says it leaves the List Register active on deactivation, and clears it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**(kwargs | {"lr_on_guest_deactivate": "arch"}))


class DeactivationLatches(Gic):
    """A deactivation makes the interrupt pending, whatever its line says."""

    def deactivate(self, c: int, intid: int, cause: str = "deactivate") -> None:
        super().deactivate(c, intid, cause)
        if intid == VTIMER_PPI:
            self.set_pending(c, intid, True)


class EdgeLostWhileActive(Gic):
    """An edge that comes while the interrupt is active leaves no trace."""

    def edge(self, c: int, intid: int) -> None:
        if not self.is_active(c, intid):
            super().edge(c, intid)


class TakenWhileActive(Gic):
    """An edge that comes while the interrupt is active is delivered at once."""

    def edge(self, c: int, intid: int) -> None:
        spi = self.spis[intid]
        if spi.active:
            spi.active = False
            spi.derive()
        super().edge(c, intid)


class ActiveLpi(Gic):
    """An acknowledge leaves an LPI active."""

    def iar(self, c: int, group: int = 1) -> int:
        intid = super().iar(c, group)
        if intid >= FIRST_LPI:
            assert self.emit is not None
            self.emit(facts.ActiveChanged(c, intid, True, "ack"))
        return intid


class LpiTwice(Gic):
    """The first acknowledge leaves an LPI pending."""

    def iar(self, c: int, group: int = 1) -> int:
        intid = super().iar(c, group)
        if intid >= FIRST_LPI:
            self.msi(c, intid)
        return intid


class NeverSent(Gic):
    """The guest's deactivation through a HW register goes nowhere."""

    def veoir(self, c: int, vintid: int, group: int = 1) -> int:
        super().veoir(c, vintid, group)
        return -1


class AckStaysInactive(Gic):
    """The host's acknowledge of the timer does not make it active."""

    def acknowledge(self, c: int, intid: int) -> int:
        return 0 if intid == VTIMER_PPI else super().acknowledge(c, intid)


class ClearsPendingLatch(Gic):
    """Each deactivation by the host comes with a write of the timer's bit in ICPENDR. Clean."""

    def dir(self, c: int, value: int) -> None:
        super().dir(c, value)
        self.set_pending(c, VTIMER_PPI, False)


class LevelIsALatch(ClearsPendingLatch):
    """The same, and the timer's line only sets a latch when it rises."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for c in range(self.cpus):
            self.set_edge(c, VTIMER_PPI, True)


class EmptyHostAck(Gic):
    """The host's acknowledge returns 1023 instead of the timer."""

    def iar(self, c: int, group: int = 1) -> int:
        if self.hppir(c, group) != VTIMER_PPI:
            return super().iar(c, group)
        assert self.emit is not None
        self.emit(facts.AckedByHost(c, SPURIOUS))
        return SPURIOUS


class SignalsNothing(Gic):
    """The IRQ input is high whenever the timer is active, too."""

    def irq_signal(self, c: int) -> bool:
        idle = self.rpr(c) == IDLE
        return super().irq_signal(c) or (idle and self.is_active(c, VTIMER_PPI))


class EmptyGuestAck(Gic):
    """The guest's acknowledge always returns 1023."""

    def viar(self, c: int, group: int = 1) -> int:
        assert self.emit is not None
        self.emit(facts.AckedByGuest(c, SPURIOUS))
        return SPURIOUS


class AckKeepsPending(Gic):
    """The guest's acknowledge returns the vINTID and leaves its List Register pending."""

    def viar(self, c: int, group: int = 1) -> int:
        vintid = self.vhppir(c, group)
        assert self.emit is not None
        self.emit(facts.AckedByGuest(c, vintid))
        return vintid


class CompletedComesBack(Gic):
    """What the guest has just completed is signalled once more, until the exit."""

    def completed(self, c: int) -> int:
        lrs = self.vifs[c].lrs
        return next((lr.vintid for lr in lrs if lr.vintid and not lr.state), SPURIOUS)

    def virq_signal(self, c: int) -> bool:
        return super().virq_signal(c) or self.completed(c) != SPURIOUS

    def viar(self, c: int, group: int = 1) -> int:
        if super().virq_signal(c) or self.completed(c) == SPURIOUS:
            return super().viar(c, group)
        assert self.emit is not None
        self.emit(facts.AckedByGuest(c, self.completed(c)))
        return self.completed(c)


class MaskDropsPending(Gic):
    """A write to the guest's priority mask empties what is pending in the List Registers."""

    def emulate_vpmr(self, c: int, value: int) -> None:
        vif = self.vifs[c]
        vif.lrs = tuple(msgspec.structs.replace(lr, state=lr.state & ACTIVE) for lr in vif.lrs)
        vif.refresh()
        super().emulate_vpmr(c, value)
