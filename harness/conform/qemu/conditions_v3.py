"""When the excuses of GICv3 for groups, SGIs behind List Registers and masks apply."""

from harness.conform.qemu.conditions import Case, field
from harness.conform.qemu.drive import Model
from harness.conform.qemu.emit import Operation
from model.gic.registers import GROUP_BIT, INTID_MASK, NONE, PRIORITY_SHIFT, SPURIOUS

__all__ = [
    "deactivated_sgi",
    "disabled_group",
    "equal_priorities",
    "first_differs",
    "low_mask_bits",
    "rewrite_vmcr",
    "shows_deactivated_sgi",
    "shows_low_mask_bits",
    "write_sgi_inactive",
]

_VMCR = 2
_LOW_BITS = 7


def low_mask_bits(case: Case) -> bool:
    """Tell whether VMCR is written with bits of the priority mask that no priority has."""
    return bool(case.argument() >> 24 & _LOW_BITS)


def shows_low_mask_bits(case: Case) -> None:
    """Show them, and the virtual interrupt that the mask then lets through."""
    vif, cpu = case.model.gic.vifs[case.cpu], case.cpu
    kept = vif.vmcr
    vif.vmcr = kept._replace(pmr=case.argument() >> 24 & 0xFF)
    vif.derive()
    words = case.model.view()[cpu]
    vif.vmcr = kept
    vif.derive()
    for name in ("VMCR", "V_PMR", "VIRQ"):
        case.patched(cpu, field(3, name), words[field(3, name)])


def rewrite_vmcr(case: Case) -> list[Operation]:
    """Return the write of VMCR without those bits."""
    return [("vmcr", case.cpu, case.argument() & ~(_LOW_BITS << 24))]


def _sgi(case: Case) -> int:
    """Return the SGI behind the List Register that the guest has just deactivated, or -1."""
    index = case.lr_active(case.argument())
    if index is None:
        return -1
    lr = case.before[case.cpu][index]
    pintid = lr >> 32 & 0x1FFF
    deactivated = lr != case.model.view()[case.cpu][index]
    return pintid if lr >> 61 & 1 and pintid < 16 and deactivated else -1


def deactivated_sgi(case: Case) -> bool:
    """Tell whether a guest's deactivation ended at an active SGI."""
    sgi = _sgi(case)
    return sgi >= 0 and case.model.gic.is_active(case.cpu, sgi)


def shows_deactivated_sgi(case: Case) -> None:
    """Show the SGI inactive, with what follows from that."""
    gic, sgi = case.model.gic, _sgi(case)
    case.shown = case.assumed(lambda on: gic.set_active(case.cpu, sgi, not on))


def write_sgi_inactive(case: Case) -> list[Operation]:
    """Return the write to ICACTIVER that deactivates the SGI on both sides."""
    return [("active", case.cpu, _sgi(case), 0)]


def _candidates(model: Model, cpu: int) -> list[int]:
    """Return the first pending interrupt of each place and group, NONE among them."""
    gic = model.gic
    bank = gic.banks[cpu]
    found = [NONE, bank.best0, bank.best1, gic.lpis[cpu].best1]
    for spi in gic.spi_list:
        if spi.targets >> cpu & 1:
            found += [spi.best0, spi.best1]
    return found


def _enabled(model: Model, cpu: int, best: int) -> bool:
    cpuif = model.gic.cpuifs[cpu]
    return cpuif.enable1 if best & GROUP_BIT else cpuif.enable0


def _first(model: Model, cpu: int) -> tuple[int, int]:
    """Return the first pending interrupt as a candidate, to QEMU and to the architecture.

    To QEMU that is the one with the lowest INTID of the highest priority, in whichever group; to
    the architecture, the groups that the CPU interface disables have none.
    """
    found = _candidates(model, cpu)
    enabled = [best for best in found if best == NONE or _enabled(model, cpu, best)]
    return min(found, key=lambda best: (best >> PRIORITY_SHIFT, best & INTID_MASK)), min(enabled)


def first_differs(model: Model, cpu: int) -> bool:
    """Tell whether QEMU takes another interrupt for the first, while there is one to be had."""
    theirs, ours = _first(model, cpu)
    return ours not in (NONE, theirs)


def _shows(case: Case, cpu: int, irq: int, hppir: int, hppir0: int) -> None:
    for name, value in (("HPPIR", hppir), ("HPPIR0", hppir0), ("IRQ", irq)):
        case.patched(cpu, field(3, name), value)


def disabled_group(case: Case) -> None:
    """Show no interrupt on a CPU whose first pending one is of a disabled group."""
    model = case.model
    for cpu in range(model.gic.cpus):
        if first_differs(model, cpu) and not _enabled(model, cpu, _first(model, cpu)[0]):
            _shows(case, cpu, 0, SPURIOUS, SPURIOUS)


def equal_priorities(case: Case) -> None:
    """Show the lower INTID where two pending interrupts differ in group and not in priority."""
    model = case.model
    for cpu in range(model.gic.cpus):
        best = _first(model, cpu)[0]
        if not first_differs(model, cpu) or not _enabled(model, cpu, best):
            continue
        cpuif = model.gic.cpuifs[cpu]
        intid = best & INTID_MASK
        if best & GROUP_BIT:
            _shows(case, cpu, int(best < cpuif.limit1) << 7, intid, SPURIOUS)
        else:
            _shows(case, cpu, int(best < cpuif.limit0) << 6, SPURIOUS, intid)
