"""When an excuse applies, and what QEMU shows then: one small function each, over a case."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.conform.qemu.choices import View
from harness.conform.qemu.drive import Model
from harness.conform.qemu.emit import Operation
from harness.conform.qemu.layout import CPU_FIELDS
from harness.conform.qemu.lines import MAINTENANCE

__all__ = [
    "Applies",
    "Case",
    "counted_in_mode_1",
    "evaluates_again",
    "field",
    "hw_pending_active",
    "inactive",
    "masked_hppir",
    "masked_virtual_hppir",
    "no_priority",
    "other_priority",
    "rewrite_hcr",
    "same_vintid",
    "shows_one_more",
    "shows_stale",
    "shows_still_active",
    "shows_vgrp0d",
    "stale",
    "still_active",
    "vgrp0d",
    "without_source",
    "without_vgrp0d",
    "write_inactive",
]

_FIELD = {
    gic: {name: index for index, name in enumerate(names)} for gic, names in CPU_FIELDS.items()
}
_EOICOUNT = 0x1F << 27
_VGRP0DIE = 1 << 5
_OFFER = ("HPPIR", "IRQ")
_ACTIVE = 1
"""Position of the active SPIs in the shared words."""


def field(gic: int, name: str) -> int:
    """Return the position of a register among the words of a CPU (a name in CPU_FIELDS).

    Raises:
        KeyError: this version of the GIC shows no register of that name.
    """
    return _FIELD[gic][name]


@dataclass(slots=True)
class Case:
    """An operation that the model has just carried out, with the views around it.

    ``before`` is the model's view before the operation; ``shown`` what QEMU is taken to show after
    it so far: the model's view, as other excuses have changed it. ``assumptions`` bring the
    model into the state that QEMU is taken to be in (called with True), and back (with False).
    """

    model: Model
    operation: Operation
    before: View
    shown: View
    assumptions: list[Callable[[bool], object]] = dataclasses.field(default_factory=list)

    def assumed(self, assumption: Callable[[bool], object]) -> View:
        """Return the model's view in another state, which the standing excuses then start from."""
        self.assumptions.append(assumption)
        assumption(True)
        view = self.model.view()
        assumption(False)
        return view

    @property
    def cpu(self) -> int:
        """The CPU that carries the operation out."""
        return int(self.operation[1])

    def argument(self, index: int = 0) -> int:
        """Return an argument of the operation, numbered from 0 behind its CPU."""
        return int(self.operation[2 + index])

    def was(self, name: str) -> int:
        """Return a register of the operation's CPU as it was before (a name in CPU_FIELDS).

        Raises:
            KeyError: this version of the GIC shows no register of that name.
        """
        return self.before[self.cpu][_FIELD[self.model.version][name]]

    def apr(self) -> int:
        """Return the guest's active priorities before, of both groups, one bit each."""
        return self.was("APR") if self.model.version == 2 else self.was("AP0R0") | self.was("AP1R0")

    def split(self) -> bool:
        """Tell whether the guest was in EOImode 1."""
        return bool(self.was("VMCR") >> 9 & 1)

    def lr_active(self, vintid: int) -> int | None:
        """Return the number of the first List Register that was active for a vINTID, or None."""
        wide = self.model.version == 3
        for index in range(4):
            lr = self.before[self.cpu][index]
            if lr >> (63 if wide else 29) & 1 and lr & (0xFFFFFFFF if wide else 0x3FF) == vintid:
                return index
        return None

    def patched(self, where: int, index: int, value: int) -> None:
        """Change one word of what QEMU shows: word ``index`` of row ``where`` of the view."""
        words = list(self.shown[where])
        words[index] = value
        self.shown = [
            tuple(words) if position == where else each for position, each in enumerate(self.shown)
        ]


Applies = Callable[[Case], bool]


def _with_maintenance(case: Case, level: bool) -> View:
    """Return the view of the model with another level at PPI 25 of the CPU."""
    gic = case.model.gic
    before = gic.line(case.cpu, MAINTENANCE)
    return case.assumed(lambda on: gic.set_line(case.cpu, MAINTENANCE, level if on else before))


# -- GICv3, departures --------------------------------------------------------------------------


def counted_in_mode_1(case: Case) -> bool:
    """Tell whether EOImode 1 dropped a priority for a vINTID active in no List Register."""
    vintid = case.argument()
    return vintid < 1020 and case.split() and case.apr() != 0 and case.lr_active(vintid) is None


def shows_one_more(case: Case) -> None:
    """Show EOIcount one higher, with what follows from that."""
    gic, cpu = case.model.gic, case.cpu
    kept = gic.hcr(cpu)
    gic.write_hcr(cpu, kept & ~_EOICOUNT | (kept + (1 << 27)) & _EOICOUNT)
    case.shown = _with_maintenance(case, gic.maintenance(cpu))
    gic.write_hcr(cpu, kept)


def rewrite_hcr(case: Case) -> list[Operation]:
    """Return the write of the model's EOIcount to both sides."""
    return [("hcr", case.cpu, case.model.gic.hcr(case.cpu))]


def vgrp0d(case: Case) -> bool:
    """Tell whether VGrp0D maintenance is asked for while the groups' enables differ."""
    vmcr = case.model.gic.save_vmcr(case.cpu)
    asked = bool(case.model.gic.hcr(case.cpu) & _VGRP0DIE)
    return asked and vmcr.enable0 != vmcr.enable1


def shows_vgrp0d(case: Case) -> None:
    """Show MISR.VGrp0D the other way round, with what follows from that."""
    gic, cpu = case.model.gic, case.cpu
    misr = gic.misr(cpu) ^ _VGRP0DIE
    case.shown = _with_maintenance(case, bool(misr and gic.hcr(cpu) & 1))
    case.patched(cpu, _FIELD[3]["MISR"], misr)


def without_vgrp0d(case: Case) -> list[Operation]:
    """Return the write that no longer asks for VGrp0D maintenance."""
    return [("hcr", case.cpu, case.model.gic.hcr(case.cpu) & ~_VGRP0DIE)]


# -- UNPREDICTABLE --------------------------------------------------------------------------------


def no_priority(case: Case) -> bool:
    """Tell whether no priority of the guest was active."""
    return case.argument() < 1020 and case.apr() == 0


def other_priority(case: Case) -> bool:
    """Tell whether a priority was dropped but the active List Register stayed, in EOImode 0."""
    index = case.lr_active(case.argument())
    if index is None or case.apr() == 0 or case.split():
        return False
    return case.before[case.cpu][index] == case.shown[case.cpu][index]


def inactive(case: Case) -> bool:
    """Tell whether the interrupt to be deactivated was not active."""
    intid = case.argument() & 0x3FF
    if intid >= 64 or not case.model.gic.cpuifs[case.cpu].eoimode:
        return False
    return not (case.was("ACTIVE") | case.before[-1][_ACTIVE] << 32) >> intid & 1


def same_vintid(case: Case) -> bool:
    """Tell whether another valid List Register holds the vINTID of the one written."""
    index, value = case.argument(), case.argument(1)
    words = case.before[case.cpu]
    return bool(value >> 62 & 3) and any(
        words[other] >> 62 & 3 and (words[other] ^ value) & 0xFFFFFFFF == 0
        for other in range(4)
        if other != index
    )


def hw_pending_active(case: Case) -> bool:
    """Tell whether a List Register is written with HW, pending and active."""
    bits = 7 << 61 if case.model.version == 3 else 0xB << 28
    return case.argument(1) & bits == bits


# -- GICv2, departures --------------------------------------------------------------------------


def masked_hppir(case: Case) -> None:
    """Show HPPIR as 1023 on a CPU whose first pending interrupt the priority mask holds back."""
    fields, gic = _FIELD[2], case.model.gic
    for cpu in range(gic.cpus):
        words = case.shown[cpu]
        intid = words[fields["HPPIR"]] & 0x3FF
        if intid < 1020:
            private = gic.banks[cpu].priority
            priority = private[intid] if intid < 32 else gic.spis[intid].priority
            if priority >= words[fields["PMR"]]:
                case.patched(cpu, fields["HPPIR"], 1023)


def without_source(register: str) -> Callable[[Case], None]:
    """Return the prediction that an SGI in a register ("HPPIR") lacks the requesting CPU."""
    index = _FIELD[2][register]

    def stands(case: Case) -> None:
        for cpu in range(case.model.gic.cpus):
            if case.shown[cpu][index] >> 10:
                case.patched(cpu, index, case.shown[cpu][index] & 0x3FF)

    return stands


def masked_virtual_hppir(case: Case) -> None:
    """Show GICV_HPPIR as 1023 when the interface is off or the mask holds the interrupt back."""
    index = _FIELD[2]["V_HPPIR"]
    for cpu in range(case.model.gic.cpus):
        vif = case.model.gic.vifs[cpu]
        masked = not vif.hcr & 1 or vif.best >> 8 >= vif.vmcr.pmr
        if masked and case.shown[cpu][index] != 1023:
            case.patched(cpu, index, 1023)


def _held(case: Case) -> list[int]:
    model = case.model
    return [i for i, cpus in model.holders.items() if cpus and not model.gic.is_active(0, i)]


def still_active(case: Case) -> bool:
    """Tell whether an SPI has been deactivated, and QEMU still holds it active for some CPU."""
    return bool(_held(case))


def shows_still_active(case: Case) -> None:
    """Show it in ISACTIVER as still active, and not delivered to its target if that holds it."""
    model = case.model
    gic, held = model.gic, _held(case)
    for intid in held:
        gic.spis[intid].active = bool(model.holders[intid] & gic.spis[intid].targets)
        gic.spis[intid].derive()
    case.shown = model.view()
    word = case.shown[-1][_ACTIVE]
    for intid in held:
        gic.spis[intid].active = False
        gic.spis[intid].derive()
        word |= 1 << intid - 32
    case.patched(len(case.shown) - 1, _ACTIVE, word)


def write_inactive(case: Case) -> list[Operation]:
    """Return the writes that clear the active state for all CPUs."""
    return [("active", case.cpu, intid, 0) for intid in _held(case)]


def stale(case: Case) -> bool:
    """Tell whether a guest's deactivation changed what a CPU is offered, and no line moved."""
    cpu, gic = case.cpu, case.model.gic
    active = gic.banks[cpu].active | sum(spi.active << i for i, spi in gic.spis.items())
    if not (case.was("ACTIVE") | case.before[-1][_ACTIVE] << 32) & ~active:
        return False
    if (case.was("MISR") != 0 and case.was("HCR") & 1 != 0) != gic.maintenance(cpu):
        return False
    return any(_offers(case.before[c]) != _offers(case.shown[c]) for c in range(gic.cpus))


def _offers(words: Sequence[int]) -> list[int]:
    return [words[_FIELD[2][name]] for name in _OFFER]


def shows_stale(case: Case) -> None:
    """Show HPPIR and the interrupt signal of every CPU as they were before."""
    for cpu in range(case.model.gic.cpus):
        if _offers(case.before[cpu]) != _offers(case.shown[cpu]):
            for name in _OFFER:
                index = _FIELD[2][name]
                case.patched(cpu, index, case.before[cpu][index])


def evaluates_again(case: Case) -> list[Operation]:
    """Return the write of the priority mask that is there already."""
    return [("nudge", case.cpu, case.model.gic.cpuifs[case.cpu].pmr)]
