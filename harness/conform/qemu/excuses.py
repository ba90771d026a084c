"""What the comparison may forgive, and nothing else.

Two classes of excuse. A *departure* is a place where QEMU is wrong: the entry predicts exactly what
QEMU will show instead, for one step, and then brings both sides back together by an operation that
is a no-op in the architecture. An *unpredictable* is a place where the architecture leaves
(CONSTRAINED) UNPREDICTABLE what happens and the model follows QEMU: nothing is forgiven there, the
entry is counted so that the summary shows which choices were exercised. Any other difference is a
fault of the model.

Each entry has a demonstration: run without it, a departure must diverge and an unpredictable must
not. So an excuse that a newer QEMU no longer needs is noticed, and not granted. One that is granted
must be just as predicted: the state without it counts as a difference, too.

Where QEMU could not be brought back into step the generator does not go; such entries are marked
``avoided`` and only demonstrated.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from harness.conform.qemu.drive import Model
from harness.conform.qemu.emit import MAINTENANCE, Operation
from harness.conform.qemu.generator import View
from harness.conform.qemu.layout import CPU_FIELDS

__all__ = ["DEPARTURE", "EXCUSES", "UNPREDICTABLE", "Excuse", "applicable"]

DEPARTURE = "departure"
UNPREDICTABLE = "unpredictable"

_FIELD = {gic: {name: index for index, name in enumerate(names)}
          for gic, names in CPU_FIELDS.items()}
_EOICOUNT = 0x1F << 27
_VGRP0DIE = 1 << 5

Applies = Callable[[Model, Operation, View], bool]
Shows = Callable[[Model, Operation, View, View], View]
Stands = Callable[[Model, View], View]
Repair = Callable[[Model, Operation], list[Operation]]


@dataclass(frozen=True)
class Excuse:
    """One entry. ``applies`` is asked after the model has carried out the operation.

    It gets the model, the operation, and the view before it. ``shows`` returns the view that QEMU
    shows instead of the model's, ``repair`` the operations that bring both sides together again.
    """

    name: str
    kind: str
    reason: str
    qemu: str
    gic: int
    operations: frozenset[str]
    applies: Applies
    demonstration: list[Operation]
    shows: Shows | None = None
    repair: Repair | None = None
    stands: Stands | None = None
    versions: tuple[str, ...] = field(default=())
    avoided: bool = False

    def covers(self, version: str) -> bool:
        """Say whether this entry is for a version of QEMU (no list of prefixes: for all)."""
        return not self.versions or version.startswith(self.versions)


def _word(view: View, gic: int, cpu: int, name: str) -> int:
    return view[cpu][_FIELD[gic][name]]


def _with_maintenance(model: Model, cpu: int, level: bool) -> View:
    """Return the view of the model with another level at PPI 25 of a CPU."""
    before = model.gic.line(cpu, MAINTENANCE)
    model.gic.set_line(cpu, MAINTENANCE, level)
    view = model.view()
    model.gic.set_line(cpu, MAINTENANCE, before)
    return view


def _patched(view: View, cpu: int, index: int, value: int) -> View:
    words = list(view[cpu])
    words[index] = value
    return [tuple(words) if position == cpu else each for position, each in enumerate(view)]


# -- GICv3 ----------------------------------------------------------------------------------------


def _lr_active(view: View, gic: int, cpu: int, vintid: int) -> int | None:
    """Return the first List Register that was active for a vINTID."""
    for index in range(4):
        lr = view[cpu][index]
        if gic == 3:
            if lr >> 63 and lr & 0xFFFFFFFF == vintid:
                return index
        elif lr >> 29 & 1 and lr & 0x3FF == vintid:
            return index
    return None


def _apr(view: View, gic: int, cpu: int) -> int:
    if gic == 2:
        return _word(view, 2, cpu, "APR")
    return _word(view, 3, cpu, "AP0R0") | _word(view, 3, cpu, "AP1R0")


def _split(view: View, gic: int, cpu: int) -> bool:
    return bool(_word(view, gic, cpu, "VMCR") >> 9 & 1)


def _counted_in_mode_1(model: Model, operation: Operation, before: View) -> bool:
    cpu, vintid = int(operation[1]), int(operation[2])
    return (vintid < 1020 and _split(before, 3, cpu) and _apr(before, 3, cpu) != 0
            and _lr_active(before, 3, cpu, vintid) is None)


def _shows_one_more(model: Model, operation: Operation, before: View, shown: View) -> View:
    cpu = int(operation[1])
    gic = model.gic
    kept = gic.hcr(cpu)
    gic.write_hcr(cpu, kept & ~_EOICOUNT | (kept + (1 << 27)) & _EOICOUNT)
    view = _with_maintenance(model, cpu, gic.maintenance(cpu))
    gic.write_hcr(cpu, kept)
    return view


def _rewrite_hcr(model: Model, operation: Operation) -> list[Operation]:
    cpu = int(operation[1])
    return [("hcr", cpu, model.gic.hcr(cpu))]


def _vgrp0d(model: Model, operation: Operation, before: View) -> bool:
    cpu = int(operation[1])
    vmcr = model.gic.save_vmcr(cpu)
    return bool(model.gic.hcr(cpu) & _VGRP0DIE) and vmcr.enable0 != vmcr.enable1


def _shows_vgrp0d(model: Model, operation: Operation, before: View, shown: View) -> View:
    cpu = int(operation[1])
    misr = model.gic.misr(cpu) ^ _VGRP0DIE
    view = _with_maintenance(model, cpu, bool(misr and model.gic.hcr(cpu) & 1))
    return _patched(view, cpu, _FIELD[3]["MISR"], misr)


def _without_vgrp0d(model: Model, operation: Operation) -> list[Operation]:
    cpu = int(operation[1])
    return [("hcr", cpu, model.gic.hcr(cpu) & ~_VGRP0DIE)]


_V3_LR = 1 << 60 | 0x80 << 48
_V3_VMCR = 0xF0 << 24 | 2 << 21 | 3 << 18 | 3

_V2_LR = 0x10 << 23
_V2_VMCR = 0x1E << 27 | 2 << 21 | 3 << 18 | 3

_GICV3 = [
    Excuse(
        "eoicount-on-eoir-in-eoimode-1", DEPARTURE,
        "EOIcount counts an EOIR without a List Register although in EOImode 1 no deactivation"
        " would have followed (IHI0069 ICH_HCR_EL2.EOIcount)",
        "7.2 and 10.0", 3, frozenset({"veoir", "veoir0"}), _counted_in_mode_1,
        [("vmcr", 0, _V3_VMCR | 1 << 9), ("hcr", 0, 1), ("apr", 0, 1, 1 << 16), ("veoir", 0, 77)],
        _shows_one_more, _rewrite_hcr,
    ),
    Excuse(
        "misr-vgrp0d-tests-veng1", DEPARTURE,
        "MISR.VGrp0D follows VENG1 instead of VENG0 (IHI0069 ICH_MISR_EL2)",
        "7.2 and 10.0", 3, frozenset({"hcr", "vmcr"}), _vgrp0d,
        [("vmcr", 0, _V3_VMCR & ~1), ("hcr", 0, 1 | _VGRP0DIE)],
        _shows_vgrp0d, _without_vgrp0d,
    ),
]

# -- UNPREDICTABLE, both versions --------------------------------------------------------------------


def _no_priority(gic: int) -> Applies:
    def applies(model: Model, operation: Operation, before: View) -> bool:
        return int(operation[2]) < 1020 and _apr(before, gic, int(operation[1])) == 0
    return applies


def _other_priority(gic: int) -> Applies:
    def applies(model: Model, operation: Operation, before: View) -> bool:
        cpu, vintid = int(operation[1]), int(operation[2])
        index = _lr_active(before, gic, cpu, vintid)
        if index is None or _apr(before, gic, cpu) == 0 or _split(before, gic, cpu):
            return False
        return before[cpu][index] == model.view()[cpu][index]
    return applies


def _inactive(gic: int) -> Applies:
    def applies(model: Model, operation: Operation, before: View) -> bool:
        cpu, intid = int(operation[1]), int(operation[2]) & 0x3FF
        if intid >= 64 or not model.gic.cpuifs[cpu].eoimode:
            return False
        active = _word(before, gic, cpu, "ACTIVE") | before[-1][1] << 32
        return not active >> intid & 1
    return applies


def _same_vintid(gic: int) -> Applies:
    mask = 0xFFFFFFFF if gic == 3 else 0x3FF
    top = 62 if gic == 3 else 28

    def applies(model: Model, operation: Operation, before: View) -> bool:
        cpu, index, value = (int(part) for part in operation[1:])
        if not value >> top & 3:
            return False
        return any(before[cpu][other] >> top & 3 and before[cpu][other] & mask == value & mask
                   for other in range(4) if other != index)
    return applies


def _hw_pending_active(gic: int) -> Applies:
    bits = 7 << 61 if gic == 3 else 0xB << 28

    def applies(model: Model, operation: Operation, before: View) -> bool:
        return int(operation[3]) & bits == bits
    return applies


def _unpredictable(gic: int, lr: int, vmcr: int) -> list[Excuse]:
    """Return the places where the model follows QEMU in both versions of the GIC."""
    top = 62 if gic == 3 else 28
    hw = (1 << 61 | 27 << 32) if gic == 3 else (1 << 31 | 27 << 10)
    return [
        Excuse(
            f"guest-eoir-idle-v{gic}", UNPREDICTABLE,
            "a guest's EOIR with no active priority does nothing", "7.2 and 10.0", gic,
            frozenset({"veoir", "veoir0"}), _no_priority(gic),
            [("vmcr", 0, vmcr), ("hcr", 0, 1), ("lr", 0, 0, lr | 1 << top | 77), ("veoir", 0, 77)],
        ),
        Excuse(
            f"deactivate-inactive-v{gic}", UNPREDICTABLE,
            "DIR of an interrupt that is not active does nothing", "7.2 and 10.0", gic,
            frozenset({"dir"}), _inactive(gic), [("eoimode", 0, 1), ("dir", 0, 40)],
        ),
        Excuse(
            f"hw-list-register-pending-active-v{gic}", UNPREDICTABLE,
            "a List Register with HW set may be written pending and active; it is not presented"
            " before its active half is deactivated", "7.2 and 10.0", gic, frozenset({"lr"}),
            _hw_pending_active(gic),
            [("vmcr", 0, vmcr), ("hcr", 0, 1), ("active", 0, 27, 1),
             ("lr", 0, 0, lr | 3 << top | hw | 77), ("viar", 0)],
        ),
    ]


_V3_TAKEN: list[Operation] = [
    ("vmcr", 0, _V3_VMCR), ("hcr", 0, 1), ("lr", 0, 0, _V3_LR | 1 << 62 | 77), ("viar", 0)
]

_UNPREDICTABLE_GICV3 = [
    Excuse(
        "guest-eoir-other-priority-v3", UNPREDICTABLE,
        "a guest's EOIR of an interrupt that is not the one whose priority is dropped only drops"
        " the priority", "7.2 and 10.0", 3, frozenset({"veoir", "veoir0"}), _other_priority(3),
        [*_V3_TAKEN, ("apr", 0, 1, 1 << 4), ("veoir", 0, 77)],
    ),
    Excuse(
        "two-list-registers-one-vintid-v3", UNPREDICTABLE,
        "of two List Registers with one vINTID the lowest that matches is used",
        "7.2 and 10.0", 3, frozenset({"lr"}), _same_vintid(3),
        [*_V3_TAKEN, ("lr", 0, 1, _V3_LR | 1 << 62 | 77), ("veoir", 0, 77), ("viar", 0)],
    ),
]

# -- GICv2 ----------------------------------------------------------------------------------------


def _priority(model: Model, cpu: int, intid: int) -> int:
    return model.gic.banks[cpu].priority[intid] if intid < 32 else model.gic.spis[intid].priority


def _masked_hppir(model: Model, view: View) -> View:
    """HPPIR of a CPU whose first pending interrupt does not pass the priority mask."""
    index = _FIELD[2]["HPPIR"]
    for cpu in range(model.gic.cpus):
        intid = view[cpu][index] & 0x3FF
        if intid < 1020 and _priority(model, cpu, intid) >= view[cpu][_FIELD[2]["PMR"]]:
            view = _patched(view, cpu, index, 1023)
    return view


def _masked_virtual_hppir(model: Model, view: View) -> View:
    """GICV_HPPIR when the interface is off or the first List Register does not pass the mask."""
    index = _FIELD[2]["V_HPPIR"]
    for cpu in range(model.gic.cpus):
        vif = model.gic.vifs[cpu]
        if view[cpu][index] != 1023 and (not vif.hcr & 1 or vif.best >> 8 >= vif.vmcr.pmr):
            view = _patched(view, cpu, index, 1023)
    return view


def _never(model: Model, operation: Operation, before: View) -> bool:
    return False


def _deactivated(model: Model, operation: Operation, before: View) -> int:
    """Return the mask of what an operation of a CPU made inactive, SPIs from bit 32 on."""
    cpu = int(operation[1])
    active = model.gic.banks[cpu].active
    spis = sum(spi.active << intid for intid, spi in model.gic.spis.items())
    return (_word(before, 2, cpu, "ACTIVE") | before[-1][1] << 32) & ~(active | spis)


def _written_active(model: Model) -> list[int]:
    return [intid for intid in model.written_active if not model.gic.is_active(0, intid)]


def _shows_still_active(model: Model, operation: Operation, before: View, shown: View) -> View:
    word = shown[-1][1]
    for intid in _written_active(model):
        word |= 1 << intid - 32
    return _patched(shown, len(shown) - 1, 1, word)


def _stale(model: Model, operation: Operation, before: View) -> bool:
    cpu = int(operation[1])
    if not _deactivated(model, operation, before):
        return False
    now = model.view()
    field = _FIELD[2]
    line = before[cpu][field["MISR"]] != 0 and before[cpu][field["HCR"]] & 1 != 0
    return line == model.gic.maintenance(cpu) and any(
        before[cpu][field[name]] != now[cpu][field[name]] for name in ("HPPIR", "IRQ")
    )


def _shows_stale(model: Model, operation: Operation, before: View, shown: View) -> View:
    cpu = int(operation[1])
    for name in ("HPPIR", "IRQ"):
        index = _FIELD[2][name]
        shown = _patched(shown, cpu, index, before[cpu][index])
    return shown


_V2_ON: list[Operation] = [("vmcr", 0, _V2_VMCR), ("hcr", 0, 1)]
_GUEST = frozenset({"veoir", "vdir"})

_GICV2 = [
    Excuse(
        "spi-active-per-cpu", DEPARTURE,
        "an SPI made active by ISACTIVER is active once for each of eight CPUs, of which a"
        " deactivation clears one (IHI0048 section 3.2.4: there is one active state)",
        "7.2", 2, frozenset({"eoir", "dir", "veoir", "vdir"}),
        lambda model, operation, before: bool(_written_active(model)),
        [("eoimode", 0, 1), ("active", 0, 37, 1), ("dir", 0, 37)],
        _shows_still_active,
        lambda model, operation: [
            ("active", 0, intid, 0) for intid in _written_active(model)
        ],
        versions=("7.",),
    ),
    Excuse(
        "hw-deactivation-not-evaluated", DEPARTURE,
        "after a deactivation through a List Register neither HPPIR nor the interrupt signal is"
        " looked at again (IHI0048 section 5.2.1)",
        "7.2 and 10.0", 2, _GUEST, _stale,
        [*_V2_ON, ("enable", 0, 27, 1), ("line", 0, 27, 1), ("eoimode", 0, 1), ("iar", 0),
         ("eoir", 0, 27), ("lr", 0, 0, _V2_LR | 1 << 31 | 1 << 28 | 27 << 10 | 77), ("viar", 0),
         ("veoir", 0, 77)],
        _shows_stale,
        lambda model, operation: [
            ("nudge", int(operation[1]), model.gic.cpuifs[int(operation[1])].pmr)
        ],
    ),
    Excuse(
        "hppir-needs-priority-mask", DEPARTURE,
        "GICC_HPPIR shows 1023 for a pending interrupt that the priority mask holds back"
        " (IHI0048 section 4.4.8: the mask does not matter)",
        "7.2 and 10.0", 2, frozenset(), _never,
        [("pmr", 0, 0x40), ("enable", 0, 27, 1), ("line", 0, 27, 1)], stands=_masked_hppir,
    ),
    Excuse(
        "virtual-hppir-needs-priority-mask", DEPARTURE,
        "GICV_HPPIR shows 1023 for a List Register that the guest's priority mask holds back, and"
        " while GICH_HCR.En is 0 (IHI0048 section 5.5.7)",
        "7.2 and 10.0", 2, frozenset(), _never,
        [*_V2_ON, ("vpmr", 0, 0x40), ("lr", 0, 0, _V2_LR | 1 << 28 | 77)],
        stands=_masked_virtual_hppir,
    ),
    Excuse(
        "guest-eoir-other-priority-v2", DEPARTURE,
        "a guest's EOIR deactivates the List Register that is active for the vINTID whatever"
        " priority was dropped, or none; in GICv3 QEMU only drops, and so does the model in both"
        " (UNPREDICTABLE: IHI0048 section 5.2.3)",
        "7.2 and 10.0", 2, frozenset(), _never,
        [*_V2_ON, ("lr", 0, 0, _V2_LR | 2 << 28 | 77), ("veoir", 0, 77)], avoided=True,
    ),
    Excuse(
        "two-list-registers-one-vintid-v2", DEPARTURE,
        "of two pending List Registers with one vINTID the lower one is activated, even if the"
        " other has the higher priority (UNPREDICTABLE: IHI0048 section 5.2.4)",
        "7.2 and 10.0", 2, frozenset(), _never,
        [*_V2_ON, ("lr", 0, 0, 0x18 << 23 | 1 << 28 | 77), ("lr", 0, 1, 0x8 << 23 | 1 << 28 | 77),
         ("viar", 0)], avoided=True,
    ),
    Excuse(
        "preemption-without-group-mask", DEPARTURE,
        "the running priority is compared as it is, not by the bits that the binary point of the"
        " pending interrupt leaves; it shows when a binary point changes while a priority is"
        " active, or differs between the groups (IHI0048 section 3.3.3)",
        "7.2 and 10.0", 2, frozenset(), _never,
        [("hcr", 0, 1), ("vmcr", 0, _V2_VMCR | 7 << 21), ("apr", 0, 0, 1 << 28),
         ("lr", 0, 0, 1 << 28 | 77)], avoided=True,
    ),
    Excuse(
        "disabled-group-blocks", DEPARTURE,
        "a pending List Register of a group that the guest has disabled is still the first to be"
        " presented, and keeps others from it (IHI0048 section 5.2.2)",
        "7.2 and 10.0", 2, frozenset(), _never,
        [("hcr", 0, 1), ("vmcr", 0, _V2_VMCR & ~2), ("lr", 0, 0, 1 << 30 | 1 << 28 | 78),
         ("lr", 0, 1, _V2_LR | 1 << 28 | 77)], avoided=True,
    ),
]

#: Every excuse there is.
EXCUSES: list[Excuse] = [
    *_GICV3,
    *_GICV2,
    *_UNPREDICTABLE_GICV3,
    *_unpredictable(3, _V3_LR, _V3_VMCR),
    *_unpredictable(2, _V2_LR, _V2_VMCR),
]


def applicable(gic: int, cpus: int, version: str) -> list[Excuse]:
    """Return the excuses for a GIC version and a version of QEMU."""
    return [excuse for excuse in EXCUSES if excuse.gic == gic and excuse.covers(version)]
