"""The registers behind one virtual CPU interface, and what follows from them at every moment.

IHI0048 chapter 5 (GICH_*, GICV_*), IHI0069 chapter 6 and the ICH_*_EL2 registers.
"""

from model.gic.lr import EMPTY, PENDING, Lr
from model.gic.registers import (
    HCR_CAUSES,
    HCR_EN,
    HCR_EOICOUNT,
    HCR_GROUP_CAUSES,
    HCR_LRENPIE,
    HCR_NPIE,
    HCR_UIE,
    HCR_VGRP0DIE,
    HCR_VGRP0EIE,
    HCR_VGRP1DIE,
    HCR_VGRP1EIE,
    IDLE,
    MISR_EOI,
    MISR_LRENP,
    MISR_NP,
    MISR_U,
    MISR_VGRP0D,
    MISR_VGRP0E,
    MISR_VGRP1D,
    MISR_VGRP1E,
    Vmcr,
    group_mask,
)
from model.part import Part

__all__ = ["NO_LR", "VirtualInterface"]

NO_LR = 0x100 << 8
"""No List Register is exactly Pending: a virtual candidate below every priority."""


class VirtualInterface(Part):
    """The virtual interface of physical CPU ``cpu``: what a VCPU loaded there finds.

    ``hcr`` is GICH_HCR or ICH_HCR_EL2 as a number, EOIcount included. ``apr0`` and ``apr1`` hold
    one bit per active group priority (bit n: priority 8 * n); GICv2 has one register, ``apr0``.

    Derived: ``best`` is the List Register to be presented, as priority, index (7 bits) and group;
    ``takeable`` says whether an acknowledge would take it; ``signal`` is the virtual IRQ and
    ``fiq`` the virtual FIQ; ``running`` is the guest's running priority (0xFF when idle);
    ``elrsr``, ``eisr`` and ``misr`` are the registers of those names, ``valid`` how many List
    Registers are not inactive, ``pending`` whether one is exactly Pending, and ``maintenance`` the
    level of the maintenance interrupt.
    """

    FIELDS = ("lrs", "hcr", "vmcr", "apr0", "apr1")
    CACHES = (
        "best", "takeable", "signal", "fiq", "running", "mask0", "mask1",
        "elrsr", "eisr", "valid", "pending", "misr", "maintenance",
    )  # fmt: skip
    __slots__ = (*FIELDS, *CACHES, "cpu", "version")

    lrs: tuple[Lr, ...]
    hcr: int
    vmcr: Vmcr
    apr0: int
    apr1: int
    best: int
    takeable: bool
    signal: bool
    fiq: bool
    running: int
    mask0: int
    mask1: int
    elrsr: int
    eisr: int
    valid: int
    pending: bool
    misr: int
    maintenance: bool

    def __init__(self, cpu: int, version: int, lrs: int) -> None:
        super().__init__()
        self.cpu = cpu
        self.version = version
        self.lrs = (EMPTY,) * lrs
        self.hcr = 0
        self.vmcr = Vmcr(enable0=version == 2)
        self.apr0 = self.apr1 = 0
        self.derive()

    def derive(self) -> None:
        """Recompute all derived values, the preemption masks of the groups included."""
        vmcr = self.vmcr
        self.mask0 = group_mask(0, vmcr.bpr0, vmcr.bpr1)
        self.mask1 = group_mask(1, vmcr.bpr0, vmcr.bpr1, vmcr.cbpr)
        self.refresh()

    def refresh(self) -> None:
        """Recompute all that follows from the List Registers, but not the preemption masks.

        ELRSR: empty and free, that is inactive and not waiting to report an EOI. EISR: inactive,
        software-owned, with the EOI bit. Only a List Register that is exactly Pending can be
        presented; of equal priorities the lowest index wins (IMPLEMENTATION DEFINED).
        """
        vmcr = self.vmcr
        lrs = self.lrs
        elrsr = (1 << len(lrs)) - 1
        eisr = valid = 0
        pending = False
        best = NO_LR
        for index, lr in enumerate(lrs):
            if lr is EMPTY:
                continue
            state = lr.state
            if not state:
                if lr.eoi and not lr.hw:
                    eisr |= 1 << index
            else:
                valid += 1
                elrsr ^= 1 << index
                if state == PENDING:
                    pending = True
                    group = lr.group
                    if vmcr.enable1 if group else vmcr.enable0:
                        candidate = lr.priority << 8 | index << 1 | group
                        if candidate < best:
                            best = candidate
        self.elrsr = elrsr ^ eisr
        self.eisr = eisr
        self.valid = valid
        self.pending = pending
        self.best = best
        self.refresh_signal()

    def refresh_signal(self) -> None:
        """Recompute what is signalled, after a change of HCR, APR or the priority mask.

        The virtual interrupt needs HCR.En; the guest's enables are in ``best`` already.
        """
        hcr = self.hcr
        best = self.best
        apr = self.apr0 | self.apr1
        self.running = running = ((apr & -apr).bit_length() - 1) << 3 if apr else IDLE
        takeable = False
        if hcr & HCR_EN and best != NO_LR:
            limit = self.vmcr.pmr
            if apr:
                limit = min(limit, running & (self.mask1 if best & 1 else self.mask0))
            takeable = best >> 8 < limit
        self.takeable = takeable
        self.signal = takeable and (self.version == 2 or bool(best & 1))
        self.fiq = takeable and not self.signal
        if self.eisr or hcr & HCR_CAUSES:
            self.refresh_maintenance()
        else:
            self.misr = 0
            self.maintenance = False

    def refresh_maintenance(self) -> None:
        """Recompute GICH_MISR or ICH_MISR_EL2 and the level of the maintenance interrupt.

        MISR shows causes even while the interface is off; the interrupt needs HCR.En.
        """
        hcr = self.hcr
        misr = MISR_EOI if self.eisr else 0
        if hcr & HCR_UIE and self.valid < 2:
            misr |= MISR_U
        if hcr & HCR_LRENPIE and hcr & HCR_EOICOUNT:
            misr |= MISR_LRENP
        if hcr & HCR_NPIE and not self.pending:
            misr |= MISR_NP
        if hcr & HCR_GROUP_CAUSES:
            vmcr = self.vmcr
            if vmcr.enable0:
                misr |= MISR_VGRP0E if hcr & HCR_VGRP0EIE else 0
            else:
                misr |= MISR_VGRP0D if hcr & HCR_VGRP0DIE else 0
            if vmcr.enable1:
                misr |= MISR_VGRP1E if hcr & HCR_VGRP1EIE else 0
            else:
                misr |= MISR_VGRP1D if hcr & HCR_VGRP1DIE else 0
        self.misr = misr
        self.maintenance = bool(misr and hcr & HCR_EN)
