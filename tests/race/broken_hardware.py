"""Machines with a broken interrupt controller: one idea each, none subtle."""

from typing import Any

import msgspec

from harness.kvm.flow import Kvm
from model import facts
from model.facts import LrMoved
from model.gic.gic import Gic
from model.gic.registers import FIRST_LPI
from model.machine import Machine
from model.messages import VTIMER_PPI


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
